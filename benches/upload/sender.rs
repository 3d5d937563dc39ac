//! The sender's process: the upload engine over a sink of its own, or one plain stream, over the same HTTP client.

use std::{
    fs,
    sync::{Arc, mpsc::sync_channel},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future::BoxFuture};
use reqwest::{Method, header::CONTENT_LENGTH};
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use voyager::{
    clients::{
        call::{Call, Scheme, Target},
        content::Content,
        dial::{Dialler, Endpoint},
        file_state::FileState,
        form::Form,
        http::{Answer, Http, Pause},
        limits::Limits,
        problem::Problem,
        proxy::Proxy,
        redact::Redactor,
        retry::{Auth, Route},
        trust::{InMemory, Mode, TrustStore},
        upload::{
            Accepted, ChunkFailure, ChunkSink, Digests, Listing, Order, Setback, Upload, Uploaded, Volume,
        },
        wire::{Wire, WireFile},
    },
    failure::{Failure, Kind},
    secret::Secret,
    text::Text,
};

use super::{Measured, Result, Task, Way, process::cpu_seconds};

#[expect(clippy::print_stdout, reason = "the parent process reads it")]
pub fn main(task: &str) -> Result<()> {
    let task: Task = serde_json::from_str(task)?;
    let measured = tokio::runtime::Runtime::new()?.block_on(measure(&task))?;
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

async fn measure(task: &Task) -> Result<Measured> {
    let dialler = Dialler::through(Proxy::parse(&task.proxy).map_err(told)?, Limits::default());
    let trust = TrustStore::open(Mode::Tofu, [], InMemory)?;
    // The transcript is written as in a run: it is part of what a chunk costs.
    let transcript = tempfile::tempdir()?;
    let wire = Wire::new(WireFile::create(&transcript.path().join("wire.jsonl"))?, Redactor::new());
    let http = Http::new(dialler, trust, wire, Arc::new(Wait));
    let (started, cpu) = (Instant::now(), cpu_seconds("self", 14)?);
    let sha256 = match task.way {
        Way::Plain => plain(task, &http).await?,
        Way::One => upload(task, http, Order::Sequential).await?,
        Way::Window => upload(task, http, Order::Any).await?,
    };
    Ok(Measured {
        seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds("self", 14)? - cpu,
        peak_mib: peak_mib()?,
        sha256: sha256.filter(|_| task.digests),
    })
}

fn target(task: &Task) -> Target {
    match task.https {
        true => Target::https(task.address),
        false => Target { scheme: Scheme::Http, endpoint: Endpoint::new(task.address, 80) },
    }
}

/// The whole file in one request.
async fn plain(task: &Task, http: &Http) -> Result<Option<String>> {
    let found = fs::metadata(&task.file)?;
    let size = found.len();
    let client = http.dialler().http(http.trust().tls(target(task).endpoint)?)?;
    // Read as the upload engine reads it: what is compared is how it travels.
    let file = Content::stretch(FileState::of(&task.file, &found)?, 0, size).pieces();
    let (scheme, digests) =
        (if task.https { "https" } else { "http" }, if task.digests { "?digests" } else { "" });
    let request = client
        .post(format!("{scheme}://{}/simulated/stream{digests}", task.address))
        .header(CONTENT_LENGTH, size);
    let (body, digest) = match task.digests {
        false => (reqwest::Body::wrap_stream(file), None),
        true => {
            let (to_sha256, sha256) = digesting::<Sha256>();
            let (to_md5, md5) = digesting::<md5::Md5>();
            let digested = file.inspect_ok(move |part: &Bytes| {
                to_sha256.send(part.clone()).ok();
                to_md5.send(part.clone()).ok();
            });
            (reqwest::Body::wrap_stream(digested.boxed()), Some((sha256, md5)))
        }
    };
    let answer: serde_json::Value = request.body(body).send().await?.error_for_status()?.json().await?;
    if answer["bytes"] != size {
        return Err(format!("not all of it arrived: {answer}").into());
    }
    let Some((sha256, md5)) = digest else { return Ok(None) };
    md5.join().map_err(|_| "no MD5")?;
    Ok(Some(sha256.join().map_err(|_| "no SHA-256")?))
}

fn digesting<D: Digest>() -> (std::sync::mpsc::SyncSender<Bytes>, thread::JoinHandle<String>) {
    let (sender, parts) = sync_channel::<Bytes>(8);
    let thread = thread::spawn(move || {
        let mut digest = D::new();
        parts.iter().for_each(|part| digest.update(&part));
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    });
    (sender, thread)
}

async fn upload(task: &Task, http: Http, order: Order) -> Result<Option<String>> {
    let size = fs::metadata(&task.file)?.len();
    // Digests that are known are not made.
    let known = (!task.digests).then(|| Digests { sha256: String::new(), md5: String::new(), size });
    let sink = Images::log_in(task, http, size, order).await.map_err(told)?;
    let upload = Upload {
        sink: Arc::new(sink),
        file: &task.file,
        digests: known,
        progress: &|_| {},
        remember: &|_| Ok(()),
    };
    let Uploaded { digests, sent, .. } = upload.run(None).await.map_err(told)?;
    if sent != size {
        return Err(format!("{sent} bytes were sent for {size}").into());
    }
    Ok(Some(digests.sha256))
}

/// The image calls of the cluster (api-fisheye §7.2), which the tool itself makes over https only.
struct Images {
    http: Http,
    route: Route,
    token: Secret<String>,
    size: u64,
    order: Order,
}

impl Images {
    async fn log_in(task: &Task, http: Http, size: u64, order: Order) -> voyager::failure::Result<Self> {
        #[derive(Deserialize)]
        struct Reply {
            token: String,
        }
        let route = Route::to(target(task));
        let login = serde_json::json!({"username": "root", "password": task.password, "encrypted": false});
        let call = call("fisheye.sessions", "/api/v3/sessions").json(&login);
        let reply = http.call(&call, &route, Auth::None, body::<Reply>).await;
        let token = Secret::new(reply.map_err(|problem| failure(&problem))?.token);
        Ok(Self { http, route, token, size, order })
    }

    async fn ask<T: DeserializeOwned>(&self, call: &Call) -> voyager::failure::Result<T> {
        #[derive(Deserialize)]
        struct Envelope<T> {
            data: T,
        }
        let auth = Auth::Fixed("x-smartx-token", &self.token);
        let answer = self.http.call(call, &self.route, auth, body::<Envelope<T>>).await;
        answer.map(|envelope| envelope.data).map_err(|problem| failure(&problem))
    }
}

impl ChunkSink for Images {
    fn order(&self) -> Order {
        self.order
    }

    fn create(&self) -> BoxFuture<'_, voyager::failure::Result<Volume>> {
        Box::pin(async {
            let call = call("fisheye.image.create", "/api/v2/images/upload/volume")
                .query("name", "image.iso")
                .query("size", self.size)
                .query("description", "")
                .query("device", "nfs")
                .query("task_id", 2);
            self.ask(&call).await
        })
    }

    fn send<'a>(
        &'a self,
        volume: &'a Volume,
        chunk: u32,
        content: Content,
    ) -> BoxFuture<'a, std::result::Result<Accepted, ChunkFailure>> {
        let call = call("fisheye.image.chunk", "/api/v2/images/upload")
            .query("zbs_volume_id", &volume.zbs_volume_id)
            .query("chunk_num", chunk)
            .query("image_uuid", &volume.image_uuid)
            .form(Form::new().file("file", "chunk", content));
        Box::pin(async move {
            let answer = self.ask(&call).await;
            answer.map_err(|failure| ChunkFailure { failure, setback: Setback::Final, retry_after: None })
        })
    }

    fn delete<'a>(&'a self, _: &'a Volume) -> BoxFuture<'a, voyager::failure::Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn listing<'a>(
        &'a self,
        _: &'a Volume,
        _: &'a Digests,
    ) -> BoxFuture<'a, voyager::failure::Result<Listing>> {
        Box::pin(async { Ok(Listing::NoList) })
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

struct Wait;

impl Pause for Wait {
    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

fn call(operation: &'static str, path: &str) -> Call {
    Call::write(operation, Text::same(operation), Method::POST, path)
}

fn body<T: DeserializeOwned>(answer: &Answer) -> std::result::Result<T, Problem> {
    serde_json::from_slice(&answer.body).map_err(|why| Problem::unreadable(answer, why))
}

fn failure(problem: &Problem) -> Box<Failure> {
    Failure::new(Kind::Site, Text::same(problem.to_string()))
}

fn told(failure: Box<Failure>) -> String {
    format!("{failure:#?}")
}

fn peak_mib() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: f64 = line.split_whitespace().next().ok_or("no figure")?.parse()?;
    Ok(kib / 1024.0)
}
