//! As many plans as wanted: the example's, each with addresses and names of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use voyager::plan::{CheckOptions, check_bytes, template::write_filled};

use super::Result;

/// Writes the plans, each in a folder of its own, and the media that all of them share.
pub fn write(folder: &Path, count: usize) -> Result<Vec<PathBuf>> {
    let example = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plan.xlsx"))?;
    let cells = check_bytes(&example, "plan.xlsx", &CheckOptions::default()).cells;
    let mut plans = Vec::new();
    for number in 1..=count {
        let home = folder.join(format!("cluster-{number:03}"));
        fs::create_dir(&home)?;
        // The third bytes of 10.40 and 10.42 differ, so that one second byte serves for both.
        let own = |text: &String| {
            let network = format!("10.{number}.");
            text.replace("10.40.", &network)
                .replace("10.42.", &network)
                .replace("QS-SZ-SMTX", &format!("QS-{number:03}-SMTX"))
        };
        let values: Vec<_> = cells.iter().map(|(cell, text)| (cell.clone(), own(text))).collect();
        let plan = home.join("plan.xlsx");
        write_filled(&plan, &values).map_err(|failure| format!("{failure:?}"))?;
        plans.push(plan);
    }
    media(&folder.join("media"))?;
    Ok(plans)
}

/// Beside each plan: the way to its site.
pub fn configure(plans: &[PathBuf], proxies: &[String]) -> Result<()> {
    for (plan, proxy) in plans.iter().zip(proxies) {
        let text =
            format!("[run]\nproxy = \"{proxy}\"\nmedia = \"../media\"\n[limits]\nsilent_probe = \"1s\"\n");
        fs::write(plan.with_file_name("voyager.toml"), text)?;
    }
    Ok(())
}

/// Files of two chunks and a little more; what they hold matters to nobody.
fn media(folder: &Path) -> Result<()> {
    fs::create_dir(folder)?;
    const IMAGE: usize = 2 * (8 << 20) + 4096;
    const PACKAGE: usize = 2 * (4 << 20) + 4321;
    for (name, size) in [
        ("SMTX_VMTOOLS-4.1.0-2601010000.iso", IMAGE),
        ("cloudtower-v4.7.1.oe2003.x86_64.iso", IMAGE),
        ("Observability-X86_64-v1.4.1-release.20250901-77.tar.gz", PACKAGE),
        ("smtx-backup-dr-x86_64-2.2.0.tar.gz", PACKAGE),
        ("SFS-X86_64-v1.1.0-release.20250801-12.tar.gz", IMAGE),
        ("SKS-X86_64-v1.5.0-release.20250715-8.tar.gz", 45_678),
        ("ER-X86_64-v3.2.0-release.20250620-21.tar.gz", 56_789),
    ] {
        let mut bytes = vec![0; size];
        if name.ends_with(".iso") {
            // The volume descriptor of an ISO 9660 image of that length (ECMA-119 §8.4).
            let descriptor = &mut bytes[16 * 2048..];
            descriptor[..6].copy_from_slice(b"\x01CD001");
            descriptor[80..84].copy_from_slice(&u32::try_from(size / 2048)?.to_le_bytes());
            descriptor[128..130].copy_from_slice(&2048u16.to_le_bytes());
        } else {
            bytes[..2].copy_from_slice(b"\x1f\x8b");
        }
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
