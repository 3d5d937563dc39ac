//! What a scenario can change about packages.

use serde::{Deserialize, Serialize};

/// `[site.tower.packages]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PackageQuirks {
    /// Registered right after the installation.
    pub present: Vec<OldPackage>,
    pub everoute: Vec<OldEveroute>,
    /// What a new upload is told instead of the chunk size that it asks for; by REST instead of 8 MiB.
    pub chunk_size: Option<u64>,
    /// By REST no package is taken.
    pub rest_refusal: Option<RestRefusal>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldPackage {
    /// As the server calls it, such as `iomesh-backup`.
    pub name: String,
    pub version: String,
    /// `X86_64` or `AARCH64`.
    pub architecture: String,
    #[serde(default)]
    pub filename: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldEveroute {
    pub version: String,
    pub architecture: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestRefusal {
    /// What the server says, with status 400.
    pub message: String,
    /// So many chunks are taken before.
    #[serde(default)]
    pub after_chunks: u64,
}

/// A chunk that is not the next one (§3.2: nothing is known).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChunkOrder {
    #[default]
    Refused,
    /// Added to the end all the same: the package is damaged and nobody says so.
    Appended,
}

/// A package of a name, version and architecture that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondPackage {
    /// Its upload ends FAILED.
    #[default]
    Refused,
    Twin,
}
