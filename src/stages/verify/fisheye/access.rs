//! The administrator and the VIP; both are proved by a login.

use crate::{
    clients::{
        dial::Endpoint,
        fisheye::{Login, Reader},
        probe::Reach,
    },
    engine::event::Agreement,
    failure::Result,
    messages::message,
    stages::{
        verify::{
            row::Row,
            table::{Table, unanswered},
        },
        world::{WorldRead, evidence},
    },
};

/// Without a login nothing else of the cluster can be read.
pub async fn read(world: &WorldRead, cluster: &Reader, table: &mut Table) -> Result<()> {
    let plan = &world.plan.cluster;
    let vip = vip(world, cluster, table).await?;
    let first = cluster.log_in_at(cluster.addresses().first).await;
    let inside = vip || matches!(first, Ok(Login::In));
    let row = Row::at("cluster.admin_password", &plan.admin_password.cell, &"");
    let row = row.made_by("config-cluster.root-account");
    table.login(row, first.map(|login| login == Login::In), cluster.last_read())?;
    if !inside {
        table.close(message("stages.verify.no_login", &[]));
    }
    Ok(())
}

/// An address that nobody answers at is missing; one where the password is refused belongs to somebody else.
async fn vip(world: &WorldRead, cluster: &Reader, table: &mut Table) -> Result<bool> {
    let vip = cluster.addresses().vip;
    let row = Row::of("cluster.vip", &world.plan.cluster.vip).made_by("config-cluster.vip");
    if matches!(world.dialler.probe(Endpoint::new(vip, 443)).await, Reach::Silent | Reach::Refused) {
        let why = message("stages.verify.silent", &[("address", &vip)]);
        table.push(row.ended(Agreement::Missing, None, Some(why), None));
        return Ok(false);
    }
    let login = cluster.log_in_at(vip).await;
    let proof = cluster.last_read().map(evidence);
    let inside = matches!(login, Ok(Login::In));
    table.push(match login {
        Ok(Login::In) => row.found(&vip.to_string(), proof),
        Ok(Login::Refused(_)) => {
            row.ended(Agreement::Differs, Some(message("stages.verify.refused", &[])), None, proof)
        }
        Err(failure) => row.ended(Agreement::Unread, None, Some(unanswered(failure)?), proof),
    });
    Ok(inside)
}
