//! Manifests: the words and numbers of a stage (`stages/NN-name.toml`). Decisions are in Rust.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use crate::{text::Text, units::parse_duration};

/// One stage of the runbook.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageManifest {
    /// `init-cluster`.
    pub id: String,
    /// 1 to 14.
    pub number: u8,
    pub title: Text,
    #[serde(default)]
    pub steps: Vec<StepManifest>,
}

/// One step: what the engine must know before it runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepManifest {
    /// Unique within the stage; `stage.step` is the full id.
    pub id: String,
    pub title: Text,
    /// Limit of the whole step, site time.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// Typical length, site time (site-behaviour §2).
    #[serde(default, deserialize_with = "duration_or_none")]
    pub expected: Option<Duration>,
    /// Pessimistic length, site time (upper end of site-behaviour §2); see [`StepManifest::slow`].
    #[serde(default, deserialize_with = "duration_or_none", rename = "slow")]
    pub slowest: Option<Duration>,
    /// How long an effect may take to show after an act (upper end of site-behaviour §2).
    #[serde(default, deserialize_with = "duration_or_none")]
    pub visible_within: Option<Duration>,
    #[serde(default)]
    pub poll: Poll,
    /// True dependencies (`stage.step`, or a stage for all of its steps); absent, and no `ends` either: the step before this one.
    #[serde(default)]
    pub after: Option<Vec<String>>,
    /// Steps and whole stages that must be over first, however they ended.
    #[serde(default)]
    pub ends: Vec<String>,
    /// The plan fields this step depends on.
    #[serde(default)]
    pub uses: Vec<String>,
    /// Those of them whose old value stays at the site when the step is done again with a new one; the whole of `uses`
    /// where the step happens only once. Told before anything is done again.
    #[serde(default)]
    pub stays: Vec<String>,
    /// Steps (`stage.step`) whose act takes away what this one sent (a service that is made anew): a `repeat` step
    /// sends again after it.
    #[serde(default)]
    pub again_after: Vec<String>,
    /// The facts this step provides. The first one takes the plain value of `--settle STEP=done:VALUE`.
    #[serde(default)]
    pub gives: Vec<String>,
    /// At most one mutation is in flight per service.
    #[serde(default)]
    pub service: Option<String>,
    /// The act is an upload: only the requests that open, end or remove it are mutations of the service, which is free
    /// while chunks travel and are taken in.
    #[serde(default)]
    pub chunked: bool,
    /// The step (`stage.step`) whose end is the next place where the site may be left alone once this one has begun:
    /// nothing that we started is still at work, and nothing stands open to strangers. Absent: its own end.
    #[serde(default)]
    pub boundary: Option<String>,
    /// Why the step can neither be taken back nor be left half-way: a point of no return.
    #[serde(default)]
    pub no_return: Option<Text>,
    /// What it destroys cannot be had back: it is not begun once another step of the run has failed.
    #[serde(default)]
    pub destroys: bool,
    /// May be left after any of its requests and gone on with later (uploads): it begins in a maintenance window
    /// however little of that is left.
    #[serde(default)]
    pub divisible: bool,
    /// Changes nothing but files of this machine: no maintenance window holds it up.
    #[serde(default)]
    pub local: bool,
}

/// A step without `slow` may take so many times as long as expected, and so long at least.
const SLOW_FACTOR: u32 = 3;
const SLOW_AT_LEAST: Duration = Duration::from_secs(10);

impl StepManifest {
    /// How long the step may take at a slow site: what the manifest says, else three times what is expected and ten
    /// seconds at least; never longer than its limit.
    pub fn slow(&self) -> Duration {
        let ruled = || (self.expected.unwrap_or_default() * SLOW_FACTOR).max(SLOW_AT_LEAST);
        self.slowest.unwrap_or_else(ruled).min(self.timeout)
    }
}

/// The pace of polling: pauses grow with the time waited, from `first` to `slowest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    #[serde(deserialize_with = "duration")]
    pub first: Duration,
    #[serde(deserialize_with = "duration")]
    pub slowest: Duration,
}

impl Default for Poll {
    fn default() -> Self {
        // A second at first (api-fisheye §5); a quarter of a minute is a twentieth of five minutes.
        Self { first: Duration::from_secs(1), slowest: Duration::from_secs(15) }
    }
}

fn duration<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(input)?;
    parse_duration(&text).ok_or_else(|| D::Error::custom(format_args!("not a duration: {text:?}")))
}

fn duration_or_none<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
    duration(input).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(lines: &str) -> u64 {
        let text = format!("id = 's'\ntitle = {{ zh = '', en = '' }}\n{lines}");
        toml::from_str::<StepManifest>(&text).unwrap().slow().as_secs()
    }

    #[test]
    fn a_slow_site_takes_what_the_manifest_says_or_three_times_the_expected_within_the_limit() {
        assert_eq!(slow("timeout = '75m'\nexpected = '20m'\nslow = '70m'"), 70 * 60);
        assert_eq!(slow("timeout = '75m'\nexpected = '20m'"), 60 * 60);
        assert_eq!(slow("timeout = '5m'\nexpected = '2m'"), 5 * 60);
        assert_eq!(slow("timeout = '5m'\nexpected = '1s'"), 10);
        assert_eq!(slow("timeout = '5m'"), 10);
    }
}
