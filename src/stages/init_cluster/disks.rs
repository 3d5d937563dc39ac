//! Which disk does what: the role table of planning-sheet §6.3.

use crate::{
    messages::message,
    plan::model::StorageArchitecture,
    stages::hardware::{Disk, Hardware},
    text::Text,
};

/// The disks of one host as the deployment will use them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub media: Media,
    /// Without the boot disk; `function` re-assigned.
    pub disks: Vec<Disk>,
    pub data_with_cache: bool,
    pub faster_ssd_as_cache: bool,
}

/// The row of the table a host falls into. All hosts of a cluster should share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Ssd,
    Nvme,
    SsdHdd,
    NvmeSsd,
    NvmeHdd,
    /// Works tiered, and is worth a warning.
    NvmeSsdHdd,
    Hdd,
    None,
}

impl Media {
    /// As the operator reads it: the product names are the same in every language.
    pub fn name(self) -> Text {
        match self {
            Self::Ssd => Text::same("SSD"),
            Self::Nvme => Text::same("NVMe"),
            Self::SsdHdd => Text::same("SSD + HDD"),
            Self::NvmeSsd => Text::same("NVMe + SSD"),
            Self::NvmeHdd => Text::same("NVMe + HDD"),
            Self::NvmeSsdHdd => Text::same("NVMe + SSD + HDD"),
            Self::Hdd => Text::same("HDD"),
            Self::None => message("stages.disks.none", &[]),
        }
    }
}

/// The layout of a host, or the row of the table that its architecture forbids.
pub fn layout(host: &Hardware, architecture: StorageArchitecture) -> Result<Layout, Media> {
    let kept: Vec<&Disk> = host.disks.iter().filter(|disk| stays(disk)).collect();
    let media = media(kept.iter().copied().filter(|disk| takes_part(disk)));
    let tiered = architecture == StorageArchitecture::Tiered;
    let cache: fn(&Disk) -> bool = match media {
        Media::Ssd | Media::Nvme => |_| false,
        Media::SsdHdd if tiered => |disk| disk.kind == "SSD",
        Media::NvmeSsd | Media::NvmeHdd | Media::NvmeSsdHdd if tiered => is_nvme,
        _ => return Err(media),
    };
    let single_tier = matches!(media, Media::Ssd | Media::Nvme);
    let disks = kept.into_iter().map(|disk| with_role(disk, cache)).collect();
    Ok(Layout { media, disks, data_with_cache: single_tier, faster_ssd_as_cache: true })
}

fn with_role(disk: &Disk, cache: fn(&Disk) -> bool) -> Disk {
    let mut disk = disk.clone();
    if takes_part(&disk) {
        disk.function = if cache(&disk) { "cache" } else { "data" }.to_owned();
    }
    disk
}

/// Recorded payloads never hold the boot disk.
fn stays(disk: &Disk) -> bool {
    matches!(disk.function.as_str(), "cache" | "data" | "smtx_system")
}

fn takes_part(disk: &Disk) -> bool {
    disk.function != "smtx_system"
}

/// The scan reports NVMe disks as `SSD`; only the drive name tells them apart.
fn is_nvme(disk: &Disk) -> bool {
    disk.drive.starts_with("nvme")
}

fn media<'a>(disks: impl Iterator<Item = &'a Disk>) -> Media {
    let (mut nvme, mut ssd, mut hdd) = (false, false, false);
    for disk in disks {
        match disk.kind.as_str() {
            "HDD" => hdd = true,
            _ if is_nvme(disk) => nvme = true,
            _ => ssd = true,
        }
    }
    match (nvme, ssd, hdd) {
        (false, false, false) => Media::None,
        (false, false, true) => Media::Hdd,
        (false, true, false) => Media::Ssd,
        (true, false, false) => Media::Nvme,
        (false, true, true) => Media::SsdHdd,
        (true, true, false) => Media::NvmeSsd,
        (true, false, true) => Media::NvmeHdd,
        (true, true, true) => Media::NvmeSsdHdd,
    }
}

#[cfg(test)]
mod tests {
    use StorageArchitecture::{Tiered, Untiered};

    use super::*;

    /// `boot`, `nvme`, `ssd`, `hdd` or `system`, one disk each.
    fn host(kinds: &[&str]) -> Hardware {
        let disk = |(index, kind): (usize, &&str)| Disk {
            drive: if *kind == "nvme" { format!("nvme{index}n1") } else { format!("sd{index}") },
            // Whatever the scan says: an earlier deployment leaves its roles behind.
            function: match *kind {
                "boot" => "boot",
                "system" => "smtx_system",
                _ => "data",
            }
            .to_owned(),
            model: String::new(),
            serial: "twin".to_owned(),
            size: 1,
            kind: if *kind == "hdd" { "HDD" } else { "SSD" }.to_owned(),
        };
        Hardware {
            host_uuid: String::new(),
            serial: String::new(),
            version: String::new(),
            arch: "x86_64".to_owned(),
            nics: Vec::new(),
            disks: kinds.iter().enumerate().map(disk).collect(),
        }
    }

    fn roles(kinds: &[&str], architecture: StorageArchitecture) -> String {
        match layout(&host(kinds), architecture) {
            Err(media) => format!("{media:?}"),
            Ok(layout) => {
                let roles: Vec<_> = layout.disks.iter().map(|disk| disk.function.as_str()).collect();
                format!("{} {} {}", roles.join(" "), layout.data_with_cache, layout.faster_ssd_as_cache)
            }
        }
    }

    #[test]
    fn tiered_hosts_get_the_roles_of_the_table() {
        assert_eq!(roles(&["boot", "ssd", "ssd"], Tiered), "data data true true");
        assert_eq!(roles(&["boot", "nvme", "nvme"], Tiered), "data data true true");
        assert_eq!(roles(&["boot", "ssd", "hdd", "hdd"], Tiered), "cache data data false true");
        assert_eq!(roles(&["boot", "nvme", "ssd"], Tiered), "cache data false true");
        assert_eq!(roles(&["nvme", "boot", "hdd"], Tiered), "cache data false true");
        assert_eq!(roles(&["boot", "nvme", "ssd", "hdd"], Tiered), "cache data data false true");
        assert_eq!(roles(&["boot", "hdd"], Tiered), "Hdd");
        assert_eq!(roles(&["boot"], Tiered), "None");
    }

    #[test]
    fn untiered_hosts_may_hold_one_kind_of_flash_only() {
        assert_eq!(roles(&["boot", "ssd", "ssd"], Untiered), "data data true true");
        assert_eq!(roles(&["boot", "nvme"], Untiered), "data true true");
        assert_eq!(roles(&["boot", "ssd", "hdd"], Untiered), "SsdHdd");
        assert_eq!(roles(&["boot", "nvme", "ssd"], Untiered), "NvmeSsd");
        assert_eq!(roles(&["boot", "nvme", "hdd"], Untiered), "NvmeHdd");
        assert_eq!(roles(&["boot", "nvme", "ssd", "hdd"], Untiered), "NvmeSsdHdd");
        assert_eq!(roles(&["boot", "hdd"], Untiered), "Hdd");
        assert_eq!(roles(&["boot"], Untiered), "None");
    }

    #[test]
    fn a_system_disk_keeps_its_function_and_takes_no_part() {
        assert_eq!(roles(&["boot", "system", "hdd", "ssd"], Tiered), "smtx_system data cache false true");
        assert_eq!(roles(&["boot", "system"], Tiered), "None");
    }
}
