//! An upload among others: its chunks leave when the line has room for them (`clients::transfers`), and what opens or
//! removes an upload takes its turn like any other change of the service, while chunks travel out of line (DESIGN §4,
//! "chunks excepted").

use std::{
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    clients::{
        content::Content,
        transfers::{Place, Transfers},
        upload::{
            Accepted, AppendSink, Appending, Chunk, ChunkFailure, ChunkSink, Digests, Listing, Opened, Order,
            Stored, Volume,
        },
    },
    engine::{Slot, Turn},
    failure::Result,
};

/// The sink of a file that travels.
pub struct Travelling<S> {
    sink: S,
    turn: Turn,
    /// The turn that came with the place: for the first change, which opens the upload.
    slot: Mutex<Option<Slot>>,
    transfers: Transfers,
    /// Among the files that travel; kept as long as there is something to send.
    place: Mutex<Option<Place>>,
}

impl<S> Travelling<S> {
    pub fn new(sink: S, turn: Turn, slot: Option<Slot>, transfers: &Transfers, place: Option<Place>) -> Self {
        let (slot, place) = (Mutex::new(slot), Mutex::new(place));
        Self { sink, turn, slot, transfers: transfers.clone(), place }
    }

    /// The turn for a change of the service.
    async fn turn(&self) -> Option<Slot> {
        match taken(&self.slot) {
            Some(slot) => Some(slot),
            None => self.turn.take().await,
        }
    }

    /// Waits for the line with the first chunk of a package, which opens its upload: a busy line keeps nobody else from the
    /// service.
    async fn line_then_turn(&self, first: &Chunk) -> Option<Slot> {
        let mut leave = pin!(self.leave(first.bytes.len() as u64, first.last));
        if leave.as_mut().now_or_never().is_none() {
            drop(taken(&self.slot));
            leave.await;
        }
        self.turn().await
    }

    /// Waits for the line. CloudTower answers the last chunk of a package after it has taken the package in, which takes
    /// minutes: nothing travels then, and the place is another file's.
    async fn leave(&self, bytes: u64, last: bool) {
        self.transfers.admit(bytes).await;
        if last {
            drop(taken(&self.place));
        }
    }
}

fn taken<T>(from: &Mutex<Option<T>>) -> Option<T> {
    from.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl<S: ChunkSink> ChunkSink for Travelling<S> {
    fn order(&self) -> Order {
        self.sink.order()
    }

    fn create(&self) -> BoxFuture<'_, Result<Volume>> {
        Box::pin(async {
            let _slot = self.turn().await;
            self.sink.create().await
        })
    }

    fn send<'a>(
        &'a self,
        volume: &'a Volume,
        chunk: u32,
        content: Content,
    ) -> BoxFuture<'a, Result<Accepted, ChunkFailure>> {
        Box::pin(async move {
            self.leave(content.length(), false).await;
            self.sink.send(volume, chunk, content).await
        })
    }

    fn delete<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            let _slot = self.turn().await;
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

impl<S: AppendSink> AppendSink for Travelling<S> {
    fn chunk_size(&self) -> u64 {
        self.sink.chunk_size()
    }

    fn open(&self, first: Chunk) -> BoxFuture<'_, Result<Opened, ChunkFailure>> {
        Box::pin(async move {
            let _slot = self.line_then_turn(&first).await;
            self.sink.open(first).await
        })
    }

    fn sweep(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let _slot = self.turn().await;
            self.sink.sweep().await
        })
    }

    fn append<'a>(&'a self, upload: &'a Appending, chunk: Chunk) -> BoxFuture<'a, Result<(), ChunkFailure>> {
        Box::pin(async move {
            self.leave(chunk.bytes.len() as u64, chunk.last).await;
            self.sink.append(upload, chunk).await
        })
    }

    fn stored<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<Stored>> {
        self.sink.stored(upload)
    }

    fn abandon<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            let _slot = self.turn().await;
            self.sink.abandon(upload).await
        })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.sink.pause(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::transfers::Shares;

    #[tokio::test]
    async fn while_the_last_chunk_is_taken_in_another_file_may_travel() {
        let transfers = Transfers::new(Shares { uplink_mbit: 0, transfers: 1 });
        let travelling = Travelling::new((), Turn::free(), None, &transfers, transfers.free_place());
        travelling.leave(1, false).await;
        assert!(transfers.free_place().is_none());
        travelling.leave(1, true).await;
        assert!(transfers.free_place().is_some());
    }

    #[tokio::test]
    async fn only_while_a_package_waits_for_the_line_others_change_the_service() {
        let transfers = Transfers::new(Shares { uplink_mbit: 1, transfers: 0 });
        let [package, other] = Turn::announced([9, 1]);
        let slot = package.take().now_or_never().flatten();
        assert!(slot.is_some());
        let travelling = Travelling::new((), package, slot, &transfers, None);
        let first = Chunk { number: 0, start: 0, bytes: vec![0; 4].into(), last: false };
        let free = travelling.line_then_turn(&first).now_or_never().flatten();
        assert!(free.is_some(), "nothing travels: the turn is kept");
        assert!(other.take().now_or_never().flatten().is_none());
        *travelling.slot.lock().unwrap() = free;
        // Eighty seconds of it are another cluster's.
        let _ = transfers.admit(10_000_000).now_or_never();
        let mut opens = pin!(travelling.line_then_turn(&first));
        assert!(opens.as_mut().now_or_never().is_none());
        assert!(other.take().now_or_never().flatten().is_some());
    }
}
