//! The inspection centre: jobs, exports and downloads, asked as the specification writes them.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::*;

const VERSION: &str = "1.1.1-rc.11";

fn inspector(rest: &str) -> String {
    format!("https://{TOWER}/api/inspector/api/{rest}")
}

fn new_job(cluster: &Value) -> Value {
    json!({
        "version": VERSION, "cluster_uuids": [cluster], "user_defined_items_names": ["fan_check", "zk_role_check"],
    })
}

fn new_report(cluster: &Value) -> Value {
    json!({"options": [{"cluster_uuid": cluster, "items_names": ["fan_check"], "graph_duration_months": 6}]})
}

impl Raw {
    async fn inspect(&self, method: Method, rest: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.client.request(method, inspector(rest)).header("authorization", &self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// A job of the attached cluster; answers with its id.
    async fn inspection(&self, cluster: &Value) -> String {
        let (status, job) = self.inspect(Method::POST, "v3/jobs", Some(&new_job(cluster))).await;
        assert_eq!(status, 200, "{job}");
        let id = job["id"].as_str().or_else(|| job["data"]["id"].as_str()).unwrap().to_owned();
        assert_eq!(id.len(), 27);
        id
    }

    async fn export(&self, job: &str, cluster: &Value) -> (u16, Value) {
        let path = format!("v3/jobs/{job}:exportReport?format=word");
        self.inspect(Method::POST, &path, Some(&new_report(cluster))).await
    }

    /// A finished job and a written report; answers with its name.
    async fn report(&mut self, cluster: &Value) -> String {
        let job = self.inspection(cluster).await;
        self.pass(301).await;
        let (status, export) = self.export(&job, cluster).await;
        assert_eq!(status, 200, "{export}");
        self.pass(20).await;
        export["filename"].as_str().unwrap().to_owned()
    }

    async fn download(&self, name: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.get(inspector(&format!("v1/export/download?filename={name}")));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.header("authorization", &self.token).send().await.unwrap()
    }
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
}

/// Every content read; answers how many there are.
fn whole_zip(bytes: &[u8]) -> usize {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        entry.read_to_end(&mut Vec::new()).unwrap();
    }
    archive.len()
}

#[test]
fn an_inspection_runs_its_report_is_written_and_a_zip_comes_of_it() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await["local_id"].clone();
        let job = raw.inspection(&cluster).await;
        let at = format!("v3/jobs/{job}");
        assert_eq!(raw.inspect(Method::GET, &at, None).await.1["status"], "RUNNING");
        assert_eq!(raw.export(&job, &cluster).await.0, 400, "too early");
        raw.pass(301).await;
        assert_eq!(raw.inspect(Method::GET, &at, None).await.1["status"], "SUCCEEDED");
        let (_, export) = raw.export(&job, &cluster).await;
        let name = export["filename"].as_str().unwrap();
        assert!(name.starts_with("InspectorReport-20") && name.ends_with(&format!("-{job}.zip")), "{name}");
        let status = format!("v3/export/status?filename={name}");
        let running = json!({"filename": name, "status": "EXPORT_RUNNING"});
        assert_eq!(raw.inspect(Method::GET, &status, None).await, (200, running));
        assert_eq!(raw.download(name, &[]).await.status(), 404, "not written yet");
        raw.pass(20).await;
        assert_eq!(raw.inspect(Method::GET, &status, None).await.1["status"], "EXPORT_SUCCEEDED");
        let bytes = raw.download(name, &[]).await.bytes().await.unwrap();
        assert!((200_000..20_000_000).contains(&bytes.len()));
        assert_eq!(whole_zip(&bytes), 2);
        let ledger = raw.site.ledger();
        let counts = [ledger.inspection_jobs, ledger.inspection_exports, ledger.inspection_downloads];
        assert_eq!(counts.map(|tally| tally.count), [1, 1, 1]);
        assert_eq!(ledger.breaches.len(), 0);
        let end = json!({"inspected_items": 2, "reported_items": 1, "whole_cluster": true});
        assert_eq!(raw.site.site_state()["cloudtower"]["inspection"], end);
    });
}

#[test]
fn what_the_inspector_does_not_know_is_refused_with_its_name() {
    let scenario = format!("{INSTALLED}[site.tower.inspector]\nunknown_items = ['zk_role_check']\n");
    on_tower(&scenario, async |raw| {
        let row = raw.attached().await;
        let refused = async |body: Value, words: &str| {
            let (status, answer) = raw.inspect(Method::POST, "v3/jobs", Some(&body)).await;
            assert_eq!(status, 400, "{answer}");
            assert!(answer["message"].as_str().unwrap().contains(words), "{answer}");
        };
        let cluster = &row["local_id"];
        refused(new_job(cluster), "zk_role_check").await;
        let job = |change: fn(&mut Value, &Value)| {
            let mut body = json!({
                "version": VERSION, "cluster_uuids": [cluster], "user_defined_items_names": ["fan_check"],
            });
            change(&mut body, &row);
            body
        };
        refused(job(|body, _| body["version"] = json!("2.0")), "version 2.0").await;
        refused(job(|body, row| body["cluster_uuids"] = json!([row["id"]])), "not found").await;
        let breaches = raw.site.ledger().breaches.len();
        assert_eq!(breaches, 0, "these are everyday refusals");
        refused(job(|body, _| body["more"] = json!(1)), "more").await;
        refused(job(|body, _| body["version"] = json!(1)), "expected a string").await;
        let (status, _) = raw.inspect(Method::GET, "v3/export/download?filename=x.zip", None).await;
        assert_eq!(status, 404, "downloads are version 1");
        let (status, _) = raw.inspect(Method::GET, "v3/export/status", None).await;
        assert_eq!(status, 400);
        raw.token = "stale".into();
        assert_eq!(raw.inspect(Method::POST, "v3/jobs", Some(&new_job(cluster))).await.0, 401);
        assert_eq!(raw.site.ledger().breaches.len(), 4);
    });
}

#[test]
fn a_rest_is_given_for_the_content_that_it_belongs_to() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await["local_id"].clone();
        let name = raw.report(&cluster).await;
        let whole = raw.download(&name, &[]).await;
        let tag = header(&whole, "etag").unwrap();
        let whole = whole.bytes().await.unwrap();
        let rest = raw.download(&name, &[("range", "bytes=1000-"), ("if-range", &tag)]).await;
        assert_eq!(rest.status(), 206);
        let range = format!("bytes 1000-{}/{}", whole.len() - 1, whole.len());
        assert_eq!(header(&rest, "content-range").unwrap(), range);
        assert_eq!(rest.bytes().await.unwrap(), whole[1000..]);
        let other = raw.download(&name, &[("range", "bytes=1000-"), ("if-range", "\"other\"")]).await;
        assert_eq!((other.status().as_u16(), other.bytes().await.unwrap()), (200, whole.clone()));
        let beyond = format!("bytes={}-", whole.len());
        assert_eq!(raw.download(&name, &[("range", &beyond), ("if-range", &tag)]).await.status(), 416);
        assert_eq!(raw.site.ledger().inspection_resumes.count, 1);
    });
}

#[test]
fn a_site_without_ranges_and_lengths_sends_the_whole_all_the_same() {
    let variants = "[variants.tower.inspector]\nranges = 'nameless'\nlength = 'absent'\n";
    on_tower(&format!("{INSTALLED}{variants}"), async |raw| {
        let cluster = raw.attached().await["local_id"].clone();
        let name = raw.report(&cluster).await;
        let whole = raw.download(&name, &[("range", "bytes=1000-")]).await;
        let told = (whole.status().as_u16(), header(&whole, "content-length"), header(&whole, "etag"));
        assert_eq!(told, (200, None, None));
        assert_eq!(whole_zip(&whole.bytes().await.unwrap()), 2);
    });
}

#[test]
fn a_job_tells_its_state_in_the_words_and_at_the_place_of_the_variant() {
    for (variant, pointer, words) in [
        ("job_status = 'finished'", "/status", json!("FINISHED")),
        ("job_status = 'job-succeeded'\nstatus_place = 'state'", "/state", json!("JOB_SUCCEEDED")),
        ("job_status = 'lower-case'\nstatus_place = 'phase'", "/phase", json!("succeeded")),
        ("status_place = 'data'", "/data/status", json!("SUCCEEDED")),
        ("job_status = 'missing'", "/cluster_names", json!({})),
    ] {
        on_tower(&format!("{INSTALLED}[variants.tower.inspector]\n{variant}\n"), async |raw| {
            let cluster = raw.attached().await["local_id"].clone();
            let job = raw.inspection(&cluster).await;
            raw.pass(301).await;
            let (status, body) = raw.inspect(Method::GET, &format!("v3/jobs/{job}"), None).await;
            assert_eq!((status, body.pointer(pointer)), (200, Some(&words)), "{body}");
            if variant.contains("missing") {
                assert_eq!(body.get("status"), None);
            }
        });
    }
    on_tower(&format!("{INSTALLED}[variants.tower.inspector]\njob_status = 'refused'\n"), async |raw| {
        let cluster = raw.attached().await["local_id"].clone();
        let job = raw.inspection(&cluster).await;
        assert_eq!(raw.inspect(Method::GET, &format!("v3/jobs/{job}"), None).await.0, 405);
    });
}

#[test]
fn too_early_or_of_no_cluster_a_report_tells_little_where_the_variant_says_so() {
    let variants = "[variants.tower.inspector]\nearly_export = 'partial'\nwrong_cluster = 'empty-report'\n";
    on_tower(&format!("{INSTALLED}{variants}"), async |raw| {
        let row = raw.attached().await;
        for cluster in [&row["local_id"], &row["id"]] {
            let job = raw.inspection(cluster).await;
            let (status, export) = raw.export(&job, cluster).await;
            assert_eq!(status, 200, "{export}");
            raw.pass(20).await;
            let name = export["filename"].as_str().unwrap();
            let bytes = raw.download(name, &[]).await.bytes().await.unwrap();
            assert!(bytes.len() < 10_000);
            assert_eq!(whole_zip(&bytes), 2);
        }
        assert_eq!(raw.site.site_state()["cloudtower"]["inspection"]["whole_cluster"], false);
    });
}

#[test]
fn a_fault_makes_jobs_and_exports_fail_hang_or_end_short() {
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await["local_id"].clone();
        let meets = |operation: &str, fate: &str| {
            format!(
                "[[fault]]\noperation = 'tower.inspector.{operation}'\naction = {{ inspection = '{fate}' }}\n"
            )
        };
        for (fate, status) in [("job-failed", "FAILED"), ("job-stuck", "RUNNING")] {
            raw.faults(&meets("create-job", fate));
            let job = raw.inspection(&cluster).await;
            raw.pass(4000).await;
            assert_eq!(raw.inspect(Method::GET, &format!("v3/jobs/{job}"), None).await.1["status"], status);
            assert_eq!(raw.export(&job, &cluster).await.0, 400);
        }
        for (fate, status) in [("export-failed", "EXPORT_FAILED"), ("export-stuck", "EXPORT_RUNNING")] {
            raw.faults(&meets("export", fate));
            let name = raw.report(&cluster).await;
            let status_of = format!("v3/export/status?filename={name}");
            assert_eq!(raw.inspect(Method::GET, &status_of, None).await.1["status"], status);
            assert_eq!(raw.download(&name, &[]).await.status(), 404);
        }
        raw.faults(&meets("export", "report-cut"));
        let name = raw.report(&cluster).await;
        let bytes = raw.download(&name, &[]).await.bytes().await.unwrap();
        assert!(ZipArchive::new(Cursor::new(&bytes[..])).is_err());
    });
}

#[test]
fn an_absent_inspector_answers_404_and_a_snapshot_knows_what_was_inspected() {
    on_tower(&format!("{INSTALLED}[site.tower.inspector]\nabsent = true\n"), async |raw| {
        raw.tower_set_up().await;
        assert_eq!(raw.inspect(Method::POST, "v3/jobs", Some(&new_job(&json!("x")))).await.0, 404);
    });
    on_tower(INSTALLED, async |raw| {
        let cluster = raw.attached().await["local_id"].clone();
        let name = raw.report(&cluster).await;
        let whole = raw.download(&name, &[]).await.bytes().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("site.json");
        raw.site.save(&file).unwrap();
        let snapshot = std::fs::read_to_string(file).unwrap();
        let options = SimOptions { speed: 0.001, ..SimOptions::default() };
        let token = raw.token.clone();
        let mut later = Raw::reach(sim::start(Start::Snapshot(snapshot), options).await.unwrap());
        later.token = token;
        assert_eq!(later.download(&name, &[]).await.bytes().await.unwrap(), whole);
        later.site.shutdown().await;
    });
}
