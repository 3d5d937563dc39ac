//! How fast the files went, from the transcripts of the runs: the chunks that the site acknowledged.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// The uploads of one step in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub run: String,
    /// `stage.step`.
    pub step: String,
    pub chunks: usize,
    /// Chunks that were sent once more, or refused.
    pub lost: usize,
    /// Acknowledged.
    pub bytes: u64,
    /// From the first chunk's leaving to the last answer, real time, in milliseconds.
    pub ms: u64,
    pub from: Timestamp,
}

/// What is needed of a line of `wire.jsonl`.
#[derive(Deserialize)]
struct Exchange {
    time: Timestamp,
    step: Option<String>,
    #[serde(default)]
    status: Option<u32>,
    #[serde(default)]
    request: Option<String>,
    ms: u64,
}

impl Transfer {
    /// Bytes a second; `None` when it took no time that could be measured.
    pub fn rate(&self) -> Option<u64> {
        (self.bytes * 1000).checked_div(self.ms)
    }
}

/// The transfers in the transcript of one run, in the order of their steps' first chunks. Lines that are no exchange
/// of ours are passed over: the transcript is checked elsewhere.
pub fn of_transcript(run: &str, transcript: &str, until: Timestamp) -> Vec<Transfer> {
    let mut by_step: BTreeMap<String, (Transfer, Timestamp)> = BTreeMap::new();
    for line in transcript.lines() {
        let Ok(exchange) = serde_json::from_str::<Exchange>(line) else { continue };
        let Some((step, bytes)) = chunk(&exchange).filter(|_| exchange.time <= until) else { continue };
        let end = exchange.time.saturating_add(SignedDuration::from_millis(exchange.ms.cast_signed()));
        let end = end.unwrap_or(exchange.time);
        let fresh = || Transfer {
            run: run.to_owned(),
            step: step.clone(),
            chunks: 0,
            lost: 0,
            bytes: 0,
            ms: 0,
            from: exchange.time,
        };
        let (transfer, last) = by_step.entry(step.clone()).or_insert_with(|| (fresh(), end));
        transfer.from = transfer.from.min(exchange.time);
        *last = end.max(*last);
        if exchange.status.is_some_and(|status| (200..300).contains(&status)) {
            transfer.chunks += 1;
            transfer.bytes += bytes;
        } else {
            transfer.lost += 1;
        }
    }
    let mut transfers: Vec<Transfer> = by_step
        .into_values()
        .map(|(transfer, last)| {
            let took = last.duration_since(transfer.from).as_millis();
            Transfer { ms: u64::try_from(took).unwrap_or_default(), ..transfer }
        })
        .collect();
    transfers.sort_by_key(|transfer| transfer.from);
    transfers
}

/// `chunk of 8388608 bytes`, as the transcript describes a body, or a part of one, that it does not hold.
fn chunk(exchange: &Exchange) -> Option<(String, u64)> {
    let (_, after) = exchange.request.as_deref()?.split_once("chunk of ")?;
    let (bytes, _) = after.split_once(" bytes")?;
    Some((exchange.step.clone()?, bytes.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_its_acknowledged_chunks_from_the_first_leaving_to_the_last_answer() {
        let line = |time: &str, status: u32, ms: u64| {
            format!(
                r#"{{"time":"2026-01-01T00:00:{time}Z","step":"a.b","status":{status},"request":"chunk of 500 bytes","ms":{ms}}}"#
            )
        };
        let other = r#"{"time":"2026-01-01T00:00:09Z","step":"a.c","status":200,"ms":1}"#;
        let transcript =
            [&line("01", 200, 1000), &line("02", 429, 10), &line("03", 200, 2000), other].join("\n");
        let until: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let transfers = of_transcript("r1", &transcript, until);
        let [transfer] = transfers.as_slice() else { panic!("{transfers:?}") };
        assert_eq!((transfer.bytes, transfer.chunks, transfer.lost, transfer.ms), (1000, 2, 1, 4000));
        assert_eq!(transfer.rate(), Some(250));
    }
}
