//! Default storage policy and capacity alert of the cluster (api-cloudtower §5, §7).

use crate::{
    clients::tower::{ClusterSettings, GlobalAlertRule, Severity, TowerReader, thin_policy},
    failure::Result,
    messages::message,
    stages::{
        config_cloudtower::{CAPACITY_RULE, CRITICAL, REPLICAS},
        verify::{row::Row, table::Table},
        world::WorldRead,
    },
};

pub async fn read(world: &WorldRead, tower: &TowerReader, cluster: &str, table: &mut Table) -> Result<()> {
    let what = message("stages.policy.what", &[]);
    let row = Row::derived("cluster.default_storage_policy", what, thin_policy(REPLICAS));
    let row = row.made_by("config-cloudtower.storage-policy");
    let row = row.shown(|all: &Vec<ClusterSettings>| all.first()?.default_storage_policy.clone());
    table.ask(vec![row], tower.cluster_settings(cluster), || tower.last_read()).await?;

    const ALERT: &str = "config-cloudtower.capacity-alert";
    let notice = &world.plan.alert.notice_percent;
    let threshold = |severity: Severity| {
        move |rule: &Option<GlobalAlertRule>| {
            let row = rule.as_ref()?.of_cluster(cluster)?;
            Some(row.threshold(severity)?.to_string())
        }
    };
    let critical = message("stages.alert.critical", &[]);
    let switched_on = message("stages.verify.alert_on", &[]);
    let rows = vec![
        Row::of("alert.notice_percent", notice).made_by(ALERT).shown(threshold(Severity::Notice)),
        Row::derived("alert.critical_percent", critical, CRITICAL)
            .made_by(ALERT)
            .shown(threshold(Severity::Critical)),
        Row::derived("alert.enabled", switched_on, true).made_by(ALERT).shown(
            |rule: &Option<GlobalAlertRule>| {
                Some((!rule.as_ref()?.of_cluster(cluster)?.disabled).to_string())
            },
        ),
    ];
    table.ask(rows, tower.alert_rule(CAPACITY_RULE), || tower.last_read()).await?;
    Ok(())
}
