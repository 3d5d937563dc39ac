//! `config-cloudtower.capacity-alert`: when the used space of this cluster, and of no other, is worth a notice: so
//! early that one host can fail (api-cloudtower §7).

use crate::{
    clients::tower::{AlertRule, GlobalAlertRule, Severity},
    engine::{ChangeProbe, Difference, Facts, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        facts::CLUSTER,
        world::{World, WorldRead},
    },
};

pub const RULE: &str = "zbs_cluster_data_space_use_rate";
/// Stays as every CloudTower has it.
pub const CRITICAL: u8 = 90;

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let cluster = handle.need(&CLUSTER)?;
    let rule = world.tower(handle).alert_rule(RULE).await?;
    // Rows appear some seconds after connecting.
    let Some(row) = rule.as_ref().and_then(|rule| rule.of_cluster(&cluster)) else {
        return Ok(ChangeProbe::Unknown(message("stages.alert.no_row", &[("rule", &RULE)])));
    };
    let notice = &world.plan.alert.notice_percent;
    let differences: Vec<Difference> = [
        (message("stages.alert.notice", &[]), Severity::Notice, notice.value, Some(notice.cell.to_string())),
        (message("stages.alert.critical", &[]), Severity::Critical, CRITICAL, None),
    ]
    .into_iter()
    .filter(|(_, severity, planned, _)| row.threshold(*severity) != Some(f64::from(*planned)))
    .map(|(what, severity, planned, cell)| Difference {
        what,
        found: row.threshold(severity).map_or("-".to_owned(), |value| value.to_string()),
        planned: planned.to_string(),
        cell,
    })
    .chain(row.disabled.then(|| Difference {
        what: message("stages.alert.disabled", &[]),
        found: "true".to_owned(),
        planned: "false".to_owned(),
        cell: None,
    }))
    .collect();
    Ok(if differences.is_empty() {
        ChangeProbe::Done(Facts::none())
    } else {
        ChangeProbe::Differs(differences)
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let cluster = handle.need(&CLUSTER)?;
    let tower = world.tower(handle);
    let rule = tower.alert_rule(RULE).await?;
    let row: Option<(&GlobalAlertRule, &AlertRule)> =
        rule.as_ref().and_then(|rule| Some((rule, rule.of_cluster(&cluster)?)));
    match row {
        Some((rule, row)) => {
            tower.set_thresholds(rule, row, world.plan().alert.notice_percent.value, CRITICAL).await
        }
        // The probe will say so.
        None => Ok(()),
    }
}
