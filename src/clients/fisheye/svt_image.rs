//! The VM tools image (api-fisheye §6.9). The cluster has no list of them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::Method;

use super::{
    Fisheye, envelope,
    images::{chunk_call, send_chunk},
};
use crate::{
    clients::{
        http::Call,
        upload::{Accepted, ChunkFailure, ChunkSink, Digests, Volume},
    },
    failure::Result,
    messages::message,
};

impl Fisheye {
    /// Where the chunks of the tools image go.
    pub fn tools_sink(&self, file_name: &str, size: u64) -> ToolsSink {
        ToolsSink { fisheye: self.clone(), file_name: file_name.to_owned(), size }
    }
}

/// Chunks of the VM tools image.
pub struct ToolsSink {
    fisheye: Fisheye,
    file_name: String,
    size: u64,
}

impl ChunkSink for ToolsSink {
    fn create(&self) -> BoxFuture<'_, Result<Volume>> {
        let doing = message("clients.doing.create_volume", &[("file", &self.file_name)]);
        let call =
            Call::write("fisheye.svt.create_volume", doing, Method::POST, "/api/v2/svt_image/create_volume")
                .query("name", &self.file_name)
                .query("size", self.size);
        Box::pin(self.fisheye.cluster(call, envelope::v2))
    }

    fn send<'a>(
        &'a self,
        volume: &'a Volume,
        chunk: u32,
        bytes: Bytes,
    ) -> BoxFuture<'a, Result<Accepted, ChunkFailure>> {
        let doing = message("clients.doing.send_chunk", &[("file", &self.file_name), ("chunk", &chunk)]);
        let path = "/api/v2/svt_image/upload_template";
        let call = chunk_call("fisheye.svt.upload_template", doing, path, volume, chunk, bytes);
        Box::pin(send_chunk(&self.fisheye, call))
    }

    fn delete<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        // As the peer does: the image call takes tools images too (§6.9).
        Box::pin(self.fisheye.delete_image(&volume.image_uuid))
    }

    fn is_listed<'a>(&'a self, _volume: &'a Volume, _digests: &'a Digests) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async { Ok(false) })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.fisheye.pause(time))
    }
}
