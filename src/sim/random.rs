//! Numbers from a seed: the same seed and the same names give the same identifiers and choices.

use sha2::{Digest, Sha256};

/// 32 bytes that depend on nothing but the seed and the parts of a name.
pub fn bytes(seed: u64, name: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    for part in name {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// A UUID of the given version (1 for hosts, 4 for everything else: site-behaviour §12).
pub fn uuid(seed: u64, version: u8, name: &[&str]) -> String {
    let all = bytes(seed, name);
    let mut id = [0; 16];
    id.copy_from_slice(&all[..16]);
    id[6] = (id[6] & 0x0f) | (version << 4);
    id[8] = (id[8] & 0x3f) | 0x80;
    uuid::Uuid::from_bytes(id).to_string()
}

/// `len` characters (at most 32) out of `alphabet`.
pub fn text(seed: u64, alphabet: &[u8], len: usize, name: &[&str]) -> String {
    let all = bytes(seed, name);
    all.iter().take(len).map(|b| char::from(alphabet[usize::from(*b) % alphabet.len()])).collect()
}

/// Lower-case hexadecimal digits of the first `len` bytes.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A fraction in 0..1.
pub fn fraction(seed: u64, name: &[&str]) -> f64 {
    let all = bytes(seed, name);
    f64::from(u32::from_be_bytes([all[0], all[1], all[2], all[3]])) / (f64::from(u32::MAX) + 1.0)
}

/// One of `choices`, which must not be empty.
pub fn pick<'a, T>(seed: u64, choices: &'a [T], name: &[&str]) -> &'a T {
    &choices[usize::from(bytes(seed, name)[0]) % choices.len()]
}
