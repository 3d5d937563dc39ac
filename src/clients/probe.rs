//! Is anything there? TCP probes, which say no more than what can be proved from this machine.

use std::time::Duration;

use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

use super::dial::{DialError, Dialler, Endpoint};

/// What one TCP probe proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Something accepts connections.
    Open,
    /// The address lives, the port is closed.
    Refused,
    /// Nothing answered within the limit: free, or filtered.
    Silent,
    /// Not provable from here, and why: no route, or a proxy that accepts before it has dialled.
    Unproved(String),
}

impl Reach {
    /// Whether somebody holds the address, as far as a TCP probe can prove it.
    pub fn occupied(&self) -> bool {
        matches!(self, Self::Open | Self::Refused)
    }
}

impl Dialler {
    /// One TCP probe within the `silent_probe` limit.
    pub async fn probe(&self, to: Endpoint) -> Reach {
        let limit = self.limits().silent_probe;
        match self.stream_within(to, limit).await {
            Ok(stream) if self.proxy().is_some() && self.rehearsal().is_none() => {
                behind_bastion(stream, limit).await
            }
            Ok(_) => Reach::Open,
            Err(DialError::Refused) => Reach::Refused,
            // No neighbour answers for the address: as free as a silent one.
            Err(DialError::Silent(_) | DialError::NoHost) => Reach::Silent,
            Err(error @ (DialError::Unreachable(_) | DialError::Proxy(..))) => {
                Reach::Unproved(error.to_string())
            }
        }
    }
}

/// OpenSSH's `-D` answers *connected* before it has tried, and closes when it could not. Only a byte
/// from the far side proves an open port; a close proves nothing but that this is not one.
async fn behind_bastion(mut stream: TcpStream, limit: Duration) -> Reach {
    match timeout(limit, stream.read(&mut [0])).await {
        Ok(Ok(1..)) => Reach::Open,
        Ok(Ok(_)) => Reach::Unproved("the proxy closed the connection".to_owned()),
        Ok(Err(error)) => Reach::Unproved(error.to_string()),
        Err(_) => Reach::Unproved("the proxy accepted, the far side said nothing".to_owned()),
    }
}
