//! Alert rules: the global ones and their rows per cluster (api-cloudtower §7, graphql-operations §§3.3, 3.4).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Named, Tower, TowerReader, graphql};
use crate::{
    clients::{
        http::{Answer, Call},
        lenient,
        problem::Problem,
    },
    failure::Result,
    messages::message,
};

/// Rules of one page, as the captured query asks.
const PAGE: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    Notice,
    Critical,
    /// `INFO` and whatever else there is.
    #[serde(other)]
    Other,
}

/// From which value on a rule alerts.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Threshold {
    pub severity: Severity,
    pub value: f64,
}

/// A rule, its thresholds for every cluster without its own, and the row of each cluster.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct GlobalAlertRule {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub disabled: bool,
    #[serde(default, deserialize_with = "lenient::list")]
    pub thresholds: Vec<Threshold>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub alert_rules: Vec<AlertRule>,
}

/// The row of one cluster.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AlertRule {
    #[serde(deserialize_with = "lenient::text")]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub customized: bool,
    #[serde(default, deserialize_with = "lenient::flag")]
    pub disabled: bool,
    #[serde(default, deserialize_with = "lenient::list")]
    pub thresholds: Vec<Threshold>,
    #[serde(default)]
    pub cluster: Option<Named>,
}

impl AlertRule {
    pub fn threshold(&self, severity: Severity) -> Option<f64> {
        self.thresholds.iter().find(|known| known.severity == severity).map(|known| known.value)
    }
}

impl GlobalAlertRule {
    /// The row of a cluster, by its id; appears some seconds after connecting.
    pub fn of_cluster(&self, cluster: &str) -> Option<&AlertRule> {
        let belongs = |row: &&AlertRule| row.cluster.as_ref().is_some_and(|named| named.id == cluster);
        self.alert_rules.iter().find(belongs)
    }
}

struct Page {
    rules: Vec<GlobalAlertRule>,
    /// Rules that match the filter, on all pages.
    count: usize,
}

impl TowerReader {
    /// The global rule of that name: by a filter, and on every page of the whole list where the filter is refused.
    pub async fn alert_rule(&self, name: &str) -> Result<Option<GlobalAlertRule>> {
        let filtered = match self.rules_page(&json!({"name": name}), 0).await {
            Ok(page) => Some(page),
            // An unknown field of the filter: errors, not a refused session.
            Err((_, Problem::Refused(refused))) if matches!(refused.status, 200 | 400 | 422) => None,
            Err((call, problem)) => return self.told(&call, Err(problem)),
        };
        let filter = if filtered.is_some() { json!({"name": name}) } else { json!({}) };
        let mut page = match filtered {
            Some(page) => page,
            None => self.told_page(self.rules_page(&filter, 0).await)?,
        };
        let mut read = 0;
        loop {
            read += page.rules.len();
            let end = page.rules.is_empty() || read >= page.count;
            if let Some(found) = page.rules.into_iter().find(|rule| rule.name == name) {
                return Ok(Some(found));
            }
            if end {
                return Ok(None);
            }
            page = self.told_page(self.rules_page(&filter, read).await)?;
        }
    }

    async fn rules_page(&self, filter: &Value, skip: usize) -> Result<Page, (Call, Problem)> {
        let variables = json!({"where": filter, "orderBy": "id_ASC", "skip": skip, "first": PAGE});
        let doing = message("clients.tower.alert_rule", &[]);
        let call = graphql::query("tower.globalAlertRules", doing, &variables);
        self.call_raw(&call, page).await.map_err(|problem| (call, problem))
    }

    fn told_page(&self, result: Result<Page, (Call, Problem)>) -> Result<Page> {
        result.or_else(|(call, problem)| self.told(&call, Err(problem)))
    }
}

fn page(answer: &Answer) -> Result<Page, Problem> {
    #[derive(Deserialize)]
    struct Reply {
        #[serde(rename = "globalAlertRules", deserialize_with = "lenient::list")]
        rules: Vec<GlobalAlertRule>,
        #[serde(rename = "globalAlertRulesConnection")]
        connection: Connection,
    }
    #[derive(Deserialize)]
    struct Connection {
        aggregate: Aggregate,
    }
    #[derive(Deserialize)]
    struct Aggregate {
        #[serde(deserialize_with = "lenient::number")]
        count: usize,
    }
    let reply: Reply =
        serde_json::from_value(graphql::data(answer)?).map_err(|why| Problem::unreadable(answer, why))?;
    Ok(Page { rules: reply.rules, count: reply.connection.aggregate.count })
}

impl Tower {
    /// Gives one row of `rule` thresholds of its own; the global thresholds are sent back as they were read.
    ///
    /// # Errors
    /// Also when the row of the answer has other thresholds than were sent.
    pub async fn set_thresholds(
        &self,
        rule: &GlobalAlertRule,
        row: &AlertRule,
        notice: u8,
        critical: u8,
    ) -> Result<()> {
        let wanted = [(Severity::Critical, f64::from(critical)), (Severity::Notice, f64::from(notice))];
        let doing = message("clients.tower.set_thresholds", &[("rule", &rule.name)]);
        let call = |typename| {
            let variables = json!({
                "where": {"id": rule.id},
                "data": data(rule, row, &wanted, typename),
            });
            graphql::mutation("tower.updateGlobalAlertRule", doing.clone(), &variables)
        };
        let read = |answer: &Answer| {
            let changed: GlobalAlertRule = graphql::root(answer, "updateGlobalAlertRule")?;
            let row = changed.alert_rules.into_iter().find(|known| known.id == row.id);
            let taken = row.is_some_and(|row| {
                row.customized
                    && wanted.iter().all(|(severity, value)| row.threshold(*severity) == Some(*value))
            });
            if taken { Ok(()) } else { Err(Problem::unreadable(answer, "the row kept other thresholds")) }
        };
        let first = call(true);
        match self.call_raw(&first, read).await {
            // `__typename` inside an input belongs to the capture, and not every server may know it (§3.4). A page of a
            // proxy that quotes the request is no such refusal: the server behind it may have acted.
            Err(Problem::Refused(refused))
                if refused.status < 500 && refused.words.contains("__typename") =>
            {
                self.call(call(false), read).await
            }
            result => self.told(&first, result),
        }
    }
}

fn data(rule: &GlobalAlertRule, row: &AlertRule, wanted: &[(Severity, f64)], typename: bool) -> Value {
    // Whole numbers travel as such.
    let threshold = |severity: Severity, value: f64| {
        let value = if value.fract() == 0.0 { json!(value as i64) } else { json!(value) };
        let mut item = json!({"value": value, "severity": severity, "quantile": 0});
        if typename {
            item["__typename"] = json!("Thresholds");
        }
        item
    };
    let known = rule.thresholds.iter().filter(|known| known.severity != Severity::Other);
    let global: Vec<Value> = known.map(|known| threshold(known.severity, known.value)).collect();
    let own: Vec<Value> = wanted.iter().map(|(severity, value)| threshold(*severity, *value)).collect();
    json!({
        "disabled": rule.disabled,
        "thresholds": global,
        "alert_rules": {
            "update": [{
                "where": {"id": row.id},
                "data": {"customized": true, "disabled": false, "thresholds": own},
            }],
        },
    })
}
