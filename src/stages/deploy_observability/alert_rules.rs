//! The alert rules that CloudTower is watched with: data, facts from the vendor and words of ours.

use serde::Deserialize;

use crate::{
    clients::tower::AlertingRule,
    embed,
    failure::{Failure, Kind, Result},
    messages::message,
};

/// All of them, in the order in which they travel.
pub fn rules() -> Result<Vec<AlertingRule>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        rules: Vec<AlertingRule>,
    }
    let doing = || message("stages.observability.reading_rules", &[]);
    let read = toml::from_str::<File>(embed::ALERT_RULES);
    Ok(read.map_err(|error| Failure::new(Kind::Bug, doing()).because(&error))?.rules)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// Names of the template variables in a text: `$labels.x`, `$value`.
    fn variables(text: &str) -> BTreeSet<String> {
        let braces = text.split("{{").skip(1).filter_map(|part| part.split("}}").next());
        let words = braces.flat_map(|inner| inner.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        words.filter(|word| word.starts_with('$')).collect()
    }

    #[test]
    fn there_are_twenty_two_rules_with_every_text_in_both_languages() {
        let rules = rules().unwrap();
        assert_eq!(rules.len(), 22);
        let names: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(names.len(), 22);
        for rule in &rules {
            for words in [&rule.messages, &rule.causes, &rule.impacts, &rule.solutions] {
                assert!(!words.en.is_empty() && !words.zh.is_empty(), "{}", rule.name);
                assert!(!words.zh.is_ascii() && words.en.is_ascii(), "{}", rule.name);
                assert_eq!(variables(&words.en), variables(&words.zh), "{}", rule.name);
                assert_eq!(words.en.matches("{{").count(), words.en.matches("}}").count(), "{}", rule.name);
            }
        }
    }

    #[test]
    fn a_rule_travels_with_its_texts_by_locale_and_without_what_it_lacks() {
        let rules = rules().unwrap();
        let rule = serde_json::to_value(&rules[5]).unwrap();
        assert_eq!(rule["name"], "service_vm_has_no_ntp_server");
        assert_eq!((rule.get("metric_descriptor"), rule["metric_validator"].get("for")), (None, None));
        let locales: Vec<&Value> =
            rule["messages"].as_array().unwrap().iter().map(|one| &one["locale"]).collect();
        assert_eq!(locales, ["en-US", "zh-CN"]);
        assert_eq!(rule["thresholds"][0]["value"], "0");
    }
}
