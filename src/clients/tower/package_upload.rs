//! Packages on their way to CloudTower, chunk after chunk: the captured GraphQL way of the backup service
//! (api-applications §3.2) and the official REST one (§4).

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::json;

use super::{
    LOCK_PACE, LONGEST_LOCK, Tower, graphql, rest,
    upload_tasks::{RESOURCE, UploadTask},
};
use crate::{
    clients::{
        form::Form,
        http::{Answer, Call},
        problem::Problem,
        upload::{AppendSink, Appending, Chunk, ChunkFailure, Opened, Setback, Stored},
    },
    failure::{Failure, Kind, Result},
    messages::message,
    text::Text,
};

/// Bytes of a chunk: of the captured uploads by GraphQL, and of the official example by REST.
const GRAPHQL_CHUNK: u64 = 4 << 20;
const REST_CHUNK: u64 = 8 << 20;

/// What the captured client calls a chunk.
const BLOB: &str = "blob";

impl Tower {
    /// Where the chunks of a package go whose name CloudTower has to be told (§3.2). `size` in bytes.
    pub fn named_package_sink(&self, package: &str, file: &str, size: u64) -> PackageSink {
        let way = Way::GraphQl { package: package.to_owned() };
        PackageSink { tower: self.clone(), file: file.to_owned(), size, way, state: Arc::default() }
    }

    /// Where the chunks of any other package go (§4).
    pub fn package_sink(&self, file: &str, size: u64) -> PackageSink {
        let way = Way::Rest;
        PackageSink { tower: self.clone(), file: file.to_owned(), size, way, state: Arc::default() }
    }
}

/// Chunks of one package.
pub struct PackageSink {
    tower: Tower,
    file: String,
    size: u64,
    way: Way,
    state: Arc<Mutex<State>>,
}

enum Way {
    GraphQl { package: String },
    Rest,
}

#[derive(Default)]
struct State {
    /// Uploads of the same file that were open before ours: somebody else's.
    others: Vec<String>,
    rejected: Option<Text>,
}

/// What became of the package at the site, to be asked after the upload.
#[derive(Clone)]
pub struct Rejection(Arc<Mutex<State>>);

impl Rejection {
    /// Why CloudTower does not take the package, in its own words; `None`: it did not say so.
    pub fn words(&self) -> Option<Text> {
        lock(&self.0).rejected.clone()
    }
}

/// A panic elsewhere leaves whole values behind.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PackageSink {
    pub fn rejection(&self) -> Rejection {
        Rejection(self.state.clone())
    }

    /// The task that a package named by us is sent under.
    async fn create(&self, package: &str) -> Result<Opened, ChunkFailure> {
        let data = json!({
            "status": "INITIALIZING",
            "current_chunk": 1,
            "chunk_size": GRAPHQL_CHUNK,
            "resource_type": RESOURCE,
            "size": self.size,
            "args": {"name": self.file, "package_name": package},
            "started_at": format!("{:.3}", Timestamp::now()),
        });
        let doing = message("clients.tower.create_upload", &[("file", &self.file)]);
        let call = graphql::mutation("tower.createUploadTask", doing, &json!({"data": data}));
        let read = |answer: &Answer| graphql::root::<UploadTask>(answer, "createUploadTask");
        let task = self.sent(&call, read).await?;
        Ok(Opened { upload: appending(&task, GRAPHQL_CHUNK), has_first: false })
    }

    fn chunk(&self, upload: Option<&Appending>, chunk: Chunk) -> Call {
        let number = chunk.number + 1;
        let doing = message("clients.doing.send_chunk", &[("file", &self.file), ("chunk", &number)]);
        match (&self.way, upload) {
            (Way::GraphQl { .. }, Some(upload)) => {
                let data = json!({"upload_task_id": upload.id, "file": null, "current_chunk": number});
                let operation = "tower.uploadCloudTowerApplicationPackage";
                let variables = json!({"data": data});
                graphql::with_file(operation, doing, &variables, "variables.data.file", BLOB, chunk)
            }
            (_, upload) => {
                let form = Form::new().text("name", &self.file).text("size", self.size);
                let form = match upload {
                    Some(upload) => form.text("upload_task_id", &upload.id),
                    None => form,
                };
                let form = form.file("file", BLOB, chunk.bytes).last(chunk.last);
                rest::upload("tower.upload-cloudtower-application-package", doing).form(form)
            }
        }
    }

    /// Sends a chunk once and holds the answer against it.
    async fn send(&self, upload: Option<&Appending>, chunk: Chunk) -> Result<UploadTask, ChunkFailure> {
        let (number, last) = (chunk.number + 1, chunk.last);
        let call = self.chunk(upload, chunk);
        let task = match self.way {
            Way::GraphQl { .. } => {
                let root = "uploadCloudTowerApplicationPackage";
                self.sent(&call, |answer| graphql::root::<UploadTask>(answer, root)).await?
            }
            Way::Rest => self.sent(&call, first).await?,
        };
        if task.took(number, last) {
            return Ok(task);
        }
        let chunk = task.current_chunk.map_or_else(|| "-".to_owned(), |chunk| chunk.to_string());
        let args: [(&str, &dyn crate::text::Say); 2] = [("status", &task.status), ("chunk", &chunk)];
        let failure = Failure::new(Kind::Site, call.doing)
            .at(self.tower.0.site.address)
            .answer(message("clients.tower.upload_contradicts", &args));
        let (failure, setback) = match task.has_ended() {
            true => (failure.advise(message("clients.tower.upload_ended", &[])), Setback::Ended),
            false => (failure, Setback::Spoilt),
        };
        Err(ChunkFailure { failure, setback, retry_after: None })
    }

    async fn sent<T>(
        &self,
        call: &Call,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, ChunkFailure> {
        let mut waited = Duration::ZERO;
        let result = loop {
            let result = match self.way {
                Way::GraphQl { .. } => self.tower.web_raw(call, &read).await,
                Way::Rest => self.tower.call_raw(call, &read).await,
            };
            if !rest::is_locked(&result) || waited >= LONGEST_LOCK {
                break result;
            }
            self.tower.pause(LOCK_PACE).await;
            waited += LOCK_PACE;
        };
        let (setback, retry_after) = match &result {
            Err(Problem::Refused(refused)) if rest::is_verdict(refused) => {
                lock(&self.state).rejected = Some(self.tower.words(refused));
                (Setback::Refused, None)
            }
            // Nobody has looked at the package: there is no CloudTower at the moment.
            Err(problem) if rest::is_starting(problem) => (Setback::Lost, problem.retry_after()),
            // Or the account is not let in, or the lock does not go.
            Err(problem) if problem.setback() == Setback::Refused => (Setback::Final, None),
            Err(problem) => (problem.setback(), problem.retry_after()),
            Ok(_) => (Setback::Final, None),
        };
        self.tower.told(call, result).map_err(|failure| ChunkFailure { failure, setback, retry_after })
    }
}

/// The first of the list of tasks that an upload by REST answers with.
fn first(answer: &Answer) -> Result<UploadTask, Problem> {
    let tasks = rest::list::<UploadTask>(answer)?;
    tasks.into_iter().next().ok_or_else(|| Problem::unreadable(answer, "no upload task"))
}

/// Without a word about it the asked size counts.
fn appending(task: &UploadTask, asked: u64) -> Appending {
    Appending { id: task.id.clone(), chunk_size: task.chunk_size.unwrap_or(asked) }
}

impl AppendSink for PackageSink {
    fn chunk_size(&self) -> u64 {
        match self.way {
            Way::GraphQl { .. } => GRAPHQL_CHUNK,
            Way::Rest => REST_CHUNK,
        }
    }

    fn open(&self, chunk: Chunk) -> BoxFuture<'_, Result<Opened, ChunkFailure>> {
        Box::pin(async move {
            let looked = self.tower.open_uploads(&self.file, self.size).await;
            let others = looked.map_err(|failure| ChunkFailure {
                failure,
                setback: Setback::Final,
                retry_after: None,
            })?;
            lock(&self.state).others = others;
            match &self.way {
                Way::GraphQl { package } => self.create(package).await,
                Way::Rest => {
                    let task = self.send(None, chunk).await?;
                    Ok(Opened { upload: appending(&task, REST_CHUNK), has_first: true })
                }
            }
        })
    }

    /// Uploads of this file that were not there before are ours.
    fn sweep(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let others = lock(&self.state).others.clone();
            for id in self.tower.open_uploads(&self.file, self.size).await? {
                if !others.contains(&id) {
                    self.tower.cancel_upload_task(&id).await?;
                }
            }
            Ok(())
        })
    }

    fn append<'a>(&'a self, upload: &'a Appending, chunk: Chunk) -> BoxFuture<'a, Result<(), ChunkFailure>> {
        Box::pin(async move { self.send(Some(upload), chunk).await.map(drop) })
    }

    fn stored<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<Stored>> {
        Box::pin(async move {
            let task = self.tower.upload_task(&upload.id).await?;
            Ok(task.map_or_else(
                || Stored::Unusable(message("clients.tower.upload_unknown", &[])),
                |task| task.stored(),
            ))
        })
    }

    fn abandon<'a>(&'a self, upload: &'a Appending) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.tower.cancel_upload_task(&upload.id).await })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.tower.pause(time))
    }
}
