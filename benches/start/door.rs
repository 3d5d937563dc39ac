//! A relay in front of the simulated site that notes when somebody comes in.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Instant,
};

use super::Result;

/// When each connection was accepted.
pub struct Door {
    pub proxy: String,
    pub entered: Receiver<Instant>,
}

impl Door {
    /// In front of the proxy of a site.
    pub fn before(proxy: &str) -> Result<Self> {
        let (login, site) = proxy.rsplit_once('@').ok_or("a proxy without login")?;
        let site: SocketAddr = site.parse()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = format!("{login}@127.0.0.1:{}", listener.local_addr()?.port());
        let (note, entered) = channel();
        thread::spawn(move || {
            for guest in listener.incoming().flatten() {
                // Nobody reads the notes any more when the measurement is over.
                note.send(Instant::now()).ok();
                thread::spawn(move || lead(guest, site).ok());
            }
        });
        Ok(Self { proxy, entered })
    }
}

fn lead(guest: TcpStream, site: SocketAddr) -> io::Result<()> {
    let site = TcpStream::connect(site)?;
    let (mut back, mut from) = (guest.try_clone()?, site.try_clone()?);
    thread::spawn(move || {
        let done = io::copy(&mut from, &mut back);
        back.shutdown(Shutdown::Write).and(done.map(drop))
    });
    io::copy(&mut &guest, &mut &site)?;
    site.shutdown(Shutdown::Write)
}
