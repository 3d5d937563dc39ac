//! The world the steps live in: the plan, the ways to the site, and what a run brings along.

use std::{
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use super::{
    facts::CLUSTER,
    handover::Papers,
    inspect,
    settings::{Services, Settings},
    shared::Shared,
    workbook::Workbook,
};
use crate::{
    clients::{
        dial::{Dialler, Endpoint},
        fisheye::{Addresses, Fisheye, Reader, Vds},
        http::Http,
        inspector::{Inspector, InspectorReader},
        ssh::{Ssh, SshReader},
        tower::{Tower, TowerReader, View},
        transfers::Transfers,
        trust::TrustStore,
        wire::Receipt,
    },
    engine::{self, Content, FieldValue, event::Evidence, handle::Handle},
    failure::{Failure, Result},
    messages::message,
    plan::{Diagnostic, Plan, view},
};

/// Everything a run hands to its steps; only `cli` puts it together.
pub struct Outfit {
    pub plan: Plan,
    /// What the plan check found besides errors.
    pub findings: Vec<Diagnostic>,
    pub settings: Settings,
    pub inspection: inspect::Settings,
    pub services: Services,
    /// The folder of media, when there is one.
    pub media: Option<PathBuf>,
    pub http: Http,
    /// What all transfers of this process share.
    pub transfers: Transfers,
    /// Where serials are written: the workbook, or its copy in a rehearsal; `None` writes nowhere.
    pub workbook: Option<Workbook>,
    /// Where the deploy payload is kept; `None` keeps it nowhere.
    pub run_folder: Option<PathBuf>,
    /// The folder of the site, which outlives runs; `None`: there is none.
    pub site_folder: Option<PathBuf>,
    /// Who makes the papers of this run; `None`: nobody, and nothing is written.
    pub papers: Option<Box<dyn Papers>>,
}

/// The whole world, for acts.
pub struct World {
    read: WorldRead,
    fisheye: Fisheye,
    tower: Tower,
}

/// The readable part of the world, for probes: nothing here changes the site.
pub struct WorldRead {
    pub plan: Plan,
    pub findings: Vec<Diagnostic>,
    pub settings: Settings,
    pub inspection: inspect::Settings,
    pub services: Services,
    pub media: Option<PathBuf>,
    pub dialler: Dialler,
    /// Who may answer at which address.
    pub trust: TrustStore,
    pub workbook: Option<Workbook>,
    pub papers: Option<Box<dyn Papers>>,
    http: Http,
    pub transfers: Transfers,
    fisheye: Reader,
    tower: TowerReader,
    vdses: Shared<Vds>,
    views: Shared<View>,
    run_folder: Option<PathBuf>,
    pub site_folder: Option<PathBuf>,
}

impl World {
    /// Nothing is contacted yet.
    pub fn new(outfit: Outfit) -> Self {
        let Outfit { plan, findings, settings, inspection, media, http, workbook, run_folder, .. } = outfit;
        let Outfit { services, transfers, site_folder, papers, .. } = outfit;
        let nodes: Vec<Ipv4Addr> = plan.hosts.iter().map(|host| host.mgmt_ip.value).collect();
        let vip = plan.cluster.vip.value;
        let trust = http.trust().clone();
        trust.share(Endpoint::new(vip, 443), nodes.iter().map(|node| Endpoint::new(*node, 443)));
        let addresses = Addresses {
            // A plan has three hosts at least.
            first: nodes.first().copied().unwrap_or(vip),
            others: nodes.iter().skip(1).copied().collect(),
            vip,
        };
        let password = plan.cluster.admin_password.value.clone();
        let fisheye = Fisheye::new(http.clone(), addresses, password);
        let tower = Tower::new(
            http.clone(),
            plan.cloudtower.ip.value,
            plan.cloudtower.web_password.value.clone(),
            services.web_access(),
        );
        let read = WorldRead {
            plan,
            findings,
            settings,
            inspection,
            services,
            media,
            dialler: http.dialler().clone(),
            trust,
            workbook,
            fisheye: fisheye.reader().clone(),
            tower: tower.reader().clone(),
            http,
            transfers,
            vdses: Shared::default(),
            views: Shared::default(),
            run_folder,
            site_folder,
            papers,
        };
        Self { read, fisheye, tower }
    }

    pub fn plan(&self) -> &Plan {
        &self.read.plan
    }

    pub fn transfers(&self) -> &Transfers {
        &self.read.transfers
    }

    pub fn media(&self) -> Option<&Path> {
        self.read.media.as_deref()
    }

    /// The cluster, to be changed. Lists read before are stale from here on.
    pub fn fisheye(&self, handle: &Handle) -> Fisheye {
        self.read.forget();
        self.fisheye.for_step(handle.id())
    }

    /// CloudTower, to be changed. Lists read before are stale from here on.
    pub fn tower(&self, handle: &Handle) -> Tower {
        self.read.forget();
        self.tower.for_step(handle.id())
    }

    /// CloudTower's inspection centre, to be asked for inspections and reports. Nothing read before is stale then.
    pub fn inspector(&self, handle: &Handle) -> Inspector {
        Inspector::new(&self.tower.for_step(handle.id()))
    }

    pub fn ssh(&self, handle: &Handle, address: Ipv4Addr) -> Ssh {
        Ssh::new(self.read.ssh(handle, address))
    }

    pub fn ssh_at(&self, handle: &Handle, endpoint: Endpoint) -> Ssh {
        Ssh::new(self.read.ssh_at(handle, endpoint))
    }

    /// Keeps a redacted copy of a request body in the run folder.
    pub fn keep_payload(&self, name: &str, body: &impl serde::Serialize) -> Result<()> {
        let Some(folder) = &self.read.run_folder else { return Ok(()) };
        let path = folder.join(name);
        let write = |path: &Path| {
            let value = serde_json::to_value(body).map_err(io::Error::other)?;
            let redacted = self.read.http.wire().redactor().json(&value);
            fs::write(path, serde_json::to_vec_pretty(&redacted).map_err(io::Error::other)?)
        };
        write(&path).map_err(|error| {
            Failure::on_disk(message("stages.world.keeping_payload", &[]), path.display(), &error)
        })
    }
}

impl WorldRead {
    /// The cluster, to be looked at.
    pub fn cluster(&self, handle: &Handle) -> Reader {
        self.fisheye.for_step(handle.id())
    }

    /// CloudTower, to be looked at.
    pub fn tower(&self, handle: &Handle) -> TowerReader {
        self.tower.for_step(handle.id())
    }

    /// CloudTower's inspection centre, to be looked at.
    pub fn inspector(&self, handle: &Handle) -> InspectorReader {
        InspectorReader::new(self.tower(handle))
    }

    /// Where what this run leaves is kept; `None`: nowhere.
    pub fn run_folder(&self) -> Option<&Path> {
        self.run_folder.as_deref()
    }

    /// The file of that name: relative to the folder of the site, or absolute.
    pub fn site_file(&self, name: &str) -> Option<PathBuf> {
        match &self.site_folder {
            Some(folder) => Some(folder.join(name)),
            None => Some(PathBuf::from(name)).filter(|path| path.is_absolute()),
        }
    }

    /// The name that [`Self::site_file`] takes, with `/` on every system.
    pub fn site_name(&self, path: &Path) -> String {
        let within = self.site_folder.as_ref().and_then(|folder| path.strip_prefix(folder).ok());
        match within {
            Some(within) => within.to_string_lossy().replace('\\', "/"),
            None => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string(),
        }
    }

    pub fn ssh(&self, handle: &Handle, address: Ipv4Addr) -> SshReader {
        self.ssh_at(handle, Endpoint::new(address, 22))
    }

    /// SSH at a port of its own.
    pub fn ssh_at(&self, handle: &Handle, endpoint: Endpoint) -> SshReader {
        let wire = self.http.wire().for_step(handle.id());
        SshReader::new(self.dialler.clone(), endpoint, self.trust.clone(), wire)
    }

    /// The VDSes of the cluster, read once for all steps until the first write.
    pub async fn vdses(&self, handle: &Handle) -> Result<Vec<Vds>> {
        self.vdses.get(async || self.cluster(handle).vdses().await).await
    }

    /// The monitoring views of the attached cluster, read once for all steps until the first write.
    pub async fn views(&self, handle: &Handle) -> Result<Vec<View>> {
        let cluster = handle.need(&CLUSTER)?;
        self.views.get(async || self.tower(handle).views(&cluster).await).await
    }

    fn forget(&self) {
        self.vdses.forget();
        self.views.forget();
    }
}

impl engine::World for World {
    type Read = WorldRead;

    fn read(&self) -> &WorldRead {
        &self.read
    }

    fn field(&self, key: &str) -> Option<FieldValue> {
        let field = view::field(&self.read.plan, key)?;
        let content = match field.text {
            view::FieldText::Open(text) => Content::Plain(text),
            view::FieldText::Secret(secret) => Content::Secret(secret),
        };
        Some(FieldValue { content, cells: field.cells.iter().map(ToString::to_string).collect() })
    }

    fn forget_reads(&self) {
        self.read.forget();
    }

    fn evidence(&self, step: &str) -> Option<Evidence> {
        self.read.http.wire().take_last_read(step).map(evidence)
    }
}

/// A client's receipt in the words of the events.
pub fn evidence(receipt: Receipt) -> Evidence {
    let Receipt { operation, address, method, path, time, sha256 } = receipt;
    Evidence { operation, address, method, path, at: time, sha256 }
}
