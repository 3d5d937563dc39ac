//! Where the journal's bytes lie. Behind a trait, so that tests record its operations and fail any of them.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
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

/// The journal of a real site: a file of mode 0600, made on the first append.
#[derive(Debug)]
pub struct FileStorage {
    path: PathBuf,
    file: Option<File>,
}

impl FileStorage {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None }
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let fresh = !self.path.exists();
            let mut options = OpenOptions::new();
            options.create(true).append(true).read(true);
            platform::private(&mut options);
            let file = options.open(&self.path)?;
            if fresh {
                // The new name in its folder must survive a power loss too.
                platform::sync_folder(self.path.parent().unwrap_or(Path::new(".")))?;
            }
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| io::Error::other("the journal did not open"))
    }
}

impl Storage for FileStorage {
    fn load(&mut self) -> io::Result<Vec<u8>> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::new();
        File::open(&self.path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        // Not through the appending handle: Windows refuses to cut a file that is open for appending only.
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(len)?;
        file.seek(SeekFrom::End(0))?;
        file.sync_all()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file()?.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file()?.sync_data()
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
