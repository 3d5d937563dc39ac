//! How long a step is expected to take: as long as it took at this site before, else what the runbook says.

use std::time::Duration;

use super::{journal::StepRecord, manifest::StepManifest};

/// An expectation, and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Site time.
    pub time: Duration,
    /// How often the step was seen at this site from its begin to its good end; 0: `time` is the runbook's figure.
    pub seen: usize,
}

/// What to expect of the step: the median of what it took at this site in earlier runs. A site of its own is all that
/// counts: rehearsals and real sites have journals of their own, and one customer's network says little about another's.
pub fn expectation(manifest: &StepManifest, before: Option<&StepRecord>) -> Option<Expectation> {
    let mut took = before.map(|before| before.took.clone()).unwrap_or_default();
    took.sort_unstable();
    let seen = took.len();
    match took.get(seen.saturating_sub(1) / 2) {
        Some(median) => Some(Expectation { time: *median, seen }),
        None => manifest.expected.map(|time| Expectation { time, seen: 0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_site_has_shown_counts_more_than_the_runbook() {
        let manifest = |expected: &str| -> StepManifest {
            toml::from_str(&format!("id='a'\ntitle={{zh='',en=''}}\ntimeout='1h'\n{expected}")).unwrap()
        };
        let seconds = Duration::from_secs;
        let known = manifest("expected='10s'");
        assert_eq!(expectation(&known, None), Some(Expectation { time: seconds(10), seen: 0 }));
        assert_eq!(expectation(&manifest(""), None), None);
        let before = |took: &[u64]| {
            let mut record = StepRecord::default();
            record.took.extend(took.iter().copied().map(seconds));
            expectation(&known, Some(&record))
        };
        assert_eq!(before(&[9, 30, 4]), Some(Expectation { time: seconds(9), seen: 3 }));
        assert_eq!(before(&[9, 4]), Some(Expectation { time: seconds(4), seen: 2 }));
    }
}
