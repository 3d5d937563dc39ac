//! Uploads beside other changes of the same service: what opens or removes an upload takes its turn like any other
//! change, while chunks travel out of line (DESIGN §4, "chunks excepted").

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::{
    clients::upload::{
        Accepted, AppendSink, Appending, Chunk, ChunkFailure, ChunkSink, Digests, Listing, Opened, Order,
        Stored, Volume,
    },
    engine::Turn,
    failure::Result,
};

/// A sink whose changes other than chunks wait for the service.
pub struct Gated<S> {
    pub sink: S,
    pub turn: Turn,
}

impl<S: ChunkSink> ChunkSink for Gated<S> {
    fn order(&self) -> Order {
        self.sink.order()
    }

    fn create(&self) -> BoxFuture<'_, Result<Volume>> {
        Box::pin(async {
            let _slot = self.turn.take().await;
            self.sink.create().await
        })
    }

    fn send<'a>(
        &'a self,
        volume: &'a Volume,
        chunk: u32,
        bytes: Bytes,
    ) -> BoxFuture<'a, Result<Accepted, ChunkFailure>> {
        self.sink.send(volume, chunk, bytes)
    }

    fn delete<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            let _slot = self.turn.take().await;
            self.sink.delete(volume).await
        })
    }

    fn listing<'a>(&'a self, volume: &'a Volume, digests: &'a Digests) -> BoxFuture<'a, Result<Listing>> {
        self.sink.listing(volume, digests)
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.sink.pause(time)
    }
}

impl<S: AppendSink> AppendSink for Gated<S> {
    fn chunk_size(&self) -> u64 {
        self.sink.chunk_size()
    }

    fn open(&self, first: Chunk) -> BoxFuture<'_, Result<Opened, ChunkFailure>> {
        Box::pin(async {
            let _slot = self.turn.take().await;
            self.sink.open(first).await
        })
    }

    fn sweep(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let _slot = self.turn.take().await;
            self.sink.sweep().await
        })
    }

    fn append<'a>(&'a self, upload: &'a Appending, chunk: Chunk) -> BoxFuture<'a, Result<(), ChunkFailure>> {
        self.sink.append(upload, chunk)
    }

    fn stored<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<Stored>> {
        self.sink.stored(upload)
    }

    fn abandon<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            let _slot = self.turn.take().await;
            self.sink.abandon(upload).await
        })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.sink.pause(time)
    }
}
