//! The one place that opens connections: directly, or through a SOCKS5 proxy and then never otherwise.

use std::{fmt, io, net::IpAddr, sync::Arc, time::Duration};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::{net::TcpStream, time::timeout};
use tokio_socks::{Error as SocksError, tcp::Socks5Stream};

use super::{
    gate::Gate,
    limits::Limits,
    proxy::{Proxy, Rehearsal},
};
use crate::{
    failure::{Failure, Kind},
    messages::message,
    text::{Say, Text},
    units,
};

/// A planned address and port. It holds an IP address, so that no name is ever looked up for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    pub address: IpAddr,
    pub port: u16,
}

impl Endpoint {
    pub fn new(address: impl Into<IpAddr>, port: u16) -> Self {
        Self { address: address.into(), port }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::net::SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// How this run reaches the site. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dialler {
    way: Way,
    limits: Limits,
    gate: Option<Arc<dyn Gate>>,
}

#[derive(Clone, Debug)]
enum Way {
    Direct,
    Socks5(Arc<Proxy>),
}

impl Dialler {
    pub fn direct(limits: Limits) -> Self {
        Self { way: Way::Direct, limits, gate: None }
    }

    /// Everything goes through `proxy`; there is no direct way left, and names are the proxy's matter.
    pub fn through(proxy: Proxy, limits: Limits) -> Self {
        Self { way: Way::Socks5(Arc::new(proxy)), limits, gate: None }
    }

    /// Everything that changes the site asks `gate` first.
    pub fn gated(self, gate: Arc<dyn Gate>) -> Self {
        Self { gate: Some(gate), ..self }
    }

    /// Why no request that changes the site may leave now; `None`: it may.
    pub(super) fn shut(&self) -> Option<Text> {
        self.gate.as_ref()?.shut()
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn proxy(&self) -> Option<&Proxy> {
        match &self.way {
            Way::Direct => None,
            Way::Socks5(proxy) => Some(proxy),
        }
    }

    /// Set when the site is a simulated one.
    pub fn rehearsal(&self) -> Option<&Rehearsal> {
        self.proxy().and_then(Proxy::rehearsal)
    }

    /// A byte stream to `to`, within the connect limit.
    pub async fn stream(&self, to: Endpoint) -> Result<TcpStream, DialError> {
        self.stream_within(to, self.limits.connect).await
    }

    /// A byte stream to `to`; `limit` is for the target, the way to the proxy has the connect limit.
    pub async fn stream_within(&self, to: Endpoint, limit: Duration) -> Result<TcpStream, DialError> {
        let stream = match &self.way {
            Way::Direct => match timeout(limit, TcpStream::connect((to.address, to.port))).await {
                Err(_) => return Err(DialError::Silent(limit)),
                Ok(Err(error)) => return Err(DialError::from_io(error, limit)),
                Ok(Ok(stream)) => stream,
            },
            Way::Socks5(proxy) => self.through_proxy(proxy, to, limit).await?,
        };
        // Without it small SSH and TLS records wait for delayed acknowledgements.
        stream.set_nodelay(true).map_err(|error| DialError::from_io(error, limit))?;
        Ok(stream)
    }

    /// Whether the proxy accepts connections at all, where there is one: without it every address of the site looks dead.
    ///
    /// # Errors
    /// A site failure that names the proxy.
    pub async fn meet_proxy(&self, doing: Text) -> Result<(), Box<Failure>> {
        let Way::Socks5(proxy) = &self.way else { return Ok(()) };
        let Err(error) = self.proxy_socket(proxy).await else { return Ok(()) };
        let args: [(&str, &dyn Say); 2] = [("proxy", &proxy.address()), ("why", &error)];
        let start = match self.rehearsal() {
            Some(_) => message("clients.dial.start_twin", &[]),
            None => message("clients.dial.start_proxy", &[("proxy", &proxy.address())]),
        };
        Err(Failure::new(Kind::Site, doing)
            .at(proxy.address())
            .answer(message("clients.dial.proxy_failed", &args))
            .advise(start))
    }

    async fn proxy_socket(&self, proxy: &Proxy) -> Result<TcpStream, String> {
        match timeout(self.limits.connect, TcpStream::connect(proxy.address())).await {
            Err(_) => Err("timed out".to_owned()),
            Ok(connected) => connected.map_err(|error| error.to_string()),
        }
    }

    async fn through_proxy(
        &self,
        proxy: &Proxy,
        to: Endpoint,
        limit: Duration,
    ) -> Result<TcpStream, DialError> {
        let failed = |why| DialError::Proxy(proxy.address(), why);
        let socket = self.proxy_socket(proxy).await.map_err(failed)?;
        let target = (to.address, to.port);
        let handshake = async {
            match proxy.login() {
                Some((user, password)) => {
                    Socks5Stream::connect_with_password_and_socket(socket, target, user, password.expose())
                        .await
                }
                None => Socks5Stream::connect_with_socket(socket, target).await,
            }
        };
        match timeout(limit, handshake).await {
            Err(_) => Err(DialError::Silent(limit)),
            Ok(Ok(stream)) => Ok(stream.into_inner()),
            Ok(Err(SocksError::ConnectionRefused)) => Err(DialError::Refused),
            Ok(Err(SocksError::TtlExpired)) => Err(DialError::Silent(limit)),
            Ok(Err(SocksError::HostUnreachable)) => Err(DialError::NoHost),
            Ok(Err(error @ SocksError::NetworkUnreachable)) => Err(DialError::Unreachable(error.to_string())),
            // The proxy gave up on the target, or does not want us: the words say which.
            Ok(Err(error)) => Err(DialError::Proxy(proxy.address(), error.to_string())),
        }
    }

    /// An HTTP/1.1 client for one target. `tls` must come from the trust store for that very target,
    /// because a certificate verifier is not told the port.
    ///
    /// No redirects, no replays, no environment proxies; limits per call are the caller's.
    pub fn http(&self, tls: rustls::ClientConfig) -> reqwest::Result<reqwest::Client> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(self.limits.connect)
            // Below the 60 s after which the site closes idle connections (site-behaviour §12).
            .pool_idle_timeout(Duration::from_secs(20));
        match &self.way {
            Way::Direct => builder.no_proxy(),
            Way::Socks5(proxy) => builder.no_proxy().proxy(reqwest::Proxy::all(socks_url(proxy))?),
        }
        .build()
    }
}

/// `socks5h`: the proxy resolves, so that no name is ever looked up here.
fn socks_url(proxy: &Proxy) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    match proxy.login() {
        Some((user, password)) => {
            format!("socks5h://{}:{}@{}", encode(user), encode(password.expose()), proxy.address())
        }
        None => format!("socks5h://{}", proxy.address()),
    }
}

/// Why no connection came about. Nothing was sent to the target in any of these cases.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("connection refused")]
    Refused,
    #[error("no answer within {}", units::duration(*.0))]
    Silent(Duration),
    /// The last router, or this machine itself, found nobody at the address.
    #[error("host unreachable")]
    NoHost,
    #[error("{0}")]
    Unreachable(String),
    #[error("proxy {0}: {1}")]
    Proxy(String, String),
}

impl DialError {
    fn from_io(error: io::Error, limit: Duration) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::Silent(limit),
            io::ErrorKind::HostUnreachable => Self::NoHost,
            _ => Self::Unreachable(error.to_string()),
        }
    }

    /// The failure to show for `doing` at `to`. Its effect is `None`: nothing was sent.
    pub fn failure(&self, doing: Text, to: Endpoint) -> Box<Failure> {
        let kind = if matches!(self, Self::Silent(_)) { Kind::TimedOut } else { Kind::Site };
        let failure = Failure::new(kind, doing).at(to).because(self);
        match self {
            Self::Refused => failure
                .answer(message("clients.dial.refused", &[]))
                .advise(message("clients.dial.check_service", &[("port", &to.port)])),
            Self::Silent(limit) => failure
                .answer(message("clients.dial.silent", &[("limit", &units::duration(*limit))]))
                .advise(message("clients.dial.check_route", &[("address", &to.address)])),
            Self::NoHost => failure
                .answer(message("clients.dial.no_host", &[]))
                .advise(message("clients.dial.check_route", &[("address", &to.address)])),
            Self::Unreachable(why) => failure
                .answer(message("clients.dial.unreachable", &[("why", why)]))
                .advise(message("clients.dial.check_route", &[("address", &to.address)])),
            Self::Proxy(proxy, why) => failure
                .answer(message("clients.dial.proxy_failed", &[("proxy", proxy), ("why", why)]))
                .advise(message("clients.dial.check_proxy", &[("proxy", proxy)])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_of_a_connection_decides_what_the_operator_is_told() {
        let told = |kind: io::ErrorKind| DialError::from_io(kind.into(), Duration::from_secs(3)).to_string();
        assert_eq!(told(io::ErrorKind::ConnectionRefused), "connection refused");
        assert_eq!(told(io::ErrorKind::TimedOut), "no answer within 3.0s");
        assert_eq!(told(io::ErrorKind::HostUnreachable), DialError::NoHost.to_string());
        assert!(told(io::ErrorKind::NetworkUnreachable).contains("network"));
    }

    #[tokio::test]
    async fn a_proxy_that_takes_no_connection_is_named_and_one_that_does_is_none_of_our_business() {
        let listening = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listening.local_addr().unwrap().to_string();
        let proxy = Proxy::parse(&format!("socks5://{address}")).unwrap();
        let dialler = Dialler::through(proxy, Limits::default());
        dialler.meet_proxy(Text::same("looking")).await.unwrap();
        drop(listening);
        let failure = dialler.meet_proxy(Text::same("looking")).await.unwrap_err();
        assert_eq!((failure.kind, failure.at), (Kind::Site, Some(address)));
    }
}
