//! Upload volumes of images (api-fisheye §7.2) and of the VM tools image (§6.9), which differ in little.

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::Method;
use serde_json::Value;

use super::{Fisheye, envelope};
use crate::{
    clients::{
        content::Content,
        form::Form,
        http::{Answer, Call},
        problem::Problem,
        upload::{Accepted, ChunkFailure, ChunkSink, Digests, Listing, Setback, Volume},
    },
    failure::Result,
    messages::message,
};

impl Fisheye {
    /// Where the chunks of an image go. `file_name` with its `.iso` (§9-10), `size` in bytes.
    pub fn image_sink(&self, file_name: &str, size: u64, description: &str) -> VolumeSink {
        self.volume_sink(file_name, size, Kind::Image { description: description.to_owned() })
    }

    /// Where the chunks of the VM tools image go.
    pub fn tools_sink(&self, file_name: &str, size: u64) -> VolumeSink {
        self.volume_sink(file_name, size, Kind::Tools)
    }

    fn volume_sink(&self, file_name: &str, size: u64, kind: Kind) -> VolumeSink {
        VolumeSink { fisheye: self.clone(), file_name: file_name.to_owned(), size, kind }
    }
}

/// Chunks of one file.
pub struct VolumeSink {
    fisheye: Fisheye,
    file_name: String,
    size: u64,
    kind: Kind,
}

enum Kind {
    Image {
        description: String,
    },
    /// The cluster has no list of them.
    Tools,
}

impl VolumeSink {
    fn creation(&self) -> Call {
        let doing = message("clients.doing.create_volume", &[("file", &self.file_name)]);
        let (operation, path) = match self.kind {
            Kind::Image { .. } => ("fisheye.image.create", "/api/v2/images/upload/volume"),
            Kind::Tools => ("fisheye.svt.create_volume", "/api/v2/svt_image/create_volume"),
        };
        let call = Call::write(operation, doing, Method::POST, path)
            .query("name", &self.file_name)
            .query("size", self.size);
        match &self.kind {
            // §9-7 and §9-8.
            Kind::Image { description } => {
                call.query("description", description).query("device", "nfs").query("task_id", 2)
            }
            Kind::Tools => call,
        }
    }

    fn chunk(&self, volume: &Volume, chunk: u32, content: Content) -> Call {
        let doing = message("clients.doing.send_chunk", &[("file", &self.file_name), ("chunk", &chunk)]);
        let (operation, path) = match self.kind {
            Kind::Image { .. } => ("fisheye.image.chunk", "/api/v2/images/upload"),
            Kind::Tools => ("fisheye.svt.upload_template", "/api/v2/svt_image/upload_template"),
        };
        Call::write(operation, doing, Method::POST, path)
            .query("zbs_volume_id", &volume.zbs_volume_id)
            .query("chunk_num", chunk)
            .query("image_uuid", &volume.image_uuid)
            .form(Form::new().file("file", "chunk", content))
    }
}

impl ChunkSink for VolumeSink {
    fn create(&self) -> BoxFuture<'_, Result<Volume>> {
        Box::pin(self.fisheye.cluster(self.creation(), envelope::v2))
    }

    fn send<'a>(
        &'a self,
        volume: &'a Volume,
        chunk: u32,
        content: Content,
    ) -> BoxFuture<'a, Result<Accepted, ChunkFailure>> {
        let call = self.chunk(volume, chunk, content);
        Box::pin(async move {
            let result = self.fisheye.cluster_raw(&call, accepted).await;
            let (setback, retry_after) = match &result {
                Ok(_) => (Setback::Final, None),
                Err(problem) => (problem.setback(), problem.retry_after()),
            };
            self.fisheye.told(&call, result).map_err(|failure| ChunkFailure { failure, setback, retry_after })
        })
    }

    fn delete<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        // As the peer does: the image call takes tools images too (§6.9).
        Box::pin(self.fisheye.delete_image(&volume.image_uuid))
    }

    fn listing<'a>(&'a self, volume: &'a Volume, digests: &'a Digests) -> BoxFuture<'a, Result<Listing>> {
        Box::pin(async move {
            if matches!(self.kind, Kind::Tools) {
                return Ok(Listing::NoList);
            }
            let images = self.fisheye.images().await?;
            let ours = images.iter().find(|image| image.uuid == volume.image_uuid);
            Ok(ours.map_or(Listing::Absent, |image| image.listing(&self.file_name, digests)))
        })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.fisheye.pause(time))
    }
}

/// The answer to a chunk: its list of what is missing is a hint, and may be left out.
fn accepted(answer: &Answer) -> Result<Accepted, Problem> {
    match envelope::data(answer)? {
        data @ Value::Object(_) => {
            serde_json::from_value(data).map_err(|why| Problem::unreadable(answer, why))
        }
        _ => Ok(Accepted::default()),
    }
}
