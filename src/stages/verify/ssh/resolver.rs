//! The name servers inside CloudTower (api-cloudtower §2).

use crate::{
    clients::ssh::Looker,
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
    text::Text,
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
    show(table, row, guest::look(world, handle).await).await
}

/// The row of the name servers in a guest's resolv.conf, from a look into the guest.
pub async fn show(table: &mut Table, row: Row, look: Result<Result<Looker, Text>>) -> Result<()> {
    let machine = match look {
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
