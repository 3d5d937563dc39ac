//! The way to the site: directly, through a bastion's proxy, or to a simulated site, which is a proxy too.

use crate::{
    clients::{
        dial::Dialler,
        limits::Limits,
        proxy::{Proxy, Rehearsal},
    },
    failure::{Failure, Kind, Result},
    messages::message,
    plan::Plan,
    sim::{self, Running, SimOptions, Start},
};

use super::twin;

/// How to reach the site, and the simulated site itself when it runs within this process.
pub struct Reach {
    pub dialler: Dialler,
    pub twin: Option<Running>,
}

impl Reach {
    /// Through `proxy` when one is given.
    pub fn new(proxy: Option<&str>, limits: Limits) -> Result<Self> {
        let dialler = match proxy {
            Some(url) => Dialler::through(Proxy::parse(url)?, limits),
            None => Dialler::direct(limits),
        };
        Ok(Self { dialler, twin: None })
    }

    /// To a fresh twin of the plan, started here.
    pub async fn twin(plan: &Plan, options: SimOptions, limits: Limits) -> Result<Self> {
        let running = sim::start(Start::Fresh(Box::new(twin::twin_plan(plan))), options)
            .await
            .map_err(|error| Failure::new(Kind::Local, message("cli.simulate.doing", &[])).because(&error))?;
        let dialler = Dialler::through(Proxy::parse(&running.proxy_url())?, limits);
        Ok(Self { dialler, twin: Some(running) })
    }

    /// Set exactly when the site is a simulated one.
    pub fn rehearsal(&self) -> Option<&Rehearsal> {
        self.dialler.rehearsal()
    }

    /// How much faster than real the site's time runs.
    pub fn speed(&self) -> f64 {
        self.rehearsal().map_or(1.0, |rehearsal| rehearsal.speed)
    }

    pub async fn close(self) {
        if let Some(twin) = self.twin {
            twin.shutdown().await;
        }
    }
}
