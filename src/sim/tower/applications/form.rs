//! Uploading by REST: a form per chunk, the first of which makes the task (api-applications §4).

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    super::{
        super::{
            appended::Appended,
            exchange::Call,
            multipart::{self, Part},
            site::State,
        },
        denied::{Denied, Outcome},
        visit::Visit,
    },
    chunks::Unfit,
    packages::inside,
    uploads::{Protocol, Upload},
};

/// The chunk size of the official example.
const CHUNK_SIZE: u64 = 8 << 20;

const FIELDS: [&str; 5] = ["file", "name", "size", "size_unit", "upload_task_id"];

/// What a form says about its upload.
struct Form<'a> {
    file: &'a [u8],
    name: String,
    size: u64,
    task: Option<String>,
}

impl<'a> Form<'a> {
    fn read(call: &'a Call) -> Result<Self, String> {
        let mut parts: BTreeMap<String, Part<'a>> = BTreeMap::new();
        for part in multipart::parts(call)? {
            if !FIELDS.contains(&part.name.as_str()) {
                return Err(format!("unknown part {}", part.name));
            }
            if let Some(twin) = parts.insert(part.name.clone(), part) {
                return Err(format!("part {} comes twice", twin.name));
            }
        }
        let text = |name: &str| parts.get(name).map(|part| part.text().map(str::to_owned)).transpose();
        let size = text("size")?.ok_or("part size is missing")?;
        let size: u64 = size.parse().map_err(|_| format!("size {size:?} is no number of bytes"))?;
        if let Some(unit) = text("size_unit")?.filter(|unit| unit != "B") {
            return Err(format!("size_unit {unit}: sizes are sent in bytes"));
        }
        let file = parts.get("file").ok_or("part file is missing")?;
        if file.filename.is_none() {
            return Err("part file has no file name".to_owned());
        }
        let name = text("name")?.ok_or("part name is missing")?;
        Ok(Self { file: file.data, name, size, task: text("upload_task_id")? })
    }
}

impl State {
    /// The chunk that a form must bring: nothing in it says which one it is.
    pub(super) fn next_form_chunk(&self, call: &Call) -> Option<u64> {
        let parts = multipart::parts(call).ok()?;
        let task = parts.iter().find(|part| part.name == "upload_task_id");
        let stored = task.and_then(|task| Some(self.upload(task.text().ok()?)?.stored));
        Some(stored.unwrap_or(0) + 1)
    }
}

/// `POST upload-cloudtower-application-package`.
pub fn upload(visit: &mut Visit<'_>) -> Outcome {
    let call = visit.call;
    let form = Form::read(call).map_err(Denied::Shape)?;
    if let Some(refusal) = visit.state.quirks.tower.packages.rest_refusal.clone() {
        let stored = form.task.as_deref().and_then(|id| visit.state.upload(id)).map_or(0, |one| one.stored);
        if stored >= refusal.after_chunks {
            return Err(Denied::bad(refusal.message));
        }
    }
    let (id, number) = match &form.task {
        None => (open(visit, &form)?, 1),
        Some(id) => {
            let upload = visit.state.upload(id).filter(|upload| upload.protocol == Protocol::Rest);
            let upload = upload.ok_or_else(|| Denied::missing(format!("there is no upload task {id}")))?;
            if (upload.name.as_str(), upload.size) != (form.name.as_str(), form.size) {
                return Err(Denied::bad("name or size is not that of the upload task"));
            }
            (id.clone(), upload.stored + 1)
        }
    };
    let first = form.task.is_none();
    visit.store_chunk(&id, number, form.file).or_else(|unfit| match unfit {
        // Whatever length it has: the answer tells which one is wanted (§4).
        Unfit::Refused(_) if first => visit.take_odd_chunk(&id, form.file),
        Unfit::Refused(what) => Err(Denied::bad(what)),
        Unfit::Breach(what) => Err(Denied::Shape(what)),
    })?;
    let upload = visit.state.upload(&id).ok_or_else(|| Denied::missing("the task is gone"))?;
    Ok(json!([upload.row(visit.answered_at())]))
}

/// The task of a first chunk.
fn open(visit: &mut Visit<'_>, form: &Form<'_>) -> Result<String, Denied> {
    if form.size == 0 || form.file.is_empty() {
        return Err(Denied::bad("an empty package"));
    }
    // Everoute has an upload of its own, which is not part of REST.
    if inside(&form.name).is_none() {
        return Err(Denied::bad(format!("{} is no package of an application", form.name)));
    }
    let id = visit.state.new_cuid(visit.now);
    visit.state.open_upload(Upload {
        id: id.clone(),
        protocol: Protocol::Rest,
        name: form.name.clone(),
        package_name: None,
        size: form.size,
        chunk_size: visit.state.quirks.tower.packages.chunk_size.unwrap_or(CHUNK_SIZE).max(1),
        stored: 0,
        started_at: visit.now.iso(),
        updated: visit.now,
        import: None,
        halted: None,
        cancelled: false,
        bytes: Appended::default(),
    });
    Ok(id)
}

impl Visit<'_> {
    /// A first chunk of another length than the site's: stored, but nothing fits after it.
    fn take_odd_chunk(&mut self, id: &str, data: &[u8]) -> Result<(), Denied> {
        let failed = |error: std::io::Error| Denied::bad(error.to_string());
        let entry = self.state.ledger.packages.entry(id.to_owned()).or_default();
        entry.chunks_refused = 0;
        let Some(upload) = self.state.tower.applications.uploads.iter_mut().find(|upload| upload.id == id)
        else {
            return Ok(());
        };
        upload.bytes.append(data).map_err(failed)?;
        upload.stored = 1;
        entry.bytes = upload.bytes.length();
        entry.chunks_stored = 1;
        Ok(())
    }
}
