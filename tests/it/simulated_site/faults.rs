//! Faults and holds of the simulated site.

use serde_json::json;

use super::*;

#[test]
fn a_lost_answer_leaves_the_effect_and_a_reset_before_it_leaves_none() {
    on_site(QUICK, async |raw| {
        let url = format!("http://{FIRST}/api/v2/deployment/cluster");
        let body = deploy_body(&raw.scan().await);
        raw.faults("[[fault]]\noperation = 'fisheye.deploy'\naction = 'reset-before'\n");
        assert!(raw.try_send(Method::POST, &url, Some(&body)).await.is_err());
        assert_eq!(raw.site.ledger().deployments.count, 0);
        raw.faults("[[fault]]\noperation = 'fisheye.deploy'\naction = 'drop-answer'\n");
        assert!(raw.try_send(Method::POST, &url, Some(&body)).await.is_err());
        let ledger = raw.site.ledger();
        assert_eq!((ledger.deployments.count, ledger.change_count()), (1, 1));
    });
}

#[test]
fn a_held_request_has_its_effect_when_released_even_if_its_client_is_gone() {
    on_site(QUICK, async |raw| {
        let url = format!("http://{FIRST}/api/v2/deployment/cluster");
        let body = deploy_body(&raw.scan().await);
        raw.faults("[[fault]]\noperation = 'fisheye.deploy'\naction = { hold = 'before-effect' }\n");
        let request = raw.client.post(&url).header("x-smartx-token", FIXED).json(&body).send();
        let client = tokio::spawn(request);
        let hold = raw.held().await;
        assert_eq!((&hold["operation"], &hold["point"]), (&json!("fisheye.deploy"), &json!("before-effect")));
        client.abort();
        assert_eq!(raw.site.ledger().deployments.count, 0);
        let released =
            raw.control(Method::POST, "/release", Some(&json!({"id": hold["id"], "how": "continue"}))).await;
        assert_eq!(released["released"], 1);
        while raw.site.ledger().deployments.count == 0 {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_request_held_after_its_effect_is_in_the_ledger_and_its_answer_can_be_dropped() {
    on_site(QUICK, async |raw| {
        let url = format!("http://{FIRST}/api/v2/deployment/cluster");
        let body = deploy_body(&raw.scan().await);
        raw.faults("[[fault]]\noperation = 'fisheye.deploy'\naction = { hold = 'after-effect' }\n");
        let client = tokio::spawn(raw.client.post(&url).header("x-smartx-token", FIXED).json(&body).send());
        raw.held().await;
        let log = raw.site.requests();
        let deploy = log.last().unwrap();
        assert_eq!((raw.site.ledger().change_count(), deploy.effective, deploy.status), (1, true, 0));
        assert_eq!(deploy.body["hosts"][0]["host_passwords"][0]["password"], "***");
        raw.control(Method::POST, "/release", Some(&json!({"how": "drop"}))).await;
        assert!(client.await.unwrap().is_err());
    });
}

#[test]
fn a_cut_body_ends_before_its_announced_length_and_a_merged_one_has_odd_fields() {
    on_site(QUICK, async |raw| {
        let url = format!("http://{FIRST}/api/v2/deployment/host");
        raw.faults("[[fault]]\noperation = 'fisheye.scan.host'\naction = { cut-body = { bytes = 20 } }\n");
        let response = raw.try_send(Method::GET, &url, None).await.unwrap();
        assert!(response.bytes().await.is_err());
        raw.faults(
            "[[fault]]\noperation = 'fisheye.scan.host'\n\
             action = { merge-body = { data = { ifaces = 'none', more = 1 } } }\n",
        );
        let odd = raw.get(&url).await;
        assert_eq!((&odd["ifaces"], &odd["more"]), (&json!("none"), &json!(1)));
        assert!(odd["host_uuid"].is_string());
    });
}

#[test]
fn a_job_can_be_stuck_or_fail_and_an_expired_session_is_refused_once() {
    on_site(QUICK, async |raw| {
        raw.deployed().await;
        let dns = format!("https://{FIRST}/api/v2/settings/dns");
        let body = json!({"dns_servers": ["10.7.3.53"]});
        raw.faults("[[fault]]\noperation = 'fisheye.dns'\naction = { job = 'failed' }\n");
        let job = raw.put(&dns, &body).await["job_id"].clone();
        raw.pass(60).await;
        let job = raw.get(&format!("https://{FIRST}/api/v2/jobs/{}", job.as_str().unwrap())).await;
        assert_eq!(
            (&job["job"]["state"], &job["job"]["error_code"]),
            (&json!("failed"), &json!("SIM_JOB_FAILED"))
        );
        assert_eq!(raw.site.site_state()["dns"], json!(["127.0.0.1"]));

        raw.faults("[[fault]]\noperation = 'fisheye.dns'\naction = 'expire-tokens'\n");
        let (status, _) = raw.send(Method::PUT, &dns, Some(&body)).await;
        assert_eq!(status.as_u16(), 401);
        raw.log_in().await;
        raw.put(&dns, &body).await;
    });
}

#[test]
fn faults_are_read_and_cleared_through_the_control_api() {
    on_site(QUICK, async |raw| {
        let toml = "[[fault]]\noperation = 'fisheye.scan.*'\naction = { v2 = { ec = 'X', msg = 'm', detail = '' } }\n";
        let added: Vec<Fault> =
            serde_json::from_value(raw.control(Method::POST, "/faults", Some(&json!({"toml": toml}))).await)
                .unwrap();
        assert_eq!(added.len(), 1);
        let url = format!("http://{FIRST}/api/v2/deployment/host");
        assert_eq!(raw.send(Method::GET, &url, None).await.1["ec"], "X");
        raw.control(Method::DELETE, "/faults", None).await;
        assert_eq!(raw.send(Method::GET, &url, None).await.1["ec"], "EOK");
        let log = raw.control(Method::GET, "/requests", None).await;
        assert_eq!(log.as_array().unwrap().len(), 2, "the control API is no part of the site");
    });
}

#[test]
fn every_example_of_a_simulated_site_can_be_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sites");
    let files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 2);
    for path in files {
        let parsed = FaultFile::parse(&std::fs::read_to_string(&path).unwrap());
        assert!(parsed.is_ok(), "{}: {}", path.display(), parsed.unwrap_err());
    }
}

#[test]
fn a_site_that_lies_answers_like_one_that_acts_says_that_its_job_is_done_and_does_nothing() {
    on_site(QUICK, async |raw| {
        raw.deployed().await;
        raw.faults("[[fault]]\noperation = 'fisheye.dns'\naction = 'lie'\n");
        let url = format!("https://{FIRST}/api/v2/settings/dns");
        let started = raw.put(&url, &json!({"dns_servers": ["10.7.3.53"]})).await;
        let changes = raw.site.ledger().change_count();
        raw.pass(60).await;
        let job = format!("https://{FIRST}/api/v2/jobs/{}", started["job_id"].as_str().unwrap());
        assert_eq!(raw.get(&job).await["job"]["state"], "done");
        let ledger = raw.site.ledger();
        assert_eq!((ledger.dns_writes.count, ledger.change_count()), (0, changes));
        assert!(!raw.site.site_state().to_string().contains("10.7.3.53"));
        // The next one is true.
        raw.put(&url, &json!({"dns_servers": ["10.7.3.53"]})).await;
        assert_eq!(raw.site.ledger().dns_writes.count, 1);
    });
}

#[test]
fn answers_can_be_short_padded_or_without_an_end_after_their_effect() {
    on_site(QUICK, async |raw| {
        let url = format!("http://{FIRST}/api/v2/deployment/host");
        raw.faults("[[fault]]\noperation = 'fisheye.scan.host'\naction = { shorten = { bytes = 5 } }\n");
        let response = raw.try_send(Method::GET, &url, None).await.unwrap();
        assert_eq!(response.text().await.unwrap().len(), 5);
        raw.faults("[[fault]]\noperation = 'fisheye.scan.host'\naction = { pad = { bytes = 1000000 } }\n");
        let padded = raw.try_send(Method::GET, &url, None).await.unwrap().text().await.unwrap();
        assert!(padded.len() > 1_000_000 && padded.trim().ends_with('}'));
        raw.faults("[[fault]]\noperation = 'fisheye.scan.host'\naction = 'trickle'\n");
        let mut endless = raw.try_send(Method::GET, &url, None).await.unwrap();
        for _ in 0..5 {
            assert!(endless.chunk().await.unwrap().is_some());
        }
        raw.faults("[[fault]]\noperation = 'fisheye.scan.host'\naction = { echo = { status = 500 } }\n");
        let echo = raw.try_send(Method::GET, &url, None).await.unwrap();
        assert_eq!(echo.status().as_u16(), 500);
        assert!(echo.text().await.unwrap().contains(FIXED));
    });
}
