//! `handover.pack`: writes the papers of the run and proves that they are there.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use crate::{
    engine::{Facts, handle::Handle},
    failure::{Failure, Result},
    messages::message,
    stages::world::WorldRead,
};

/// One file of the pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    pub name: String,
    pub content: Vec<u8>,
}

/// Who makes the papers of this run out of its log. The same log makes the same papers.
pub trait Papers {
    /// Where they belong.
    fn folder(&self) -> PathBuf;

    /// # Errors
    /// The log cannot be read.
    fn make(&self) -> Result<Vec<Paper>>;
}

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    let Some(papers) = &world.papers else {
        handle.note(message("stages.handover.nowhere", &[]));
        return Ok(Facts::none());
    };
    let folder = papers.folder();
    keep(&folder, &papers.make()?)?;
    handle.note(message("stages.handover.written", &[("folder", &folder.display())]));
    Ok(Facts::none())
}

/// Writes the papers, each whole or not at all, and reads every one back.
///
/// # Errors
/// `Kind::Local`: it cannot be written, or what lies there is not what was written.
pub fn keep(folder: &Path, papers: &[Paper]) -> Result<()> {
    let local = |path: &Path, error: &io::Error| {
        Failure::on_disk(message("stages.handover.writing", &[]), path.display(), error)
    };
    fs::create_dir_all(folder).map_err(|error| local(folder, &error))?;
    for Paper { name, content } in papers {
        let path = folder.join(name);
        let write = || -> io::Result<Vec<u8>> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(content)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            fs::read(&path)
        };
        if write().map_err(|error| local(&path, &error))? != *content {
            return Err(local(&path, &io::Error::other("it reads back as something else")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn papers_are_written_whole_and_over_older_ones() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("acceptance");
        let paper = |content: &str| Paper { name: "a.html".into(), content: content.into() };
        keep(&folder, &[paper("old")]).unwrap();
        keep(&folder, &[paper("new")]).unwrap();
        assert_eq!(fs::read_to_string(folder.join("a.html")).unwrap(), "new");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left there");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_a_local_failure() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = keep(&file.path().join("acceptance"), &[]).unwrap_err();
        assert_eq!(refused.kind, Kind::Local);
    }
}
