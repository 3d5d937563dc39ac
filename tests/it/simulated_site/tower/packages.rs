//! Application packages uploaded by GraphQL: what a strict site refuses, and what becomes of the package.

use reqwest::multipart::{Form, Part};

use super::*;

pub const FILE: &str = "smtx-backup-dr-x86_64-1.2.0.tar.gz";
const CHUNK: usize = 4096;

/// Nothing takes time but what a test lets pass.
pub const PROMPT: &str = "[site.tower]\ninstalled = true\n[durations]\nhost_scan = 0\ndeploy_answer = 0\n\
                      [durations.tower]\npackage_import = 0\n";

const CREATE: &str = "mutation createUploadTask($data: UploadTaskCreateInput!) { \
                      createUploadTask(data: $data) { id current_chunk chunk_size } }";
const CHUNKS: &str = "mutation uploadCloudTowerApplicationPackage($data: UploadCloudTowerApplicationPackageInput!) { \
                      uploadCloudTowerApplicationPackage(data: $data) { id status current_chunk chunk_size } }";
const LIST: &str = "query cloudTowerApplicationPackages($where: CloudTowerApplicationPackageWhereInput, \
                    $skip: Int, $first: Int) { cloudTowerApplicationPackages(where: $where, skip: $skip, \
                    first: $first) { id filename version architecture } }";

/// A gzip archive by its first bytes, of so many; no chunk of it equals another.
pub fn content(size: usize) -> Vec<u8> {
    let mut content: Vec<u8> = (0..size).map(|at| (at % 251) as u8 ^ (at / 4096) as u8).collect();
    content[..2].copy_from_slice(&[0x1f, 0x8b]);
    content
}

pub fn sha256(bytes: &[u8]) -> Option<String> {
    use sha2::{Digest, Sha256};
    Some(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn new_task(size: usize) -> Value {
    json!({"data": {
        "status": "INITIALIZING", "current_chunk": 1, "chunk_size": CHUNK,
        "resource_type": "CLOUDTOWER_APPLICATION_PACKAGE", "size": size,
        "args": {"name": FILE, "package_name": "iomesh-backup"}, "started_at": "2026-11-30T00:00:00.123Z",
    }})
}

pub fn octets(bytes: &[u8], name: &str) -> Part {
    Part::bytes(bytes.to_vec()).file_name(name.to_owned()).mime_str("application/octet-stream").unwrap()
}

fn operations(task: &Value, number: usize) -> String {
    let data = json!({"upload_task_id": task, "file": null, "current_chunk": number});
    let name = "uploadCloudTowerApplicationPackage";
    json!({"operationName": name, "variables": {"data": data}, "query": CHUNKS}).to_string()
}

impl Raw {
    pub async fn form(&self, url: &str, form: Form) -> (u16, Value) {
        let request = self.client.post(url).header("authorization", &self.token).multipart(form);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn graphql_form(&self, form: Form) -> Value {
        let (status, answer) = self.form(&format!("https://{TOWER}/api"), form).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub async fn upload_task(&self, size: usize) -> Value {
        self.graphql_data("createUploadTask", CREATE, &new_task(size)).await["createUploadTask"].clone()
    }

    /// One chunk as the captures have it, whatever comes.
    async fn package_chunk(&self, task: &Value, number: usize, bytes: &[u8]) -> Value {
        let form = Form::new()
            .text("operations", operations(task, number))
            .text("map", r#"{"1":["variables.data.file"]}"#)
            .part("1", octets(bytes, "blob"));
        self.graphql_form(form).await
    }

    /// A whole package by GraphQL; answers with the last answer.
    pub async fn upload_package(&self, content: &[u8]) -> Value {
        let task = self.upload_task(content.len()).await["id"].clone();
        let mut last = Value::Null;
        for (number, bytes) in content.chunks(CHUNK).enumerate() {
            last = self.package_chunk(&task, number + 1, bytes).await;
        }
        last["data"]["uploadCloudTowerApplicationPackage"].clone()
    }

    async fn packages(&self, filter: Value) -> Value {
        let variables = json!({"skip": 0, "first": 50, "where": {"AND": [filter]}});
        let data = self.graphql_data("cloudTowerApplicationPackages", LIST, &variables).await;
        data["cloudTowerApplicationPackages"].clone()
    }

    async fn upload_state(&self, task: &Value) -> Value {
        self.rest("get-upload-tasks", &json!({"where": {"id": task}})).await[0].clone()
    }

    pub fn uploaded(&self) -> sim::ledger::PackageUpload {
        self.site.ledger().packages.values().next_back().unwrap().clone()
    }
}

#[test]
fn a_package_goes_up_chunk_by_chunk_and_is_listed_some_time_after_the_last() {
    on_tower(PROMPT, async |raw| {
        raw.tower_set_up().await;
        let content = content(2 * CHUNK + 100);
        let task = raw.upload_task(content.len()).await;
        assert_eq!((&task["current_chunk"], &task["chunk_size"]), (&json!(1), &json!(CHUNK)));
        assert_eq!(raw.upload_state(&task["id"]).await["status"], "INITIALIZING");
        for (number, bytes) in content.chunks(CHUNK).enumerate() {
            let answer = raw.package_chunk(&task["id"], number + 1, bytes).await;
            let answer = &answer["data"]["uploadCloudTowerApplicationPackage"];
            let status = if number == 2 { "SUCCESSED" } else { "UPLOADING" };
            assert_eq!((&answer["status"], &answer["current_chunk"]), (&json!(status), &json!(number + 1)));
            assert_eq!(raw.upload_state(&task["id"]).await["current_chunk"], number + 1);
        }
        assert_eq!(raw.packages(json!({"name": "iomesh-backup"})).await, json!([]));
        raw.pass(6).await;
        let listed = raw.packages(json!({"name": "iomesh-backup"})).await;
        assert_eq!(listed[0]["filename"], FILE);
        assert_eq!((&listed[0]["version"], &listed[0]["architecture"]), (&json!("1.2.0"), &json!("X86_64")));
        assert_eq!(raw.packages(json!({"name": "other"})).await, json!([]));
        let rest = raw.rest("get-cloudtower-application-packages", &json!({})).await;
        assert_eq!((&rest[0]["name"], rest[0].get("filename")), (&json!("iomesh-backup"), None));
        let uploaded = raw.uploaded();
        assert_eq!(uploaded.sha256, sha256(&content));
        assert_eq!((uploaded.protocol.as_str(), uploaded.name.as_str()), ("graphql", FILE));
        assert_eq!((uploaded.bytes, uploaded.chunks_stored), (content.len() as u64, 3));
        assert_eq!((uploaded.chunks_repeated, uploaded.chunks_refused, uploaded.complete), (0, 0, true));
        let end = raw.site.site_state()["cloudtower"]["backup"]["packages"].clone();
        assert_eq!((&end[0]["version"], &end[0]["filename"]), (&json!("1.2.0"), &json!(FILE)));
        assert_eq!(raw.site.ledger().breaches.len(), 0);
    });
}

#[test]
fn the_answer_to_the_last_chunk_waits_for_the_import() {
    let scenario = format!("{INSTALLED}[durations.tower]\npackage_import = 60\n");
    on_tower(&scenario, async |raw| {
        raw.tower_set_up().await;
        let content = content(100);
        let task = raw.upload_task(100).await["id"].clone();
        let during = async {
            while raw.site.ledger().packages.values().all(|upload| !upload.complete) {
                tokio::task::yield_now().await;
            }
            let state = raw.upload_state(&task).await;
            assert_eq!((&state["status"], &state["current_chunk"]), (&json!("UPLOADING"), &json!(1)));
            raw.pass(61).await;
        };
        let (answer, ()) = tokio::join!(raw.package_chunk(&task, 1, &content), during);
        assert_eq!(answer["data"]["uploadCloudTowerApplicationPackage"]["status"], "SUCCESSED");
        assert_eq!(raw.upload_state(&task).await["status"], "SUCCESSED");
    });
}

#[test]
fn a_chunk_that_is_not_the_next_one_is_refused() {
    on_tower(PROMPT, async |raw| {
        raw.tower_set_up().await;
        let content = content(3 * CHUNK);
        let task = raw.upload_task(content.len()).await["id"].clone();
        let refused = async |number: usize, bytes: &[u8]| {
            let answer = raw.package_chunk(&task, number, bytes).await;
            assert!(answer["errors"][0]["message"].is_string(), "{answer}");
        };
        refused(2, &content[CHUNK..2 * CHUNK]).await;
        raw.package_chunk(&task, 1, &content[..CHUNK]).await;
        refused(1, &content[..CHUNK]).await;
        refused(2, &content[CHUNK..2 * CHUNK - 1]).await;
        let uploaded = raw.uploaded();
        assert_eq!((uploaded.chunks_stored, uploaded.bytes), (1, CHUNK as u64));
        assert_eq!((uploaded.chunks_repeated, uploaded.chunks_refused), (1, 3));
        // Overtaking is outside what a sender in order of the file may do; a repetition is everyday life.
        assert_eq!(raw.site.ledger().breaches.len(), 1);
    });
}

#[test]
fn a_site_that_appends_blindly_takes_a_repeated_chunk_and_shows_the_damage_in_its_digest_only() {
    let scenario = format!("{PROMPT}[variants.tower]\nchunk_order = 'appended'\n");
    on_tower(&scenario, async |raw| {
        raw.tower_set_up().await;
        let content = content(2 * CHUNK);
        let task = raw.upload_task(content.len()).await["id"].clone();
        raw.package_chunk(&task, 1, &content[..CHUNK]).await;
        raw.package_chunk(&task, 1, &content[..CHUNK]).await;
        let last = raw.package_chunk(&task, 2, &content[CHUNK..]).await;
        assert_eq!(last["data"]["uploadCloudTowerApplicationPackage"]["status"], "SUCCESSED");
        let uploaded = raw.uploaded();
        assert_eq!((uploaded.bytes, uploaded.chunks_repeated), (3 * CHUNK as u64, 1));
        assert_ne!(uploaded.sha256, sha256(&content));
    });
}

#[test]
fn a_cancelled_upload_is_gone_and_takes_nothing_more() {
    on_tower(PROMPT, async |raw| {
        raw.tower_set_up().await;
        let content = content(2 * CHUNK);
        let task = raw.upload_task(content.len()).await["id"].clone();
        raw.package_chunk(&task, 1, &content[..CHUNK]).await;
        let filter = json!({"where": {"id": task}});
        assert_eq!(raw.rest("cancel-upload-task", &filter).await, json!([task]));
        assert_eq!(raw.rest("get-upload-tasks", &filter).await, json!([]));
        assert!(raw.package_chunk(&task, 2, &content[CHUNK..]).await["errors"].is_array());
        assert_eq!(raw.refused("cancel-upload-task", &filter).await.0, 404);
        assert!(raw.uploaded().cancelled);
        raw.upload_package(&content).await;
        let done = raw.rest("get-upload-tasks", &json!({})).await[0]["id"].clone();
        assert_eq!(raw.refused("cancel-upload-task", &json!({"where": {"id": done}})).await.0, 400);
    });
}

#[test]
fn the_announced_chunk_size_is_the_one_that_counts() {
    let scenario = PROMPT.replace("[durations]", "[site.tower.packages]\nchunk_size = 1024\n[durations]");
    on_tower(&scenario, async |raw| {
        raw.tower_set_up().await;
        let content = content(1500);
        let task = raw.upload_task(content.len()).await;
        assert_eq!(task["chunk_size"], 1024);
        assert!(raw.package_chunk(&task["id"], 1, &content).await["errors"].is_array());
        raw.package_chunk(&task["id"], 1, &content[..1024]).await;
        let last = raw.package_chunk(&task["id"], 2, &content[1024..]).await;
        assert_eq!(last["data"]["uploadCloudTowerApplicationPackage"]["status"], "SUCCESSED");
    });
}

#[test]
fn an_upload_that_fails_says_so_and_registers_nothing() {
    on_tower(PROMPT, async |raw| {
        raw.tower_set_up().await;
        let content = content(2 * CHUNK);
        for (fate, chunk, expected) in
            [("failed", 1, "FAILED"), ("paused", 1, "PAUSED"), ("failed", 2, "FAILED")]
        {
            raw.faults(&format!(
                "[[fault]]\noperation = 'tower.uploadCloudTowerApplicationPackage'\nchunk = {chunk}\n\
                 action = {{ upload = '{fate}' }}\n"
            ));
            let task = raw.upload_task(content.len()).await["id"].clone();
            let mut answer = raw.package_chunk(&task, 1, &content[..CHUNK]).await;
            if chunk == 2 {
                answer = raw.package_chunk(&task, 2, &content[CHUNK..]).await;
            }
            let answer = &answer["data"]["uploadCloudTowerApplicationPackage"];
            assert_eq!(answer["status"], expected, "{fate} {chunk}");
            assert_eq!(raw.upload_state(&task).await["status"], expected);
        }
        raw.site.set_faults(Vec::new());
        let mut broken = content.clone();
        broken[0] = 0;
        assert_eq!(raw.upload_package(&broken).await["status"], "FAILED", "no gzip archive");
        raw.pass(60).await;
        assert_eq!(raw.packages(json!({})).await, json!([]));
        assert_eq!(raw.upload_package(&content).await["status"], "SUCCESSED");
        assert_eq!(raw.upload_package(&content).await["status"], "FAILED", "it is there already");
    });
}

#[test]
fn a_frame_other_than_the_captured_one_is_refused_and_counted() {
    on_tower(PROMPT, async |raw| {
        raw.tower_set_up().await;
        let content = content(CHUNK);
        let task = raw.upload_task(CHUNK).await["id"].clone();
        let map = r#"{"1":["variables.data.file"]}"#;
        let good = operations(&task, 1);
        let form = Form::new;
        let forms = [
            form().text("map", map).text("operations", good.clone()).part("1", octets(&content, "blob")),
            form().part("1", octets(&content, "blob")).text("operations", good.clone()).text("map", map),
            form().text("operations", good.clone()).text("map", map).part("0", octets(&content, "blob")),
            form().text("operations", good.clone()).text("map", map).part("1", octets(&content, "chunk")),
            form().text("operations", good.clone()).text("map", map).text("1", "words"),
            form().text("operations", good.clone()).part("1", octets(&content, "blob")),
            form()
                .text("operations", good.clone())
                .text("map", r#"{"1":["file"]}"#)
                .part("1", octets(&content, "blob")),
            form()
                .text("operations", good.replace("null", "\"x\""))
                .text("map", map)
                .part("1", octets(&content, "blob")),
            form()
                .text("operations", good.replace("\"file\":null,", ""))
                .text("map", map)
                .part("1", octets(&content, "blob")),
        ];
        for (index, form) in forms.into_iter().enumerate() {
            let before = raw.site.ledger().breaches.len();
            let (_, answer) = raw.form(&format!("https://{TOWER}/api"), form).await;
            assert!(answer.get("data").is_none_or(Value::is_null), "{index}: {answer}");
            assert_eq!(raw.site.ledger().breaches.len(), before + 1, "{index}: {answer}");
        }
        let json: Value = serde_json::from_str(&good).unwrap();
        let (status, _) = raw.tower_try(&format!("https://{TOWER}/api"), Some(&raw.token), Some(&json)).await;
        assert_eq!(status.as_u16(), 400, "JSON where a form belongs");
        let form = Form::new().text("where", "{}");
        assert_eq!(raw.form(&tower_url("get-clusters"), form).await.0, 400, "a form where JSON belongs");
        assert_eq!(raw.uploaded().chunks_stored, 0);
    });
}

#[test]
fn a_new_upload_task_is_held_to_every_field() {
    on_tower(PROMPT, async |raw| {
        raw.tower_set_up().await;
        for (pointer, value) in [
            ("/data/status", json!("UPLOADING")),
            ("/data/current_chunk", json!(0)),
            ("/data/chunk_size", json!("4194304")),
            ("/data/size", json!("100")),
            ("/data/size", json!(0)),
            ("/data/resource_type", json!("EVEROUTE_PACKAGE")),
            ("/data/args", json!({"name": FILE})),
            ("/data/args/name", json!("other.tar.gz")),
            ("/data/args/package_name", json!("backup")),
            ("/data/started_at", json!("yesterday")),
            ("/data/started_at", json!("2026-11-30T00:00:00Z")),
        ] {
            let mut variables = new_task(100);
            *variables.pointer_mut(pointer).unwrap() = value;
            let answer = raw.graphql("createUploadTask", CREATE, &variables).await;
            assert!(answer["errors"].is_array(), "{pointer}: {answer}");
        }
        assert!(raw.site.ledger().packages.is_empty());
    });
}

#[test]
fn an_upload_goes_on_in_the_site_of_a_snapshot() {
    on_tower(PROMPT, async |raw| {
        raw.tower_set_up().await;
        let content = content(2 * CHUNK);
        let task = raw.upload_task(content.len()).await["id"].clone();
        raw.package_chunk(&task, 1, &content[..CHUNK]).await;
        let folder = tempfile::tempdir().unwrap();
        let snapshot = folder.path().join("site.json");
        raw.site.save(&snapshot).unwrap();
        let text = std::fs::read_to_string(&snapshot).unwrap();
        let mut again = Raw::reach(sim::start(Start::Snapshot(text), SimOptions::default()).await.unwrap());
        again.token.clone_from(&raw.token);
        let last = again.package_chunk(&task, 2, &content[CHUNK..]).await;
        assert_eq!(last["data"]["uploadCloudTowerApplicationPackage"]["status"], "SUCCESSED");
        assert_eq!(again.uploaded().sha256, sha256(&content));
        again.site.shutdown().await;
    });
}
