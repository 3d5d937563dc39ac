//! CloudTower's version, and its account, which a login proves.

use crate::{
    clients::{
        dial::Endpoint,
        probe::Reach,
        tower::{Entry, InForce, Readiness, TowerReader},
    },
    engine::{event::Agreement, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        deploy_cloudtower::image::IMAGE,
        verify::{
            row::{Row, Wanted},
            table::{Table, unanswered},
        },
        world::{WorldRead, evidence},
    },
};

/// Without a login nothing else of CloudTower can be read; at an address where nobody answers none is tried.
pub async fn read(world: &WorldRead, handle: &Handle, tower: &TowerReader, table: &mut Table) -> Result<()> {
    let address = tower.address();
    let reach = world.dialler.probe(Endpoint::new(address, 443)).await;
    if matches!(reach, Reach::Silent | Reach::Refused) {
        table.close(message("stages.verify.silent", &[("address", &address)]));
    }
    version(world, handle, tower, table).await?;
    if !log_in(world, tower, table).await? {
        table.close(message("stages.verify.no_tower_login", &[]));
    }
    Ok(())
}

async fn log_in(world: &WorldRead, tower: &TowerReader, table: &mut Table) -> Result<bool> {
    let cell = &world.plan.cloudtower.web_password.cell;
    let row = Row::at("cloudtower.web_password", cell, &"").made_by("deploy-cloudtower.account");
    let row = row.planned(message("stages.verify.login", &[]));
    if let Some(why) = table.closed() {
        table.unread([row], &why);
        return Ok(false);
    }
    let entry = tower.enter_anew().await;
    let proof = tower.last_read().map(evidence);
    let inside = matches!(entry, Ok(Entry::In(_)));
    let (verdict, found) = match entry {
        Ok(Entry::In(InForce::Planned)) => (Agreement::Equal, message("stages.verify.login", &[])),
        Ok(Entry::In(InForce::Default)) => {
            (Agreement::Differs, message("stages.verify.default_password", &[]))
        }
        Ok(Entry::Refused(_)) => (Agreement::Differs, message("stages.verify.refused", &[])),
        Err(failure) => {
            table.push(row.ended(Agreement::Unread, None, Some(unanswered(failure)?), proof));
            return Ok(false);
        }
    };
    table.push(row.ended(verdict, Some(found), None, proof));
    Ok(inside)
}

/// `4.6.2` is planned; a build may follow it at the site. Stage 04 takes the newest image of the media folder, and says
/// so where that is of another version.
async fn version(world: &WorldRead, handle: &Handle, tower: &TowerReader, table: &mut Table) -> Result<()> {
    let Some(version) = &world.plan.cloudtower.version else {
        table.not_planned(Row::blank("cloudtower.version"), message("stages.verify.blank", &[]));
        return Ok(());
    };
    let row = Row::of("cloudtower.version", version).made_by("deploy-cloudtower.installer").beginning();
    let rows: Vec<Wanted<'_, String>> = vec![row.shown(|found: &String| Some(found.clone()))];
    let question = async {
        match tower.readiness().await? {
            Readiness::Ready(version) => Ok(version),
            Readiness::NotYet(why) => {
                Err(Failure::new(Kind::Site, message("stages.verify.version", &[])).answer(why))
            }
        }
    };
    let found = table.ask(rows, question, || tower.last_read()).await?;
    let of_media = |found: String| {
        let image = handle.fact(&IMAGE);
        !found.is_empty() && image.is_some_and(|image| image.name.contains(&found))
    };
    if found.is_some_and(of_media) {
        table.keep_last(message("stages.verify.media_version", &[]));
    }
    Ok(())
}
