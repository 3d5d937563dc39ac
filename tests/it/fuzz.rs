//! No text in a cell and no byte in a file makes the reader panic.
//!
//! Bounded and with fixed seeds here. The long run: `VOYAGER_FUZZ_RUNS=1000000 cargo test --release --test it fuzz
//! -- --nocapture` (that many texts through every field parser, a tenth as many workbooks).

use std::{
    env, fs,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use voyager::plan::{
    CheckOptions, Severity, Source, cell, check_bytes, fields, formula,
    map::Class,
    normalise,
    write_back::{How, write},
};

use crate::support::{
    workbook::{self, Form, Parts, Value, Workbook},
    workbook_xml,
};

/// How many texts; a debug build does the default in about ten seconds.
fn runs(default: usize) -> usize {
    env::var("VOYAGER_FUZZ_RUNS").map_or(default, |runs| runs.parse().expect("VOYAGER_FUZZ_RUNS is a number"))
}

/// Things a cell holds, and things it should not.
const SEEDS: &[&str] = &[
    "10.40.8.12",
    "10.40.8.0/24",
    "10.40.8.0/255.255.255.0",
    "10.40.8.200-10.40.8.209",
    "fe80::1%eth0",
    "1120",
    "1120.0",
    "VLAN-1120",
    "100-200,300",
    "eno1,ens1f0",
    "ens224、ens192",
    "active-backup",
    "主备",
    "Boost+RDMA",
    "混闪-分层",
    "全闪-不分层",
    "三网独立",
    "管理&业务融合、存储独立",
    "QS-SZ-SMTX-Node-01",
    "ntp.example.com.",
    "版本:6.2.0P4",
    "25G",
    "Access",
    "N/A",
    "虚拟网络!B3",
    "IF(ISNUMBER(Q3),Q3+1,\"\")",
    "文档描述!C15&\"-\"&文档描述!C16",
    "Q3+1",
    "$I$19",
    "_x000D_",
    "1.5E+3",
    "45000",
    "R01",
];

/// What is put between the characters.
const PIECES: &[&str] = &[
    "０",
    "９",
    "。",
    "．",
    "，",
    "；",
    "／",
    "\u{200b}",
    "\u{feff}",
    "\u{a0}",
    "\n",
    "\0",
    "_x0041_",
    "_x",
    "-",
    "--",
    ",",
    ".",
    "/",
    ":",
    "%",
    "!",
    "'",
    "\"",
    "&",
    "(",
    ")",
    "$",
    "+",
    "255",
    "256",
    "4095",
    "99999999999999999999",
    "-1",
    "1e309",
    "NaN",
    "\u{1f600}",
    "ǆ",
    "İ",
    "ﬀ",
    "\u{0301}",
    "\u{202e}",
];

fn pick<'a, T>(random: &mut StdRng, from: &'a [T]) -> &'a T {
    &from[random.random_range(0..from.len())]
}

fn text(random: &mut StdRng) -> String {
    let mut text: Vec<char> = pick(random, SEEDS).chars().collect();
    for _ in 0..random.random_range(0..6) {
        let length = text.len();
        let at = random.random_range(0..=length);
        match random.random_range(0..6) {
            0 if at < length => drop(text.remove(at)),
            1 => text.truncate(at),
            2 => text.extend(pick(random, SEEDS).chars()),
            3 if at < length => text[at] = char::from_u32(random.random_range(0..0x3000)).unwrap_or('?'),
            4 if length > 0 => text.rotate_left(at % length),
            _ => drop(text.splice(at..at, pick(random, PIECES).chars())),
        }
    }
    text.into_iter().collect()
}

/// Puts one text through everything that reads texts, and holds what comes out against its rule.
fn read_everywhere(raw: &str) {
    let classes =
        [Class::Ident, Class::Address, Class::Nics, Class::Number, Class::Name, Class::Text, Class::Secret];
    for class in classes {
        let clean = normalise::clean(class, raw);
        read_as_field(&clean);
        let _ = normalise::is_placeholder(&clean);
    }
    let _ = (normalise::unescape(raw), normalise::number(raw), normalise::label(raw), normalise::fold(raw));
    let _ = (cell::parse_a1(raw), cell::CellRef::parse(raw), formula::moved(raw, 7), formula::moved(raw, -7));
}

fn read_as_field(text: &str) {
    use fields::{address, names, options, switch};
    if let Ok(ip) = address::unicast(text) {
        assert_eq!(address::unicast(&ip.to_string()).ok(), Some(ip), "{text:?}");
    }
    if let Ok(net) = address::cidr(text) {
        assert!((8..=30).contains(&net.prefix_len()), "{text:?}");
    }
    if let Ok(id) = switch::vlan_id(text) {
        assert!(id <= 4094, "{text:?}");
    }
    if let Ok(nics) = switch::nics(text) {
        assert!(nics.iter().all(|nic| (1..=15).contains(&nic.len())), "{text:?}");
    }
    if let Ok(name) = names::hostname(text) {
        assert!(name.len() <= 63 && !name.starts_with('-') && !name.ends_with('-'), "{text:?}");
    }
    if let Ok(unit) = switch::rack_unit(text) {
        assert!((1..=60).contains(&unit), "{text:?}");
    }
    let _ = (address::ipv4(text), address::range(text), address::dns_server(text), address::ntp_server(text));
    let _ = (names::cluster(text), names::switch(text), names::network(text), names::rack(text));
    let _ = (names::follows_advice(text), names::version(text), names::vlan_in_name(text));
    let _ =
        (options::features(text), options::storage_architecture(text), options::network_architecture(text));
    let _ = (switch::bond_mode(text), switch::trunk(text), switch::port_type(text), switch::speed(text));
}

/// For docs/reliability.md, shown with --nocapture.
fn told(executions: usize, what: &str) {
    writeln!(std::io::stderr(), "fuzz: {executions} {what}").unwrap();
}

#[test]
fn no_text_makes_a_field_parser_panic() {
    let mut random = StdRng::seed_from_u64(20_260_105);
    for run in 0..runs(20_000) {
        let text = text(&mut random);
        assert!(catch_unwind(|| read_everywhere(&text)).is_ok(), "run {run}: {text:?}");
    }
    told(runs(20_000), "texts");
}

/// The good workbook in either form.
fn good(run: usize) -> Workbook {
    Workbook::good().form(if run.is_multiple_of(2) { Form::X } else { Form::L })
}

/// Its parts without what nobody reads, so that a change hits something.
fn small(workbook: &Workbook) -> Parts {
    let mut parts = workbook.parts();
    parts.retain(|(name, _)| !name.starts_with("customXml") && !name.starts_with("docProps"));
    parts
}

/// Pieces of XML that mean something to the reader.
const XML: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "\"",
    "&#0;",
    "&amp;",
    "&x;",
    "<!--",
    "]]>",
    "<![CDATA[",
    "<?",
    "t=\"s\"",
    "t=\"str\"",
    "t=\"e\"",
    "t=\"d\"",
    "r=\"XFD1048576\"",
    "r=\"A0\"",
    "r=\"ZZZZ9\"",
    "r=\"\"",
    "<c/>",
    "<row>",
    "<f t=\"shared\" si=\"0\"/>",
    "<f>B3</f>",
    "<v>99999999</v>",
    "<v>-1</v>",
    "<v>1e999</v>",
    "<mergeCell ref=\"A1:XFD1048576\"/>",
    "<is><r><t>x</t></r></is>",
    "<rPh><t>x</t></rPh>",
    "\u{feff}",
    "Target=\"../../..\"",
    "x:",
    "xmlns=\"\"",
    "s=\"-1\"",
];

/// A workbook with other content in its cells, in its XML, or in its bytes.
fn damaged(random: &mut StdRng, run: usize) -> Vec<u8> {
    let mut workbook = good(run);
    if run % 5 < 2 {
        for _ in 0..random.random_range(1..5) {
            let count = workbook.sheets.len();
            let cells = &mut workbook.sheets[random.random_range(1..count)].cells;
            let place = *pick(random, &cells.keys().copied().collect::<Vec<_>>());
            let text = text(random).replace(['\0', '\u{c}'], "");
            let value = match random.random_range(0..8) {
                0 => Value::Number(workbook_xml::escape(&text)),
                1 => Value::Error(workbook_xml::escape(&text)),
                2 => Value::Date("2026-01-05".into()),
                3 => Value::Bool(true),
                4 => Value::Formula { text, cached: None },
                _ => Value::Text(text),
            };
            cells.insert(place, value);
        }
        return workbook::pack(&small(&workbook));
    }
    let mut parts = small(&workbook);
    if run % 5 == 4 {
        let mut bytes = workbook::pack(&parts);
        damage(random, &mut bytes);
        return bytes;
    }
    for _ in 0..random.random_range(1..4) {
        let count = parts.len();
        let content = &mut parts[random.random_range(0..count)].1;
        damage(random, content);
    }
    workbook::pack(&parts)
}

fn damage(random: &mut StdRng, bytes: &mut Vec<u8>) {
    for _ in 0..random.random_range(1..5) {
        let at = random.random_range(0..=bytes.len());
        let to = (at + random.random_range(0..40)).min(bytes.len());
        match random.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 => drop(bytes.drain(at..to)),
            2 => bytes.extend_from_within(at..to),
            3 if random.random_bool(0.1) => bytes.truncate(at),
            4 => drop(bytes.splice(at..at, text(random).into_bytes())),
            _ => drop(bytes.splice(at..at, pick(random, XML).bytes())),
        }
    }
}

#[test]
fn no_damage_to_a_workbook_makes_the_reader_panic() {
    let mut random = StdRng::seed_from_u64(20_250_820);
    let mut opened = 0;
    const RUNS: usize = 4_000;
    for run in 0..runs(RUNS) / 10 {
        let bytes = damaged(&mut random, run);
        let read = catch_unwind(AssertUnwindSafe(|| {
            let checked = check_bytes(&bytes, "plan.xlsx", &CheckOptions::default());
            let errors = checked.diagnostics.iter().any(|found| found.severity == Severity::Error);
            assert_eq!(checked.plan.is_some(), !errors, "a plan exists exactly when there is no error");
            !checked.diagnostics.iter().any(|found| found.id == "PLAN-005")
        }));
        opened += usize::from(matches!(read, Ok(true)));
        if read.is_err() {
            let kept = env::temp_dir().join(format!("voyager-fuzz-{run}.xlsx"));
            fs::write(&kept, &bytes).unwrap();
            panic!("run {run}: the workbook is kept as {}", kept.display());
        }
    }
    // Most of the damage must get past the package, to where cells are read.
    assert!(opened > runs(RUNS) / 20, "only {opened} were opened");
    told(runs(RUNS) / 10, "workbooks read");
}

#[test]
fn a_damaged_workbook_is_written_whole_or_not_at_all() {
    let mut random = StdRng::seed_from_u64(20_251_219);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.xlsx");
    let target = [(workbook::cell("H!E19"), "a-serial".to_owned())];
    for run in 0..runs(2_000) / 10 {
        let bytes = damaged(&mut random, run);
        fs::write(&path, &bytes).unwrap();
        let source = Source::read(&path).unwrap();
        let how = How { backup_label: &run.to_string(), even_if_open: false };
        let written = catch_unwind(AssertUnwindSafe(|| write(&source, &target, how)));
        let written = written.unwrap_or_else(|_| panic!("run {run}"));
        match written.map(|written| written.backup) {
            Ok(Some(backup)) => {
                assert_eq!(fs::read(&backup).unwrap(), bytes, "run {run}");
                fs::remove_file(backup).unwrap();
            }
            Ok(None) | Err(_) => assert_eq!(fs::read(&path).unwrap(), bytes, "run {run}"),
        }
    }
    told(runs(2_000) / 10, "workbooks written to");
}
