//! What travels to CloudTower's web page and its operator service, and what is made of their answers.

use std::net::Ipv4Addr;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::{
    clients::{
        testing::{Act, Seen, TestSite},
        tower::WebAccess,
        upload::{AppendSink, Appending, Chunk, Setback, Stored},
    },
    failure::Kind,
    secret::Secret,
};

const TOWER: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 2);
const PLANNED: &str = "Tower-7/planned";
/// Its middle is the id `ckabcdefghij`.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.Y2thYmNkZWZnaGlq.c2ln";
const COOKIES: &str =
    "set-cookie: path=/; HttpOnly; Secure\r\nset-cookie: connect.sid=s%3Aab%2Bc; Path=/; HttpOnly\r\n";
const BASIC: &str = "Basic bzExeTpIQyFyMGNrcw==";

fn answer(body: Value) -> Act {
    Act::Answer(200, "", body.to_string())
}

fn is_login(seen: &Seen) -> bool {
    seen.line() == "POST /api" && seen.json()["operationName"] == "login"
}

fn graphql_login() -> Act {
    Act::Answer(
        200,
        COOKIES,
        json!({"data": {"login": {"token": TOKEN, "uid": null, "need_mfa": null}}}).to_string(),
    )
}

/// A site that lets `root` in by REST and by the page, and leaves everything else to `act`.
async fn site(act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> TestSite {
    TestSite::start(move |seen| match seen.line().as_str() {
        "POST /v2/api/login" => answer(json!({"data": {"token": "rest.token.x"}, "task_id": null})),
        _ if is_login(seen) => graphql_login(),
        _ => act(seen),
    })
    .await
}

fn tower(site: &TestSite) -> Tower {
    Tower::new(site.http(), TOWER, Secret::from(PLANNED), WebAccess::default())
}

fn header(seen: &Seen, name: &str) -> Option<String> {
    let line = seen.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")))?;
    Some(line[name.len() + 1..].trim().to_owned())
}

fn nothing() -> Act {
    answer(json!({"data": {"bundleApplicationPackages": [], "bundleApplicationInstances": []}}))
}

#[tokio::test]
async fn the_page_is_called_with_token_and_cookie_and_neither_is_in_the_transcript() {
    let site = site(|_| nothing()).await;
    tower(&site).observability().await.unwrap();
    let seen = site.seen();
    let login = seen[1].json();
    assert_eq!(login["variables"]["data"]["password"], PLANNED);
    assert!(!login["query"].as_str().unwrap().contains("effect"), "{login}");
    let last = seen.last().unwrap();
    assert_eq!(header(last, "authorization").as_deref(), Some(TOKEN));
    assert_eq!(header(last, "cookie").as_deref(), Some("connect.sid=s%3Aab%2Bc"), "one, as it came");
    let transcript = serde_json::to_string(&site.memory.records()).unwrap();
    for secret in [PLANNED, TOKEN, "s%3Aab", "HC!r0cks", BASIC] {
        assert!(!transcript.contains(secret), "{secret}: {transcript}");
    }
}

#[tokio::test]
async fn the_malformed_cookie_is_sent_where_that_is_configured() {
    let site = site(|_| nothing()).await;
    let web = WebAccess { legacy_path_cookie: true, ..WebAccess::default() };
    let tower = Tower::new(site.http(), TOWER, Secret::from(PLANNED), web);
    tower.observability().await.unwrap();
    let cookie = header(site.seen().last().unwrap(), "cookie");
    assert_eq!(cookie.as_deref(), Some("path=/; connect.sid=s%3Aab%2Bc"));
}

#[tokio::test]
async fn a_page_that_refuses_the_plain_password_is_asked_once_more_and_then_gone_without() {
    let site = TestSite::start(|seen| match seen.line().as_str() {
        "POST /v2/api/login" => answer(json!({"data": {"token": "rest.token.x"}, "task_id": null})),
        _ if is_login(seen) => answer(json!({"data": null, "errors": [{"message": "bad password"}]})),
        _ => nothing(),
    })
    .await;
    let tower = tower(&site);
    tower.observability().await.unwrap();
    let seen = site.seen();
    assert_eq!(seen.len(), 4, "REST, two forms, the query");
    assert!(seen[2].json()["query"].as_str().unwrap().contains("encoded: true"));
    assert_eq!(
        (header(&seen[3], "authorization").as_deref(), header(&seen[3], "cookie")),
        (Some("rest.token.x"), None)
    );
    assert!(tower.is_cookieless());
}

#[tokio::test]
async fn an_account_with_more_factors_is_told_so() {
    let site = TestSite::start(|seen| match seen.line().as_str() {
        "POST /v2/api/login" => answer(json!({"data": {"token": "rest.token.x"}, "task_id": null})),
        _ => answer(json!({"data": {"login": {"token": "", "need_mfa": true}}})),
    })
    .await;
    let failure = tower(&site).observability().await.unwrap_err();
    assert!(failure.meaning.unwrap().en.contains("multi-factor"));
}

#[tokio::test]
async fn a_release_that_does_not_know_the_error_code_is_asked_without_it() {
    let site = site(|seen| match seen.json()["query"].as_str().unwrap_or_default().contains("error_code") {
        true => answer(json!({"errors": [{"message": "Cannot query field \"error_code\" on type \"X\"."}]})),
        false => nothing(),
    })
    .await;
    assert_eq!(tower(&site).observability().await.unwrap(), Observability::default());
}

#[tokio::test]
async fn a_chunk_travels_with_the_operators_account_the_cookie_and_its_parts_in_order() {
    let site = site(|seen| match seen.line().as_str() {
        "POST /api/ovm-operator/api/v3/chunkedUploads" => {
            answer(json!({"id": "K", "offset": "0", "status": "UPLOADING", "error_code": ""}))
        }
        "POST /api/ovm-operator/api/v1/chunkedUploads" => {
            answer(json!({"id": "K", "offset": 4, "status": 1}))
        }
        _ => answer(json!({})),
    })
    .await;
    let tower = tower(&site);
    let sink = tower.ovm_sink("O.tar.gz", 4);
    let chunk = || Chunk { number: 0, start: 0, bytes: Bytes::from_static(b"abcd"), last: true };
    let opened = sink.open(chunk()).await.unwrap();
    assert!(!opened.has_first);
    sink.append(&opened.upload, chunk()).await.unwrap();
    tower.commit_package("O.tar.gz", "K").await.unwrap();
    let seen = site.seen();
    let (open, sent, commit) = (&seen[2], &seen[3], &seen[4]);
    assert_eq!(open.json(), json!({"origin_file_name": "O.tar.gz"}));
    let body = String::from_utf8_lossy(&sent.body);
    let places = ["name=\"file\"", "application/octet-stream", "abcd", "name=\"id\"", "K"];
    let places = places.map(|part| body.find(part).unwrap_or_else(|| panic!("{part} in {body}")));
    assert!(places.is_sorted(), "{body}");
    for seen in [open, sent, commit] {
        assert_eq!(header(seen, "authorization").as_deref(), Some(BASIC));
        assert_eq!(header(seen, "cookie").as_deref(), Some("connect.sid=s%3Aab%2Bc"));
    }
    assert_eq!(commit.line(), "POST /api/ovm-operator/api/v3/chunkedUploads/K:commit");
    assert_eq!(header(commit, "x-user-id").as_deref(), Some("ckabcdefghij"));
    let transcript = serde_json::to_string(&site.memory.records()).unwrap();
    assert!(transcript.contains("chunk of 4 bytes"), "{transcript}");
}

#[tokio::test]
async fn an_offset_that_contradicts_what_was_sent_spoils_the_upload() {
    for offset in [0, 3, 8] {
        let site = site(move |_| answer(json!({"id": "K", "offset": offset, "status": 1}))).await;
        let chunk = Chunk { number: 0, start: 0, bytes: Bytes::from_static(b"abcd"), last: false };
        let upload = Appending { id: "K".into(), chunk_size: 4 };
        let failure = tower(&site).ovm_sink("O", 9).append(&upload, chunk).await.unwrap_err();
        assert_eq!(failure.setback, Setback::Spoilt, "{offset}");
    }
}

#[tokio::test]
async fn how_far_an_upload_is_is_asked_of_the_service() {
    for (reply, stored) in [
        (json!({"id": "K", "offset": "8", "status": "UPLOADING"}), Some(Stored::Chunks(2))),
        (json!({"id": "K", "offset": 9}), Some(Stored::Whole)),
        (json!({"id": "K", "offset": 5}), None),
        (json!({"id": "K", "offset": 12}), None),
        (json!({"id": "K", "offset": 8, "error_code": "E"}), None),
    ] {
        let told = reply.clone();
        let site = site(move |_| answer(told.clone())).await;
        let upload = Appending { id: "K".into(), chunk_size: 4 };
        let found = tower(&site).ovm_sink("O", 9).stored(&upload).await.unwrap();
        match stored {
            Some(stored) => assert_eq!(found, stored, "{reply}"),
            None => assert!(matches!(found, Stored::Unusable(_)), "{reply}"),
        }
    }
    let upload = Appending { id: "K".into(), chunk_size: 4 };
    // A service that does not know the question says so in one way or another; one that is away has not answered.
    for (status, answered) in [(404, true), (403, true), (501, true), (200, true), (503, false)] {
        let site = site(move |_| Act::Answer(status, "", "<html>a page</html>".into())).await;
        let found = tower(&site).ovm_sink("O", 9).stored(&upload).await;
        assert_eq!(matches!(found, Ok(Stored::Unusable(_))), answered, "{status}: {found:?}");
        assert_eq!(found.is_err(), !answered, "{status}");
    }
}

#[tokio::test]
async fn a_refused_operator_is_final_and_told_with_where_it_is_configured() {
    let site = site(|_| Act::Answer(401, "", String::new())).await;
    let chunk = Chunk { number: 0, start: 0, bytes: Bytes::from_static(b"abcd"), last: true };
    let failed = tower(&site).ovm_sink("O", 4).open(chunk).await.unwrap_err();
    assert_eq!((failed.setback, failed.failure.kind), (Setback::Final, Kind::Site));
    assert!(failed.failure.advice[0].en.contains("obs.operator_password"), "{:?}", failed.failure.advice);
}

#[tokio::test]
async fn a_commit_that_names_an_error_is_refused_and_an_empty_answer_will_do() {
    for (reply, taken) in [("", true), ("{}", true), (r#"{"error_code":"BAD","error_message":"no"}"#, false)]
    {
        let site = site(move |_| Act::Answer(200, "", reply.into())).await;
        let committed = tower(&site).commit_package("O", "K").await.unwrap();
        assert_eq!(matches!(committed, Committed::Taken), taken, "{reply}: {committed:?}");
    }
    for reply in ["<html>200</html>", r#"{"ec":"ENOENT","msg":"no"}"#, r#"{"errors":[{"message":"no"}]}"#] {
        let site = site(move |_| Act::Answer(200, "", reply.into())).await;
        assert!(tower(&site).commit_package("O", "K").await.is_err(), "{reply} is no verdict");
    }
    for status in [403, 429, 503] {
        let site = site(move |_| Act::Answer(status, "", "not now".into())).await;
        assert!(tower(&site).commit_package("O", "K").await.is_err(), "{status} is no verdict");
    }
}

#[test]
fn an_instance_is_ready_when_it_is_installed_and_its_vm_runs() {
    let instance = |status: &str, vms: Value| -> Instance {
        serde_json::from_value(json!({"id": "i", "status": status, "application": {"instances": vms}}))
            .unwrap()
    };
    let vm = |status: &str| json!({"vm": {"id": "v", "status": status}});
    assert!(instance("SUCCESS", json!([vm("RUNNING")])).is_ready());
    assert!(!instance("SUCCESS", json!([])).is_ready());
    assert!(!instance("SUCCESS", json!([{"vm": null}])).is_ready());
    assert!(!instance("SUCCESS", json!([vm("RUNNING"), vm("STOPPED")])).is_ready());
    assert!(!instance("INSTALLING", json!([vm("RUNNING")])).is_ready());
    assert!(
        instance("INSTALL_FAILED", json!([])).has_failed() && !instance("INSTALLING", json!([])).has_failed()
    );
}

#[tokio::test]
async fn a_new_observability_is_described_as_captured() {
    let site = site(|_| answer(json!({"data": {"createBundleApplicationInstance": {"id": "made"}}}))).await;
    let new = NewInstance {
        name: "observability",
        package: "p",
        cluster: "c",
        ip: Ipv4Addr::new(10, 0, 20, 3),
        mask: Ipv4Addr::new(255, 255, 255, 0),
        gateway: Ipv4Addr::new(10, 0, 20, 1),
        network: "n",
    };
    assert_eq!(tower(&site).create_observability(&new).await.unwrap(), "made");
    let sent = site.seen().last().unwrap().json();
    let data = &sent["variables"]["data"];
    assert_eq!((&data["host_id"], &data["description"]), (&json!(""), &json!("")));
    assert_eq!(
        data["vm_spec"],
        json!({
            "ip": "10.0.20.3", "subnet_mask": "255.255.255.0", "gateway": "10.0.20.1", "vlan_id": "n",
            "vcpu_count": 16, "memory_size_bytes": "34359738368", "storage_size_bytes": "549755813888",
            "env_vars": {"PRODUCT_VENDOR": "SMARTX"},
        })
    );
}
