use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::{
    clients::{
        dial::Endpoint,
        testing::{Act, Seen, TestSite, ok, session},
    },
    failure::{Effect, Kind},
};

const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 11);
const SECOND: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 12);
const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 10);
const PASSWORD: &str = "Planned-1/pw";

fn addresses() -> Addresses {
    Addresses { first: FIRST, others: vec![SECOND], vip: VIP }
}

fn fisheye(site: &TestSite) -> Fisheye {
    Fisheye::new(site.http(), addresses(), Secret::from(PASSWORD))
}

/// A site on which logins succeed and everything else is up to `act`.
async fn open_site(act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> TestSite {
    TestSite::start(move |seen| match seen.line().as_str() {
        "POST /api/v3/sessions" => session("0123456789abcdef0123456789abcdef"),
        _ => act(seen),
    })
    .await
}

fn form_error(field: &str) -> Act {
    let error = json!({"msg": "bad form", "detail": {field: ["not a choice"]}});
    Act::Answer(200, "", json!({"ec": "REST_FORM_ERROR", "error": error, "data": {}}).to_string())
}

#[tokio::test]
async fn before_deployment_calls_go_to_the_host_over_http_with_the_fixed_token() {
    let site = TestSite::start(|_| ok(json!({"host_uuid": "u", "disks": null, "ifaces": null}))).await;
    let host = fisheye(&site).scan_host(SECOND).await.unwrap();
    assert_eq!((host.host_uuid.as_str(), host.nics.len()), ("u", 0));
    let seen = &site.seen()[0];
    assert_eq!((seen.at, seen.line()), (Endpoint::new(SECOND, 80), "GET /api/v2/deployment/host".into()));
    assert_eq!(seen.token.as_deref(), Some("e79b85fc18b7402fbcc0391fe8d7d24c"));
    assert!(seen.head.to_lowercase().contains("host: 10.0.20.12\r\n"), "{}", seen.head);
}

#[tokio::test]
async fn an_interface_is_found_by_its_name_in_any_case() {
    let nics = json!([{"name": "ens192"}, {"name": "ens224"}]);
    let site = TestSite::start(move |_| ok(json!({"host_uuid": "u", "disks": [], "ifaces": nics}))).await;
    let host = fisheye(&site).scan_host(SECOND).await.unwrap();
    assert_eq!(host.nic("ENS224").map(|nic| nic.name.as_str()), Some("ens224"));
    assert!(host.nic("ens256").is_none());
}

#[tokio::test]
async fn a_cluster_scan_that_finds_nothing_is_empty_in_each_of_its_forms() {
    for body in [r#"{"ec":"EOK","data":{"hosts":[]}}"#, r#"{"ec":"EOK","data":{}}"#, r#"{"ec":"EOK"}"#, ""] {
        let site = TestSite::start(move |_| Act::Answer(200, "", body.into())).await;
        assert!(fisheye(&site).scan_cluster().await.unwrap().is_empty(), "{body}");
    }
}

#[tokio::test]
async fn a_refused_fixed_token_says_that_the_node_is_probably_deployed() {
    let site = TestSite::start(|_| Act::Answer(401, "", String::new())).await;
    let failure = fisheye(&site).scan_host(FIRST).await.unwrap_err();
    assert!(failure.meaning.unwrap().en.contains("cluster already"));
    assert_eq!(site.seen().len(), 1);
}

#[tokio::test]
async fn the_deployment_is_sent_once_and_a_lost_answer_leaves_its_effect_unknown() {
    let site = TestSite::start(|_| Act::Drop).await;
    let request = Deploy::new("c", vec![], vec![], vec![], true, jiff::Timestamp::UNIX_EPOCH);
    let failure = fisheye(&site).deploy(&request).await.unwrap_err();
    assert_eq!((failure.effect, site.seen().len()), (Effect::Unknown, 1));
}

#[tokio::test]
async fn a_form_error_on_the_deployment_is_told_with_its_field_and_had_no_effect() {
    let site = TestSite::start(|_| form_error("hosts")).await;
    let request = Deploy::new("c", vec![], vec![], vec![], true, jiff::Timestamp::UNIX_EPOCH);
    let failure = fisheye(&site).deploy(&request).await.unwrap_err();
    assert_eq!(failure.answer.unwrap().en, "HTTP 200 REST_FORM_ERROR bad form; hosts: not a choice");
    assert_eq!((failure.effect, failure.kind), (Effect::None, Kind::Site));
}

#[tokio::test]
async fn errors_of_deploy_status_are_disturbances_and_none_is_repeated() {
    for (act, running) in [
        (Act::Drop, false),
        (Act::Answer(502, "", "<html/>".into()), false),
        (Act::Answer(200, "", "{}".into()), false),
        (form_error("x"), false),
        (ok(json!({"state": "running", "stage_info": "s", "current_stage": "1", "total_stages": 1})), true),
    ] {
        let act = std::sync::Mutex::new(Some(act));
        let site = TestSite::start(move |_| act.lock().unwrap().take().unwrap()).await;
        let status = fisheye(&site).deploy_status().await.unwrap();
        assert_eq!(matches!(status, DeployStatus::Running { current: Some(1), .. }), running, "{status:?}");
        assert_eq!(matches!(status, DeployStatus::Disturbed(_)), !running, "{status:?}");
        assert_eq!(site.seen()[0].path, "/api/v2/deployment/host/deploy_status?host_ip=10.0.20.11");
    }
}

#[tokio::test]
async fn a_state_without_running_has_ended_but_is_no_verdict() {
    let site = TestSite::start(|_| ok(json!({"state": "", "msg": {"a": 1}}))).await;
    let status = fisheye(&site).deploy_status().await.unwrap();
    assert!(matches!(status, DeployStatus::Ended { message: Some(message), .. } if message == r#"{"a":1}"#));
}

#[tokio::test]
async fn the_verdict_is_asked_over_https_and_then_over_http() {
    let site = TestSite::start(|_| ok(json!({"is_deployed": true, "platform": "kvm"}))).await;
    assert!(matches!(fisheye(&site).deploy_verify().await.unwrap(), Verdict::Deployed));
    assert_eq!(site.seen()[0].at.port, 443);
    let site = TestSite::start(|_| ok(json!({"is_deployed": false}))).await;
    site.close(Endpoint::new(FIRST, 443));
    assert!(matches!(fisheye(&site).deploy_verify().await.unwrap(), Verdict::NotDeployed));
    assert_eq!(site.seen()[0].at.port, 80);
    let site = TestSite::start(|_| Act::Answer(503, "", "restarting".into())).await;
    let Verdict::NoAnswer(reason) = fisheye(&site).deploy_verify().await.unwrap() else { panic!() };
    assert!(reason.answer.unwrap().en.contains("restarting"));
}

#[tokio::test]
async fn the_root_account_is_made_with_three_fields_and_no_token() {
    let site = TestSite::start(|_| Act::Answer(200, "", r#"{"id":"root"}"#.into())).await;
    fisheye(&site).set_up_root().await.unwrap();
    let seen = &site.seen()[0];
    assert_eq!((seen.at, seen.line()), (Endpoint::new(FIRST, 443), "POST /api/v3/users:setupRoot".into()));
    assert_eq!(seen.json(), json!({"password": PASSWORD, "repeat": PASSWORD, "encrypted": false}));
    assert_eq!(seen.token, None);
    assert!(site.memory.records()[0].changes);
}

#[tokio::test]
async fn a_login_at_an_address_tells_in_from_refused_and_both_from_no_answer() {
    let site = TestSite::start(|seen| match seen.at.address.to_string().as_str() {
        "10.0.20.11" => session("t0k3n-t0k3n"),
        "10.0.20.12" => Act::Answer(401, "", format!("wrong {PASSWORD}")),
        _ => Act::Answer(503, "", String::new()),
    })
    .await;
    let fisheye = fisheye(&site);
    assert_eq!(fisheye.log_in_at(FIRST).await.unwrap(), Login::In);
    assert_eq!(site.seen()[0].json(), json!({"username": "root", "password": PASSWORD, "encrypted": false}));
    let Login::Refused(words) = fisheye.log_in_at(SECOND).await.unwrap() else { panic!() };
    assert_eq!(words.en, "HTTP 401 wrong ***");
    fisheye.log_in_at(VIP).await.unwrap_err();
    assert!(site.memory.records().iter().all(|record| !record.changes), "logins change nothing");
    let written = serde_json::to_string(&site.memory.records()).unwrap();
    assert!(!written.contains("t0k3n") && !written.contains(PASSWORD), "{written}");
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_however_many_calls_need_it() {
    let site = TestSite::start(|_| Act::Answer(401, "", "wrong".into())).await;
    let fisheye = fisheye(&site);
    for _ in 0..3 {
        let failure = fisheye.licence().await.unwrap_err();
        assert!(failure.meaning.as_ref().unwrap().en.contains("password of root"));
        assert_eq!(failure.at.as_deref(), Some("10.0.20.10:443"));
    }
    assert_eq!(site.lines(), ["POST /api/v3/sessions"]);
}

#[tokio::test]
async fn a_session_that_expires_is_renewed_once_and_the_request_repeated() {
    let logins = AtomicU32::new(0);
    let site = TestSite::start(move |seen| match (seen.line().as_str(), seen.token.as_deref()) {
        ("POST /api/v3/sessions", _) => session(&format!("token-{}", logins.fetch_add(1, Ordering::SeqCst))),
        (_, Some("token-0")) => Act::Answer(401, "", String::new()),
        _ => ok(json!({"serial": "s"})),
    })
    .await;
    assert_eq!(fisheye(&site).licence().await.unwrap().serial, "s");
    let expected = ["POST /api/v3/sessions", "GET /api/v2/tools/license"].repeat(2);
    assert_eq!(site.lines(), expected);
}

#[tokio::test]
async fn settings_go_where_they_must_and_tell_their_job() {
    let site = open_site(|_| ok(json!({"job_id": "j-1"}))).await;
    let fisheye = fisheye(&site);
    fisheye.set_vip(VIP).await.unwrap();
    assert_eq!(fisheye.set_dns(&[FIRST]).await.unwrap().job_id.as_deref(), Some("j-1"));
    fisheye.set_ntp(&["ntp.example".to_owned()]).await.unwrap();
    let seen = site.seen();
    let sent = |line: &str| seen.iter().find(|seen| seen.line() == line).unwrap();
    let vip = sent("PUT /api/v2/settings/vip");
    assert_eq!(vip.at, Endpoint::new(FIRST, 443));
    assert_eq!(vip.json(), json!({"iscsi_vip": null, "management_vip": "10.0.20.10"}));
    let dns = sent("PUT /api/v2/settings/dns");
    assert_eq!(dns.at, Endpoint::new(VIP, 443));
    assert_eq!(dns.json(), json!({"dns_servers": ["10.0.20.11"]}));
    let ntp = sent("PUT /api/v2/settings/ntp");
    assert_eq!(ntp.json(), json!({"ntp_mode": "external", "ntp_servers": ["ntp.example"]}));
    assert_eq!(
        seen.iter().filter(|seen| seen.line() == "POST /api/v3/sessions").count(),
        1,
        "one session for all"
    );
}

#[tokio::test]
async fn a_vip_answer_without_data_or_body_is_a_success_without_job() {
    for body in ["", r#"{"ec":"EOK","error":{},"data":null}"#, r#"{"ec":"EOK","error":{},"data":{}}"#] {
        let site = open_site(move |_| Act::Answer(200, "", body.into())).await;
        assert_eq!(fisheye(&site).set_vip(VIP).await.unwrap().job_id, None, "{body}");
    }
}

#[tokio::test]
async fn while_the_vip_is_down_the_nodes_are_asked_in_row_order() {
    let site = open_site(|_| ok(json!({"serial": "s"}))).await;
    site.close(Endpoint::new(VIP, 443));
    site.close(Endpoint::new(FIRST, 443));
    fisheye(&site).licence().await.unwrap();
    let asked: Vec<Endpoint> = site.seen().iter().map(|seen| seen.at).collect();
    assert_eq!(asked, [Endpoint::new(SECOND, 443); 2], "login and call");
}

fn business(mode: BondMode, nics: &[&str]) -> NewVds {
    let nics = nics.iter().map(|nic| (*nic).to_owned()).collect();
    let host = BusinessHost { host_uuid: "u".into(), nics, storage: Ipv4Addr::new(10, 0, 21, 11) };
    NewVds { name: "VDS-B".into(), bond_mode: mode, hosts: vec![host] }
}

#[tokio::test]
async fn lacp_has_a_second_name_for_sites_that_refuse_the_first() {
    let site = open_site(|seen| match seen.json()["bond_mode"].as_str() {
        Some("lacp") => ok(json!({"job_id": "j"})),
        _ => form_error("bond_mode"),
    })
    .await;
    let created = fisheye(&site).create_vds(&business(BondMode::Lacp, &["a", "b"])).await.unwrap();
    assert_eq!(created.job_id.as_deref(), Some("j"));
    let modes: Vec<Value> = site.seen().iter().skip(1).map(|seen| seen.json()["bond_mode"].clone()).collect();
    assert_eq!(modes, ["balance-tcp", "lacp"]);
}

#[tokio::test]
async fn another_form_error_or_another_mode_is_refused_at_once() {
    for (mode, field) in [(BondMode::Lacp, "name"), (BondMode::ActiveBackup, "bond_mode")] {
        let site = open_site(move |_| form_error(field)).await;
        fisheye(&site).create_vds(&business(mode, &["a", "b"])).await.unwrap_err();
        assert_eq!(site.seen().len(), 2, "login and one request");
    }
}

#[tokio::test]
async fn a_vds_with_one_nic_per_host_states_no_bond_mode() {
    let site = open_site(|_| ok(json!({"uuid": "v"}))).await;
    fisheye(&site).create_vds(&business(BondMode::ActiveBackup, &["a"])).await.unwrap();
    let host = json!({"host_uuid": "u", "nics_associated": ["a"], "data_ip": "10.0.21.11"});
    assert_eq!(site.seen()[1].json(), json!({"name": "VDS-B", "hosts_associated": [host]}));
}

#[tokio::test]
async fn networks_are_listed_in_every_shape_a_site_uses() {
    let vlan = |id: Value| json!({"uuid": "n", "name": "web", "vds_uuid": "v", "vlan_id": id, "type": 3});
    for data in [
        json!({"entities": [vlan(json!(20))]}),
        json!([vlan(json!("20"))]),
        json!({"rows": [vlan(json!(20))]}),
    ] {
        let site = open_site(move |_| ok(data.clone())).await;
        let vlans = fisheye(&site).vlans("v").await.unwrap();
        assert_eq!((vlans[0].name.as_str(), vlans[0].vlan_id), ("web", 20));
        assert_eq!(site.seen()[1].path, "/api/v2/network/vds/v/vlans");
    }
}

#[tokio::test]
async fn ipmi_accounts_that_the_cluster_cannot_use_are_told_apart_despite_eok() {
    let item =
        json!({"node_uuid": "u", "node_name": "n1", "host": "10.0.9.1", "port": 623, "is_valid": false});
    let site = open_site(move |_| ok(json!({"success": null, "failure": [item.clone()]}))).await;
    let account = IpmiAccount {
        host_uuid: "u".into(),
        hostname: "n1".into(),
        address: Ipv4Addr::new(10, 0, 9, 1),
        user: "ADMIN".into(),
        password: Secret::from("bmc-secret"),
    };
    let outcome = fisheye(&site).upsert_ipmi(&[account]).await.unwrap();
    assert_eq!((outcome.success.len(), outcome.failure[0].hostname.as_str()), (0, "n1"));
    let sent = json!({"node_uuid": "u", "node_name": "n1", "host": "10.0.9.1", "user": "ADMIN", "password": "bmc-secret"});
    assert_eq!(site.seen()[1].json(), json!({"accounts": [sent]}));
    assert!(!serde_json::to_string(&site.memory.records()).unwrap().contains("bmc-secret"));
}

#[tokio::test]
async fn a_job_is_running_done_failed_or_gone() {
    for (status, data, expected) in [
        (200, json!({"job": {"state": "pending", "resources": {}}}), "Running"),
        (200, json!({"job": {"state": "processing", "task_list": null}}), "Running"),
        (200, json!({"job": {"state": "DONE"}}), "Done"),
        (200, json!({"job": {"state": "failed", "error_code": "E", "error_msg": "why"}}), "Failed"),
        (404, json!(null), "Gone"),
    ] {
        let site = open_site(move |_| {
            let ec = if status == 200 { "EOK" } else { "REST_UNKNOWN_ERROR" };
            Act::Answer(status, "", json!({"ec": ec, "error": {}, "data": data}).to_string())
        })
        .await;
        let state = format!("{:?}", fisheye(&site).job("j-1").await.unwrap());
        assert!(state.starts_with(expected), "{state}");
        assert_eq!(site.seen()[1].path, "/api/v2/jobs/j-1");
    }
}

#[tokio::test]
async fn an_image_counts_as_that_file_only_with_its_name_size_and_md5() {
    let listed =
        json!({"images": [{"uuid": "i", "name": "a.iso", "size": "10", "md5": "ABCD", "path": "iscsi://x"}]});
    let site = open_site(move |_| ok(listed.clone())).await;
    let image = fisheye(&site).images().await.unwrap().remove(0);
    assert!(image.holds("a.iso", 10, "abcd"));
    assert!(
        !image.holds("a.iso", 11, "abcd")
            && !image.holds("b.iso", 10, "abcd")
            && !image.holds("a.iso", 10, "ff")
    );
}

#[tokio::test]
async fn removing_an_image_that_is_gone_is_no_error() {
    let site = open_site(|_| Act::Answer(404, "", String::new())).await;
    fisheye(&site).delete_image("i-1").await.unwrap();
    assert_eq!(site.lines()[1], "DELETE /api/v2/images/i-1");
}

#[tokio::test]
async fn a_chunk_travels_as_multipart_part_file_with_all_its_parameters() {
    use crate::clients::upload::{ChunkSink, Volume};
    let site = open_site(|seen| {
        match seen.line().as_str() {
        "POST /api/v2/images/upload/volume" => Act::Answer(
            200,
            "",
            json!({"ec": "EOK", "error": null, "data": {"chunk_size": 4, "image_path": "p", "image_uuid": "i",
                   "to_upload": [0, 1], "zbs_volume_id": "z"}})
            .to_string(),
        ),
        _ => ok(json!({"chunk_num": 1, "to_upload": [0]})),
    }
    })
    .await;
    let sink = fisheye(&site).image_sink("tower v4.iso", 7, "by voyager");
    let volume: Volume = sink.create().await.unwrap();
    let accepted = sink.send(&volume, 1, bytes::Bytes::from_static(b"abc").into()).await.unwrap();
    assert_eq!(accepted.missing, Some(vec![0]));
    let seen = site.seen();
    assert_eq!(
        seen[1].path,
        "/api/v2/images/upload/volume?name=tower%20v4.iso&size=7&description=by%20voyager&device=nfs&task_id=2"
    );
    assert!(seen[1].body.is_empty());
    assert_eq!(seen[2].path, "/api/v2/images/upload?zbs_volume_id=z&chunk_num=1&image_uuid=i");
    let body = String::from_utf8(seen[2].body.clone()).unwrap();
    assert!(body.contains(r#"name="file""#) && body.contains("application/octet-stream"), "{body}");
    assert!(body.contains("\r\n\r\nabc\r\n"), "{body}");
    let record = &site.memory.records()[2];
    assert_eq!(record.request.as_deref(), Some("chunk of 3 bytes"));
}
