//! One chunk more, and what becomes of the whole (api-applications §3.2).

use super::{
    super::{
        super::{appended::Appended, clock::Moment, durations, fault::Action, site::State},
        fate::UploadFate,
        visit::Visit,
    },
    packages::inside,
};

/// Why a chunk was not stored.
#[derive(Debug)]
pub enum Unfit {
    /// Outside the contract: not the next one, although the sender goes by the order of the file.
    Breach(String),
    Refused(String),
}

impl Visit<'_> {
    /// Stores a chunk, and after the last one imports the package: the answer then comes when that is over.
    pub(super) fn store_chunk(&mut self, id: &str, number: u64, data: &[u8]) -> Result<(), Unfit> {
        let fate = self.course.actions.iter().find_map(|action| match action {
            Action::Upload(fate) => Some(*fate),
            _ => None,
        });
        let (now, blind) = (self.now, self.state.appends_blindly());
        let checked = check(self.state, id, number, data, blind);
        let entry = self.state.ledger.packages.entry(id.to_owned()).or_default();
        let Some(upload) = self.state.tower.applications.uploads.iter_mut().find(|upload| upload.id == id)
        else {
            return checked;
        };
        entry.chunks_repeated += u64::from(number <= upload.stored);
        checked.inspect_err(|_| entry.chunks_refused += 1)?;
        upload.bytes.append(data).map_err(|error| Unfit::Refused(error.to_string()))?;
        entry.chunks_stored += u64::from(number > upload.stored);
        entry.bytes = upload.bytes.length();
        upload.stored = upload.stored.max(number);
        upload.updated = now;
        if number < upload.chunk_count() {
            upload.halted = fate;
            return Ok(());
        }
        entry.complete = true;
        entry.sha256 = Some(upload.bytes.sha256());
        let gzip = upload.bytes.is_gzip().unwrap_or(false);
        upload.bytes = Appended::default();
        self.lasts = self.state.durations.tower.package_import;
        self.state.import(id, now.plus(durations::seconds(self.lasts)), gzip, fate);
        Ok(())
    }
}

fn check(state: &State, id: &str, number: u64, data: &[u8], blind: bool) -> Result<(), Unfit> {
    let refused = |what: String| Err(Unfit::Refused(what));
    let Some(upload) = state.upload(id) else { return refused(format!("there is no upload task {id}")) };
    if !upload.is_growing() {
        return refused(format!("upload task {id} takes no more chunks"));
    }
    if blind {
        return Ok(());
    }
    if number <= upload.stored {
        return refused(format!("chunk {number} is stored already"));
    }
    if number != upload.stored + 1 {
        return Err(Unfit::Breach(format!("chunk {number} is not the next one")));
    }
    match upload.chunk_length(number) {
        Some(length) if length == data.len() as u64 => Ok(()),
        Some(length) => refused(format!("chunk {number} has {} bytes, not {length}", data.len())),
        None => refused(format!("there is no chunk {number}")),
    }
}

impl State {
    /// What the file is found to be; the package shows some time after `until`.
    fn import(&mut self, id: &str, until: Moment, gzip: bool, fate: Option<UploadFate>) {
        let twins = self.allows_twins();
        let Some(upload) = self.upload(id) else { return };
        let found = inside(&upload.name).filter(|_| gzip && fate.is_none());
        let well = found.is_some_and(|(name, version, architecture)| {
            twins || !self.has_package(name, &version, &architecture)
        });
        let Some(index) = self.tower.applications.uploads.iter().position(|upload| upload.id == id) else {
            return;
        };
        let mut upload = self.tower.applications.uploads.remove(index);
        upload.import = Some((until, well));
        if fate == Some(UploadFate::Paused) {
            upload.halted = fate;
        }
        if well {
            self.register(until, &upload);
        }
        self.tower.applications.uploads.insert(index, upload);
    }
}
