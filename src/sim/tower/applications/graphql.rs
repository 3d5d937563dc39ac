//! Uploading by GraphQL: a task, then chunks by the multipart convention (api-applications §3.2).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{
        super::{appended::Appended, exchange::Call, multipart},
        visit::Visit,
    },
    chunks::Unfit,
    packages::{Package, inside},
    uploads::{Protocol, Upload},
};

/// The largest chunk that is taken: 64 MiB.
const LARGEST: u64 = 64 << 20;

#[derive(Deserialize)]
struct NewTask {
    status: String,
    current_chunk: u64,
    chunk_size: u64,
    resource_type: String,
    size: u64,
    args: Arguments,
    started_at: String,
}

#[derive(Deserialize)]
struct Arguments {
    name: String,
    package_name: String,
}

/// `createUploadTask`. Errors: a value that is not the captured one.
pub fn create_task(visit: &mut Visit<'_>, arguments: &Map<String, Value>) -> Result<Value, String> {
    let data = arguments.get("data").cloned().unwrap_or_default();
    let new: NewTask = serde_json::from_value(data).map_err(|error| format!("data: {error}"))?;
    let fixed = (new.status.as_str(), new.current_chunk, new.resource_type.as_str());
    if fixed != ("INITIALIZING", 1, "CLOUDTOWER_APPLICATION_PACKAGE") {
        return Err("status, current_chunk or resource_type is not that of a new package".to_owned());
    }
    if !(1..=LARGEST).contains(&new.chunk_size) || new.size == 0 {
        return Err("size and chunk_size must be positive, and a chunk of a usual length".to_owned());
    }
    if !has_milliseconds(&new.started_at) {
        return Err("started_at: UTC with milliseconds".to_owned());
    }
    let Some((name, ..)) = inside(&new.args.name) else {
        return Err(format!("{} is no package of an application", new.args.name));
    };
    if name != new.args.package_name {
        return Err(format!("{} is not the package of {}", new.args.package_name, new.args.name));
    }
    let id = visit.state.new_cuid(visit.now);
    visit.state.open_upload(Upload {
        id: id.clone(),
        protocol: Protocol::Graphql,
        name: new.args.name,
        package_name: Some(new.args.package_name),
        size: new.size,
        chunk_size: visit.state.quirks.tower.packages.chunk_size.unwrap_or(new.chunk_size).max(1),
        stored: 0,
        started_at: new.started_at,
        updated: visit.now,
        import: None,
        halted: None,
        cancelled: false,
        bytes: Appended::default(),
    });
    Ok(visit.state.upload(&id).map(|upload| upload.row(visit.now)).unwrap_or_default())
}

/// `YYYY-MM-DDTHH:MM:SS.mmmZ`.
fn has_milliseconds(text: &str) -> bool {
    text.strip_suffix('Z').and_then(|text| text.rsplit_once('.')).is_some_and(|(_, part)| part.len() == 3)
}

/// The number of the chunk that a multipart request brings.
pub fn chunk_number(call: &Call) -> Option<u64> {
    let parts = multipart::parts(call).ok()?;
    let operations: Value = serde_json::from_slice(parts.first()?.data).ok()?;
    operations["variables"]["data"]["current_chunk"].as_u64()
}

#[derive(Deserialize)]
struct NewChunk {
    upload_task_id: String,
    current_chunk: u64,
}

/// `uploadCloudTowerApplicationPackage`; the frame was checked before. Errors: a chunk that does not fit.
pub fn upload_chunk(visit: &mut Visit<'_>, arguments: &Map<String, Value>) -> Result<Value, String> {
    let data = arguments.get("data").cloned().unwrap_or_default();
    let new: NewChunk = serde_json::from_value(data).map_err(|error| format!("data: {error}"))?;
    let call = visit.call;
    let parts = multipart::parts(call)?;
    let file = parts.last().ok_or("no file")?.file()?;
    let of_this = visit.state.upload(&new.upload_task_id).map(|upload| upload.protocol);
    if of_this != Some(Protocol::Graphql) {
        return Err(format!("there is no upload task {}", new.upload_task_id));
    }
    visit.store_chunk(&new.upload_task_id, new.current_chunk, file).map_err(|unfit| match unfit {
        Unfit::Refused(what) => what,
        Unfit::Breach(what) => {
            visit.state.breach(visit.now, call.address, "uploadCloudTowerApplicationPackage", &what);
            what
        }
    })?;
    let upload = visit.state.upload(&new.upload_task_id).ok_or("the task is gone")?;
    let mut row = upload.row(visit.answered_at());
    row["current_chunk"] = json!(new.current_chunk);
    Ok(row)
}

/// `cloudTowerApplicationPackages`: rows with the file name, which REST does not show.
pub fn named(visit: &Visit<'_>, mut rows: Value) -> Value {
    let packages = &visit.state.tower.applications.packages;
    for row in rows.as_array_mut().into_iter().flatten() {
        let package = packages.iter().find(|package: &&Package| row["id"] == package.id.as_str());
        row["filename"] = json!(package.map(|package| &package.filename));
    }
    rows
}
