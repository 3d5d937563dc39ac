//! The way back of one command: its two streams, its status, the end of its channel.

use std::time::Duration;

use russh::{ChannelId, server::Handle};

use crate::sim::{host::Ran, site::Site};

/// The size of one piece of output.
const PIECE: usize = 16 * 1024;

/// Standard error, as channel data counts it (RFC 4254 §5.2).
const STDERR: u32 = 1;

/// How the answer is spoilt.
pub(super) enum Spoilt {
    No,
    /// The channel closes without a status after so many bytes of output.
    After(usize),
}

/// Where the answer goes. Errors: the peer has left.
pub(super) struct Reply {
    pub handle: Handle,
    pub channel: ChannelId,
}

impl Reply {
    /// The whole answer of a command.
    pub async fn answer(&self, ran: Ran, flood: u64, spoilt: Spoilt) -> Result<(), ()> {
        let mut left = flood;
        while left > 0 {
            let size = left.min(PIECE as u64);
            self.output(&vec![b'.'; usize::try_from(size).unwrap_or(PIECE)]).await?;
            left -= size;
        }
        if let Spoilt::After(bytes) = spoilt {
            return self.output(&ran.stdout[..bytes.min(ran.stdout.len())]).await;
        }
        self.output(&ran.stdout).await?;
        for piece in ran.stderr.chunks(PIECE) {
            self.handle.extended_data(self.channel, STDERR, piece.to_vec()).await.map_err(drop)?;
        }
        self.handle.exit_status_request(self.channel, ran.status).await?;
        self.handle.eof(self.channel).await
    }

    /// Sends what a process writes as it writes it, until it ends; answers its status.
    pub async fn attached(&self, site: &Site, pid: u32) -> Result<u32, ()> {
        // Often enough to look alive, seldom enough to cost nothing at any speed.
        let pause = Duration::from_secs(1).max(Duration::from_millis(20).mul_f64(site.clock.speed()));
        let mut sent = 0;
        loop {
            let (text, status) = site.with(|state, now| state.guest.attached(pid, now));
            self.output(&text.as_bytes()[sent..]).await?;
            sent = text.len();
            match status {
                Some(status) => return Ok(status),
                None => site.clock.sleep(pause).await,
            }
        }
    }

    pub async fn close(&self) {
        // A connection that is gone needs no closing.
        let _ = self.handle.close(self.channel).await;
    }

    async fn output(&self, bytes: &[u8]) -> Result<(), ()> {
        for piece in bytes.chunks(PIECE) {
            self.handle.data(self.channel, piece.to_vec()).await.map_err(drop)?;
        }
        Ok(())
    }
}
