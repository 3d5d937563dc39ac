//! CloudTower's identifiers: `c`, eight base-36 digits of milliseconds, sixteen of [a-z0-9] (site-behaviour §12).

use super::super::{clock::Moment, random, site::State};

const ALPHABET: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The identifier of a thing created at `at`; the same name gives the same one.
pub fn cuid(seed: u64, at: Moment, name: &[&str]) -> String {
    let mut millis = at.epoch_millis().unsigned_abs();
    let mut digits = [b'0'; 8];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[usize::try_from(millis % 36).unwrap_or(0)];
        millis /= 36;
    }
    format!("c{}{}", String::from_utf8_lossy(&digits), random::text(seed, ALPHABET, 16, name))
}

impl State {
    /// A new identifier.
    pub fn new_cuid(&mut self, now: Moment) -> String {
        self.tower.created += 1;
        let (twin, number) = (self.twin_id.clone(), self.tower.created.to_string());
        cuid(self.seed(), now, &["cuid", &twin, &number])
    }

    /// The identifier of something that CloudTower learned from a cluster.
    pub fn learned_id(&self, at: Moment, kind: &str, cluster: &str, name: &str) -> String {
        cuid(self.seed(), at, &["learned", kind, cluster, name])
    }
}
