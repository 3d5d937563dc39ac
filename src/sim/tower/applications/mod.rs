//! Application packages, their uploads and what is deployed from them (api-applications §§3.1, 3.2, 4).

mod chunks;
mod deployments;
mod everoute;
mod form;
mod graphql;
mod knobs;
mod packages;
mod uploads;

use serde::{Deserialize, Serialize};

pub use self::{
    deployments::{Application, deploy},
    form::upload,
    graphql::{create_task, named, upload_chunk},
    knobs::{ChunkOrder, PackageQuirks, SecondPackage},
    packages::Package,
    uploads::cancel,
};
use self::{everoute::EveroutePackage, uploads::Upload};
use super::super::{appended::Appended, exchange::Call, site::State};

/// Stands in every field of an answer that holds a secret and that nobody needs.
pub const SECRET_CANARY: &str = "sim-canary-0b1f8e7a-never-ask-for-this";

/// The backup package: what it is called in a file name and at the server (api-applications §3.1, S).
pub const BACKUP_PACKAGE: &str = "iomesh-backup";

/// What CloudTower knows of packages and applications.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Applications {
    pub packages: Vec<Package>,
    pub deployed: Vec<Application>,
    uploads: Vec<Upload>,
    everoute: Vec<EveroutePackage>,
}

impl Applications {
    /// The bytes of every upload that goes on.
    pub fn growing_uploads(&mut self) -> impl Iterator<Item = (String, &mut Appended)> {
        let open = self.uploads.iter_mut().filter(|upload| upload.is_growing());
        open.map(|upload| (upload.id.clone(), &mut upload.bytes))
    }
}

impl State {
    /// Which chunk of its upload a request brings, counted from 1: faults may want one of them alone.
    pub(super) fn package_chunk(&self, operation: &str, call: &Call) -> Option<u64> {
        match operation {
            "tower.uploadCloudTowerApplicationPackage" => graphql::chunk_number(call),
            "tower.upload-cloudtower-application-package" => self.next_form_chunk(call),
            _ => None,
        }
    }
}
