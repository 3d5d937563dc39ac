//! `updateBackupService`: the clusters that a service backs up; `set` replaces them all (api-applications §3.7).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::{tables::Table, visit::Visit};

#[derive(Deserialize)]
struct Update {
    backup_clusters: Clusters,
}

#[derive(Deserialize)]
struct Clusters {
    set: Vec<Id>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// Errors: no such service or cluster, a service that does not run.
pub fn update(visit: &mut Visit<'_>, arguments: &Map<String, Value>) -> Result<Value, String> {
    let argument = |name: &str| arguments.get(name).cloned().unwrap_or_default();
    let wanted = argument("where")["id"].as_str().unwrap_or_default().to_owned();
    let update: Update =
        serde_json::from_value(argument("data")).map_err(|error| format!("data: {error}"))?;
    let now = visit.now;
    let index = visit.state.tower.backup.services.iter().position(|service| service.id == wanted);
    let index = index.ok_or_else(|| format!("there is no backup service {wanted}"))?;
    let status = visit.state.service_status(now, &visit.state.tower.backup.services[index]);
    if status != "RUNNING" {
        return Err(format!("the backup service is {status}"));
    }
    let rows = visit.state.rows(Table::Clusters, now);
    let attached = |id: &str| rows.iter().any(|row| row["id"] == id && row["connect_state"] == "CONNECTED");
    let kept =
        |id: &str| visit.state.tower.backup.services[index].clusters.iter().any(|(known, _)| known == id);
    // One that is associated already may stay, connected or not.
    let unknown = update.backup_clusters.set.iter().find(|one| !attached(&one.id) && !kept(&one.id));
    if let Some(unknown) = unknown {
        return Err(format!("{} is not an attached cluster", unknown.id));
    }
    let service = &mut visit.state.tower.backup.services[index];
    let before = std::mem::take(&mut service.clusters);
    for Id { id } in update.backup_clusters.set {
        let since = before.iter().find(|(known, _)| *known == id).map_or(now, |(_, since)| *since);
        if !service.clusters.iter().any(|(known, _)| *known == id) {
            service.clusters.push((id, since));
        }
    }
    let shown = json!({"id": service.id, "name": service.name});
    let name = service.name.clone();
    visit.state.ledger.backup_clusters.entry(name).or_default().add(now);
    Ok(shown)
}
