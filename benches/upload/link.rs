//! A link of a stated rate between sender and site: a relay whose connections share what may pass in a second.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::Result;

/// What is forgotten of an unused moment: the line does not save up.
const BURST: Duration = Duration::from_millis(5);
/// Half a millisecond of a gigabit line.
const PIECE: usize = 64 << 10;

/// When the line is free again.
struct Line {
    bytes_per_second: f64,
    free: Mutex<Instant>,
}

/// A proxy address that leads through a line to that of a site. What comes back is not held up: answers are short.
pub fn to(proxy: &str, bits_per_second: f64) -> Result<String> {
    let (login, site) = proxy.rsplit_once('@').ok_or("a proxy without login")?;
    let site: SocketAddr = site.parse()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let line = Arc::new(Line { bytes_per_second: bits_per_second / 8.0, free: Mutex::new(Instant::now()) });
    thread::spawn(move || {
        for sender in listener.incoming().flatten() {
            let line = line.clone();
            // A broken connection is its client's matter.
            thread::spawn(move || relay(&sender, site, &line).ok());
        }
    });
    Ok(format!("{login}@127.0.0.1:{port}"))
}

fn relay(sender: &TcpStream, site: SocketAddr, line: &Line) -> Result<()> {
    let site = TcpStream::connect(site)?;
    sender.set_nodelay(true)?;
    site.set_nodelay(true)?;
    let (mut back, mut from) = (sender.try_clone()?, site.try_clone()?);
    thread::spawn(move || {
        let done = std::io::copy(&mut from, &mut back);
        back.shutdown(Shutdown::Write).and(done.map(drop))
    });
    let (mut from, mut on, mut piece) = (sender, &site, vec![0; PIECE]);
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(site.shutdown(Shutdown::Write)?),
            read => {
                line.pass(read);
                on.write_all(&piece[..read])?;
            }
        }
    }
}

impl Line {
    /// Waits for its turn.
    fn pass(&self, bytes: usize) {
        let now = Instant::now();
        let turn = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*free).max(now.checked_sub(BURST).unwrap_or(now));
            *free = turn + Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
            turn
        };
        thread::sleep(turn.saturating_duration_since(now));
    }
}
