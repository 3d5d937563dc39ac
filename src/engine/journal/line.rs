//! One line of the journal: an event in its envelope, chained to the line before it by SHA-256.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::{event::Event, inputs::Inputs};

/// The format of the lines; a journal of another format is refused, never guessed at.
pub const FORMAT: u32 = 1;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    pub format: u32,
    /// SHA-256 (hex) of the line before, without its line feed; empty in the first line.
    pub prev: String,
    pub site: String,
    pub run: String,
    /// With an intent and with an outcome: the plan values the step depends on, as digests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// Nested, not flattened: events have fields of the same names.
    pub record: Event,
}

/// The chain value of a line (without its line feed).
pub fn digest(line: &[u8]) -> String {
    hex(&Sha256::digest(line))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
