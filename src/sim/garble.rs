//! Answers that nobody meant: what a body becomes when a server, a proxy or a cable spoils it. The same seed spoils the same
//! body in the same way.

use serde_json::{Map, Value, json};

use super::{exchange::Answer, random};

/// Values of headers that nobody expects there.
const HEADERS: [&str; 9] = [
    "",
    "0",
    "-1",
    "bytes 9-3/2",
    "bytes */*",
    "99999999999999999999",
    "W/\"\"",
    "attachment; filename*=UTF-8''%ff%fe..%2f..%2fx",
    "=; Path; Max-Age=x",
];

/// Spoils the body, and now and then a header.
pub fn answer(answer: &mut Answer, seed: u64) {
    let mut draws = Draws { seed, drawn: 0 };
    // How long the body is, is another matter: that fault cuts it.
    let framing = ["content-length", "transfer-encoding"];
    let headers = answer.headers.iter_mut().filter(|(name, _)| !framing.contains(&name.as_str()));
    let headers: Vec<_> = headers.collect();
    let (one, at, odd) = (draws.below(4) == 0, draws.below(headers.len()), draws.below(HEADERS.len()));
    match headers.into_iter().nth(at) {
        Some((_, value)) if one => *value = HEADERS[odd].to_owned(),
        _ => answer.body = garbled(&answer.body, seed),
    }
}

/// Words that mean something in one of the protocols, where they do not belong.
const ODD: [&str; 12] = [
    "",
    " ",
    "null",
    "0",
    "-1",
    "99999999999999999999",
    "1e309",
    "EOK",
    "../../etc/passwd",
    "\u{0}\u{1b}[2J",
    "\u{202e}\u{1f600}\u{feff}",
    "集群",
];

/// Draws one number after another from a seed.
struct Draws {
    seed: u64,
    drawn: u64,
}

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        self.drawn += 1;
        let bytes = random::bytes(self.seed, &["garble", &self.drawn.to_string()]);
        let number = u64::from_be_bytes([
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
        ]);
        usize::try_from(number % (end.max(1) as u64)).unwrap_or_default()
    }

    fn odd(&mut self) -> &'static str {
        ODD[self.below(ODD.len())]
    }
}

/// `body`, spoilt: JSON mostly remains JSON with other content, lines mostly remain lines.
pub fn garbled(body: &[u8], seed: u64) -> Vec<u8> {
    let mut draws = Draws { seed, drawn: 0 };
    // Only a document: a line with a number in it is none.
    let document =
        serde_json::from_slice(body).ok().filter(|json: &Value| json.is_object() || json.is_array());
    match document {
        Some(mut json) if draws.below(8) > 0 => {
            for _ in 0..=draws.below(3) {
                let steps = draws.below(12);
                change(&mut json, steps, &mut draws);
            }
            json.to_string().into_bytes()
        }
        _ => spoilt(body.to_vec(), &mut draws),
    }
}

/// Walks so many steps down, as far as there are any, and changes what it finds.
fn change(json: &mut Value, steps: usize, draws: &mut Draws) {
    let inner = match json {
        Value::Object(fields) if steps > 0 && !fields.is_empty() => {
            let at = draws.below(fields.len());
            fields.values_mut().nth(at)
        }
        Value::Array(items) if steps > 0 && !items.is_empty() => {
            let at = draws.below(items.len());
            items.get_mut(at)
        }
        _ => None,
    };
    match inner {
        Some(inner) => change(inner, steps - 1, draws),
        None => replace(json, draws),
    }
}

fn replace(json: &mut Value, draws: &mut Draws) {
    match (draws.below(10), json) {
        (0, Value::Object(fields)) => {
            let at = draws.below(fields.len());
            let kept = fields.iter().enumerate().filter(|(index, _)| *index != at);
            *fields = kept.map(|(_, (name, value))| (name.clone(), value.clone())).collect();
        }
        (1, Value::Array(items)) => items.clear(),
        (2, Value::Array(items)) => items.extend_from_within(..),
        (3, Value::String(text)) => text.push_str(draws.odd()),
        (4, json) => *json = Value::Null,
        (5, json) => *json = json!(draws.odd()),
        (6, json) => *json = json!([json.take()]),
        (7, json) => *json = json!({ "value": json.take() }),
        (8, json) => *json = [json!(0.5), json!(-1), json!(u64::MAX), json!(1e300)][draws.below(4)].clone(),
        (_, json) => {
            *json = [json!(true), json!([]), json!({}), deep(draws.below(200))][draws.below(4)].clone()
        }
    }
}

/// So many lists in one another.
fn deep(levels: usize) -> Value {
    (0..levels).fold(Value::Object(Map::new()), |inner, _| Value::Array(vec![inner]))
}

fn spoilt(mut bytes: Vec<u8>, draws: &mut Draws) -> Vec<u8> {
    for _ in 0..=draws.below(4) {
        let at = draws.below(bytes.len() + 1);
        let to = (at + draws.below(40)).min(bytes.len());
        match draws.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << draws.below(8),
            1 => drop(bytes.drain(at..to)),
            2 => bytes.extend_from_within(at..to),
            3 => bytes.truncate(at),
            4 => drop(bytes.splice(
                at..at,
                [b"\n".as_slice(), b"\xff\xfe", b"\r\n\r\n", b"\0"][draws.below(4)].iter().copied(),
            )),
            _ => drop(bytes.splice(at..to, draws.odd().bytes())),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_spoils_the_same_body_in_the_same_way_and_another_one_in_another() {
        let body = br#"{"ec":"EOK","data":[{"name":"smtx","size":3}]}"#;
        assert_eq!(garbled(body, 7), garbled(body, 7));
        let ways: std::collections::BTreeSet<Vec<u8>> = (0..100).map(|seed| garbled(body, seed)).collect();
        assert!(ways.len() > 60, "only {} ways", ways.len());
        assert!(ways.iter().filter(|way| serde_json::from_slice::<Value>(way).is_ok()).count() > 40);
    }

    #[test]
    fn nothing_is_too_short_to_be_spoilt() {
        for seed in 0..200 {
            garbled(b"", seed);
            garbled(b"{}", seed);
            garbled(b"[]", seed);
        }
    }
}
