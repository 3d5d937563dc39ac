//! Accounts of the hosts, proved by logging in (api-fisheye §6.8).

use futures_util::{StreamExt, stream};

use crate::{
    clients::wire::Receipt,
    engine::handle::Handle,
    failure::Result,
    messages::message,
    plan::model::{Host, Password},
    stages::{
        verify::{row::Row, table::Table},
        world::WorldRead,
    },
};

const MADE_BY: &str = "config-cluster.host-passwords";

/// Hosts at a time (api-fisheye §6.8).
const AT_A_TIME: usize = 4;

/// What one account came to, and the login that tells.
type Tried = (Result<bool>, Option<Receipt>);

pub async fn read(world: &WorldRead, handle: &Handle, table: &mut Table) -> Result<()> {
    let tried: Vec<(&Host, Tried, Tried)> = stream::iter(&world.plan.hosts)
        .map(|host| async move {
            let user = log_in(world, handle, host, &host.ssh_user.value, &host.ssh_password).await;
            let admin = log_in(world, handle, host, &host.admin_user.value, &host.admin_password).await;
            (host, user, admin)
        })
        .buffered(AT_A_TIME)
        .collect()
        .await;
    // Hosts of one cluster have one rule for root logins: where it lets nobody in, a refusal is no news of a password.
    let closed = tried.iter().all(|(_, user, admin)| matches!((&user.0, &admin.0), (Ok(true), Ok(false))));
    for (host, (user, user_proof), (admin, admin_proof)) in tried {
        table.login(row(host, "ssh_password", &host.ssh_user.value, &host.ssh_password), user, user_proof)?;
        let row = row(host, "admin_password", &host.admin_user.value, &host.admin_password);
        if closed {
            let row = row.planned(message("stages.verify.login", &[]));
            table.unreadable(
                row,
                message("stages.verify.closed_account", &[("user", &host.admin_user.value)]),
            );
        } else {
            table.login(row, admin, admin_proof)?;
        }
    }
    Ok(())
}

fn row(host: &Host, name: &str, user: &str, password: &Password) -> Row {
    let row = Row::at(format!("hosts[{}].{name}", host.index), &password.cell, &"");
    row.whose(&format!("{user}@{}", host.hostname.value)).made_by(MADE_BY)
}

async fn log_in(world: &WorldRead, handle: &Handle, host: &Host, user: &str, password: &Password) -> Tried {
    let ssh = world.ssh(handle, host.mgmt_ip.value);
    let accepted = ssh.accepted(user, &[&password.value]).await;
    (accepted.map(|accepted| accepted.is_some()), ssh.last_read())
}
