//! The name of a report: given by the server, asked for as it is, kept only under a name that cannot leave its folder.

use std::fmt;

/// What a report is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportName {
    asked: String,
    file: String,
}

/// Characters of a name here; some stand before and after it while it is being downloaded.
const LONGEST: usize = 200;

impl ReportName {
    /// `None`: nothing is left of it that could name a file.
    pub fn parse(text: &str) -> Option<Self> {
        if is_usual(text) {
            return Some(Self { asked: text.to_owned(), file: text.to_owned() });
        }
        let base = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let kept: String =
            base.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')).collect();
        // The end says what kind of file it is; a longer name no file system takes.
        let kept = &kept[kept.len().saturating_sub(LONGEST)..];
        let file = kept.trim_start_matches('.').to_owned();
        (!file.is_empty()).then(|| Self { asked: text.to_owned(), file })
    }

    /// As the server says it.
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// As a file is called here.
    pub fn file(&self) -> &str {
        &self.file
    }
}

impl fmt::Display for ReportName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)
    }
}

/// `InspectorReport-2025-10-01-03-45-27-<27 letters and digits>.zip` (inspection-items).
fn is_usual(text: &str) -> bool {
    let Some(inner) = text.strip_prefix("InspectorReport-").and_then(|text| text.strip_suffix(".zip")) else {
        return false;
    };
    let parts: Vec<&str> = inner.split('-').collect();
    let [time @ .., job] = parts.as_slice() else { return false };
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let [year, rest @ ..] = time else { return false };
    digits(year, 4)
        && rest.len() == 5
        && rest.iter().all(|part| digits(part, 2))
        && job.len() == 27
        && job.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_name_is_kept_and_any_other_loses_whatever_could_lead_out_of_a_folder() {
        let usual = "InspectorReport-2025-10-01-03-45-27-33RoFQ4cO1ZbXq8yX4GDGsgl2Bb.zip";
        assert_eq!(ReportName::parse(usual).unwrap().file(), usual);
        for (text, file) in [
            ("../../etc/passwd", "passwd"),
            ("a\\b\\..report 1.zip", "report1.zip"),
            (".hidden", "hidden"),
            ("报告.zip", "zip"),
        ] {
            let name = ReportName::parse(text).unwrap();
            assert_eq!((name.asked(), name.file()), (text, file));
        }
        assert_eq!(ReportName::parse("../.."), None);
        let long = ReportName::parse(&format!("{}.zip", "r".repeat(3_000))).unwrap();
        assert!(long.file().len() == 200 && long.file().ends_with("rrr.zip") && long.asked().len() == 3_004);
    }
}
