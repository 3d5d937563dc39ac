//! Uploads to the operator: bytes are appended as they come, for all it knows is the offset (api-applications §2.4).

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{
        super::{
            appended::Appended, clock::Moment, exchange::Answer, ledger::PackageUpload, multipart, random,
        },
        denied::Denied,
        visit::Visit,
    },
    knobs::{BadArchive, CommitAnswer, UploadQuery},
    operator::upload_of,
    packages::{self, FileName},
};

/// What the contract sends at once, in bytes.
const CHUNK: usize = 4 << 20;

/// One upload.
#[derive(Debug, Serialize, Deserialize)]
pub struct Upload {
    pub id: String,
    file: String,
    #[serde(skip)]
    pub bytes: Appended,
    /// Of the chunk that came last.
    last: String,
    created: Moment,
    updated: Moment,
    pub committed: bool,
}

impl Upload {
    /// As version 3 shows it.
    fn row(&self) -> Value {
        json!({
            "id": self.id, "offset": self.bytes.length().to_string(),
            "status": if self.committed { "SIM_COMMITTED" } else { "UPLOADING" },
            "origin_file_name": self.file, "package_name": "", "package_id": "", "error_code": "",
            "error_message": "", "create_time": self.created.iso(), "update_time": self.updated.iso(),
        })
    }

    fn is_archive(&mut self, whole: Option<u64>) -> io::Result<bool> {
        Ok(self.bytes.is_gzip()? && whole.is_none_or(|bytes| bytes == self.bytes.length()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUpload {
    origin_file_name: String,
}

/// `POST v3/chunkedUploads`.
pub fn create(visit: &mut Visit<'_>) -> Result<Answer, Denied> {
    let new: NewUpload =
        serde_json::from_slice(&visit.call.body).map_err(|error| Denied::Shape(format!("body: {error}")))?;
    if FileName::read(&new.origin_file_name).is_none() {
        return Err(Denied::bad(format!("{:?} is no package of Observability", new.origin_file_name)));
    }
    let upload = Upload {
        id: visit.state.new_ksuid(),
        file: new.origin_file_name,
        bytes: Appended::default(),
        last: String::new(),
        created: visit.now,
        updated: visit.now,
        committed: false,
    };
    let entry =
        PackageUpload { protocol: "ovm".to_owned(), name: upload.file.clone(), ..PackageUpload::default() };
    visit.state.ledger.packages.insert(upload.id.clone(), entry);
    let row = upload.row();
    visit.state.tower.observability.uploads.push(upload);
    Ok(Answer::json(200, &row))
}

/// The simulated site's own disk.
fn no_room(error: io::Error) -> Denied {
    Denied::Error { status: 500, code: None, message: error.to_string(), props: Value::Null }
}

/// Where an open upload stands in the list.
fn open(visit: &Visit<'_>, id: &str) -> Result<usize, Denied> {
    let uploads = &visit.state.tower.observability.uploads;
    let index = uploads.iter().position(|upload| upload.id == id);
    let index = index.ok_or_else(|| Denied::missing(format!("upload {id} is not found")))?;
    if uploads[index].committed {
        return Err(Denied::bad(format!("upload {id} is committed")));
    }
    Ok(index)
}

/// `POST v1/chunkedUploads`: the parts `file` and `id`, in this order.
pub fn append(visit: &mut Visit<'_>) -> Result<Answer, Denied> {
    let parts = multipart::parts(visit.call).map_err(Denied::Shape)?;
    let shape = |what: &str| Err(Denied::Shape(what.to_owned()));
    let [file, id] = parts.as_slice() else { return shape("the parts are not file and id") };
    if (file.name.as_str(), id.name.as_str()) != ("file", "id") {
        return shape("the parts are not file and id, in this order");
    }
    let (data, id) = (file.file().map_err(Denied::Shape)?, id.text().map_err(Denied::Shape)?);
    if data.is_empty() {
        return shape("an empty chunk");
    }
    let index = open(visit, id)?;
    let entry = visit.state.ledger.packages.entry(id.to_owned()).or_default();
    if data.len() > CHUNK {
        entry.chunks_refused += 1;
        return shape("a chunk of more than 4 MiB");
    }
    let upload = &mut visit.state.tower.observability.uploads[index];
    let digest = random::hex(&Sha256::digest(data));
    entry.chunks_repeated += u64::from(upload.last == digest);
    entry.chunks_stored += 1;
    upload.last = digest;
    upload.bytes.append(data).map_err(no_room)?;
    upload.updated = visit.now;
    entry.bytes = upload.bytes.length();
    let time = |moment: Moment| json!({"seconds": moment.epoch_seconds(), "nanos": 0});
    let answer = json!({
        "id": upload.id, "offset": upload.bytes.length(), "status": 1, "origin_file_name": upload.file,
        "create_time": time(upload.created), "update_time": time(upload.updated),
    });
    Ok(Answer::json(200, &answer))
}

/// `POST v3/chunkedUploads/<id>:commit`, in the name of the user who has logged in.
pub fn commit(visit: &mut Visit<'_>) -> Result<Answer, Denied> {
    let root = visit.state.tower.root.as_ref().map(|root| root.id.as_str());
    match visit.call.header("x-user-id") {
        None => return Err(Denied::Shape("no x-user-id".to_owned())),
        Some(user) if Some(user) != root => {
            return Err(Denied::Shape("x-user-id is not the user who has logged in".to_owned()));
        }
        Some(_) => {}
    }
    if !visit.call.body.is_empty() && &visit.call.body[..] != b"{}" {
        return Err(Denied::Shape("a body where none belongs".to_owned()));
    }
    let index = open(visit, upload_of(visit.call))?;
    let whole = visit.state.quirks.tower.observability.package_bytes;
    let upload = &mut visit.state.tower.observability.uploads[index];
    let good = upload.is_archive(whole).map_err(no_room)?;
    let variants = visit.state.variants.tower.observability;
    if !good && variants.bad_archive == BadArchive::CommitRefused {
        return Err(Denied::bad("SIM_BAD_ARCHIVE: what was uploaded is no whole archive"));
    }
    upload.committed = true;
    upload.updated = visit.now;
    let (row, file, sha256) = (upload.row(), upload.file.clone(), upload.bytes.sha256());
    if let Some(entry) = visit.state.ledger.packages.get_mut(upload_of(visit.call)) {
        entry.complete = true;
        entry.sha256 = Some(sha256);
    }
    packages::import(visit, &file, good);
    Ok(match variants.commit_answer {
        CommitAnswer::Body => Answer::json(200, &row),
        CommitAnswer::Empty => Answer::empty(200),
    })
}

/// `GET v3/chunkedUploads/<id>`.
pub fn show(visit: &mut Visit<'_>) -> Result<Answer, Denied> {
    if !visit.call.body.is_empty() {
        return Err(Denied::Shape("a body where none belongs".to_owned()));
    }
    let id = upload_of(visit.call);
    match visit.state.variants.tower.observability.upload_query {
        UploadQuery::Answered => {}
        UploadQuery::NotFound => return Err(Denied::With(Answer::html(404, "Not Found"))),
        UploadQuery::NotImplemented => return Err(Denied::With(Answer::html(501, "Not Implemented"))),
        UploadQuery::Page => return Ok(Answer::html(200, "CloudTower")),
    }
    let upload = visit.state.tower.observability.uploads.iter().find(|upload| upload.id == id);
    let upload = upload.ok_or_else(|| Denied::missing(format!("upload {id} is not found")))?;
    Ok(Answer::json(200, &upload.row()))
}
