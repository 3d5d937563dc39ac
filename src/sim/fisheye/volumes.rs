//! Uploads of tools images and ISO images: volumes open → complete, or deleted (site-behaviour §5.3).

use std::{collections::BTreeSet, io};

use serde_json::{Value, json};

use super::{
    super::{
        clock::Moment,
        exchange::{Answer, Call, Outcome, Refused},
        fault::{Action, UploadList},
        landing::Place,
        ledger::VolumeEntry,
        site::State,
        strict,
        variants::{RepeatedChunk, UnfinishedImage},
    },
    Visit,
    volume::{Bytes, Data, Kind, Volume},
};

pub const SVT_CHUNK: &str = "/api/v2/svt_image/upload_template";
pub const IMAGE_CHUNK: &str = "/api/v2/images/upload";

/// `POST svt_image/create_volume`.
pub fn create_svt(visit: &mut Visit<'_>) -> Outcome {
    create(visit, Kind::Svt)
}

/// `POST images/upload/volume`.
pub fn create_image(visit: &mut Visit<'_>) -> Outcome {
    let (device, task) = (visit.call.query("device"), visit.call.query("task_id"));
    if !visit.state.quirks.lenient && (device, task) != ("nfs", "2") {
        return Err(Refused::Shape("device must be nfs and task_id 2".into()));
    }
    create(visit, Kind::Image)
}

fn create(visit: &mut Visit<'_>, kind: Kind) -> Outcome {
    let name = visit.call.query("name").to_owned();
    let size = visit.call.query("size").parse().ok().filter(|size| *size > 0);
    let size: u64 = size.ok_or_else(|| Refused::form("size", "a positive number of bytes"))?;
    if name.is_empty() {
        return Err(Refused::form("name", "must not be empty"));
    }
    let volume = Volume {
        id: visit.state.new_uuid(),
        image_uuid: visit.state.new_uuid(),
        kind,
        name: name.clone(),
        size,
        chunk_size: visit.state.quirks.uploads.chunk_size.max(1),
        description: visit.call.query("description").to_owned(),
        stored: BTreeSet::new(),
        since: visit.now,
        complete: false,
        deleted: false,
        md5: None,
        bytes: Bytes::default(),
    };
    let kind_name = if kind == Kind::Svt { "svt" } else { "image" };
    let entry = VolumeEntry { kind: kind_name.into(), name, size, open: true, ..VolumeEntry::default() };
    visit.state.ledger.volumes.insert(volume.id.clone(), entry);
    let data = json!({
        "chunk_size": volume.chunk_size, "image_path": volume.path(), "image_uuid": volume.image_uuid,
        "to_upload": volume.missing(), "zbs_volume_id": volume.id,
    });
    visit.state.cluster.volumes.push(volume);
    // This call writes `error: null` where others write `{}` (S).
    Ok(Answer::json(200, &json!({"ec": "EOK", "error": null, "data": data})))
}

impl State {
    /// The images that are there although nobody here has uploaded them.
    pub(super) fn add_old_images(&mut self, since: Moment) {
        for image in self.quirks.images.clone() {
            let volume = Volume {
                id: self.new_uuid(),
                image_uuid: self.new_uuid(),
                kind: Kind::Image,
                name: image.name,
                size: image.size,
                chunk_size: self.quirks.uploads.chunk_size.max(1),
                description: String::new(),
                stored: BTreeSet::new(),
                since,
                complete: true,
                deleted: false,
                md5: Some(image.md5),
                bytes: Bytes::default(),
            };
            self.cluster.volumes.push(volume);
        }
    }
}

/// Whether chunks are sent to this path.
pub fn takes_chunks(path: &str) -> bool {
    [SVT_CHUNK, IMAGE_CHUNK].contains(&path)
}

impl State {
    /// Where a chunk may lie while it comes, if the query asks for one that is wanted.
    pub fn place_for(&mut self, query: &[(String, String)]) -> Option<Place> {
        let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let (id, number) = (value("zbs_volume_id")?, value("chunk_num")?.parse().ok()?);
        self.cluster.volumes.iter_mut().find(|volume| volume.id == id)?.place(number)
    }
}

/// `POST svt_image/upload_template`, `POST images/upload`.
pub fn chunk(visit: &mut Visit<'_>) -> Outcome {
    let kind = if visit.call.path.contains("svt_image") { Kind::Svt } else { Kind::Image };
    let (id, image) = (visit.call.query("zbs_volume_id"), visit.call.query("image_uuid"));
    let found = visit.state.cluster.volumes.iter().position(|volume| {
        volume.id == id && volume.image_uuid == image && volume.kind == kind && !volume.deleted
    });
    let index = found.ok_or_else(|| Refused::form("zbs_volume_id", "no such volume or image"))?;
    let checked = check_chunk(visit, index);
    let entry = visit.state.ledger.volumes.entry(id.to_owned()).or_default();
    entry.received += data(visit.call).map_or(0, |data| data.length());
    let (number, data) = checked.inspect_err(|_| entry.chunks_refused += 1)?;
    let volume = &mut visit.state.cluster.volumes[index];
    if volume.stored.contains(&number) {
        if matches!(visit.state.variants.repeated_chunk, RepeatedChunk::Refused) {
            entry.chunks_refused += 1;
            return Err(Refused::form("chunk_num", "is stored already"));
        }
        entry.chunks_repeated += 1;
    } else {
        volume.store(number, &data).map_err(|error| disk_full(&error))?;
        if visit.state.quirks.uploads.digests {
            volume.digest().map_err(|error| disk_full(&error))?;
        }
        entry.chunks_new += 1;
        entry.bytes += data.length();
    }
    let missing = volume.missing();
    if missing.is_empty() && !volume.complete {
        (entry.md5, entry.sha256) = volume.digests().unzip();
        volume.complete = true;
        volume.md5 = entry.md5.clone();
        volume.bytes = Bytes::default();
        entry.open = false;
    }
    let listed = visit.course.actions.iter().find_map(|action| match action {
        Action::UploadList(UploadList::NeverShrinks) => Some((0..volume.chunk_count()).collect()),
        Action::UploadList(UploadList::EmptyTooEarly) => Some(Vec::new()),
        _ => None,
    });
    Ok(Answer::eok(json!({"chunk_num": number, "to_upload": listed.unwrap_or(missing)})))
}

/// Number and bytes of a chunk that the volume can take.
fn check_chunk<'a>(visit: &Visit<'a>, index: usize) -> Result<(u64, Data<'a>), Refused> {
    let volume = &visit.state.cluster.volumes[index];
    let data = data(visit.call)?;
    let number = visit.call.query("chunk_num").parse().ok().filter(|number| *number < volume.chunk_count());
    let number: u64 = number.ok_or_else(|| Refused::form("chunk_num", "out of range"))?;
    if data.length() != volume.chunk_length(number) {
        return Err(Refused::form("file", "wrong length"));
    }
    if visit.state.quirks.uploads.in_order && volume.missing().first().is_some_and(|next| number > *next) {
        return Err(Refused::form("chunk_num", "is not the next one"));
    }
    Ok((number, data))
}

fn data(call: &Call) -> Result<Data<'_>, Refused> {
    let here = strict::file_part(call)?;
    Ok(call.landed.as_ref().map_or(Data::Here(here), Data::Landed))
}

/// The simulator's own disk is full; the site would say something like it.
fn disk_full(error: &io::Error) -> Refused {
    Refused::With(Answer::failure(500, "SIM_STORAGE", &error.to_string(), &json!("")))
}

/// `GET images`.
pub fn images(visit: &mut Visit<'_>) -> Outcome {
    let unfinished = matches!(visit.state.variants.unfinished_image, UnfinishedImage::Listed);
    let shown =
        |volume: &&Volume| volume.kind == Kind::Image && !volume.deleted && (volume.complete || unfinished);
    let cluster = &visit.state.cluster;
    let used = |volume: &Volume| cluster.vms().filter(|vm| vm.image_path == volume.path()).count();
    let images: Vec<Value> =
        cluster.volumes.iter().filter(shown).map(|volume| show_image(volume, used(volume))).collect();
    Ok(Answer::eok(json!({"images": images})))
}

fn show_image(volume: &Volume, vms: usize) -> Value {
    json!({
        "uuid": volume.image_uuid, "name": volume.name, "size": volume.size, "path": volume.path(),
        "zbs_volume_id": volume.id, "type": "ISO_IMAGE",
        "resource_state": if volume.complete { "in-use" } else { "SIM_uploading" },
        "md5": volume.md5, "description": volume.description, "file_name": volume.image_uuid, "os": "",
        "time": volume.since.epoch_seconds(), "vms_count": vms, "vm_templates_count": 0,
        "vm_snapshots_count": 0,
    })
}

/// `DELETE images/{uuid}`: in every state; also for a broken tools image (api-fisheye §6.9).
pub fn delete(visit: &mut Visit<'_>) -> Outcome {
    let image = visit.call.param(0);
    let found = visit.state.cluster.volumes.iter_mut().find(|v| v.image_uuid == image && !v.deleted);
    let Some(volume) = found else {
        return Err(Refused::With(Answer::failure(404, "SIM_IMAGE_NOT_FOUND", "no such image", &json!(""))));
    };
    volume.deleted = true;
    volume.bytes = Bytes::default();
    let entry = visit.state.ledger.volumes.entry(volume.id.clone()).or_default();
    entry.deleted += 1;
    entry.open = false;
    Ok(Answer::eok(json!({})))
}
