//! Where a site's journal and runs lie, and which folder belongs to which site (DESIGN §2).

use std::{
    collections::BTreeSet,
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::platform;
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    plan::Plan,
};

/// What tells one site from another: its addresses, or the twin that a rehearsal runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The twin's id; `None` for a real site.
    pub twin: Option<String>,
    /// For people only: a typo may change it.
    pub cluster: String,
    /// Management addresses, sorted.
    pub hosts: BTreeSet<Ipv4Addr>,
    pub vip: Ipv4Addr,
}

/// The folder of a site.
#[derive(Clone, Debug)]
pub struct SiteFolder {
    /// Names the site in the journal; also the folder's name.
    pub key: String,
    pub path: PathBuf,
}

/// Beside the journal: which site this is.
const RECORD: &str = "site.json";

impl Identity {
    pub fn of(plan: &Plan, twin: Option<&str>) -> Self {
        Self {
            twin: twin.map(str::to_owned),
            cluster: plan.cluster.name.value.clone(),
            hosts: plan.hosts.iter().map(|host| host.mgmt_ip.value).collect(),
            vip: plan.cluster.vip.value,
        }
    }

    /// The key of a new folder: first address, number of hosts, and a digest of all that tells sites apart.
    pub fn key(&self) -> String {
        if let Some(twin) = &self.twin {
            return format!("twin-{twin}");
        }
        let addresses: Vec<String> = self.hosts.iter().map(Ipv4Addr::to_string).collect();
        let digest = Sha256::digest(format!("real {}", addresses.join(" ")));
        let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let first = addresses.first().map_or("none", String::as_str);
        format!("{first}-{}-{short}", addresses.len())
    }

    /// Whether both are the same site: the same twin, or real sites that share an address.
    fn is(&self, other: &Identity) -> bool {
        match (&self.twin, &other.twin) {
            (Some(twin), Some(other)) => twin == other,
            (None, None) => !self.addresses().is_disjoint(&other.addresses()),
            _ => false,
        }
    }

    fn addresses(&self) -> BTreeSet<Ipv4Addr> {
        self.hosts.iter().copied().chain([self.vip]).collect()
    }
}

impl SiteFolder {
    /// The folder of this site under `base`, if there is one.
    ///
    /// # Errors
    /// [`Kind::Checkpoint`]: more than one folder shares an address with the plan. [`Kind::Local`]: unreadable.
    pub fn find(base: &Path, identity: &Identity) -> Result<Option<Self>> {
        let mut found = Vec::new();
        for folder in all(base)? {
            if record(&folder)?.is_some_and(|known| known.is(identity)) {
                found.push(folder);
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [folder] => Ok(Some(Self::at(folder))),
            several => {
                let names: Vec<String> = several.iter().map(|folder| folder.display().to_string()).collect();
                Err(Failure::new(Kind::Checkpoint, message("cli.site.doing", &[]))
                    .at(base.display())
                    .answer(message("cli.site.several", &[("folders", &names.join(", "))]))
                    .advise(message("cli.site.several-advice", &[])))
            }
        }
    }

    /// The folder of this site, made when there is none.
    pub fn open(base: &Path, identity: &Identity) -> Result<Self> {
        if let Some(found) = Self::find(base, identity)? {
            return Ok(found);
        }
        let path = base.join(identity.key());
        platform::new_private_folder(&path).map_err(|error| local(&path, &error))?;
        let made = Self { key: identity.key(), path };
        made.keep(identity)?;
        Ok(made)
    }

    /// Records what the site is known by now: a corrected address leads here too from then on. For the lock's holder.
    pub fn keep(&self, identity: &Identity) -> Result<()> {
        if record(&self.path).is_ok_and(|known| known.as_ref() == Some(identity)) {
            return Ok(());
        }
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
            serde_json::to_writer_pretty(&mut file, identity)?;
            file.as_file().sync_all()?;
            file.persist(self.path.join(RECORD))?;
            platform::sync_folder(&self.path)
        };
        write().map_err(|error| local(&self.path, &error))
    }

    /// The site folder at a path that `all` found.
    pub fn at(path: &Path) -> Self {
        let key = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { key, path: path.to_owned() }
    }

    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    pub fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// The id of a new run, after the time, and greater than that of every run before: a clock that was set back must
    /// not make an older run the newest. The lock keeps it so.
    pub fn next_run(&self) -> String {
        let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        let runs = fs::read_dir(self.runs()).into_iter().flatten().flatten();
        let names = runs.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let last = names.filter(|name| name.starts_with(|first: char| first.is_ascii_digit())).max();
        run_after(last.as_deref(), now)
    }

    /// Makes the folder of a run.
    pub fn make_run(&self, id: &str) -> Result<PathBuf> {
        let path = self.runs().join(id);
        platform::new_private_folder(&path).map_err(|error| local(&path, &error))?;
        Ok(path)
    }
}

/// `now`, or the successor of `last` where that is not before it: `20260105-083000`, then `20260105-083000-002`.
fn run_after(last: Option<&str>, now: String) -> String {
    let Some(last) = last.filter(|last| **last >= *now) else { return now };
    match last.rsplit_once('-').map(|(time, count)| (time, count, count.parse::<u32>())) {
        Some((time, count, Ok(number))) if count.len() == 3 => format!("{time}-{:03}", number + 1),
        _ => format!("{last}-002"),
    }
}

/// Every site folder under `base`, in order of name; none when `base` does not exist.
pub fn all(base: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(base) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(local(base, &error)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| local(base, &error))?.path();
        if path.join(RECORD).is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// What the folder says about its site.
fn record(folder: &Path) -> Result<Option<Identity>> {
    let path = folder.join(RECORD);
    let text = fs::read(&path).map_err(|error| local(&path, &error))?;
    // Somebody else's file of that name is not one of our sites.
    Ok(serde_json::from_slice(&text).ok())
}

fn local(path: &Path, error: &io::Error) -> Box<Failure> {
    Failure::on_disk(message("cli.site.doing", &[]), path.display(), error)
        .advise(message("cli.site.advice", &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(hosts: &[&str], vip: &str) -> Identity {
        let hosts = hosts.iter().map(|host| host.parse().expect("an address")).collect();
        Identity { twin: None, cluster: "HCI".into(), hosts, vip: vip.parse().expect("an address") }
    }

    #[test]
    fn a_corrected_plan_finds_the_folder_of_its_site_and_another_site_does_not() {
        let base = tempfile::tempdir().expect("a folder");
        let first =
            SiteFolder::open(base.path(), &real(&["10.0.0.1", "10.0.0.2"], "10.0.0.9")).expect("made");
        let corrected = real(&["10.0.0.2", "10.0.0.7"], "10.0.0.8");
        assert_eq!(SiteFolder::open(base.path(), &corrected).expect("found").path, first.path);
        let by_vip = real(&["10.0.5.1"], "10.0.0.9");
        assert_eq!(SiteFolder::open(base.path(), &by_vip).expect("found").path, first.path);
        SiteFolder::at(&first.path).keep(&corrected).expect("recorded");
        let corrected_again = real(&["10.0.0.7"], "10.0.0.6");
        assert_eq!(SiteFolder::open(base.path(), &corrected_again).expect("found").path, first.path);
        let other = real(&["10.0.6.1"], "10.0.6.9");
        assert_ne!(SiteFolder::open(base.path(), &other).expect("made").path, first.path);
    }

    #[test]
    fn a_rehearsal_is_the_site_of_its_twin_and_never_the_real_one() {
        let base = tempfile::tempdir().expect("a folder");
        let site = real(&["10.0.0.1"], "10.0.0.9");
        let twin = |id: &str| Identity { twin: Some(id.into()), ..site.clone() };
        let real = SiteFolder::open(base.path(), &site).expect("made");
        let a = SiteFolder::open(base.path(), &twin("a")).expect("made");
        let b = SiteFolder::open(base.path(), &twin("b")).expect("made");
        assert!(a.path != b.path && a.path != real.path && b.path != real.path);
        assert_eq!(SiteFolder::open(base.path(), &twin("a")).expect("found").path, a.path);
    }

    #[test]
    fn a_plan_that_joins_two_known_sites_is_refused() {
        let base = tempfile::tempdir().expect("a folder");
        SiteFolder::open(base.path(), &real(&["10.0.0.1"], "10.0.0.9")).expect("made");
        SiteFolder::open(base.path(), &real(&["10.0.1.1"], "10.0.1.9")).expect("made");
        let both = real(&["10.0.0.1", "10.0.1.1"], "10.0.2.9");
        assert_eq!(SiteFolder::open(base.path(), &both).expect_err("two sites").kind, Kind::Checkpoint);
    }

    #[test]
    fn a_run_is_always_the_newest_whatever_the_clock_says() {
        let after = |last: Option<&str>| run_after(last, "20260105-083000".to_owned());
        assert_eq!(after(None), "20260105-083000");
        assert_eq!(after(Some("20260105-082959")), "20260105-083000");
        assert_eq!(after(Some("20260105-083000")), "20260105-083000-002");
        assert_eq!(after(Some("20260105-083000-002")), "20260105-083000-003");
        assert_eq!(after(Some("20270105-083000")), "20270105-083000-002", "the clock was set back");
        assert_eq!(after(Some("20270105-083000-009")), "20270105-083000-010");
    }

    #[cfg(unix)]
    #[test]
    fn folders_and_files_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().expect("a folder");
        let site = SiteFolder::open(base.path(), &real(&["10.0.0.1"], "10.0.0.9")).expect("made");
        let run = site.make_run(&site.next_run()).expect("made");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&site.path), mode(&run)), (0o700, 0o700));
        assert_eq!(mode(&site.path.join(RECORD)), 0o600);
    }
}
