//! The way out for those who know more than we do: an application made by the operator's own description of its VMs.
//! Whatever comes of it is marked as unverified (api-applications §4).

use std::{fs, io, path::Path};

use serde_json::Value;

use super::product::{Product, Registered, State};
use crate::{
    clients::tower::ServiceStatus,
    engine::{ChangeProbe, Difference, Facts, World as _, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::world::{World, WorldRead},
    text::{Say, Text},
};

/// The package is there; the application is looked at only where the operator asks for one.
pub async fn probe(
    product: &Product,
    world: &WorldRead,
    handle: &Handle,
    registered: Registered,
) -> Result<ChangeProbe> {
    let done = |registered: &Registered| Facts::none().with(&product.fact, registered);
    if product.settings(world).vm_spec_file.is_none() {
        return Ok(ChangeProbe::Done(done(&registered)));
    }
    let listed = world.tower(handle).applications(product.application).await?;
    let Some(application) = listed.into_iter().next() else {
        return Ok(ChangeProbe::Differs(vec![Difference {
            what: message("stages.apps.application", &[("name", &product.application)]),
            found: "-".to_owned(),
            planned: "RUNNING".to_owned(),
            cell: None,
        }]));
    };
    let status = application.state.0;
    let args: [(&str, &dyn Say); 2] = [("name", &product.application), ("status", &status)];
    match status {
        ServiceStatus::Running => {
            let told = message("stages.apps.unverified", &args);
            let running = Registered { state: State::RunningUnverified, told, ..registered };
            Ok(ChangeProbe::Done(done(&running)))
        }
        ServiceStatus::Bad(_) => Err(Failure::new(Kind::Site, handle.manifest().title.clone())
            .at(product.application)
            .answer(Text::same(&status))
            .meaning(message("stages.apps.failed", &args))
            .advise(message("stages.apps.failed_advice", &args))),
        _ => Ok(ChangeProbe::Unknown(message("stages.apps.installing", &args))),
    }
}

pub async fn act(product: &Product, world: &World, handle: &Handle, registered: &Registered) -> Result<()> {
    let Some(path) = &product.settings(world.read()).vm_spec_file else { return Ok(()) };
    let tower = world.tower(handle);
    if !tower.applications(product.application).await?.is_empty() {
        return Ok(());
    }
    let vms = described(path)?;
    handle.warn(message("stages.apps.by_file", &[("product", &product.name), ("file", &path.display())]));
    let _slot = handle.turn().take().await;
    tower.deploy_application(product.application, &registered.package, &vms).await.map(drop)
}

/// The operator's JSON, sent as it is.
fn described(path: &Path) -> Result<Value> {
    let read = || serde_json::from_slice(&fs::read(path)?).map_err(io::Error::other);
    read().map_err(|error: io::Error| {
        Failure::new(Kind::Usage, message("stages.apps.reading_file", &[])).at(path.display()).because(&error)
    })
}
