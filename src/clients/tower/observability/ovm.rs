//! Packages on their way in: CloudTower's operator service, which appends chunks (api-applications §2.4).

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::{
    clients::{
        form::Form,
        http::{Answer, Call},
        lenient,
        problem::{Problem, Refused},
        tower::{Tower, rest},
        upload::{AppendSink, Appending, Chunk, ChunkFailure, Opened, Setback, Stored},
    },
    failure::{Failure, Kind, Result},
    messages::message,
    text::Text,
};

const UPLOADS: &str = "/api/ovm-operator/api/v3/chunkedUploads";
/// Chunks go to the older version of the interface.
const CHUNKS: &str = "/api/ovm-operator/api/v1/chunkedUploads";
/// Bytes; captured.
const CHUNK: u64 = 4 << 20;

/// An upload as the service describes it: numbers as texts in one version, as numbers in the other.
#[derive(Deserialize)]
struct Upload {
    #[serde(deserialize_with = "lenient::text")]
    id: String,
    /// Bytes that it has.
    #[serde(deserialize_with = "lenient::number")]
    offset: u64,
    #[serde(default, deserialize_with = "lenient::text")]
    status: String,
    #[serde(default, deserialize_with = "lenient::text")]
    error_code: String,
    #[serde(default, deserialize_with = "lenient::text")]
    error_message: String,
}

impl Upload {
    /// Why it cannot be gone on with, in the service's words.
    fn trouble(&self) -> Option<String> {
        let words = [&self.error_code, &self.error_message].map(String::as_str);
        let words = words.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
        if !words.is_empty() {
            return Some(words);
        }
        let status = self.status.to_ascii_uppercase();
        (status.contains("FAIL") || status.contains("ERROR")).then_some(status)
    }
}

fn upload(answer: &Answer) -> Result<Upload, Problem> {
    rest::body(answer)
}

/// The same where nothing is documented: an answer that tells no offset is a refusal, not a lost one.
fn offset(answer: &Answer) -> Result<Upload, Problem> {
    upload(answer).map_err(|problem| match problem {
        Problem::Lost { .. } => Refused::raw(answer).into(),
        problem => problem,
    })
}

/// What handing a package over came to.
#[derive(Debug)]
pub enum Committed {
    Taken,
    /// The site does not want it: what was uploaded is no use.
    Refused(Box<Failure>),
}

impl Tower {
    /// Where the chunks of a package go; `size` in bytes.
    pub fn ovm_sink(&self, file_name: &str, size: u64) -> OvmSink {
        OvmSink { tower: self.clone(), file_name: file_name.to_owned(), size }
    }

    /// Hands a package over that was sent to its last byte. What comes of it, two tasks tell (§2.5).
    ///
    /// # Errors
    /// Nothing was sent, or no verdict came back: what was uploaded is as good as before.
    pub async fn commit_package(&self, file_name: &str, upload: &str) -> Result<Committed> {
        let user = self.user_id().await?;
        let doing = message("clients.observability.commit", &[("file", &file_name)]);
        // The colon belongs to the path as it is.
        let path = format!("{UPLOADS}/{upload}:commit");
        let call = Call::write("tower.ovm.commit", doing, Method::POST, path)
            .header("x-user-id", user.as_str().into());
        let result = self.operator(&call, committed).await;
        let judged = matches!(&result, Err(Problem::Refused(refused)) if rest::is_verdict(refused));
        match self.operator_told(&call, result) {
            Ok(()) => Ok(Committed::Taken),
            Err(failure) if judged => Ok(Committed::Refused(failure)),
            Err(failure) => Err(failure),
        }
    }
}

/// Its answer is not recorded: any success will do that names no error.
fn committed(answer: &Answer) -> Result<(), Problem> {
    #[derive(Deserialize)]
    struct Reply {
        #[serde(default, deserialize_with = "lenient::text")]
        error_code: String,
        #[serde(default, deserialize_with = "lenient::text")]
        error_message: String,
    }
    rest::accepted(answer)?;
    match serde_json::from_slice::<Reply>(&answer.body) {
        Ok(reply) if !reply.error_code.is_empty() || !reply.error_message.is_empty() => {
            let mut refused = rest::refused(answer);
            refused.status = 400;
            refused.code = Some(reply.error_code).filter(|code| !code.is_empty());
            refused.words = reply.error_message;
            Err(refused.into())
        }
        _ => Ok(()),
    }
}

/// One package.
pub struct OvmSink {
    tower: Tower,
    file_name: String,
    size: u64,
}

impl OvmSink {
    fn failed(&self, call: &Call, problem: Problem) -> ChunkFailure {
        let (setback, retry_after) = match &problem {
            // The account of the service is wrong: no repetition helps.
            Problem::Refused(refused) if matches!(refused.status, 401 | 403) => (Setback::Final, None),
            problem => (problem.setback(), problem.retry_after()),
        };
        let failure = match self.tower.operator_told::<()>(call, Err(problem)) {
            Err(failure) => failure,
            Ok(()) => Failure::new(Kind::Bug, call.doing.clone()),
        };
        ChunkFailure { failure, setback, retry_after }
    }

    /// An answer that contradicts what was sent: the upload is spoilt.
    fn spoilt(&self, call: &Call, why: Text) -> ChunkFailure {
        let failure = Failure::new(Kind::Site, call.doing.clone());
        let failure = failure.at(self.tower.address()).answer(why);
        ChunkFailure { failure, setback: Setback::Spoilt, retry_after: None }
    }
}

impl AppendSink for OvmSink {
    fn chunk_size(&self) -> u64 {
        CHUNK
    }

    fn open(&self, _first: Chunk) -> BoxFuture<'_, Result<Opened, ChunkFailure>> {
        let doing = message("clients.observability.open", &[("file", &self.file_name)]);
        let body = json!({"origin_file_name": self.file_name});
        let call = Call::write("tower.ovm.create-upload", doing, Method::POST, UPLOADS).json(&body);
        Box::pin(async move {
            match self.tower.operator(&call, upload).await {
                Ok(opened) if opened.offset == 0 && opened.trouble().is_none() => {
                    let upload = Appending { id: opened.id, chunk_size: CHUNK };
                    Ok(Opened { upload, has_first: false })
                }
                Ok(odd) => {
                    let words = odd.trouble().unwrap_or_else(|| format!("offset {}", odd.offset));
                    Err(self.spoilt(&call, Text::same(self.tower.masked(&words))))
                }
                Err(problem) => Err(self.failed(&call, problem)),
            }
        })
    }

    fn append<'a>(&'a self, upload: &'a Appending, chunk: Chunk) -> BoxFuture<'a, Result<(), ChunkFailure>> {
        let number = chunk.number + 1;
        let doing = message("clients.doing.send_chunk", &[("file", &self.file_name), ("chunk", &number)]);
        let expected = chunk.start + chunk.bytes.len() as u64;
        // In this order.
        let form = Form::new().file("file", "chunk", chunk.bytes).text("id", &upload.id);
        let call = Call::write("tower.ovm.chunk", doing, Method::POST, CHUNKS).form(form);
        Box::pin(async move {
            match self.tower.operator(&call, self::upload).await {
                Ok(answer) => match answer.trouble() {
                    Some(words) => Err(self.spoilt(&call, Text::same(self.tower.masked(&words)))),
                    None if answer.offset != expected || answer.id != upload.id => {
                        let args: [(&str, &dyn crate::text::Say); 2] =
                            [("found", &answer.offset), ("expected", &expected)];
                        Err(self.spoilt(&call, message("clients.observability.offset", &args)))
                    }
                    None => Ok(()),
                },
                Err(problem) => Err(self.failed(&call, problem)),
            }
        })
    }

    /// Inferred from the style of `:commit`. Whatever is answered but an offset leaves the upload unusable (§2.4): the
    /// same question would have the same answer in every later run. A service that is away has not answered.
    fn stored<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<Stored>> {
        let doing = message("clients.observability.stored", &[("file", &self.file_name)]);
        let call = Call::read("tower.ovm.upload", doing, format!("{UPLOADS}/{}", upload.id));
        Box::pin(async move {
            let found = match self.tower.operator(&call, offset).await {
                Err(Problem::Refused(refused)) if !matches!(refused.status, 408 | 429 | 502..=504) => {
                    return Ok(Stored::Unusable(self.tower.words(&refused)));
                }
                result => self.tower.operator_told(&call, result)?,
            };
            Ok(match (found.trouble(), found.offset) {
                (Some(words), _) => Stored::Unusable(Text::same(self.tower.masked(&words))),
                (None, offset) if offset == self.size => Stored::Whole,
                (None, offset) if offset < self.size && offset % upload.chunk_size == 0 => {
                    Stored::Chunks(u32::try_from(offset / upload.chunk_size).unwrap_or(u32::MAX))
                }
                (None, offset) => {
                    let expected = upload.chunk_size;
                    let args: [(&str, &dyn crate::text::Say); 2] =
                        [("found", &offset), ("expected", &expected)];
                    Stored::Unusable(message("clients.observability.offset", &args))
                }
            })
        })
    }

    /// No call gives an upload up (§7).
    fn abandon<'a>(&'a self, _upload: &'a Appending) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.tower.pause(time))
    }
}
