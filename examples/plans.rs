//! Makes the made-up workbooks of this folder: `cargo run --example plans`. The same bytes come out on every run.

use std::{error::Error, path::Path};

use voyager::plan::{CellRef, template::write_filled};

/// Values by sheet: cell and text, one pair a word.
type Sheets<'a> = &'a [(&'a str, &'a [(&'a str, &'a str)])];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    write(&folder.join("plan.xlsx"), SEPARATE, 3, "10.40.8", "10.40.9", "10.40.7", "QS-SZ")?;
    write(
        &folder.join("plan-storage-separate.xlsx"),
        STORAGE_SEPARATE,
        5,
        "10.60.1",
        "10.60.2",
        "10.60.7",
        "HB-CD",
    )
}

fn write(
    path: &Path,
    sheets: Sheets,
    hosts: u32,
    mgmt: &str,
    storage: &str,
    bmc: &str,
    site: &str,
) -> Result<(), Box<dyn Error>> {
    let mut values = Vec::new();
    for (sheet, cells) in sheets {
        for (a1, text) in *cells {
            let cell = CellRef::parse(&format!("{sheet}!{a1}")).ok_or("no cell reference")?;
            values.push((cell, (*text).to_owned()));
        }
    }
    for n in 1..=hosts {
        let mut host = |column, text: String| values.push((CellRef::new("主机规划", n + 2, column), text));
        host(5, format!("{bmc}.{}", 10 + n));
        host(6, "admin".into());
        host(7, format!("{site}-bmc-2026"));
        host(8, format!("{site}-SMTX-Node-{n:02}"));
        host(9, format!("{mgmt}.{}", 10 + n));
        host(11, format!("{site}-smartx-2026"));
        host(13, format!("{site}-root-2026"));
        host(14, format!("{storage}.{}", 10 + n));
        host(16, format!("R{:02}", n.div_ceil(2)));
        host(17, if n % 2 == 1 { "10" } else { "14" }.into());
    }
    write_filled(path, &values).map_err(|failure| format!("{failure:?}").into())
}

/// Three hosts, three networks on switches of their own, tiered disks.
const SEPARATE: Sheets = &[
    ("文档描述", &[("C15", "青松精密制造"), ("C16", "生产超融合一期"), ("C17", "QS-SZ-DC1")]),
    (
        "虚拟网络",
        &[
            ("B3", "QS-SZ-SMTX-Prod-Cls01"),
            ("F3", "0"),
            ("H3", "10.40.7.0/24"),
            ("I3", "10.40.7.254"),
            ("F4", "0"),
            ("H4", "10.40.8.0/24"),
            ("I4", "10.40.8.254"),
            ("J4", "eno1,eno2"),
            ("F6", "0"),
            ("H6", "10.40.9.0/24"),
            ("J6", "ens1f0,ens1f1"),
            ("D8", "VLAN-210"),
            ("F8", "210"),
            ("H8", "10.42.10.0/24"),
            ("I8", "10.42.10.254"),
            ("J8", "ens2f0,ens2f1"),
            ("K8", "balance-slb"),
            ("D9", "VLAN-211"),
            ("F9", "211"),
            ("H9", "10.42.11.0/24"),
            ("I9", "10.42.11.254"),
            ("D10", "VLAN-220"),
            ("F10", "220"),
            ("H10", "10.42.20.0/23"),
            ("I10", "10.42.21.254"),
            ("D11", "VLAN-230"),
            ("F11", "230"),
            ("H11", "10.42.30.0/24"),
            ("I11", "10.42.30.254"),
        ],
    ),
    (
        "主机规划",
        &[
            ("C19", "版本:6.2.0P4"),
            ("I19", "10.40.8.10"),
            ("M19", "QS-SZ-cluster-2026"),
            ("O19", "Boost"),
            ("Q19", "混闪-分层"),
            ("Q20", "三网独立"),
        ],
    ),
    (
        "集群管理信息",
        &[
            ("E3", "10.40.8.20"),
            ("G3", "HC!r0cks"),
            ("I3", "HC!r0cks"),
            ("E4", "10.40.8.21"),
            ("I4", "QS-SZ-o11y-2026"),
            ("E5", "10.40.8.22"),
            ("I5", "QS-SZ-bak-2026"),
            ("E18", "10.40.8.200"),
            ("E19", "10.40.8.209"),
            ("E22", "10.40.1.11"),
            ("E23", "10.40.1.12"),
            ("E24", "ntp.qingsong.example"),
            ("E25", "10.40.1.53"),
            ("E26", "10.40.1.54"),
        ],
    ),
];

/// Five hosts, business networks on the management switch, tagged VLANs, all-flash, components in a segment of their own.
const STORAGE_SEPARATE: Sheets = &[
    ("文档描述", &[("C15", "海滨城市银行"), ("C16", "灾备中心"), ("C17", "HB-CD-DC2")]),
    (
        "虚拟网络",
        &[
            ("B3", "HB-CD-SMTX-DR-Cls01"),
            ("F3", "0"),
            ("H3", "10.60.7.0/24"),
            ("I3", "10.60.7.1"),
            ("F4", "1020"),
            ("H4", "10.60.1.0/25"),
            ("I4", "10.60.1.1"),
            ("J4", "ens224,ens192"),
            ("K4", "balance-tcp"),
            ("L4", "25G"),
            ("N4", "Trunk"),
            ("F5", "1030"),
            ("H5", "10.60.3.0/26"),
            ("I5", "10.60.3.1"),
            ("N5", "Trunk"),
            ("F6", "1021"),
            ("H6", "10.60.2.0/24"),
            ("J6", "ens256,ens161"),
            ("N6", "Trunk"),
            ("D8", "VLAN-1101"),
            ("F8", "1101"),
            ("H8", "10.61.1.0/24"),
            ("I8", "10.61.1.1"),
            ("D9", "VLAN-1102"),
            ("F9", "1102"),
            ("H9", "10.61.2.0/24"),
            ("I9", "10.61.2.1"),
        ],
    ),
    (
        "主机规划",
        &[
            ("C19", "版本:6.2.0P4"),
            ("I19", "10.60.1.10"),
            ("M19", "HB-CD-cluster-2026"),
            ("O19", "None"),
            ("Q19", "全闪-不分层"),
            ("Q20", "存储独立"),
        ],
    ),
    (
        "集群管理信息",
        &[
            ("E3", "10.60.3.20"),
            ("G3", "HC!r0cks"),
            ("I3", "HC!r0cks"),
            ("E4", "10.60.3.21"),
            ("I4", "HB-CD-o11y-2026"),
            ("E5", "10.60.3.22"),
            ("I5", "HB-CD-bak-2026"),
            ("E6", "10.60.3.30"),
            ("E7", "10.60.3.31"),
            ("E8", "10.60.3.32"),
            ("E9", "10.60.3.33"),
            ("E18", "10.60.1.100"),
            ("E19", "10.60.1.109"),
            ("E22", "10.60.9.11"),
            ("E23", "10.60.9.12"),
            ("E24", "10.60.9.13"),
            ("E25", "10.60.9.53"),
        ],
    ),
];
