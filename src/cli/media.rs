//! Which media folder a run works with; rehearsals without one get stand-ins.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::config::Config;
use crate::{
    digest,
    failure::{Failure, Result},
    messages::message,
    plan::{Located, Plan},
};

/// Bytes of a chunk that the site usually announces for an image.
const IMAGE_CHUNK: u64 = 8 << 20;
/// Bytes of a chunk of a package that CloudTower takes (api-applications §§2.4, 3.2).
const PACKAGE_CHUNK: u64 = 4 << 20;

/// Bytes of a package that goes in one chunk, or is not sent at all.
const SMALL: u64 = (1 << 20) + 4321;

/// Every so many bytes a stand-in says where it is; the rest is zero and takes no space on most disks.
const MARK_EVERY: u64 = 64 << 10;

/// The folder given as an option, else the one of the configuration.
pub fn folder(option: Option<&Path>, config: &Config) -> Option<PathBuf> {
    let configured = Some(config.run.media.as_path()).filter(|path| !path.as_os_str().is_empty());
    option.or(configured).map(Path::to_owned)
}

/// A file in place of a real one.
struct StandIn {
    /// By the grammars of `templates/packages/`.
    name: String,
    bytes: u64,
    looks: Looks,
}

/// What a stand-in is taken for.
#[derive(Clone, Copy)]
enum Looks {
    Iso,
    Gzip,
}

/// Three chunks each, the last of them shorter, or a single one. What the plan gives a version has that one.
fn stand_ins(plan: &Plan) -> Vec<StandIn> {
    let three =
        |name: String, chunk: u64, looks| StandIn { name, bytes: 2 * chunk + chunk / 8 + 4321, looks };
    let tower = version(plan.cloudtower.version.as_ref(), "4.6.2");
    let observability = version(plan.observability.version.as_ref(), "1.4.2");
    let backup = version(plan.backup.version.as_ref(), "1.2.0");
    let small = |name: &str| StandIn { name: name.to_owned(), bytes: SMALL, looks: Looks::Gzip };
    vec![
        three("SMTX_VMTOOLS-0.0.0-1.iso".to_owned(), IMAGE_CHUNK, Looks::Iso),
        three(format!("cloudtower-v{tower}.oe2003.x86_64.iso"), IMAGE_CHUNK, Looks::Iso),
        three(
            format!("Observability-X86_64-v{observability}-release.20250901-77.tar.gz"),
            PACKAGE_CHUNK,
            Looks::Gzip,
        ),
        three(format!("smtx-backup-dr-x86_64-{backup}.tar.gz"), PACKAGE_CHUNK, Looks::Gzip),
        // By the REST interface, whose chunks are as long as those of images.
        three("SFS-X86_64-v1.1.0-release.20250801-12.tar.gz".to_owned(), IMAGE_CHUNK, Looks::Gzip),
        small("SKS-X86_64-v1.5.0-release.20250715-8.tar.gz"),
        small("ER-X86_64-v3.2.0-release.20250620-21.tar.gz"),
    ]
}

/// The planned version where it is made of numbers.
fn version<'p>(planned: Option<&'p Located<String>>, otherwise: &'static str) -> &'p str {
    let planned = planned.map(|version| version.value.trim_start_matches(['v', 'V']));
    let numbers = |version: &&str| version.split('.').all(|part| part.parse::<u32>().is_ok());
    planned.filter(numbers).unwrap_or(otherwise)
}

/// Makes stand-ins for all images in `folder`; the same bytes every time, so that a resumed upload goes on.
pub fn stand_in(folder: &Path, plan: &Plan) -> Result<()> {
    let make = |StandIn { name, bytes, looks }: &StandIn| -> io::Result<()> {
        let path = folder.join(name);
        fs::create_dir_all(folder)?;
        if fs::metadata(&path).is_ok_and(|known| known.len() == *bytes) {
            return Ok(());
        }
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        fill(file.as_file_mut(), name, *bytes, *looks)?;
        file.persist(path)?;
        Ok(())
    };
    stand_ins(plan).iter().try_for_each(|file| {
        make(file).map_err(|error| {
            let doing = message("cli.media.stand-in", &[]);
            Failure::on_disk(doing, folder.join(&file.name).display(), &error)
        })
    })
}

/// The primary volume descriptor of an ISO 9660 image lies in sector 16 of 2 KiB (ECMA-119 §8.4).
const SECTOR: u16 = 2048;
const DESCRIPTOR: u64 = 16 * SECTOR as u64;

/// How a gzip file begins (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// No two marks are alike, so a chunk in the wrong place changes the digest.
fn fill(file: &mut File, name: &str, bytes: u64, looks: Looks) -> io::Result<()> {
    for at in (0..bytes).step_by(usize::try_from(MARK_EVERY).map_err(io::Error::other)?) {
        file.seek(SeekFrom::Start(at))?;
        writeln!(file, "{name} {at}")?;
    }
    match looks {
        Looks::Iso => describe(file, bytes)?,
        Looks::Gzip => {
            file.rewind()?;
            file.write_all(&GZIP)?;
        }
    }
    file.set_len(bytes)
}

/// Writes the header of an ISO 9660 image of so many bytes.
fn describe(file: &mut File, bytes: u64) -> io::Result<()> {
    let mut descriptor = [0; 132];
    descriptor[..6].copy_from_slice(b"\x01CD001");
    let sectors = u32::try_from(bytes / u64::from(SECTOR)).map_err(io::Error::other)?;
    descriptor[80..84].copy_from_slice(&sectors.to_le_bytes());
    descriptor[128..130].copy_from_slice(&SECTOR.to_le_bytes());
    file.seek(SeekFrom::Start(DESCRIPTOR))?;
    file.write_all(&descriptor)
}

/// The SHA-256 of a file of the media folder in hexadecimal, if it can be read.
pub fn sha256(folder: &Path, name: &str) -> Option<String> {
    digest::sha256(&folder.join(name)).ok().map(|(_, sha256)| sha256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn stand_ins_are_three_chunks_or_one_and_the_same_every_time() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plan.xlsx")).unwrap();
        let plan = plan::check_bytes(&bytes, "plan.xlsx", &plan::CheckOptions::default()).plan.unwrap();
        stand_in(first.path(), &plan).unwrap();
        stand_in(second.path(), &plan).unwrap();
        for StandIn { name, bytes, looks } in &stand_ins(&plan) {
            let image = matches!(looks, Looks::Iso) || name.starts_with("SFS-");
            let chunk = if image { IMAGE_CHUNK } else { PACKAGE_CHUNK };
            assert!(*bytes == SMALL || bytes.div_ceil(chunk) == 3, "{name}");
            assert_eq!(fs::metadata(first.path().join(name)).unwrap().len(), *bytes);
            assert_eq!(sha256(first.path(), name), sha256(second.path(), name));
        }
        assert_eq!(
            fs::read_dir(first.path()).unwrap().count(),
            stand_ins(&plan).len(),
            "nothing else is left"
        );
    }
}
