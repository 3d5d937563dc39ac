//! A chunk on its way in: its bytes go where they will lie as they come, and only the multipart frame around them is
//! collected. What lies there counts for nothing until the chunk has been judged.

use std::{io, sync::Arc};

use axum::{body::Body, http::HeaderMap};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use hyper::{body::Incoming, header};

use super::{multipart, store::Store};

/// The head of a part is not longer.
const HEAD: usize = 4 << 10;

/// Room for one chunk in a file. Where a chunk is sent twice at a time, both land here: it is the same chunk.
#[derive(Debug)]
pub struct Place {
    pub file: Arc<Store>,
    /// In bytes.
    pub start: u64,
    /// In bytes.
    pub length: u64,
}

/// The bytes of a part that lie in their place.
#[derive(Clone, Debug)]
pub struct Landed {
    pub file: Arc<Store>,
    /// In bytes.
    pub length: u64,
}

/// A body of at most `most` bytes. Where it is a form with one file that fits `place` exactly, that file's bytes have
/// landed there and are missing in the body.
pub async fn take(
    headers: &HeaderMap,
    body: Incoming,
    place: Option<Place>,
    most: usize,
) -> io::Result<(Bytes, Option<Landed>)> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut parts = Body::new(body).into_data_stream();
    let mut taken = BytesMut::new();
    if let (Some(mut place), Some(announced)) = (place, announced) {
        while end_of_head(&taken).is_none() && taken.len() < HEAD {
            let Some(part) = parts.next().await else { break };
            taken.extend_from_slice(&part.map_err(io::Error::other)?);
        }
        let head = end_of_head(&taken).filter(|head| fits(headers, *head, place.length, announced, most));
        if let Some(head) = head {
            let (file, length) = (place.file.clone(), place.length);
            let early = taken.split_off(head);
            taken.extend_from_slice(place.put(&early)?);
            while let Some(part) = parts.next().await {
                taken.extend_from_slice(place.put(&part.map_err(io::Error::other)?)?);
            }
            return Ok((taken.freeze(), Some(Landed { file, length })));
        }
    }
    taken.reserve(announced.unwrap_or_default().min(most));
    while let Some(part) = parts.next().await {
        taken.extend_from_slice(&part.map_err(io::Error::other)?);
        if taken.len() > most {
            return Err(io::Error::other("the body is too long"));
        }
    }
    Ok((taken.freeze(), None))
}

impl Place {
    /// Writes what fits; answers the rest.
    fn put<'a>(&mut self, bytes: &'a [u8]) -> io::Result<&'a [u8]> {
        let fitting = usize::try_from(self.length).map_or(bytes.len(), |length| length.min(bytes.len()));
        let (bytes, rest) = bytes.split_at(fitting);
        self.file.write_at(self.start, bytes)?;
        self.start += fitting as u64;
        self.length -= fitting as u64;
        Ok(rest)
    }
}

fn end_of_head(body: &[u8]) -> Option<usize> {
    let looked_at = &body[..body.len().min(HEAD)];
    looked_at.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

/// Whether the body is nothing but that head, so many bytes and the closing line.
fn fits(headers: &HeaderMap, head: usize, length: u64, announced: usize, most: usize) -> bool {
    let closing = multipart::boundary(headers).map(|boundary| boundary.len() + "\r\n----".len());
    let frame = closing.and_then(|closing| announced.checked_sub(head)?.checked_sub(closing));
    let exact = |frame: usize| [0, "\r\n".len()].iter().any(|end| frame as u64 == length + *end as u64);
    announced <= most && frame.is_some_and(exact)
}
