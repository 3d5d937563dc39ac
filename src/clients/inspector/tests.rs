//! What travels to the inspector and what is made of its answers, against a site of one closure.

use std::{
    io::{Read, Seek, SeekFrom, Write},
    net::Ipv4Addr,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use super::*;
use crate::{
    clients::{
        dial::Endpoint,
        testing::{Act, Seen, TestSite},
        tower::WebAccess,
    },
    failure::{Kind, Result},
    secret::Secret,
};

const TOWER: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 2);
const LOCAL: &str = "8a1c5ff2-0f8b-4d92-8fd0-3f6d4f7f9a10";
const JOB: &str = "33RoFQ4cO1ZbXq8yX4GDGsgl2Bb";
const NAME: &str = "InspectorReport-2025-10-01-03-45-27-33RoFQ4cO1ZbXq8yX4GDGsgl2Bb.zip";

async fn site(act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> TestSite {
    TestSite::start(move |seen| {
        let login = seen.line() == "POST /v2/api/login";
        if login { answer(&json!({"data": {"token": "a-token"}})) } else { act(seen) }
    })
    .await
}

fn inspector(site: &TestSite) -> Inspector {
    let tower = Tower::new(site.http(), TOWER, Secret::from("Tower-7/planned"), WebAccess::default());
    Inspector::new(&tower)
}

fn answer(body: &Value) -> Act {
    Act::Answer(200, "content-type: application/json\r\n", body.to_string())
}

fn items(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn start(inspector: &Inspector, names: &[&str]) -> Result<Begun> {
    let cluster = LocalId::parse(LOCAL).unwrap();
    let items = items(names);
    inspector.start_job(NewJob { version: "1.1.1-rc.11", cluster: &cluster, items: &items }).await
}

#[tokio::test]
async fn a_job_is_asked_for_by_the_uuid_with_the_bare_token_and_its_id_is_found_in_either_place() {
    for reply in [json!({"id": JOB}), json!({"data": {"id": JOB}})] {
        let site = site(move |_| answer(&reply)).await;
        let begun = start(&inspector(&site), &["fan_check"]).await.unwrap();
        assert!(matches!(begun, Begun::Job { id, dropped } if id == JOB && dropped.is_empty()));
        let sent = site.seen().pop().unwrap();
        assert_eq!(sent.line(), "POST /api/inspector/api/v3/jobs");
        assert!(sent.head.to_lowercase().contains("authorization: a-token"));
        let body = json!({
            "version": "1.1.1-rc.11", "cluster_uuids": [LOCAL], "user_defined_items_names": ["fan_check"],
        });
        assert_eq!(sent.json(), body);
    }
}

#[test]
fn a_cuid_is_no_name_of_a_cluster_here() {
    assert!(LocalId::parse("cmgfh2jd90vzf0958zr1l8w1e").is_none());
    assert!(LocalId::parse("8a1c5ff20f8b4d928fd03f6d4f7f9a10").is_none());
}

#[tokio::test]
async fn an_unknown_item_is_left_out_once_and_told() {
    let site = site(|seen| {
        let asked = seen.json()["user_defined_items_names"].to_string();
        let unknown = "unknown item: sensor_check";
        if asked.contains("sensor") {
            Act::Answer(400, "", unknown.into())
        } else {
            answer(&json!({"id": JOB}))
        }
    })
    .await;
    let begun = start(&inspector(&site), &["fan_check", "sensor_check"]).await.unwrap();
    assert!(matches!(begun, Begun::Job { id, dropped } if id == JOB && dropped == ["sensor_check"]));
    // Refused again for another one: that is no way to find out.
    let stubborn = self::site(|seen| {
        let asked = &seen.json()["user_defined_items_names"];
        Act::Answer(400, "", format!("unknown item: {}", asked[0].as_str().unwrap()))
    })
    .await;
    let failure = start(&inspector(&stubborn), &["a_check", "b_check", "c_check"]).await.unwrap_err();
    assert!(failure.answer.unwrap().en.contains("b_check"));
    assert_eq!(stubborn.seen().len(), 3);
}

#[tokio::test]
async fn a_refused_version_says_where_to_correct_it_and_an_absent_inspector_is_no_refusal() {
    let refusing = site(|_| Act::Answer(400, "", "version 1.1.1-rc.11 is not supported".into())).await;
    let failure = start(&inspector(&refusing), &["fan_check"]).await.unwrap_err();
    assert!(failure.advice[0].en.contains("[inspection] version"));
    let refusing = site(|_| Act::Answer(400, "", "not today".into())).await;
    let failure = start(&inspector(&refusing), &["fan_check"]).await.unwrap_err();
    assert!(failure.meaning.unwrap().en.contains("refuses the inspection"));
    let absent = site(|_| Act::Answer(404, "", "nothing here".into())).await;
    let begun = start(&inspector(&absent), &["fan_check"]).await.unwrap();
    assert!(matches!(begun, Begun::Absent(words) if words.en.contains("404")));
}

#[tokio::test]
async fn a_cloudtower_that_takes_no_connection_or_shows_a_page_refuses_and_rejects_nothing() {
    let page = || Act::Answer(404, "", "<html>404 Not Found</html>".into());
    let site = site(move |seen| if seen.path.contains("exportReport") { page() } else { answer(&json!({})) });
    let site = site.await;
    let inspector = inspector(&site);
    let cluster = LocalId::parse(LOCAL).unwrap();
    let items = items(&["fan_check"]);
    let new = NewReport { job: JOB, cluster: &cluster, items: &items, format: "word", months: 6 };
    assert!(matches!(inspector.request_report(new).await.unwrap(), Requested::Away(_)));
    site.close(Endpoint::new(TOWER, 443));
    assert!(matches!(start(&inspector, &["fan_check"]).await.unwrap(), Begun::Unsent(_)));
    assert!(matches!(inspector.request_report(new).await.unwrap(), Requested::Away(_)));
}

#[tokio::test]
async fn a_state_is_judged_by_what_its_words_contain() {
    let done = |partly| JobState::Done { partly };
    let running = |words: &str| JobState::Running(words.into());
    for (body, state) in [
        (json!({"status": "SUCCEEDED"}), done(false)),
        (json!({"state": "job_finished"}), done(false)),
        (json!({"data": {"phase": "Completed"}}), done(false)),
        (json!({"status": "PARTIALLY_SUCCEEDED"}), done(true)),
        (json!({"status": "UNFINISHED"}), running("UNFINISHED")),
        (json!({"status": "INCOMPLETE"}), running("INCOMPLETE")),
        (json!({"status": "RUNNING"}), running("RUNNING")),
        (json!({"status": "JOB_FAILED"}), JobState::Failed("JOB_FAILED".into())),
        (json!({"status": "PARTIAL_ERROR"}), JobState::Failed("PARTIAL_ERROR".into())),
        (json!({"id": JOB}), JobState::Mute),
    ] {
        let site = site(move |_| answer(&body)).await;
        assert_eq!(inspector(&site).reader().job(JOB).await.unwrap(), state);
    }
    let hidden = site(|_| Act::Answer(405, "", "no".into())).await;
    assert!(matches!(inspector(&hidden).reader().job(JOB).await.unwrap(), JobState::Hidden(_)));
}

#[tokio::test]
async fn a_report_is_asked_for_with_a_literal_colon() {
    let site = site(|_| answer(&json!({"filename": NAME}))).await;
    let cluster = LocalId::parse(LOCAL).unwrap();
    let items = items(&["fan_check"]);
    let new = NewReport { job: JOB, cluster: &cluster, items: &items, format: "word", months: 6 };
    let requested = inspector(&site).request_report(new).await.unwrap();
    assert!(
        matches!(requested, Requested::Named { name, dropped } if name.file() == NAME && dropped.is_empty())
    );
    let sent = site.seen().pop().unwrap();
    assert_eq!(sent.path, format!("/api/inspector/api/v3/jobs/{JOB}:exportReport?format=word"));
    let options = json!({"cluster_uuid": LOCAL, "items_names": ["fan_check"], "graph_duration_months": 6});
    assert_eq!(sent.json(), json!({"options": [options]}));
}

/// Fetches into a file that holds `before`, and answers with what it holds then.
async fn fetch(site: &TestSite, before: &str, validator: Option<&str>) -> Result<String> {
    let mut part = tempfile::tempfile().unwrap();
    part.write_all(before.as_bytes()).unwrap();
    let name = ReportName::parse(NAME).unwrap();
    let download = Download {
        name: &name,
        part: part.try_clone().unwrap(),
        validator: validator.map(str::to_owned),
        progress: &|_, _| {},
        remember: &|_| Ok(()),
    };
    let length = inspector(site).reader().download(download).await?;
    let mut text = String::new();
    part.seek(SeekFrom::Start(0)).unwrap();
    part.read_to_string(&mut text).unwrap();
    assert_eq!(length, text.len() as u64);
    Ok(text)
}

fn range(seen: &Seen) -> Option<String> {
    let lines = seen.head.lines().map(str::to_lowercase);
    lines.filter_map(|line| line.strip_prefix("range: ").map(str::to_owned)).next()
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_ended_when_the_content_has_a_name() {
    let site = site(|seen| match range(seen).as_deref() {
        None => Act::Cut("PK first half, ".into()),
        Some("bytes=5-") => Act::Answer(206, "content-range: bytes 5-9/10\r\n", "67890".into()),
        Some(_) => Act::Answer(416, "", String::new()),
    })
    .await;
    // A cut answer of this site names nothing, so the whole is asked for again and again.
    let failure = fetch(&site, "", None).await.unwrap_err();
    assert_eq!((failure.kind, site.seen().len()), (Kind::Site, 6));
    assert_eq!(site.pauses.taken(), [1, 2, 4, 8].map(Duration::from_secs));
    assert_eq!(fetch(&site, "PK345", Some("\"tag\"")).await.unwrap(), "PK34567890");
}

#[tokio::test]
async fn a_range_that_is_not_given_or_refused_leads_to_the_whole() {
    let ignoring = site(|_| Act::Answer(200, "etag: \"new\"\r\n", "PK whole".into())).await;
    assert_eq!(fetch(&ignoring, "PK old part", Some("\"old\"")).await.unwrap(), "PK whole");
    let refusing = site(|seen| match range(seen) {
        Some(_) => Act::Answer(416, "", String::new()),
        None => Act::Answer(200, "", "PK whole".into()),
    })
    .await;
    assert_eq!(fetch(&refusing, "PK old part", Some("\"old\"")).await.unwrap(), "PK whole");
    let odd = site(|seen| match range(seen) {
        Some(_) => Act::Answer(206, "content-range: bytes 0-3/4\r\n", "PK 4".into()),
        None => Act::Answer(200, "", "PK whole".into()),
    })
    .await;
    assert_eq!(fetch(&odd, "PK old part", Some("\"old\"")).await.unwrap(), "PK whole");
    // Without a name for its content an old part is worth nothing.
    assert_eq!(fetch(&odd, "PK old part", None).await.unwrap(), "PK whole");
}

#[tokio::test]
async fn a_part_stays_while_nobody_answers_for_its_rest() {
    let asked = AtomicU32::new(0);
    let site = site(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Act::Answer(503, "", "starting".into()),
        1 => Act::Drop,
        _ => Act::Answer(206, "content-range: bytes 5-9/10\r\n", "67890".into()),
    })
    .await;
    assert_eq!(fetch(&site, "PK345", Some("\"tag\"")).await.unwrap(), "PK34567890");
}

#[tokio::test]
async fn words_in_place_of_a_report_are_shown_and_not_kept() {
    for words in [
        Act::Answer(200, "content-type: application/json\r\n", r#"{"error":"no report"}"#.into()),
        Act::Answer(200, "content-type: application/zip\r\n", "no report".into()),
    ] {
        let words = std::sync::Mutex::new(Some(words));
        let site = site(move |_| words.lock().unwrap().take().unwrap_or(Act::Drop)).await;
        let failure = fetch(&site, "", None).await.unwrap_err();
        assert!(failure.answer.unwrap().en.contains("no report"));
    }
}

#[tokio::test]
async fn whatever_comes_with_an_error_is_no_report() {
    let site = site(|_| Act::Answer(500, "", "PK whole".into())).await;
    assert_eq!(fetch(&site, "", None).await.unwrap_err().kind, Kind::Site);
}

#[tokio::test]
async fn a_report_that_is_not_found_at_once_is_looked_for_three_times_more() {
    let left = AtomicU32::new(3);
    let site =
        site(move |_| match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) {
            Ok(_) => Act::Answer(404, "", "not found".into()),
            Err(_) => Act::Answer(200, "", "PK found".into()),
        })
        .await;
    assert_eq!(fetch(&site, "", None).await.unwrap(), "PK found");
    let absent = self::site(|_| Act::Answer(404, "", "not found".into())).await;
    assert!(fetch(&absent, "", None).await.unwrap_err().answer.unwrap().en.contains("404"));
    assert_eq!(absent.seen().len(), 5);
}

#[tokio::test]
async fn a_refused_token_leads_to_one_new_login_also_for_a_download() {
    let left = AtomicU32::new(1);
    let site =
        site(move |_| match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) {
            Ok(_) => Act::Answer(401, "", "expired".into()),
            Err(_) => Act::Answer(200, "", "PK".into()),
        })
        .await;
    assert_eq!(fetch(&site, "", None).await.unwrap(), "PK");
    assert_eq!(site.lines().iter().filter(|line| line.ends_with("/login")).count(), 2);
}
