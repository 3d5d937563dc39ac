//! The SOCKS5 handshake of the simulated site (RFC 1928, 1929): CONNECT only, login always asked.

use std::{io, net::Ipv4Addr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::wire::Wire;

/// Where a client wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Address(Ipv4Addr, u16),
    /// A name, or an IPv6 address: never part of a plan.
    Named(String, u16),
}

/// The reply codes that are used (RFC 1928 §6).
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    Succeeded = 0,
    HostUnreachable = 4,
    Refused = 5,
    CommandUnsupported = 7,
}

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const LOGIN: u8 = 2;
const NO_METHOD: u8 = 0xff;

/// Greets, checks the login and reads the request. The reply is left to the caller.
pub async fn receive(wire: &mut Wire, user: &str, password: &str) -> io::Result<Target> {
    if wire.read_u8().await? != VERSION {
        return Err(invalid("not SOCKS5"));
    }
    let methods = short(wire).await?;
    if !methods.contains(&LOGIN) {
        wire.write_all(&[VERSION, NO_METHOD]).await?;
        return Err(invalid("no login offered"));
    }
    wire.write_all(&[VERSION, LOGIN]).await?;
    if wire.read_u8().await? != LOGIN_VERSION {
        return Err(invalid("unknown login version"));
    }
    let (given_user, given_password) = (short(wire).await?, short(wire).await?);
    let welcome = given_user == user.as_bytes() && given_password == password.as_bytes();
    wire.write_all(&[LOGIN_VERSION, u8::from(!welcome)]).await?;
    if !welcome {
        return Err(invalid("login refused"));
    }
    let [version, command, _reserved, kind] = take(wire).await?;
    if version != VERSION {
        return Err(invalid("not SOCKS5"));
    }
    let target = read_target(wire, kind).await?;
    if command != 1 {
        reply(wire, Reply::CommandUnsupported).await?;
        return Err(invalid("only CONNECT is offered"));
    }
    Ok(target)
}

async fn read_target(wire: &mut Wire, kind: u8) -> io::Result<Target> {
    match kind {
        1 => {
            let octets: [u8; 4] = take(wire).await?;
            Ok(Target::Address(octets.into(), wire.read_u16().await?))
        }
        3 => {
            let name = String::from_utf8(short(wire).await?).map_err(|_| invalid("name is not text"))?;
            let port = wire.read_u16().await?;
            Ok(match name.parse() {
                Ok(address) => Target::Address(address, port),
                Err(_) => Target::Named(name, port),
            })
        }
        4 => {
            let octets: [u8; 16] = take(wire).await?;
            let name = std::net::Ipv6Addr::from(octets).to_string();
            Ok(Target::Named(name, wire.read_u16().await?))
        }
        _ => Err(invalid("unknown address type")),
    }
}

/// Answers the request; the bound address is of no use to anybody.
pub async fn reply(wire: &mut Wire, reply: Reply) -> io::Result<()> {
    wire.write_all(&[VERSION, reply as u8, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    wire.flush().await
}

/// A field with a length byte before it.
async fn short(wire: &mut Wire) -> io::Result<Vec<u8>> {
    let mut field = vec![0; usize::from(wire.read_u8().await?)];
    wire.read_exact(&mut field).await?;
    Ok(field)
}

async fn take<const N: usize>(wire: &mut Wire) -> io::Result<[u8; N]> {
    let mut field = [0; N];
    wire.read_exact(&mut field).await?;
    Ok(field)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
