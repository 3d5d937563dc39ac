//! The name servers inside CloudTower (api-cloudtower §2).

use crate::{
    engine::{event::Agreement, handle::Handle},
    failure::Result,
    messages::message,
    stages::{
        deploy_cloudtower::{
            guest::{self, RESOLV_CONF},
            resolv_conf::servers,
        },
        verify::{
            row::Row,
            table::{Table, unanswered},
        },
        world::{WorldRead, evidence},
    },
};

/// The planned servers come first; others that were there may follow.
pub async fn read(world: &WorldRead, handle: &Handle, table: &mut Table) -> Result<()> {
    let planned = &world.plan.dns.servers;
    let title = message("stages.verify.resolver", &[]);
    let Some(first) = planned.first() else {
        table.not_planned(Row::derived("cloudtower.dns", title, ""), message("stages.dns.none", &[]));
        return Ok(());
    };
    let all = planned.iter().map(|server| server.value.to_string()).collect::<Vec<_>>().join(", ");
    let row = Row::at("cloudtower.dns", &first.cell, &all).titled(title).leading();
    let row = row.made_by("deploy-cloudtower.resolv-conf");
    let machine = match guest::look(world, handle).await {
        Ok(Ok(machine)) => machine,
        Ok(Err(why)) => {
            table.unread([row], &why);
            return Ok(());
        }
        Err(failure) => {
            table.unread([row], &unanswered(failure)?);
            return Ok(());
        }
    };
    let content = machine.file(RESOLV_CONF).await;
    let proof = machine.last_read().map(evidence);
    machine.close().await;
    table.push(match content {
        Ok(Some(content)) => row.found(&servers(&content).join(", "), proof),
        Ok(None) => row.ended(Agreement::Missing, None, None, proof),
        Err(failure) => row.ended(Agreement::Unread, None, Some(unanswered(failure)?), proof),
    });
    Ok(())
}
