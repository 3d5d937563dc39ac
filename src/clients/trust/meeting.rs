//! Meeting a server for its identity alone: a TLS handshake, and nothing is asked.

use std::{error::Error, sync::Arc};

use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Endpoint, Mode, Protocol, TrustStore};
use crate::{
    clients::dial::Dialler,
    failure::{Failure, Kind, Result},
    messages::message,
};

impl TrustStore {
    /// Whether the first TLS identity of `endpoint` would be taken on trust and none has been seen yet.
    pub fn unmet(&self, endpoint: Endpoint) -> bool {
        self.0.mode == Mode::Tofu && self.state().pins.get(Protocol::Tls, endpoint).is_none()
    }

    /// Shakes hands with `endpoint`, so that its identity is kept.
    ///
    /// # Errors
    /// Nobody answers there in time, or it speaks no TLS.
    pub async fn meet(&self, dialler: &Dialler, endpoint: Endpoint) -> Result<()> {
        let doing = || message("clients.trust.doing_meet", &[]);
        let stream = dialler.stream(endpoint).await.map_err(|error| error.failure(doing(), endpoint))?;
        let failed = |error: &dyn Error| Failure::new(Kind::Site, doing()).at(endpoint).because(error);
        let connector = TlsConnector::from(Arc::new(self.tls(endpoint).map_err(|error| failed(&error))?));
        let name = ServerName::IpAddress(endpoint.address.into());
        match timeout(dialler.limits().connect, connector.connect(name, stream)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failed(&error)),
            Err(late) => Err(failed(&late)),
        }
    }
}
