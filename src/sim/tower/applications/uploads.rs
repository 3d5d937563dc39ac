//! Upload tasks: from INITIALIZING through their chunks to SUCCESSED or FAILED (api-applications §3.2).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        super::{appended::Appended, clock::Moment, ledger::PackageUpload, site::State},
        denied::{Denied, Outcome},
        fate::UploadFate,
        tables::Table,
        visit::Visit,
    },
    knobs::{ChunkOrder, SecondPackage},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    Graphql,
    Rest,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Upload {
    pub id: String,
    pub protocol: Protocol,
    /// Of the file.
    pub name: String,
    pub package_name: Option<String>,
    /// Bytes of the file, and of every chunk but the last.
    pub size: u64,
    pub chunk_size: u64,
    /// The highest chunk that is stored; counted from 1.
    pub stored: u64,
    pub started_at: String,
    pub updated: Moment,
    /// When the import of the whole file ends, and whether well.
    pub import: Option<(Moment, bool)>,
    /// What stopped it before.
    pub halted: Option<UploadFate>,
    pub cancelled: bool,
    #[serde(skip)]
    pub bytes: Appended,
}

impl Upload {
    pub fn chunk_count(&self) -> u64 {
        self.size.div_ceil(self.chunk_size)
    }

    /// Bytes of a chunk; none when there is no such chunk.
    pub fn chunk_length(&self, number: u64) -> Option<u64> {
        let start = number.checked_sub(1)?.checked_mul(self.chunk_size)?;
        (start < self.size).then(|| self.chunk_size.min(self.size - start))
    }

    /// Whether more chunks may come.
    pub fn is_growing(&self) -> bool {
        self.import.is_none() && self.halted.is_none() && !self.cancelled
    }

    pub fn status(&self, now: Moment) -> &'static str {
        match (self.halted, self.import) {
            (Some(UploadFate::Failed), _) => "FAILED",
            (Some(UploadFate::Paused), _) => "PAUSED",
            (_, Some((until, well))) if until <= now => {
                if well {
                    "SUCCESSED"
                } else {
                    "FAILED"
                }
            }
            (_, Some(_)) => "UPLOADING",
            _ if self.stored == 0 => "INITIALIZING",
            _ => "UPLOADING",
        }
    }

    pub fn row(&self, now: Moment) -> Value {
        let ended = self.import.filter(|(until, _)| *until <= now).map(|(until, _)| until.iso());
        json!({
            "id": self.id, "status": self.status(now), "current_chunk": self.stored.max(1),
            "chunk_size": self.chunk_size, "size": self.size, "started_at": self.started_at,
            "finished_at": ended, "updatedAt": self.updated.iso(),
            "resource_type": "CLOUDTOWER_APPLICATION_PACKAGE",
            "args": {"name": self.name, "package_name": self.package_name},
        })
    }
}

impl State {
    /// Opens an upload, in the ledger too.
    pub(super) fn open_upload(&mut self, upload: Upload) {
        let entry = PackageUpload {
            protocol: if upload.protocol == Protocol::Rest { "rest" } else { "graphql" }.to_owned(),
            name: upload.name.clone(),
            size: upload.size,
            ..PackageUpload::default()
        };
        self.ledger.packages.insert(upload.id.clone(), entry);
        self.tower.applications.uploads.push(upload);
    }

    pub(super) fn upload(&self, id: &str) -> Option<&Upload> {
        self.tower.applications.uploads.iter().find(|upload| upload.id == id && !upload.cancelled)
    }

    pub(super) fn upload_mut(&mut self, id: &str) -> Option<&mut Upload> {
        self.tower.applications.uploads.iter_mut().find(|upload| upload.id == id && !upload.cancelled)
    }

    pub(in super::super) fn upload_rows(&self, now: Moment) -> Vec<Value> {
        let there = self.tower.applications.uploads.iter().filter(|upload| !upload.cancelled);
        there.map(|upload| upload.row(now)).collect()
    }

    /// Whether blindly adding is how this site takes what does not fit.
    pub(super) fn appends_blindly(&self) -> bool {
        self.variants.tower.chunk_order == ChunkOrder::Appended
    }

    /// Whether the same package may be there twice.
    pub(super) fn allows_twins(&self) -> bool {
        self.variants.tower.second_package == SecondPackage::Twin
    }
}

#[derive(Deserialize)]
struct Cancel {
    #[serde(rename = "where")]
    filter: Value,
}

/// `POST cancel-upload-task`: what has come so far is thrown away, and the task is not listed any more. One that
/// has succeeded is refused.
pub fn cancel(visit: &mut Visit<'_>) -> Outcome {
    let cancel: Cancel = visit.read()?;
    let ids = visit.selected(Table::UploadTasks, &cancel.filter)?;
    for id in &ids {
        let now = visit.now;
        let Some(upload) = visit.state.upload_mut(id) else { continue };
        if upload.status(now) == "SUCCESSED" {
            return Err(Denied::bad(format!("upload task {id} is over")));
        }
        upload.cancelled = true;
        upload.bytes = Appended::default();
        visit.state.ledger.packages.entry(id.clone()).or_default().cancelled = true;
    }
    Ok(json!(ids))
}
