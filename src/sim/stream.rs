//! One plain stream of bytes, kept as chunks are: what an upload is measured against (docs/performance.md).
//!
//! It belongs to no contract and is no part of the site's state.

use std::io::{self, Write};

use axum::body::Body;
use futures_util::StreamExt;
use hyper::{Request, body::Incoming};
use md5::Md5;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{exchange::Answer, random};

/// `POST`, with `?digests` where both digests are wanted.
const PATH: &str = "/simulated/stream";

pub fn is_meant(request: &Request<Incoming>) -> bool {
    request.uri().path() == PATH
}

/// Takes the body to its end; answers what arrived.
pub async fn take(request: Request<Incoming>) -> io::Result<Answer> {
    let digests = request.uri().query() == Some("digests");
    let (mut md5, mut sha256, mut bytes) = (Md5::new(), Sha256::new(), 0);
    let mut file = tempfile::tempfile()?;
    let mut body = Body::new(request.into_body()).into_data_stream();
    while let Some(part) = body.next().await {
        let part = part.map_err(io::Error::other)?;
        file.write_all(&part)?;
        bytes += part.len();
        if digests {
            md5.update(&part);
            sha256.update(&part);
        }
    }
    let hex = |digest: &[u8]| digests.then(|| random::hex(digest));
    let (md5, sha256) = (hex(&md5.finalize()), hex(&sha256.finalize()));
    Ok(Answer::json(200, &json!({"bytes": bytes, "md5": md5, "sha256": sha256})))
}
