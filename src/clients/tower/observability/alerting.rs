//! Alert rules as they travel to Observability.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// One rule: facts of the vendor, words of ours.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertingRule {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub metric_validator: MetricValidator,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric_descriptor: Option<Map<String, Value>>,
    pub default_thresholds: Vec<Threshold>,
    pub thresholds: Vec<Threshold>,
    pub messages: Words,
    pub causes: Words,
    pub impacts: Words,
    pub solutions: Words,
}

/// When a rule fires.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricValidator {
    /// `30s`
    pub interval: String,
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasting: Option<String>,
    pub query_tmpl: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// `INFO`, `NOTICE` or `CRITICAL`.
    pub severity: String,
    /// A number as text.
    pub value: String,
}

/// The same in both languages; Go templates in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub en: String,
    pub zh: String,
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { en, zh } = self;
        json!([{"locale": "en-US", "str": en}, {"locale": "zh-CN", "str": zh}]).serialize(to)
    }
}

/// Where CloudTower's own agent is found.
#[derive(Clone, Debug, Serialize)]
pub struct SystemServiceInstance {
    url: String,
    info: Info,
}

#[derive(Clone, Debug, Serialize)]
struct Info {
    service_name: &'static str,
    vm_name: &'static str,
}

impl SystemServiceInstance {
    /// The agent of the CloudTower at that address; plain http (captured).
    pub fn of_cloudtower(address: Ipv4Addr) -> Self {
        Self {
            url: format!("http://{address}/admin/observability/agent"),
            info: Info { service_name: "CloudTower", vm_name: "cloudtower" },
        }
    }
}
