//! Images: list, upload and removal (api-fisheye §7).

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Fisheye, Reader, envelope};
use crate::{
    clients::{
        http::{Answer, Call},
        lenient,
        problem::Problem,
        upload::{Accepted, ChunkFailure, ChunkSink, Digests, Volume},
    },
    failure::Result,
    messages::message,
};

/// An image as listed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Image {
    #[serde(deserialize_with = "lenient::text")]
    pub uuid: String,
    #[serde(deserialize_with = "lenient::text")]
    pub name: String,
    /// Bytes.
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    pub size: Option<u64>,
    /// What a CD-ROM drive needs.
    #[serde(default, deserialize_with = "lenient::text")]
    pub path: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub resource_state: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub md5: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub zbs_volume_id: String,
}

impl Image {
    /// Whether it is that very file, whole (§7.2).
    pub fn holds(&self, name: &str, size: u64, md5: &str) -> bool {
        let same = self.md5.as_deref().is_some_and(|listed| listed.eq_ignore_ascii_case(md5));
        same && self.name == name && self.size == Some(size)
    }
}

impl Reader {
    pub async fn images(&self) -> Result<Vec<Image>> {
        let call = Call::read("fisheye.image.list", message("clients.doing.images", &[]), "/api/v2/images");
        self.cluster(call, |answer| {
            let list = lenient::list_in(envelope::data(answer)?, "images");
            let list = list.map_err(|why| Problem::unreadable(answer, why))?;
            let images = list.into_iter().map(serde_json::from_value).collect::<serde_json::Result<_>>();
            images.map_err(|why| Problem::unreadable(answer, why))
        })
        .await
    }
}

impl Fisheye {
    /// Removes an image, finished or not; one that is gone already is no error.
    pub async fn delete_image(&self, image_uuid: &str) -> Result<()> {
        let doing = message("clients.doing.delete_image", &[("image", &image_uuid)]);
        let path = format!("/api/v2/images/{image_uuid}");
        let call = Call::write("fisheye.image.delete", doing, Method::DELETE, path);
        self.cluster(call, |answer| match answer.status {
            404 => Ok(()),
            // Its body is not documented: the status decides, unless an envelope says otherwise.
            200..300 if answer.body.trim_ascii().is_empty() => Ok(()),
            _ => envelope::data(answer).map(drop),
        })
        .await
    }

    /// Where the chunks of an image go.
    pub fn image_sink(&self, file_name: &str, size: u64, description: &str) -> ImageSink {
        ImageSink {
            fisheye: self.clone(),
            file_name: file_name.to_owned(),
            size,
            description: description.to_owned(),
        }
    }
}

/// Chunks of an image.
pub struct ImageSink {
    fisheye: Fisheye,
    /// With `.iso` (§9-10).
    file_name: String,
    size: u64,
    description: String,
}

impl ChunkSink for ImageSink {
    fn create(&self) -> BoxFuture<'_, Result<Volume>> {
        let doing = message("clients.doing.create_volume", &[("file", &self.file_name)]);
        let call = Call::write("fisheye.image.create", doing, Method::POST, "/api/v2/images/upload/volume")
            .query("name", &self.file_name)
            .query("size", self.size)
            .query("description", &self.description)
            // §9-7 and §9-8.
            .query("device", "nfs")
            .query("task_id", 2);
        Box::pin(self.fisheye.cluster(call, envelope::v2))
    }

    fn send<'a>(
        &'a self,
        volume: &'a Volume,
        chunk: u32,
        bytes: Bytes,
    ) -> BoxFuture<'a, Result<Accepted, ChunkFailure>> {
        let doing = message("clients.doing.send_chunk", &[("file", &self.file_name), ("chunk", &chunk)]);
        let call = chunk_call("fisheye.image.chunk", doing, "/api/v2/images/upload", volume, chunk, bytes);
        Box::pin(send_chunk(&self.fisheye, call))
    }

    fn delete<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.fisheye.delete_image(&volume.image_uuid))
    }

    fn is_listed<'a>(&'a self, volume: &'a Volume, digests: &'a Digests) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let images = self.fisheye.images().await?;
            Ok(images.iter().any(|image| {
                image.uuid == volume.image_uuid && image.holds(&self.file_name, self.size, &digests.md5)
            }))
        })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.fisheye.pause(time))
    }
}

pub(super) fn chunk_call(
    operation: &'static str,
    doing: crate::text::Text,
    path: &str,
    volume: &Volume,
    chunk: u32,
    bytes: Bytes,
) -> Call {
    Call::write(operation, doing, Method::POST, path)
        .query("zbs_volume_id", &volume.zbs_volume_id)
        .query("chunk_num", chunk)
        .query("image_uuid", &volume.image_uuid)
        .chunk(bytes)
}

pub(super) async fn send_chunk(fisheye: &Fisheye, call: Call) -> Result<Accepted, ChunkFailure> {
    let result = fisheye.cluster_raw(&call, accepted).await;
    let again = matches!(&result, Err(Problem::NotSent { .. } | Problem::Lost { .. } | Problem::Refused(_)));
    fisheye.told(&call, result).map_err(|failure| ChunkFailure { failure, again })
}

/// The answer to a chunk: its list of what is missing is a hint, and may be left out.
fn accepted(answer: &Answer) -> Result<Accepted, Problem> {
    match envelope::data(answer)? {
        data @ Value::Object(_) => parse(answer, data),
        _ => Ok(Accepted::default()),
    }
}

fn parse<T: DeserializeOwned>(answer: &Answer, data: Value) -> Result<T, Problem> {
    serde_json::from_value(data).map_err(|why| Problem::unreadable(answer, why))
}
