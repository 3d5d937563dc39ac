//! A small site for the unit tests of this module: a SOCKS5 proxy behind which every planned address is
//! answered by one closure, over http and https, one request per connection.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    dial::{Dialler, Endpoint},
    http::{Http, Pause},
    limits::Limits,
    proxy::Proxy,
    redact::Redactor,
    trust::{InMemory, Mode, TrustStore},
    wire::{Memory, Wire},
};

/// One request as the site received it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Endpoint,
    pub method: String,
    /// Path and query.
    pub path: String,
    pub token: Option<String>,
    pub head: String,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// `POST /api/v3/sessions`, without the query.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default())
    }
}

/// What the site does with a request it has read.
pub enum Act {
    /// Status, extra header lines, body.
    Answer(u16, &'static str, String),
    /// Closes without a word.
    Drop,
    /// Promises more bytes than it sends.
    Cut(String),
    /// Says nothing for ever.
    Hang,
}

pub fn ok(data: Value) -> Act {
    Act::Answer(200, "", serde_json::json!({"ec": "EOK", "error": {}, "data": data}).to_string())
}

pub fn session(token: &str) -> Act {
    let reply = serde_json::json!({"user_id": "root", "token": token});
    Act::Answer(200, "", reply.to_string())
}

type Handler = dyn Fn(&Seen) -> Act + Send + Sync;

/// The running site; it ends with the test's runtime.
pub struct TestSite {
    address: SocketAddr,
    inner: Arc<Inner>,
    pub memory: Memory,
    pub pauses: Arc<Pauses>,
    pub trust: TrustStore,
}

struct Inner {
    handler: Box<Handler>,
    seen: Mutex<Vec<Seen>>,
    closed: Mutex<Vec<Endpoint>>,
    identity: Mutex<Arc<rustls::ServerConfig>>,
}

/// Notes every pause and never waits.
#[derive(Default)]
pub struct Pauses(Mutex<Vec<Duration>>);

impl Pauses {
    pub fn taken(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }
}

impl Pause for Pauses {
    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.0.lock().unwrap().push(time);
        Box::pin(async {})
    }
}

/// Limits of tests: tenths of a second where something hangs on purpose.
pub fn limits() -> Limits {
    let short = Duration::from_millis(300);
    Limits { first_byte: short, silent_probe: short, ..Limits::default() }
}

impl TestSite {
    pub async fn start(handler: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            handler: Box::new(handler),
            seen: Mutex::default(),
            closed: Mutex::default(),
            identity: Mutex::new(identity()),
        });
        let serving = inner.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().proxy(stream));
            }
        });
        Self {
            address,
            inner,
            memory: Memory::default(),
            pauses: Arc::default(),
            trust: TrustStore::open(Mode::Tofu, [], InMemory).unwrap(),
        }
    }

    pub fn dialler(&self) -> Dialler {
        let url = format!("socks5://simulated:t-x1@{}", self.address);
        Dialler::through(Proxy::parse(&url).unwrap(), limits())
    }

    pub fn http(&self) -> Http {
        let wire = Wire::new(self.memory.clone(), Redactor::new());
        Http::new(self.dialler(), self.trust.clone(), wire, self.pauses.clone())
    }

    /// From now on connections to `at` are refused.
    pub fn close(&self, at: Endpoint) {
        self.inner.closed.lock().unwrap().push(at);
    }

    /// From now on the site shows another certificate.
    pub fn change_identity(&self) {
        *self.inner.identity.lock().unwrap() = identity();
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.inner.seen.lock().unwrap().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }
}

fn identity() -> Arc<rustls::ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["site".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

impl Inner {
    async fn proxy(self: Arc<Self>, mut stream: TcpStream) -> Option<()> {
        let methods = read(&mut stream, 2).await?[1];
        read(&mut stream, methods.into()).await?;
        stream.write_all(&[5, 2]).await.ok()?;
        let user = read(&mut stream, 2).await?[1];
        let password = *read(&mut stream, usize::from(user) + 1).await?.last()?;
        read(&mut stream, password.into()).await?;
        stream.write_all(&[1, 0]).await.ok()?;
        let kind = read(&mut stream, 4).await?[3];
        assert_eq!(kind, 1, "planned addresses travel as addresses, never as names");
        let to = read(&mut stream, 6).await?;
        let address = Ipv4Addr::new(to[0], to[1], to[2], to[3]);
        let at = Endpoint::new(IpAddr::V4(address), u16::from_be_bytes([to[4], to[5]]));
        let refused = self.closed.lock().unwrap().contains(&at);
        stream.write_all(&[5, if refused { 5 } else { 0 }, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
        if refused {
            return None;
        }
        if at.port == 443 {
            let identity = self.identity.lock().unwrap().clone();
            let tls = tokio_rustls::TlsAcceptor::from(identity).accept(stream).await.ok()?;
            self.serve(at, tls).await
        } else {
            self.serve(at, stream).await
        }
    }

    async fn serve(&self, at: Endpoint, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let mut raw = Vec::new();
        let end = loop {
            if let Some(end) = raw.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            raw.push(stream.read_u8().await.ok()?);
        };
        let head = String::from_utf8(raw[..end].to_vec()).unwrap();
        let header = |name: &str| {
            let found = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
            found.map(|line| line[name.len() + 1..].trim().to_owned())
        };
        let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
        let body = read(&mut stream, length).await?;
        let mut words = head.split(' ');
        let seen = Seen {
            at,
            method: words.next()?.to_owned(),
            path: words.next()?.to_owned(),
            token: header("x-smartx-token"),
            head: head.clone(),
            body,
        };
        let act = (self.handler)(&seen);
        self.seen.lock().unwrap().push(seen);
        let (text, hang) = match act {
            Act::Answer(status, extra, body) => (
                format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{extra}\r\n{body}",
                    body.len()
                ),
                false,
            ),
            Act::Cut(body) => {
                (format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n{body}", body.len() + 10), false)
            }
            Act::Drop => (String::new(), false),
            Act::Hang => (String::new(), true),
        };
        stream.write_all(text.as_bytes()).await.ok()?;
        if hang {
            // Until the client gives up.
            stream.read_u8().await.ok();
        }
        stream.shutdown().await.ok()
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin), length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.ok()?;
    Some(bytes)
}
