//! A model of a file system under the journal: it fails from any operation on, and it tells what may be left of the
//! file after a power loss.

use std::{cell::RefCell, collections::BTreeSet, io, rc::Rc};

use crate::engine::journal::Disk;

/// What becomes of the operation that trouble was ordered for, and of all after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing happens any more.
    PowerOff,
    /// Half a write arrives; the file can be cut back.
    Full,
    /// Half a write arrives, and the file cannot be cut back.
    FullAndStuck,
    /// The same for one operation and the cut that follows it; then all is well again.
    Hiccup,
}

#[derive(Default)]
struct Inner {
    /// What a reader sees; `None`: no such file.
    content: Option<Vec<u8>>,
    /// How much of it survives a power loss, and where the writes since then begin.
    synced: usize,
    writes: Vec<usize>,
    /// Whether the name of the file survives.
    named: bool,
    operations: usize,
    trouble: Option<(usize, Trouble)>,
}

/// Clones are the same disk.
#[derive(Clone, Default)]
pub struct ModelDisk(Rc<RefCell<Inner>>);

impl ModelDisk {
    pub fn empty() -> Self {
        Self::default()
    }

    /// What a power loss left.
    pub fn holding(content: Option<Vec<u8>>) -> Self {
        let disk = Self::default();
        {
            let mut inner = disk.0.borrow_mut();
            inner.synced = content.as_ref().map_or(0, Vec::len);
            inner.named = content.is_some();
            inner.content = content;
        }
        disk
    }

    /// A disk of its own in the same state.
    pub fn same_as(other: &Self) -> Self {
        let other = other.0.borrow();
        let (content, writes) = (other.content.clone(), other.writes.clone());
        let (synced, named) = (other.synced, other.named);
        let inner = Inner { content, synced, writes, named, operations: 0, trouble: None };
        Self(Rc::new(RefCell::new(inner)))
    }

    /// The same disk under the next process, which meets trouble at its operation `at`.
    pub fn next_process(&self, trouble: Option<(usize, Trouble)>) -> Self {
        let mut inner = self.0.borrow_mut();
        inner.operations = 0;
        inner.trouble = trouble;
        drop(inner);
        self.clone()
    }

    pub fn operations(&self) -> usize {
        self.0.borrow().operations
    }

    pub fn content(&self) -> Option<Vec<u8>> {
        self.0.borrow().content.clone()
    }

    /// Everything that a file system may legally show after the power went, of unsynced bytes every `stride`-th length
    /// and all lengths near the ends of writes: they are cut off, or zeros, or lost write by write.
    pub fn survivors(&self, stride: usize) -> BTreeSet<Option<Vec<u8>>> {
        let inner = self.0.borrow();
        let Some(content) = &inner.content else { return BTreeSet::from([None]) };
        let mut left = BTreeSet::new();
        if !inner.named {
            left.insert(None);
        }
        let end = content.len();
        let edge = |len: usize| inner.writes.iter().chain([&end]).any(|at| len.abs_diff(*at) < 3);
        for len in
            (inner.synced..=end).filter(|len| edge(*len) || (len - inner.synced).is_multiple_of(stride))
        {
            left.insert(Some(content[..len].to_vec()));
            left.insert(Some(zeroed(content, len, end)));
            // One of the writes before is lost as well: they go to disk in any order.
            for (at, from) in inner.writes.iter().enumerate() {
                let to = inner.writes.get(at + 1).copied().unwrap_or(end);
                if to <= len {
                    left.insert(Some(zeroed(&content[..len], *from, to)));
                }
            }
        }
        left
    }

    /// Counts an operation; what stands in its way.
    fn operate(&self) -> Result<(), Trouble> {
        let mut inner = self.0.borrow_mut();
        inner.operations += 1;
        let number = inner.operations;
        match inner.trouble {
            Some((at, Trouble::Hiccup)) if number != at + 1 => Ok(()),
            Some((at, trouble)) if number > at => Err(trouble),
            _ => Ok(()),
        }
    }

    /// A hiccup lasts until the cut that it provokes has failed too.
    fn linger(&self) {
        let mut inner = self.0.borrow_mut();
        if let Some((at, Trouble::Hiccup)) = inner.trouble {
            inner.trouble = Some((at + 1, Trouble::Hiccup));
        }
    }
}

fn zeroed(content: &[u8], from: usize, to: usize) -> Vec<u8> {
    let mut content = content.to_vec();
    content[from..to].fill(0);
    content
}

fn failure(trouble: Trouble) -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, format!("{trouble:?}"))
}

impl Disk for ModelDisk {
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.content())
    }

    fn open(&mut self) -> io::Result<()> {
        self.operate().map_err(failure)?;
        self.0.borrow_mut().content.get_or_insert_default();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let operated = self.operate();
        let arriving = match operated {
            Ok(()) => bytes.len(),
            Err(Trouble::PowerOff) => 0,
            Err(Trouble::Full | Trouble::FullAndStuck | Trouble::Hiccup) => bytes.len() / 2,
        };
        if operated == Err(Trouble::Hiccup) {
            self.linger();
        }
        if arriving > 0 {
            let inner = &mut *self.0.borrow_mut();
            let content = inner.content.as_mut().expect("an open file");
            inner.writes.push(content.len());
            content.extend_from_slice(&bytes[..arriving]);
        }
        operated.map_err(failure)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.operate().map_err(failure)?;
        let inner = &mut *self.0.borrow_mut();
        inner.synced = inner.content.as_ref().map_or(0, Vec::len);
        inner.writes.clear();
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.operate().map_err(failure)?;
        let inner = &mut *self.0.borrow_mut();
        inner.named = inner.content.is_some();
        Ok(())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        match self.operate() {
            Err(trouble @ (Trouble::PowerOff | Trouble::FullAndStuck | Trouble::Hiccup)) => {
                return Err(failure(trouble));
            }
            Ok(()) | Err(Trouble::Full) => {}
        }
        let inner = &mut *self.0.borrow_mut();
        if let Some(content) = &mut inner.content {
            content.truncate(len as usize);
            inner.synced = content.len();
        }
        inner.writes.clear();
        Ok(())
    }

    fn place(&self) -> String {
        "journal.jsonl (model)".to_owned()
    }
}
