//! The runbook as the tool itself tells it, so that a test over all steps cannot forget a new one.

use std::sync::OnceLock;

use serde_json::Value;

use super::tool::{Voyager, project};

/// One step, in the order of the runbook.
#[derive(Debug)]
pub struct Step {
    /// `stage.step`.
    pub id: String,
    pub stage: String,
    /// Of the stage: `03`.
    pub number: String,
    pub kind: String,
    /// The plan fields it depends on.
    pub uses: Vec<String>,
    /// Those whose old value stays at the site when the step is done again.
    pub stays: Vec<String>,
}

impl Step {
    /// Whether it changes the site or the workbook.
    pub fn acts(&self) -> bool {
        ["change", "repeat", "once"].contains(&self.kind.as_str())
    }
}

pub fn steps() -> &'static [Step] {
    static STEPS: OnceLock<Vec<Step>> = OnceLock::new();
    STEPS.get_or_init(|| {
        let told = Voyager::within(&project(".")).args(["stages", "--output", "json"]).run().exits_with(0);
        let told = told.json();
        let stages = told["stages"].as_array().expect("stages").iter();
        let steps = |stage: &Value| {
            let number = format!("{:02}", stage["number"].as_u64().expect("a number"));
            let steps = stage["steps"].as_array().expect("steps").iter();
            steps.map(|told| step(told, number.clone())).collect::<Vec<_>>()
        };
        stages.flat_map(steps).collect()
    })
}

fn step(told: &Value, number: String) -> Step {
    let text = |key: &str| told[key].as_str().expect("text").to_owned();
    let id = text("id");
    let fields = |key: &str| {
        let fields = told[key].as_array().expect("a list").iter();
        fields.map(|field| field.as_str().expect("a key").to_owned()).collect()
    };
    Step {
        stage: id.split('.').next().expect("a stage").to_owned(),
        number,
        kind: text("kind"),
        uses: fields("uses"),
        stays: fields("stays"),
        id,
    }
}
