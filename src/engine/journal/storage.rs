//! Where the journal's bytes lie. Behind a trait, so that tests record its operations and fail any of them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::engine::platform;

/// An append-only file. An error leaves the file with at most a torn last line.
pub trait Storage {
    /// All bytes so far; empty when there is no journal yet.
    fn load(&mut self) -> io::Result<Vec<u8>>;
    /// Cuts the file back to `len` bytes: only ever used on a torn last line.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns only when everything appended would survive a power loss.
    fn sync(&mut self) -> io::Result<()>;
    /// Names the place in messages.
    fn place(&self) -> String;
}

/// What a file system offers for one file. When what is called, is `FileStorage`'s business; so a test can put a
/// model of a file system here, which loses all that it may.
pub trait Disk {
    /// The bytes of the file; `None` when there is no such file.
    fn read(&mut self) -> io::Result<Option<Vec<u8>>>;
    /// Opens the file for appending; makes it (mode 0600) when there is none.
    fn open(&mut self) -> io::Result<()>;
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns only when the bytes of the file would survive a power loss.
    fn sync(&mut self) -> io::Result<()>;
    /// Returns only when the names in the file's folder would.
    fn sync_folder(&mut self) -> io::Result<()>;
    /// Cuts the file back, and returns only when that would survive too.
    fn cut(&mut self, len: u64) -> io::Result<()>;
    fn place(&self) -> String;
}

/// The journal of a real site: a file of mode 0600, made on the first append.
#[derive(Debug)]
pub struct FileStorage<D = RealDisk> {
    disk: D,
    open: bool,
}

impl FileStorage {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::on(RealDisk { path: path.into(), file: None })
    }
}

impl<D> FileStorage<D> {
    pub fn on(disk: D) -> Self {
        Self { disk, open: false }
    }
}

impl<D: Disk> Storage for FileStorage<D> {
    fn load(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.disk.read()?.unwrap_or_default())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.disk.cut(len)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.open {
            self.disk.open()?;
            // The name must survive a power loss before any line does, and even if the file was there: who made it
            // may have died before this.
            self.disk.sync_folder()?;
            self.open = true;
        }
        self.disk.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.sync()
    }

    fn place(&self) -> String {
        self.disk.place()
    }
}

/// A file of this machine.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    file: Option<File>,
}

impl RealDisk {
    fn file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::Error::other("the journal is not open"))
    }
}

impl Disk for RealDisk {
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            // Anything else (no permission, say) is not an absent journal.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn open(&mut self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).read(true);
        platform::private(&mut options);
        self.file = Some(options.open(&self.path)?);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file()?.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file()?.sync_data()
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        platform::sync_folder(self.path.parent().unwrap_or(Path::new(".")))
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        // Not through the appending handle: Windows refuses to cut a file that is open for appending only.
        let file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(len)?;
        file.sync_all()
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

/// A journal that is gone with the process: dry runs, surveys, tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl MemoryStorage {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(std::rc::Rc::new(std::cell::RefCell::new(bytes)))
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.borrow().clone()
    }
}

impl Storage for MemoryStorage {
    fn load(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.bytes())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.borrow_mut().truncate(usize::try_from(len).unwrap_or(usize::MAX));
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn place(&self) -> String {
        "journal.jsonl (memory)".to_owned()
    }
}
