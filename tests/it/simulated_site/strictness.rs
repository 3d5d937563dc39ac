//! What the simulated site refuses: addresses, logins and requests outside the contract.

use serde_json::json;

use super::*;

#[test]
fn a_free_address_is_silent_and_one_outside_the_plan_is_refused_and_counted() {
    on_site(QUICK, async |raw| {
        for silent in [VIP, "10.7.1.11", "10.7.0.40"] {
            let error = raw.try_send(Method::GET, &format!("http://{silent}/"), None).await.unwrap_err();
            assert!(error.is_timeout(), "{silent}: {error:?}");
        }
        for refused in ["https://10.7.0.11/", "http://10.9.9.9/", "http://example.com/"] {
            let error = raw.try_send(Method::GET, refused, None).await.unwrap_err();
            assert!(error.is_connect() && !error.is_timeout(), "{refused}: {error:?}");
        }
        let outside: Vec<String> = raw.site.ledger().outside_plan.into_keys().collect();
        assert_eq!(outside, ["10.9.9.9:80", "example.com:80"]);
    });
}

#[test]
fn another_login_at_the_proxy_is_refused() {
    on_site(QUICK, async |raw| {
        let proxy = raw.site.proxy_url().replace("simulated:", "bastion:");
        let client = Client::builder().proxy(reqwest::Proxy::all(proxy).unwrap()).build().unwrap();
        let url = format!("http://{FIRST}/api/v2/deployment/host");
        assert!(client.get(&url).send().await.unwrap_err().is_connect());
        assert!(raw.site.requests().is_empty());
    });
}

#[test]
fn a_request_outside_the_contract_has_no_effect_and_is_a_breach() {
    on_site(QUICK, async |raw| {
        let url = format!("http://{FIRST}/api/v2/deployment/cluster");
        let mut body = deploy_body(&raw.scan().await);
        body["colour"] = json!("blue");
        let (status, answer) = raw.send(Method::POST, &url, Some(&body)).await;
        assert_eq!((status.as_u16(), &answer["ec"]), (400, &json!("REST_FORM_ERROR")));
        let (status, _) = raw.send(Method::PUT, &url, Some(&json!({}))).await;
        assert_eq!(status.as_u16(), 405);
        let (status, _) =
            raw.send(Method::GET, &format!("http://{FIRST}/api/v2/deployment/host?x=1"), None).await;
        assert_eq!(status.as_u16(), 400);
        raw.token = "0".repeat(32);
        let (status, _) =
            raw.send(Method::GET, &format!("http://{FIRST}/api/v2/deployment/host"), None).await;
        assert_eq!(status.as_u16(), 401);
        let ledger = raw.site.ledger();
        let what: Vec<&str> = ledger.breaches.iter().map(|breach| breach.what.as_str()).collect();
        assert_eq!(what.len(), 3, "an invalid token alone is everyday life: {what:?}");
        assert!(what[0].contains("unknown field .colour"), "{what:?}");
        assert_eq!(ledger.change_count(), 0);
    });
}
