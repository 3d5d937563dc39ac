//! The listener: from an accepted connection through the SOCKS handshake to the service that answers.

use std::{convert::Infallible, future::Future, io, net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Request, Response, request::Parts},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use super::{
    control,
    exchange::{Answer, Call, Scheme, parse_query},
    fisheye,
    hold::Cut,
    landing::{self, Place},
    reach::Reach,
    site::Site,
    socks::{self, Reply, Target},
    ssh, stream, tls, tower,
    wire::{Reset, Wire},
};

/// The largest body that is read: an upload chunk and room for its multipart frame.
const BODY_LIMIT: usize = 64 << 20;

/// Accepts connections until stopped.
pub async fn listen(
    listener: TcpListener,
    site: Arc<Site>,
    login: (String, String),
    stop: CancellationToken,
) {
    let login = Arc::new(login);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // An accept can fail for want of file handles; the next one may do better.
        let Ok((tcp, _)) = accepted else {
            tokio::task::yield_now().await;
            continue;
        };
        let (site, login, stop) = (site.clone(), login.clone(), stop.clone());
        tokio::spawn(async move {
            // A broken connection concerns its client only.
            tokio::select! {
                () = stop.cancelled() => {}
                _ = connection(tcp, site, &login) => {}
            }
        });
    }
}

/// A connect to a silent address is tried again by TCP itself: after 1, 3, 7 s and so on (RFC 6298 with Linux's first
/// timeout), in the time of the site, and meets what the site has become by then.
const RETRANSMISSIONS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(64));

async fn connection(tcp: TcpStream, site: Arc<Site>, login: &(String, String)) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let mut wire = Wire::new(tcp);
    match socks::receive(&mut wire, &login.0, &login.1).await? {
        Target::Named(name, 80) if name == control::NAME => {
            socks::reply(&mut wire, Reply::Succeeded).await?;
            let reset = wire.reset();
            let answer = move |call| {
                let site = site.clone();
                async move { control::answer(&site, call).await }
            };
            http(wire, reset, Ipv4Addr::UNSPECIFIED, Scheme::Http, |_| None, answer).await
        }
        Target::Named(name, port) => {
            site.with(|state, now| state.outside_plan(now, &name, port));
            socks::reply(&mut wire, Reply::HostUnreachable).await
        }
        Target::Address(address, port) => planned(wire, site, address, port).await,
    }
}

/// Serves a connection to `address:port` as the site is now.
async fn planned(mut wire: Wire, site: Arc<Site>, address: Ipv4Addr, port: u16) -> io::Result<()> {
    let operation = format!("connect.{port}");
    match site.before(&operation, address, None).await {
        Ok(_) => {}
        Err(Cut::Hang) => return silence(&mut wire).await,
        Err(Cut::Close) => return socks::reply(&mut wire, Reply::Refused).await,
        Err(Cut::Reset) => {
            wire.reset().arm();
            return Ok(());
        }
    }
    let mut reach = site.with(|state, now| state.reach(now, address, port));
    let mut pause = RETRANSMISSIONS.0;
    while reach == Reach::Silent {
        tokio::select! {
            ended = silence(&mut wire) => return ended,
            () = site.clock.sleep(pause) => {}
        }
        pause = RETRANSMISSIONS.1.min(2 * pause);
        reach = site.with(|state, now| state.reach(now, address, port));
    }
    match reach {
        Reach::Refused => return socks::reply(&mut wire, Reply::Refused).await,
        Reach::Outside => {
            site.with(|state, now| state.outside_plan(now, &address.to_string(), port));
            return socks::reply(&mut wire, Reply::Refused).await;
        }
        Reach::Rebuilding(until) => {
            site.clock.sleep(until.since(site.clock.now())).await;
            wire.reset().arm();
            return Ok(());
        }
        Reach::Silent | Reach::Quiet | Reach::Http | Reach::Https | Reach::Ssh => {}
    }
    socks::reply(&mut wire, Reply::Succeeded).await?;
    let reset = wire.reset();
    match reach {
        Reach::Ssh => {
            ssh::serve(wire, site, address).await;
            Ok(())
        }
        Reach::Http => api(wire, reset, site, address, Scheme::Http).await,
        Reach::Https => {
            let (node, secret) = site.with(|state, _| {
                let node = state.node_at(address);
                (node, state.identity("tls", node))
            });
            let stream = tls::acceptor(node, secret)?.accept(wire).await?;
            api(stream, reset, site, address, Scheme::Https).await
        }
        _ => silence(&mut wire).await,
    }
}

/// Says nothing until the peer gives up.
async fn silence(wire: &mut Wire) -> io::Result<()> {
    let mut ignored = [0; 1024];
    while wire.read(&mut ignored).await? > 0 {}
    Ok(())
}

async fn api<S>(stream: S, reset: Reset, site: Arc<Site>, address: Ipv4Addr, scheme: Scheme) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let known = site.clone();
    let place = move |head: &Parts| {
        // Few requests are looked at twice.
        let query = fisheye::takes_chunks(head.uri.path()).then(|| head.uri.query().unwrap_or_default())?;
        known.with(|state, _| state.place_for(&parse_query(query)))
    };
    http(stream, reset, address, scheme, place, move |call| {
        let site = site.clone();
        // A task of its own: once received, a request has its effect even if the client is gone.
        let task = tokio::spawn(async move {
            let tower = site.with(|state, _| state.twin.plan.cloudtower == Some(address));
            if tower { tower::handle(&site, call).await } else { fisheye::handle(&site, call).await }
        });
        async move { task.await.unwrap_or(Err(Cut::Reset)) }
    })
    .await
}

async fn http<S, P, F, R>(
    stream: S,
    reset: Reset,
    address: Ipv4Addr,
    scheme: Scheme,
    place: P,
    answer: F,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    P: Fn(&Parts) -> Option<Place>,
    F: Fn(Call) -> R,
    R: Future<Output = Result<Answer, Cut>>,
{
    let service = service_fn(|request: Request<Incoming>| {
        let (reset, place, answer) = (&reset, &place, &answer);
        async move {
            if stream::is_meant(&request) {
                return Ok(stream::take(request).await?.into_response());
            }
            let call = receive(request, address, scheme, place).await?;
            reply(answer(call).await, reset).await
        }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    served.map_err(io::Error::other)
}

/// Ends a connection without an answer.
fn ended() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted)
}

async fn reply(outcome: Result<Answer, Cut>, reset: &Reset) -> io::Result<Response<Body>> {
    match outcome {
        Ok(answer) => Ok(answer.into_response()),
        Err(Cut::Close) => Err(ended()),
        Err(Cut::Reset) => {
            reset.arm();
            Err(ended())
        }
        Err(Cut::Hang) => {
            let never: Infallible = std::future::pending().await;
            match never {}
        }
    }
}

async fn receive(
    request: Request<Incoming>,
    address: Ipv4Addr,
    scheme: Scheme,
    place: impl Fn(&Parts) -> Option<Place>,
) -> io::Result<Call> {
    let (head, body) = request.into_parts();
    let (body, landed) = landing::take(&head.headers, body, place(&head), BODY_LIMIT).await?;
    Ok(Call {
        address,
        scheme,
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        target: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        query: parse_query(head.uri.query().unwrap_or_default()),
        headers: head.headers,
        body,
        landed,
        params: Vec::new(),
    })
}
