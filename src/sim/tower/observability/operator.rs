//! The operator's own interface (api-applications §2.4): its paths, its account, the cookie.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    super::{
        super::{
            exchange::{Answer, Call},
            multipart,
            site::State,
        },
        denied::{Denied, error_body},
        visit::Visit,
    },
    uploads,
};

const UPLOADS: &str = "/api/ovm-operator/api/v3/chunkedUploads";
/// Chunks alone are of version 1.
const CHUNKS: &str = "/api/ovm-operator/api/v1/chunkedUploads";
/// The account that is built in.
const ACCOUNT: &str = "o11y";

/// One operation of it; the version of the path belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    CreateUpload,
    Chunk,
    Commit,
    Upload,
}

impl Operation {
    pub const ALL: [Self; 4] = [Self::CreateUpload, Self::Chunk, Self::Commit, Self::Upload];

    /// The operation of a request.
    pub fn of(call: &Call) -> Option<Self> {
        let upload = call.path.strip_prefix(UPLOADS).and_then(|rest| rest.strip_prefix('/'));
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", UPLOADS) => Some(Self::CreateUpload),
            ("POST", CHUNKS) => Some(Self::Chunk),
            ("POST", _) if upload?.ends_with(":commit") => Some(Self::Commit),
            ("GET", _) if !upload?.contains(['/', ':']) => Some(Self::Upload),
            _ => None,
        }
    }

    /// The name that faults, holds and the ledger use, and whether it changes something.
    pub fn name(self) -> (&'static str, bool) {
        match self {
            Self::CreateUpload => ("tower.ovm.create-upload", true),
            Self::Chunk => ("tower.ovm.chunk", true),
            Self::Commit => ("tower.ovm.commit", true),
            Self::Upload => ("tower.ovm.upload", false),
        }
    }
}

/// The upload that the path of a commit or of a question names.
pub(super) fn upload_of(call: &Call) -> &str {
    let rest = call.path.strip_prefix(UPLOADS).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
    rest.strip_suffix(":commit").unwrap_or(rest)
}

/// Which chunk of its upload a request brings, from 1, so that a fault can meet it.
pub fn chunk_number(state: &State, call: &Call) -> Option<u64> {
    let parts = multipart::parts(call).ok()?;
    let id = parts.iter().find(|part| part.name == "id")?;
    let uploads = &state.tower.observability.uploads;
    let upload = uploads.iter().find(|upload| upload.id.as_bytes() == id.data)?;
    Some(state.ledger.packages.get(&upload.id).map_or(0, |entry| entry.chunks_stored) + 1)
}

/// Judges one request.
pub fn run(visit: &mut Visit<'_>, operation: Operation) -> Result<Answer, Denied> {
    admit(visit)?;
    match operation {
        Operation::CreateUpload => uploads::create(visit),
        Operation::Chunk => uploads::append(visit),
        Operation::Commit => uploads::commit(visit),
        Operation::Upload => uploads::show(visit),
    }
}

/// Account and cookie, both. What is missing breaks the contract; what is stale or wrong is everyday life.
fn admit(visit: &Visit<'_>) -> Result<(), Denied> {
    let refused = |what: &str| Denied::With(error_body(visit.call, 401, None, what, &Value::Null));
    let missing = |what: &str| Denied::Shape(what.to_owned());
    let sent = visit.call.header("authorization").ok_or_else(|| missing("no Authorization"))?;
    let sent = sent.strip_prefix("Basic ").ok_or_else(|| missing("Authorization is not Basic"))?;
    let cookie = visit.call.header("cookie").ok_or_else(|| missing("no cookie"))?;
    let mut pairs: Vec<&str> = cookie.split(';').map(str::trim).collect();
    let legacy = pairs.first() == Some(&"path=/");
    pairs.retain(|pair| *pair != "path=/");
    let [session] = pairs.as_slice() else { return Err(missing("the cookie is not the session's alone")) };
    let session =
        session.strip_prefix("connect.sid=").ok_or_else(|| missing("the cookie is not connect.sid"))?;
    let quirks = &visit.state.quirks.tower.observability;
    let account = STANDARD.encode(format!("{ACCOUNT}:{}", quirks.operator_password));
    if sent != account {
        return Err(refused("the operator's account is refused"));
    }
    if !visit.state.tower.knows_cookie(session) || (quirks.legacy_path_cookie && !legacy) {
        return Err(refused("not login or session expired"));
    }
    Ok(())
}
