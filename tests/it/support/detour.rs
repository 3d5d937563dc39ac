//! A SOCKS5 proxy in front of a simulated site's own that leads some addresses elsewhere.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream},
    thread,
};

/// It runs until the process ends; its connections end with their peers.
pub struct Detour {
    url: String,
}

impl Detour {
    /// Leads the given planned addresses elsewhere, and everything else to the proxy at `url`.
    pub fn before(url: &str, elsewhere: BTreeMap<SocketAddrV4, SocketAddr>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let own = listener.local_addr().expect("an address");
        let (login, proxy) = url.rsplit_once('@').expect("a login in the URL");
        let (login, proxy): (String, SocketAddr) = (login.to_owned(), proxy.parse().expect("an address"));
        thread::spawn(move || {
            for peer in listener.incoming().flatten() {
                let elsewhere = elsewhere.clone();
                // A broken connection is what its peer makes of it.
                thread::spawn(move || drop(serve(peer, proxy, &elsewhere)));
            }
        });
        Self { url: format!("{login}@{own}") }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

/// RFC 1928 with the login of RFC 1929, which is handed on as it is.
fn serve(
    mut peer: TcpStream,
    proxy: SocketAddr,
    elsewhere: &BTreeMap<SocketAddrV4, SocketAddr>,
) -> io::Result<()> {
    let [_, methods] = read::<2>(&mut peer)?;
    skip(&mut peer, methods)?;
    peer.write_all(&[5, 2])?;
    let mut login = read::<2>(&mut peer)?.to_vec();
    login.extend(take(&mut peer, login[1])?);
    let [length] = read::<1>(&mut peer)?;
    login.push(length);
    login.extend(take(&mut peer, length)?);
    peer.write_all(&[1, 0])?;
    let mut request = read::<4>(&mut peer)?.to_vec();
    let length = match request[3] {
        1 => 4,
        4 => 16,
        _ => {
            let [length] = read::<1>(&mut peer)?;
            request.push(length);
            length
        }
    };
    request.extend(take(&mut peer, length + 2)?);
    let far = match target(&request).and_then(|target| elsewhere.get(&target)) {
        Some(instead) => {
            let far = TcpStream::connect(instead)?;
            peer.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
            far
        }
        None => {
            let mut far = TcpStream::connect(proxy)?;
            far.write_all(&[5, 1, 2])?;
            read::<2>(&mut far)?;
            far.write_all(&login)?;
            read::<2>(&mut far)?;
            far.write_all(&request)?;
            far
        }
    };
    far.set_nodelay(true)?;
    peer.set_nodelay(true)?;
    let (from, to) = (peer.try_clone()?, far.try_clone()?);
    let there = thread::spawn(move || pump(from, to));
    pump(far, peer);
    // A thread that panicked has nothing left to say.
    let _ = there.join();
    Ok(())
}

/// The IPv4 address that a request asks for.
fn target(request: &[u8]) -> Option<SocketAddrV4> {
    match request {
        [_, _, _, 1, a, b, c, d, high, low] => {
            Some(SocketAddrV4::new([*a, *b, *c, *d].into(), u16::from_be_bytes([*high, *low])))
        }
        _ => None,
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    // Either end may leave at any time; the other one is told.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn read<const N: usize>(from: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn take(from: &mut TcpStream, count: u8) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count.into()];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn skip(from: &mut TcpStream, count: u8) -> io::Result<()> {
    take(from, count).map(drop)
}
