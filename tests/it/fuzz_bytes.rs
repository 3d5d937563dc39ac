//! Bytes that come from outside and are no answer of the site: what a journal became, names, addresses, fingerprints; and
//! the mask over secrets, which meets every byte there is.
//!
//! Bounded and with fixed seeds here; `VOYAGER_FUZZ_RUNS=1000000 cargo test --release --test it fuzz_bytes -- --nocapture`
//! takes so many. Answers of the site: `garbled_site.rs`; workbooks: `fuzz.rs`.

use std::{
    env,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use voyager::{
    clients::{
        inspector::{LocalId, ReportName},
        proxy::Proxy,
        redact::Redactor,
        trust::Fingerprint,
    },
    engine::journal::{Journal, MemoryStorage, read_lines},
};

use crate::support::site::undisturbed;

fn runs(default: usize) -> usize {
    env::var("VOYAGER_FUZZ_RUNS").map_or(default, |runs| runs.parse().expect("VOYAGER_FUZZ_RUNS is a number"))
}

/// Figures for docs/reliability.md, shown with --nocapture.
fn told(what: &str, runs: usize) {
    writeln!(std::io::stderr(), "fuzz: {runs} executions of {what}").expect("stderr");
}

fn pick<'a, T: ?Sized>(random: &mut StdRng, from: &[&'a T]) -> &'a T {
    from[random.random_range(0..from.len())]
}

/// What is put into texts and bytes.
const PIECES: [&str; 22] = [
    "",
    "\0",
    "\n",
    "\r\n",
    "\"",
    "\\",
    "\\u0000",
    "/",
    "..",
    "%2f",
    "%",
    "+",
    ":",
    "::1",
    "@",
    "{}",
    "[",
    "é",
    "集群",
    "\u{1f600}",
    "99999999999999999999",
    "{\"password\":",
];

fn damage(random: &mut StdRng, bytes: &mut Vec<u8>) {
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=bytes.len());
        let to = (at + random.random_range(0..60)).min(bytes.len());
        match random.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 => drop(bytes.drain(at..to)),
            2 => bytes.extend_from_within(at..to),
            3 => bytes.truncate(at),
            4 => bytes[at..to].fill(0),
            5 => drop(bytes.splice(at..to, [0xff, 0xfe])),
            _ => drop(bytes.splice(at..at, pick(random, &PIECES).bytes())),
        }
    }
}

fn damaged(random: &mut StdRng, seeds: &[&str]) -> String {
    let mut bytes = pick(random, seeds).as_bytes().to_vec();
    damage(random, &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The first lines of a real one: the search for damage is over in them as in all.
fn journal() -> Vec<u8> {
    let whole = undisturbed().after.file("journal.jsonl");
    whole.split_inclusive(|byte| *byte == b'\n').take(40).flatten().copied().collect()
}

#[test]
fn a_damaged_journal_is_read_as_far_as_it_is_the_same_or_refused() {
    let (whole, mut random) = (journal(), StdRng::seed_from_u64(20_261_130));
    let lines: Vec<Value> = whole
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a line of a journal"))
        .collect();
    let (site, runs, mut refused) = (lines[0]["site"].as_str().expect("text").to_owned(), runs(2_500), 0);
    for run in 0..runs {
        let mut bytes = whole.clone();
        damage(&mut random, &mut bytes);
        let read = catch_unwind(AssertUnwindSafe(|| {
            drop(Journal::open(Box::new(MemoryStorage::new(bytes.clone())), &site, "another-run"));
            read_lines(&mut MemoryStorage::new(bytes.clone()))
        }));
        match read.unwrap_or_else(|_| panic!("run {run}: {}", String::from_utf8_lossy(&bytes))) {
            Err(_) => refused += 1,
            Ok(found) => {
                // Nothing chains the last line to anything: what it says may be damaged unseen.
                let sure = found.len().saturating_sub(1);
                for (at, (line, was)) in found.iter().zip(&lines).take(sure).enumerate() {
                    assert_eq!(&json!(line), was, "run {run}, line {at}");
                }
                assert!(found.len() <= lines.len() + 1, "run {run}");
            }
        }
    }
    assert!(refused > runs / 4, "only {refused} refused");
    told("the journal's reader", runs);
}

#[test]
fn no_text_makes_a_name_an_address_or_a_fingerprint_panic_or_lead_astray() {
    const SEEDS: [&str; 7] = [
        "InspectorReport-2025-10-01-03-45-27-33RoFQ4cO1ZbXq8yX4GDGsgl2Bb.zip",
        "../../etc/passwd",
        "sha256:0f:1e:2d:3c:4b:5a:69:78:87:96:a5:b4:c3:d2:e1:f0:0f:1e:2d:3c:4b:5a:69:78:87:96:a5:b4:c3:d2:e1:f0",
        "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "socks5://simulated:t-x1@127.0.0.1:1080",
        "http://[::1]:3128",
        "7f3c1c9e-0d0b-4f0e-9a53-5d3c5b9f7a10",
    ];
    let (mut random, runs) = (StdRng::seed_from_u64(20_261_131), runs(20_000));
    for run in 0..runs {
        let text = damaged(&mut random, &SEEDS);
        let read = catch_unwind(|| {
            if let Some(name) = ReportName::parse(&text) {
                let file = name.file();
                assert!(!file.contains(['/', '\\', '\0']) && !file.starts_with('.') && !file.is_empty());
                assert!(file.len() <= 255, "no file may be called so");
            }
            if let Ok(known) = text.parse::<Fingerprint>() {
                let digits = text.trim().trim_start_matches(|c: char| "sha256:SHA".contains(c));
                assert!(digits.chars().all(|c| c == ':' || c.is_ascii_hexdigit()), "{digits}");
                assert_eq!(known.to_string().parse(), Ok(known));
            }
            let _ = (Proxy::parse(&text).is_ok(), LocalId::parse(&text));
        });
        assert!(read.is_ok(), "run {run}: {text:?}");
    }
    told("names, addresses and fingerprints", runs);
}

/// A secret that no encoder leaves alone.
fn secret(random: &mut StdRng) -> String {
    const LETTERS: [&str; 20] = [
        "a",
        "Z",
        "7",
        "!",
        "\"",
        "\\",
        "/",
        "+",
        "%",
        "&",
        "=",
        " ",
        "<",
        "é",
        "密",
        "\u{1f600}",
        "'",
        "#",
        "?",
        "~",
    ];
    let middle: String = (0..random.random_range(4..12)).map(|_| pick(random, &LETTERS)).collect();
    // Whatever else stands in the text, it does not stand there by chance.
    format!("q7{middle}x9")
}

/// A text with the secret in it, in one of the forms in which it travels.
fn carrying(random: &mut StdRng, secret: &str) -> String {
    let inner = match random.random_range(0..6) {
        0 => json!({ "password": secret, "name": "root" }).to_string(),
        1 => json!({ "data": [{ "note": format!("was {secret} before") }] }).to_string(),
        2 => json!({ "body": json!({ "new_password": secret }).to_string() }).to_string(),
        3 => format!("Basic {}", STANDARD.encode(secret)),
        4 => percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string(),
        _ => format!("root:{secret}\n"),
    };
    let mut before =
        pick(random, &["", "{\"a\":[1,2,", "<html>", "\u{0}", "名称\n", "\"token\": \""]).to_owned();
    before.push_str(&inner);
    before.push_str(pick(random, &["", "]}", "\"", "\r\n\r\n", "\\"]));
    before
}

#[test]
fn no_bytes_around_a_secret_make_the_mask_panic_or_miss_it() {
    let (mut random, runs) = (StdRng::seed_from_u64(20_261_132), runs(8_000));
    for run in 0..runs {
        let secret = secret(&mut random);
        let redactor = Redactor::new();
        redactor.learn(&secret);
        let mut text = String::new();
        for _ in 0..random.random_range(1..4) {
            text.push_str(&carrying(&mut random, &secret));
        }
        let mut bytes = text.into_bytes();
        if random.random_bool(0.5) {
            // Cut anywhere, also within a letter: what is left of a secret at the end is not looked for.
            bytes.truncate(random.random_range(0..=bytes.len()));
        }
        let longest = if run % 2 == 0 { 1 << 16 } else { random.random_range(0..200) };
        let masked = catch_unwind(AssertUnwindSafe(|| redactor.body(&bytes, longest)));
        let masked = masked.unwrap_or_else(|_| panic!("run {run}: {:?}", String::from_utf8_lossy(&bytes)));
        let percent =
            percent_encoding::utf8_percent_encode(&secret, percent_encoding::NON_ALPHANUMERIC).to_string();
        let escaped = json!(secret).to_string();
        let forms = [&secret, escaped.trim_matches('"'), &percent, &STANDARD.encode(&secret)];
        let told = forms.iter().find(|form| masked.contains(**form));
        assert!(told.is_none(), "run {run}: {told:?} of {secret:?} is left in {masked:?}");
        // Masked once is masked: nothing appears by masking again.
        assert_eq!(redactor.text(&redactor.text(&masked)), redactor.text(&masked), "run {run}");
    }
    told("the mask over secrets", runs);
}
