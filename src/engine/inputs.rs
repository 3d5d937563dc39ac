//! The plan values a step depends on, recorded so that a corrected plan is noticed: digests, and MACs of secrets.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{
    journal::line::{digest, hex},
    platform,
    world::{Content, FieldValue},
};
use crate::secret::Secret;

/// Fields by key, each as a tagged digest: `sha256:…`, `hmac:<key id>:…`, or `none` when the plan has no value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Inputs(BTreeMap<String, String>);

/// How the recorded inputs of a step compare with those of the plan at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    pub changed: Vec<String>,
    /// Secret fields whose key is lost: nobody can tell.
    pub unknown: Vec<String>,
}

impl Comparison {
    pub fn equal(&self) -> bool {
        self.changed.is_empty() && self.unknown.is_empty()
    }
}

impl Inputs {
    /// Records the fields named by `uses`, read through `field`.
    pub fn of(uses: &[String], key: &SecretKey, field: impl Fn(&str) -> Option<FieldValue>) -> Self {
        let record = |name: &String| {
            let mark = match field(name).map(|value| value.content) {
                None => "none".to_owned(),
                Some(Content::Plain(text)) => format!("sha256:{}", digest(text.as_bytes())),
                Some(Content::Secret(secret)) => format!("hmac:{}:{}", key.id(), key.mac(&secret)),
            };
            (name.clone(), mark)
        };
        Self(uses.iter().map(record).collect())
    }

    /// Whether the field is a secret.
    pub fn is_secret(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|mark| key_id(mark).is_some())
    }

    /// Compares the recorded inputs (`self`) with the present ones. A field that only one of them has (a newer
    /// manifest) says nothing about the plan and is left out.
    pub fn compare(&self, now: &Inputs) -> Comparison {
        let mut out = Comparison::default();
        for (name, new) in &now.0 {
            let Some(old) = self.0.get(name) else { continue };
            if old == new {
                continue;
            }
            match (key_id(old), key_id(new)) {
                (Some(a), Some(b)) if a != b => out.unknown.push(name.clone()),
                _ => out.changed.push(name.clone()),
            }
        }
        out
    }
}

fn key_id(mark: &str) -> Option<&str> {
    mark.strip_prefix("hmac:")?.split(':').next()
}

/// The random key under which secret fields are recorded; lies beside the journal (`secret.key`, 0600).
#[derive(Clone, Debug)]
pub struct SecretKey(Secret<Vec<u8>>);

const KEY_BYTES: usize = 32;

impl SecretKey {
    /// A key that lives as long as the process.
    pub fn random() -> Self {
        Self(Secret::new(rand::random::<[u8; KEY_BYTES]>().to_vec()))
    }

    /// Reads the key, or makes it when it is missing or damaged: then earlier records cannot be compared.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        match File::open(path) {
            Ok(mut file) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                // All zeros: a power loss came between the name and the bytes.
                if bytes.len() == KEY_BYTES && bytes.iter().any(|byte| *byte != 0) {
                    return Ok(Self(Secret::new(bytes)));
                }
                std::fs::remove_file(path)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let key = Self::random();
        let mut options = OpenOptions::new();
        options.create_new(true).write(true);
        platform::private(&mut options);
        let mut file = options.open(path)?;
        file.write_all(key.0.expose())?;
        file.sync_all()?;
        platform::sync_folder(path.parent().unwrap_or(Path::new(".")))?;
        Ok(key)
    }

    /// Names the key without telling it: eight hexadecimal digits.
    fn id(&self) -> String {
        self.sign(b"voyager secret.key id")[..8].to_owned()
    }

    fn mac(&self, secret: &Secret<String>) -> String {
        self.sign(secret.expose().as_bytes())
    }

    fn sign(&self, message: &[u8]) -> String {
        match Hmac::<Sha256>::new_from_slice(self.0.expose()) {
            Ok(mut mac) => {
                mac.update(message);
                hex(&mac.finalize().into_bytes())
            }
            // HMAC takes keys of any length.
            Err(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(key: &SecretKey, vip: &str, password: &str) -> Inputs {
        Inputs::of(&["cluster.vip".into(), "cluster.password".into(), "cluster.gone".into()], key, |name| {
            let content = match name {
                "cluster.vip" => Content::Plain(vip.to_owned()),
                "cluster.password" => Content::Secret(password.into()),
                _ => return None,
            };
            Some(FieldValue { content, cells: vec![] })
        })
    }

    #[test]
    fn changed_fields_are_found_by_name_and_secrets_are_not_recorded() {
        let key = SecretKey::random();
        let before = inputs(&key, "10.0.0.1", "first-pass");
        assert!(before.compare(&inputs(&key, "10.0.0.1", "first-pass")).equal());
        assert_eq!(before.compare(&inputs(&key, "10.0.0.2", "first-pass")).changed, ["cluster.vip"]);
        assert_eq!(before.compare(&inputs(&key, "10.0.0.1", "other")).changed, ["cluster.password"]);
        let json = serde_json::to_string(&before).unwrap();
        assert!(!json.contains("first-pass") && !json.contains("10.0.0.1"));
        assert!(!json.contains(&digest(b"first-pass")), "a secret never lies in a plain digest");
    }

    #[test]
    fn under_another_key_a_secret_cannot_be_compared() {
        let before = inputs(&SecretKey::random(), "a", "p");
        let result = before.compare(&inputs(&SecretKey::random(), "a", "p"));
        assert_eq!(result.unknown, ["cluster.password"]);
        assert!(result.changed.is_empty());
    }

    #[test]
    fn the_key_is_kept_in_a_private_file_and_made_anew_when_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        let first = SecretKey::load_or_create(&path).unwrap();
        assert_eq!(SecretKey::load_or_create(&path).unwrap().id(), first.id());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, b"short").unwrap();
        assert_ne!(SecretKey::load_or_create(&path).unwrap().id(), first.id());
        std::fs::write(&path, [0; KEY_BYTES]).unwrap();
        let made = SecretKey::load_or_create(&path).unwrap();
        assert!(std::fs::read(&path).unwrap().iter().any(|byte| *byte != 0));
        assert_eq!(SecretKey::load_or_create(&path).unwrap().id(), made.id());
    }
}
