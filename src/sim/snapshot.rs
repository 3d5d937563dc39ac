//! Snapshots: the whole state, with its clock and the chunks of open volumes, as one JSON file.

use std::{collections::BTreeMap, io, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    appended::Appended,
    fisheye::ChunkBytes,
    site::{Site, State},
};

/// Raised when the shape of a snapshot changes.
const FORMAT: u32 = 2;

#[derive(Serialize)]
struct Saved<'a> {
    format: u32,
    state: &'a State,
    chunks: ChunkBytes,
    uploads: UploadBytes,
}

#[derive(Deserialize)]
struct Loaded {
    format: u32,
    state: State,
    chunks: ChunkBytes,
    #[serde(default)]
    uploads: UploadBytes,
}

/// What uploads to CloudTower have brought so far, by upload id, in base64.
type UploadBytes = BTreeMap<String, String>;

impl State {
    fn upload_bytes(&mut self) -> io::Result<UploadBytes> {
        let uploads = self.tower.growing_uploads().into_iter();
        uploads.map(|(id, bytes)| Ok((id, bytes.saved()?))).collect()
    }

    fn restore_uploads(&mut self, saved: &UploadBytes) -> io::Result<()> {
        for (id, bytes) in self.tower.growing_uploads() {
            if let Some(text) = saved.get(&id) {
                *bytes = Appended::restored(text)?;
            }
        }
        Ok(())
    }
}

/// Writes the site as it is now, through a temporary file beside `path`.
pub fn save(site: &Site, path: &Path) -> io::Result<()> {
    let text = site.with(|state, now| {
        state.saved_at = now;
        let (chunks, uploads) = (state.cluster.chunk_bytes()?, state.upload_bytes()?);
        serde_json::to_vec(&Saved { format: FORMAT, state, chunks, uploads }).map_err(io::Error::other)
    })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, &text)?;
    file.persist(path)?;
    Ok(())
}

/// Puts `value` at a JSON pointer into the state, as a person might who changes the site behind the tool's back. The
/// paths are those of a snapshot's `state`.
pub fn patch(site: &Site, pointer: &str, value: Value) -> io::Result<()> {
    site.with(|state, _| {
        let mut patched = copy_with(state, |whole| {
            let place = whole.pointer_mut(pointer);
            *place.ok_or_else(|| io::Error::other(format!("nothing at {pointer}")))? = value;
            Ok(())
        })?;
        patched.in_flight = std::mem::take(&mut state.in_flight);
        *state = patched;
        Ok(())
    })
}

/// A second site in the same state.
pub fn copy(state: &mut State) -> io::Result<State> {
    copy_with(state, |_| Ok(()))
}

fn copy_with(state: &mut State, change: impl FnOnce(&mut Value) -> io::Result<()>) -> io::Result<State> {
    let (chunks, uploads) = (state.cluster.chunk_bytes()?, state.upload_bytes()?);
    let mut whole = serde_json::to_value(&*state).map_err(io::Error::other)?;
    change(&mut whole)?;
    let mut copy: State = serde_json::from_value(whole).map_err(io::Error::other)?;
    copy.cluster.restore_chunks(chunks)?;
    copy.restore_uploads(&uploads)?;
    Ok(copy)
}

/// Reads what `save` wrote.
pub fn load(text: &str) -> io::Result<State> {
    let loaded: Loaded = serde_json::from_str(text).map_err(io::Error::other)?;
    if loaded.format != FORMAT {
        return Err(io::Error::other(format!("snapshot format {} is not {FORMAT}", loaded.format)));
    }
    let mut state = loaded.state;
    state.cluster.restore_chunks(loaded.chunks)?;
    state.restore_uploads(&loaded.uploads)?;
    Ok(state)
}
