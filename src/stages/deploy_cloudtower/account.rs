//! `deploy-cloudtower.account`: CloudTower's root user with the planned password (api-cloudtower §1.3).

use crate::{
    clients::tower::{Entry, InForce, Tower},
    engine::{ChangeProbe, Difference, Facts, World as _, handle::Handle},
    failure::{Failure, Result},
    messages::message,
    stages::{
        tasks,
        world::{World, WorldRead},
    },
};

/// A login proves the account. An organization without a root user, or the reverse, is half a set-up: each step
/// completes its own half.
pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let tower = world.tower(handle);
    if !tower.check_set_up().await?.root_created {
        return Ok(ChangeProbe::Absent);
    }
    let cell = &world.plan.cloudtower.web_password.cell;
    Ok(match tower.enter().await? {
        Entry::In(InForce::Planned) => ChangeProbe::Done(Facts::none()),
        Entry::In(InForce::Default) => ChangeProbe::Differs(vec![Difference {
            what: message("stages.tower.password_what", &[]),
            found: "***".to_owned(),
            planned: "***".to_owned(),
            cell: Some(cell.to_string()),
        }]),
        Entry::Refused(words) => ChangeProbe::Conflict(message(
            "stages.tower.other_password",
            &[("cell", cell), ("words", &words)],
        )),
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let tower = world.tower(handle);
    if !tower.check_set_up().await?.root_created {
        create(&tower, handle).await?;
    }
    if tower.enter().await? == Entry::In(InForce::Default) {
        let begun = tower.set_password().await?;
        tasks::finish(world.read(), handle, &begun).await.map_err(Failure::answer_lost)?;
        tower.leave().await;
    }
    Ok(())
}

/// The captured call knows the default password alone; any other goes in clear text by REST, and where this
/// CloudTower refuses that, the default is set first and replaced after.
async fn create(tower: &Tower, handle: &Handle) -> Result<()> {
    let now = handle.clock().now();
    if tower.default_is_planned() {
        return tower.create_default_root(now).await;
    }
    if tower.create_planned_root().await? || tower.check_set_up().await?.root_created {
        return Ok(());
    }
    handle.note(message("stages.tower.by_default_password", &[]));
    tower.create_default_root(now).await
}
