//! Observability: its package, asked for as the specification writes it; the rest lies in files of its own.

mod instance;
mod machine;
mod services;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    RequestBuilder,
    multipart::{Form, Part},
};
use sha2::{Digest, Sha256};

use super::*;

const FILE: &str = "Observability-X86_64-v1.4.2-release.20250901-77.tar.gz";
const UPLOADS: &str = "/api/ovm-operator/api/v3/chunkedUploads";
const CHUNKS: &str = "/api/ovm-operator/api/v1/chunkedUploads";
const FIRST_TASK: &str = "Create Installation package Observability-X86_64-v1.4.2-release.20250901-77.tar.gz";
const SECOND_TASK: &str = "Create Application package observability-X86_64-v1.4.2-release.20250901.tar.gz";
const CHUNK: usize = 4 << 20;

const LOGIN: &str = "mutation login($data: LoginInput!) { login(data: $data) { token uid need_mfa } }";
const STATE: &str = "query observabilityInstanceAndApps { bundleApplicationPackages { id name version arch } \
    bundleApplicationInstances { id name status health_status error_code \
    application { id instances { id vm { id status } } } vm_spec { ip subnet_mask gateway vlan_id } \
    bundle_application_package { id version arch } connected_clusters { id name status cluster { id name } \
    observability_connected_cluster { id traffic_enabled status } } \
    connected_system_services { id type system_service { id name } instances { state } } } }";

/// What a login leaves: the session cookie and the identifier of the user.
struct Session {
    cookie: String,
    user: String,
}

fn archive(length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|at| (at / 4096 % 251) as u8).collect();
    bytes[..2].copy_from_slice(&[0x1f, 0x8b]);
    bytes
}

fn part(bytes: &[u8]) -> Part {
    Part::bytes(bytes.to_vec()).file_name("blob").mime_str("application/octet-stream").unwrap()
}

fn form(id: &str, bytes: &[u8]) -> Form {
    Form::new().part("file", part(bytes)).text("id", id.to_owned())
}

async fn answered(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

impl Raw {
    /// The GraphQL login: its cookie is the line that is one, up to the first semicolon.
    async fn web_login(&self) -> Session {
        let variables = json!({"data": {
            "username": "root", "password": PASSWORD, "source": "LOCAL", "auth_config_id": null,
        }});
        let body = json!({"operationName": "login", "variables": variables, "query": LOGIN});
        let response = self.client.post(format!("https://{TOWER}/api")).json(&body).send().await.unwrap();
        let cookies: Vec<String> = response
            .headers()
            .get_all("set-cookie")
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect();
        let cookie = cookies.iter().find(|cookie| cookie.starts_with("connect.sid=")).unwrap();
        let users = self.rest("get-users", &json!({"where": {"username": "root", "source": "LOCAL"}})).await;
        Session {
            cookie: cookie.split(';').next().unwrap().to_owned(),
            user: users[0]["id"].as_str().unwrap().to_owned(),
        }
    }

    fn ovm(&self, method: Method, path: &str, cookie: &str) -> RequestBuilder {
        let account = STANDARD.encode("o11y:HC!r0cks");
        let request = self.client.request(method, format!("https://{TOWER}{path}"));
        request.header("authorization", format!("Basic {account}")).header("cookie", cookie)
    }

    async fn ovm_upload(&self, session: &Session) -> String {
        let request = self.ovm(Method::POST, UPLOADS, &session.cookie);
        let (status, upload) = answered(request.json(&json!({"origin_file_name": FILE}))).await;
        assert_eq!((status, &upload["offset"], &upload["status"]), (200, &json!("0"), &json!("UPLOADING")));
        upload["id"].as_str().unwrap().to_owned()
    }

    async fn ovm_chunk(&self, session: &Session, id: &str, bytes: &[u8]) -> (u16, Value) {
        answered(self.ovm(Method::POST, CHUNKS, &session.cookie).multipart(form(id, bytes))).await
    }

    async fn ovm_commit(&self, session: &Session, id: &str) -> (u16, Value) {
        let request = self.ovm(Method::POST, &format!("{UPLOADS}/{id}:commit"), &session.cookie);
        answered(request.header("x-user-id", &session.user)).await
    }

    /// A package on its way through its tasks.
    async fn ovm_package(&self, session: &Session, bytes: &[u8]) -> String {
        let id = self.ovm_upload(session).await;
        for chunk in bytes.chunks(CHUNK) {
            assert_eq!(self.ovm_chunk(session, &id, chunk).await.0, 200);
        }
        assert_eq!(self.ovm_commit(session, &id).await.0, 200);
        id
    }

    async fn observability(&self) -> Value {
        self.graphql_data("observabilityInstanceAndApps", STATE, &json!({})).await
    }

    /// The tasks of the package, by their descriptions.
    async fn package_tasks(&self) -> [Value; 2] {
        let asked = json!({"where": {"OR": [{"description": FIRST_TASK}, {"description": SECOND_TASK}]}});
        let found = self.rest("get-tasks", &asked).await;
        let found = if found == json!([]) { self.rest("get-tasks", &asked).await } else { found };
        let found = found.as_array().unwrap();
        [FIRST_TASK, SECOND_TASK].map(|description| {
            found.iter().find(|task| task["description"] == description).cloned().unwrap_or(Value::Null)
        })
    }
}

#[test]
fn a_package_comes_in_chunks_and_shows_once_its_second_task_has_ended() {
    on_tower(INSTALLED, async |raw| {
        raw.tower_set_up().await;
        let session = raw.web_login().await;
        let bytes = archive(CHUNK + 4321);
        let id = raw.ovm_upload(&session).await;
        assert_eq!(id.len(), 27);
        let (_, answer) = raw.ovm_chunk(&session, &id, &bytes[..CHUNK]).await;
        assert_eq!((&answer["offset"], &answer["status"]), (&json!(CHUNK), &json!(1)));
        let (status, shown) =
            answered(raw.ovm(Method::GET, &format!("{UPLOADS}/{id}"), &session.cookie)).await;
        assert_eq!((status, &shown["offset"]), (200, &json!(CHUNK.to_string())));
        let (_, answer) = raw.ovm_chunk(&session, &id, &bytes[CHUNK..]).await;
        assert_eq!(answer["offset"], bytes.len());
        let (status, answer) = raw.ovm_commit(&session, &id).await;
        assert_eq!((status, &answer["error_code"]), (200, &json!("")), "{answer}");

        raw.pass(100).await;
        let [first, second] = raw.package_tasks().await;
        assert_eq!(
            (&first["status"], &first["progress"], &second),
            (&json!("EXECUTING"), &json!(0.0), &Value::Null)
        );
        raw.pass(100).await;
        let [_, second] = raw.package_tasks().await;
        let [_, second] = if second.is_null() { raw.package_tasks().await } else { [Value::Null, second] };
        assert_eq!(second["steps"][0]["key"], "READ_PACKAGE");
        assert_eq!(raw.observability().await["bundleApplicationPackages"], json!([]));
        raw.pass(120).await;
        let tasks = raw.package_tasks().await;
        assert!(tasks.iter().all(|task| task["status"] == "SUCCESSED"), "{tasks:?}");
        assert_eq!(tasks[0]["progress"], 0.0);
        let packages = raw.observability().await["bundleApplicationPackages"].clone();
        assert_eq!(packages[0]["version"], "v1.4.2-release.20250901");
        assert_eq!((&packages[0]["name"], &packages[0]["arch"]), (&json!("Observability"), &json!("X86_64")));

        let ledger = raw.site.ledger();
        let entry = &ledger.packages[&id];
        assert_eq!((entry.chunks_stored, entry.chunks_repeated, entry.complete), (2, 0, true));
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(entry.sha256.as_deref(), Some(digest.as_str()));
        assert_eq!(ledger.breaches.len(), 0, "{:?}", ledger.breaches);
        assert_eq!(ledger.changes["tower.ovm.chunk"].count, 2);
    });
}

#[test]
fn the_operator_wants_account_cookie_user_and_the_paths_as_they_are() {
    on_tower(INSTALLED, async |raw| {
        raw.tower_set_up().await;
        let session = raw.web_login().await;
        let id = raw.ovm_upload(&session).await;
        raw.ovm_chunk(&session, &id, &archive(10)).await;
        let ovm = |path: &str| raw.ovm(Method::POST, path, &session.cookie);
        let bare = |path: &str| raw.client.post(format!("https://{TOWER}{path}"));
        let create = json!({"origin_file_name": FILE});
        let commit = format!("{UPLOADS}/{id}:commit");
        let octets = || part(&archive(10));
        let account = format!("Basic {}", STANDARD.encode("o11y:HC!r0cks"));
        let against: Vec<(RequestBuilder, u16)> = vec![
            (bare(UPLOADS).header("cookie", &session.cookie).json(&create), 400),
            (bare(UPLOADS).header("authorization", &account).json(&create), 400),
            (
                bare(UPLOADS)
                    .header("authorization", &raw.token)
                    .header("cookie", &session.cookie)
                    .json(&create),
                400,
            ),
            (ovm(UPLOADS).json(&json!({"origin_file_name": FILE, "size": 10})), 400),
            (ovm(UPLOADS).json(&json!({"origin_file_name": 7})), 400),
            (ovm("/api/ovm-operator/api/v2/chunkedUploads").json(&create), 404),
            (ovm(CHUNKS).json(&create), 400),
            (ovm(UPLOADS).multipart(form(&id, &archive(10))), 400),
            (ovm(CHUNKS).multipart(Form::new().text("id", id.clone()).part("file", octets())), 400),
            (ovm(CHUNKS).multipart(form(&id, &archive(10)).text("offset", "10")), 400),
            (ovm(CHUNKS).multipart(Form::new().part("chunk", octets()).text("id", id.clone())), 400),
            (ovm(CHUNKS).multipart(form(&id, &archive(CHUNK + 1))), 400),
            (ovm(&commit), 400),
            (ovm(&commit).header("x-user-id", "cxxxxxxxxxxxxxxxxxxxxxxxx"), 400),
            (ovm(&commit).header("x-user-id", &session.user).json(&json!({"id": id})), 400),
            (ovm(&format!("{UPLOADS}/{id}%3Acommit")).header("x-user-id", &session.user), 404),
            (ovm(&format!("{CHUNKS}/{id}:commit")).header("x-user-id", &session.user), 404),
        ];
        for (number, (request, expected)) in against.into_iter().enumerate() {
            let before = raw.site.ledger().breaches.len();
            let (status, answer) = answered(request).await;
            assert_eq!(status, expected, "{number}: {answer}");
            assert_eq!(raw.site.ledger().breaches.len(), before + 1, "{number}: {answer}");
        }
        // Wrong or stale means of entry are everyday life.
        let breaches = raw.site.ledger().breaches.len();
        let wrong = bare(UPLOADS).header("cookie", &session.cookie).basic_auth("o11y", Some("HC!rocks"));
        assert_eq!(answered(wrong.json(&create)).await.0, 401);
        let stale = raw.ovm(Method::POST, UPLOADS, "connect.sid=s%3Aold");
        assert_eq!(answered(stale.json(&create)).await.0, 401);
        let decoded = session.cookie.replace("%3A", ":");
        assert_eq!(answered(raw.ovm(Method::POST, UPLOADS, &decoded).json(&create)).await.0, 401);
        let other = ovm(UPLOADS).json(&json!({"origin_file_name": "cloudtower.iso"}));
        assert_eq!(answered(other).await.0, 400);
        assert_eq!(raw.ovm_chunk(&session, "unknown", &archive(10)).await.0, 404);
        assert_eq!(raw.site.ledger().breaches.len(), breaches);
        assert_eq!(raw.site.ledger().packages[&id].chunks_stored, 1);
    });
}

#[test]
fn a_chunk_that_comes_twice_is_stored_twice() {
    on_tower(INSTALLED, async |raw| {
        raw.tower_set_up().await;
        let session = raw.web_login().await;
        let bytes = archive(3000);
        let id = raw.ovm_upload(&session).await;
        raw.faults("[[fault]]\noperation = 'tower.ovm.chunk'\nchunk = 2\naction = 'reset-after'\n");
        assert_eq!(raw.ovm_chunk(&session, &id, &bytes[..1000]).await.0, 200);
        let request = raw.ovm(Method::POST, CHUNKS, &session.cookie);
        request.multipart(form(&id, &bytes[1000..])).send().await.unwrap_err();
        assert_eq!(raw.ovm_chunk(&session, &id, &bytes[1000..]).await.1["offset"], 5000);
        assert_eq!(raw.ovm_commit(&session, &id).await.0, 200);
        assert_eq!(raw.ovm_commit(&session, &id).await.0, 400, "an upload is committed once");
        assert_eq!(raw.ovm_chunk(&session, &id, &bytes).await.0, 400);
        let entry = raw.site.ledger().packages[&id].clone();
        assert_eq!((entry.chunks_stored, entry.chunks_repeated, entry.bytes), (3, 1, 5000));
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_ne!(entry.sha256, Some(digest));
    });
}

#[test]
fn what_is_no_whole_archive_is_refused_at_once_or_by_its_task() {
    let whole = format!("{INSTALLED}[site.tower.observability]\npackage_bytes = 3000\n");
    on_tower(&whole, async |raw| {
        raw.tower_set_up().await;
        let session = raw.web_login().await;
        for bytes in [&archive(2999)[..], &[0; 3000]] {
            let id = raw.ovm_upload(&session).await;
            raw.ovm_chunk(&session, &id, bytes).await;
            let (status, answer) = raw.ovm_commit(&session, &id).await;
            assert_eq!(status, 400, "{answer}");
            assert!(answer["message"].as_str().unwrap().contains("SIM_BAD_ARCHIVE"), "{answer}");
        }
        raw.ovm_package(&session, &archive(3000)).await;
    });
    let late = format!("{INSTALLED}[variants.tower.observability]\nbad_archive = 'task-failed'\n");
    on_tower(&late, async |raw| {
        raw.tower_set_up().await;
        let session = raw.web_login().await;
        raw.ovm_package(&session, &[0; 100]).await;
        raw.pass(400).await;
        let [first, second] = raw.package_tasks().await;
        assert_eq!((&first["status"], &second), (&json!("FAILED"), &Value::Null));
        assert!(first["error_message"].as_str().unwrap().contains("SIM_BAD_ARCHIVE"));
    });
}

#[test]
fn each_task_fails_or_stays_away_as_the_fault_says() {
    for (action, first, second) in [
        ("{ task = 'failed' }", "FAILED", Value::Null),
        ("{ task = 'stuck' }", "EXECUTING", Value::Null),
        ("{ observability = 'second-task-failed' }", "SUCCESSED", json!("FAILED")),
        ("{ observability = 'second-task-never' }", "SUCCESSED", Value::Null),
    ] {
        on_tower(INSTALLED, async |raw| {
            raw.tower_set_up().await;
            let session = raw.web_login().await;
            raw.faults(&format!("[[fault]]\noperation = 'tower.ovm.commit'\naction = {action}\n"));
            raw.ovm_package(&session, &archive(100)).await;
            raw.pass(400).await;
            raw.package_tasks().await;
            let tasks = raw.package_tasks().await;
            assert_eq!((&tasks[0]["status"], &tasks[1]["status"]), (&json!(first), &second), "{action}");
            assert_eq!(raw.observability().await["bundleApplicationPackages"], json!([]), "{action}");
        });
    }
}

#[test]
fn uploads_and_what_was_there_before_follow_their_knobs() {
    let scenario = "[site.tower.observability]\nlegacy_path_cookie = true\n\
        packages = [{ version = 'v1.3.0-release.20250101' }, { version = 'v1.4.2-release.20250901', \
        arch = 'AARCH64' }]\ninstances = [{ name = 'obs', ip = '10.7.0.41', clusters = ['elsewhere'], \
        system_services = ['BACKUP_SERVICE'] }]\n[variants.tower.observability]\nupload_query = 'not-found'\n\
        commit_answer = 'empty'\nerror_code = 'unknown'\n";
    on_tower(&format!("{INSTALLED}{scenario}"), async |raw| {
        raw.tower_set_up().await;
        let mut session = raw.web_login().await;
        let create = json!({"origin_file_name": FILE});
        assert_eq!(answered(raw.ovm(Method::POST, UPLOADS, &session.cookie).json(&create)).await.0, 401);
        session.cookie = format!("path=/; {}", session.cookie);
        let id = raw.ovm_package(&session, &archive(100)).await;
        let asked = raw.ovm(Method::GET, &format!("{UPLOADS}/{id}"), &session.cookie);
        assert_eq!(answered(asked).await.0, 404);

        let refused = raw.graphql("observabilityInstanceAndApps", STATE, &json!({})).await;
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains("error_code"), "{refused}");
        let query = STATE.replace(" error_code", "");
        let state = raw.graphql_data("observabilityInstanceAndApps", &query, &json!({})).await;
        assert_eq!(state["bundleApplicationPackages"].as_array().unwrap().len(), 2);
        let instance = &state["bundleApplicationInstances"][0];
        assert_eq!((&instance["status"], &instance["health_status"]), (&json!("SUCCESS"), &json!("NORMAL")));
        assert_eq!(instance["connected_clusters"][0]["cluster"]["name"], "elsewhere");
        assert_eq!(instance["connected_system_services"][0]["type"], "BACKUP_SERVICE");
        // A site that lives already can be given more.
        let more =
            json!([{"version": "a"}, {"version": "b"}, {"name": "Other", "version": "c", "arch": "X86_64"}]);
        raw.site.patch("/quirks/tower/observability/packages", more).unwrap();
        let state = raw.graphql_data("observabilityInstanceAndApps", &query, &json!({})).await;
        let packages = state["bundleApplicationPackages"].as_array().unwrap();
        assert_eq!((packages.len(), &packages[2]["name"]), (3, &json!("Other")));
        assert_eq!(raw.site.ledger().breaches.len(), 0);
    });
    on_tower("[site.tower]\ninstalled = true\ncookieless = true\n", async |raw| {
        raw.tower_set_up().await;
        let login = json!({"data": {
            "username": "root", "password": PASSWORD, "source": "LOCAL", "auth_config_id": null,
        }});
        let body = json!({"operationName": "login", "variables": login, "query": LOGIN});
        let response = raw.client.post(format!("https://{TOWER}/api")).json(&body).send().await.unwrap();
        assert!(response.headers().get("set-cookie").is_none());
    });
}

#[test]
fn an_upload_goes_on_from_a_snapshot() {
    on_tower(INSTALLED, async |raw| {
        raw.tower_set_up().await;
        let session = raw.web_login().await;
        let bytes = archive(3000);
        let id = raw.ovm_upload(&session).await;
        raw.ovm_chunk(&session, &id, &bytes[..1000]).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("site.json");
        raw.site.save(&file).unwrap();
        let snapshot = std::fs::read_to_string(file).unwrap();
        let options = SimOptions { speed: 0.001, ..SimOptions::default() };
        let mut later = Raw::reach(sim::start(Start::Snapshot(snapshot), options).await.unwrap());
        later.token.clone_from(&raw.token);
        assert_eq!(later.ovm_chunk(&session, &id, &bytes[1000..]).await.1["offset"], 3000);
        assert_eq!(later.ovm_commit(&session, &id).await.0, 200);
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(later.site.ledger().packages[&id].sha256, Some(digest));
        later.pass(400).await;
        assert_eq!(
            later.site.site_state()["cloudtower"]["observability"]["packages"].as_array().unwrap().len(),
            1
        );
        later.site.shutdown().await;
    });
}
