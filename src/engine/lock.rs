//! The lock that keeps two runs off one site: an OS lock on `lock`, and beside it `holder.json`, which names who
//! holds it. The OS frees the lock of a dead process at once, on its own machine; over a network nothing is sure,
//! so a foreign holder is only taken over when told to.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::platform;
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    text::{Say, Text},
};

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub host: String,
    pub run: String,
    pub started: Timestamp,
    pub heartbeat: Timestamp,
}

/// Beside the lock: who holds it.
const HOLDER: &str = "holder.json";

/// To the second: it is for people, and they are told it as it stands.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

impl Holder {
    /// This process, on `host`.
    pub fn this(host: impl Into<String>, run: impl Into<String>) -> Self {
        let now = now();
        Self { pid: std::process::id(), host: host.into(), run: run.into(), started: now, heartbeat: now }
    }

    /// The holder in words.
    pub fn told(&self) -> Text {
        let args: [(&str, &dyn Say); 5] = [
            ("pid", &self.pid),
            ("host", &self.host),
            ("run", &self.run),
            ("started", &self.started),
            ("heartbeat", &self.heartbeat),
        ];
        message("engine.lock.held", &args)
    }
}

/// Held while a run lasts; released when dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    holder_path: PathBuf,
    holder: Holder,
    /// A dead holder on this machine whose place was taken.
    inherited: Option<Holder>,
}

impl Lock {
    /// Who held the lock last and neither released it nor was on `host`: only the operator knows whether it lives.
    pub fn foreign(folder: &Path, host: &str) -> Option<Holder> {
        read(&folder.join(HOLDER)).filter(|holder| holder.host != host)
    }

    /// Locks the site folder for `holder`. Somebody else has it: `Kind::Checkpoint`, naming process, host and
    /// time. A holder on another host is for the operator to judge (`Kind::Decision`): `take_over` overrides it, but
    /// never a living one on this host.
    pub fn acquire(folder: &Path, holder: Holder, take_over: bool) -> Result<Self> {
        let path = folder.join("lock");
        let holder_path = folder.join(HOLDER);
        let local =
            |error: io::Error| Failure::on_disk(message("engine.lock.locking", &[]), path.display(), &error);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).read(true);
        platform::private(&mut options);
        let file = options.open(&path).map_err(local)?;
        let earlier = read(&holder_path);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(&path, earlier.as_ref(), false)),
            Err(TryLockError::Error(error)) => return Err(local(error)),
        }
        if let Some(other) = &earlier
            && other.host != holder.host
            && !take_over
        {
            return Err(held(&path, Some(other), true));
        }
        let lock = Self { _file: file, holder_path, holder, inherited: earlier };
        lock.write().map_err(local)?;
        Ok(lock)
    }

    /// Shows that the holder is alive. A failure is not worth stopping a run for: the OS lock is what counts.
    pub fn beat(&mut self) -> io::Result<()> {
        self.holder.heartbeat = now();
        self.write()
    }

    /// The holder that died without releasing the lock.
    pub fn inherited(&self) -> Option<&Holder> {
        self.inherited.as_ref()
    }

    fn write(&self) -> io::Result<()> {
        // Readers must never see half a file.
        let folder = self.holder_path.parent().unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&file, &self.holder)?;
        file.persist(&self.holder_path)?;
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Left behind, it only says that this run died, which the next one on this machine knows to be untrue.
        let _ = std::fs::remove_file(&self.holder_path);
    }
}

fn read(path: &Path) -> Option<Holder> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn held(path: &Path, holder: Option<&Holder>, foreign: bool) -> Box<Failure> {
    let kind = if foreign { Kind::Decision } else { Kind::Checkpoint };
    let failure = Failure::new(kind, message("engine.lock.locking", &[])).at(path.display());
    let Some(holder) = holder else {
        return failure.meaning(message("engine.lock.held-unknown", &[]));
    };
    let failure = failure.meaning(holder.told());
    if foreign {
        failure.advise(message("engine.lock.take-over", &[("host", &holder.host)]))
    } else {
        failure.advise(message("engine.lock.wait", &[]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_refused_and_told_who_holds_the_lock_and_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::acquire(folder.path(), Holder::this("laptop", "r1"), false).unwrap();
        for take_over in [false, true] {
            let refused = Lock::acquire(folder.path(), Holder::this("laptop", "r2"), take_over).unwrap_err();
            assert_eq!(refused.kind, Kind::Checkpoint);
            let meaning = refused.meaning.unwrap().en;
            assert!(meaning.contains("laptop") && meaning.contains("r1"), "{meaning}");
            assert!(meaning.contains(&first.holder.started.to_string()), "{meaning}");
        }
        drop(first);
        let third = Lock::acquire(folder.path(), Holder::this("laptop", "r3"), false).unwrap();
        assert_eq!(third.inherited(), None);
    }

    #[test]
    fn a_dead_holder_on_this_machine_is_replaced_at_once_and_a_foreign_one_only_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let dead = |host: &str| {
            let holder = Holder { pid: 1, ..Holder::this(host, "old") };
            std::fs::write(folder.path().join("holder.json"), serde_json::to_vec(&holder).unwrap()).unwrap();
        };
        dead("laptop");
        let lock = Lock::acquire(folder.path(), Holder::this("laptop", "new"), false).unwrap();
        assert_eq!(lock.inherited().unwrap().run, "old");
        drop(lock);
        dead("elsewhere");
        let refused = Lock::acquire(folder.path(), Holder::this("laptop", "new"), false).unwrap_err();
        assert_eq!(refused.kind, Kind::Decision);
        assert!(refused.advice[0].en.contains("--take-over"), "{:?}", refused.advice);
        assert_eq!(Lock::foreign(folder.path(), "laptop").unwrap().run, "old");
        assert_eq!(Lock::foreign(folder.path(), "elsewhere"), None);
        assert!(Lock::acquire(folder.path(), Holder::this("laptop", "new"), true).is_ok());
    }
}
