use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};

use super::*;
use crate::{
    clients::{
        dial::{Dialler, Endpoint},
        gate::Gate,
        problem::Refused,
        proxy::Proxy,
        redact::Redactor,
        testing::{Act, Seen, TestSite, limits, ok},
        trust::{Protocol, Refusal},
        upload::Setback,
        wire::Wire,
    },
    failure::{Effect, Kind},
    text::Text,
};

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 11);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 12);

fn look() -> Call {
    Call::read("test.look", Text::same("looking"), "/look")
}

fn change(class: Class) -> Call {
    Call::write("test.change", Text::same("changing"), Method::POST, "/change")
        .class(class)
        .json(&json!({"a": 1}))
}

fn body(answer: &Answer) -> Result<String, Problem> {
    if answer.is_success() {
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    } else {
        Err(Refused::raw(answer).into())
    }
}

fn here() -> Route {
    Route::to(Target::http(HOST))
}

/// Answers by the number of the request, from 0.
async fn site(acts: impl Fn(u32, &Seen) -> Act + Send + Sync + 'static) -> TestSite {
    let count = AtomicU32::new(0);
    TestSite::start(move |seen| acts(count.fetch_add(1, Ordering::SeqCst), seen)).await
}

#[tokio::test]
async fn a_read_is_repeated_after_a_reset_a_cut_answer_and_a_5xx() {
    let site = site(|n, _| match n {
        0 => Act::Drop,
        1 => Act::Cut("half".into()),
        2 => Act::Answer(502, "", "<html/>".into()),
        _ => Act::Answer(200, "", "whole".into()),
    })
    .await;
    assert_eq!(site.http().call(&look(), &here(), Auth::None, body).await.unwrap(), "whole");
    assert_eq!(site.pauses.taken(), [500, 1000, 2000].map(Duration::from_millis));
    let attempts: Vec<u32> = site.memory.records().iter().map(|record| record.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4], "every attempt is in the transcript");
}

#[tokio::test]
async fn a_read_is_given_up_after_four_attempts_and_the_failure_has_the_sites_words() {
    let site = site(|_, _| Act::Answer(503, "", "busy".into())).await;
    let problem = site.http().call(&look(), &here(), Auth::None, body).await.unwrap_err();
    assert_eq!(site.seen().len(), 4);
    let failure = problem.failure(Text::same("looking"), Class::Read, &Redactor::new());
    assert_eq!(failure.answer.as_ref().unwrap().en, "HTTP 503 busy");
    assert_eq!((failure.kind, failure.effect), (Kind::Site, Effect::None));
    assert_eq!(failure.at.as_deref(), Some("10.0.20.11:80"));
}

#[tokio::test]
async fn a_429_is_waited_out_for_as_long_as_the_server_asks() {
    let site = site(|n, _| match n {
        0 => Act::Answer(429, "retry-after: 7\r\n", String::new()),
        _ => Act::Answer(200, "", String::new()),
    })
    .await;
    site.http().call(&look(), &here(), Auth::None, body).await.unwrap();
    assert_eq!(site.pauses.taken(), [Duration::from_secs(7)]);
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let site = site(|_, _| Act::Answer(404, "", String::new())).await;
    site.http().call(&look(), &here(), Auth::None, body).await.unwrap_err();
    assert_eq!(site.seen().len(), 1);
}

#[tokio::test]
async fn a_write_with_a_lost_answer_is_sent_once_and_its_effect_is_unknown() {
    for class in [Class::Probed, Class::Once] {
        for cut in [true, false] {
            let site = site(move |_, _| if cut { Act::Cut("{".into()) } else { Act::Drop }).await;
            let problem = site.http().call(&change(class), &here(), Auth::None, body).await.unwrap_err();
            assert_eq!(site.seen().len(), 1);
            let failure = problem.failure(Text::same("changing"), class, &Redactor::new());
            assert_eq!(failure.effect, Effect::Unknown);
        }
    }
}

#[tokio::test]
async fn a_write_answered_with_5xx_is_sent_once_and_may_have_had_its_effect() {
    let site = site(|_, _| Act::Answer(504, "", String::new())).await;
    let problem = site.http().call(&change(Class::Probed), &here(), Auth::None, body).await.unwrap_err();
    assert_eq!((site.seen().len(), problem.effect()), (1, Effect::Unknown));
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_first_byte_limit_and_counts_as_timed_out() {
    let site = site(|_, _| Act::Hang).await;
    // The connect limit is added to it: keep the test short.
    let dialler = Dialler::through(
        site.dialler().proxy().unwrap().clone(),
        crate::clients::limits::Limits { connect: Duration::from_millis(200), ..limits() },
    );
    let http = Http::new(dialler, site.trust.clone(), Wire::none(Redactor::new()), site.pauses.clone());
    let problem = http.call(&change(Class::Once), &here(), Auth::None, body).await.unwrap_err();
    let failure = problem.failure(Text::same("changing"), Class::Once, &Redactor::new());
    assert_eq!((failure.kind, failure.effect), (Kind::TimedOut, Effect::Unknown));
    assert!(failure.answer.unwrap().en.contains("0.3s"));
}

#[tokio::test]
async fn a_refused_connection_leads_to_the_next_address_in_every_class_and_stays_there() {
    for class in [Class::Read, Class::Probed, Class::Once] {
        let site = site(|_, _| Act::Answer(200, "", String::new())).await;
        site.close(Endpoint::new(HOST, 80));
        let route = Route::new(Target::http(HOST), vec![Target::http(OTHER)]);
        for _ in 0..2 {
            site.http().call(&change(class), &route, Auth::None, body).await.unwrap();
        }
        let tried: Vec<String> = site.memory.records().iter().map(|record| record.address.clone()).collect();
        assert_eq!(tried, ["10.0.20.11:80", "10.0.20.12:80", "10.0.20.12:80"]);
    }
}

#[tokio::test]
async fn a_write_that_no_address_took_had_no_effect_and_names_the_preferred_one() {
    let site = site(|_, _| Act::Answer(200, "", String::new())).await;
    site.close(Endpoint::new(HOST, 80));
    site.close(Endpoint::new(OTHER, 80));
    let route = Route::new(Target::http(HOST), vec![Target::http(OTHER)]);
    let problem = site.http().call(&change(Class::Once), &route, Auth::None, body).await.unwrap_err();
    let failure = problem.failure(Text::same("changing"), Class::Once, &Redactor::new());
    assert_eq!(failure.effect, Effect::None);
    assert_eq!(failure.at.as_deref(), Some("10.0.20.11:80"));
}

#[tokio::test]
async fn a_redirect_is_a_failure_that_names_its_target() {
    let site = site(|_, _| Act::Answer(301, "location: https://10.0.20.11/look\r\n", String::new())).await;
    let problem = site.http().call(&look(), &here(), Auth::None, body).await.unwrap_err();
    let failure = problem.failure(Text::same("looking"), Class::Read, &Redactor::new());
    assert!(failure.meaning.unwrap().en.contains("https://10.0.20.11/look"));
    assert_eq!(site.seen().len(), 1);
}

/// Hands out `token-1`, `token-2`, ….
#[derive(Default)]
struct Tokens(AtomicU32);

impl Session for Tokens {
    fn header(&self) -> &'static str {
        "x-smartx-token"
    }

    fn token<'a>(
        &'a self,
        _http: &'a Http,
        _route: &'a Route,
        refused: Option<&'a Secret<String>>,
    ) -> BoxFuture<'a, Result<Secret<String>, Problem>> {
        let logins =
            self.0.fetch_add(u32::from(refused.is_some()), Ordering::SeqCst) + u32::from(refused.is_some());
        Box::pin(async move { Ok(Secret::new(format!("token-{}", logins + 1))) })
    }
}

#[tokio::test]
async fn after_a_401_there_is_one_login_and_one_repetition_in_every_class() {
    for class in [Class::Read, Class::Probed, Class::Once] {
        let site = site(|_, seen| match seen.token.as_deref() {
            Some("token-2") => Act::Answer(200, "", "in".into()),
            _ => Act::Answer(401, "", String::new()),
        })
        .await;
        let tokens = Tokens::default();
        let result = site.http().call(&change(class), &here(), Auth::Session(&tokens), body).await;
        assert_eq!(result.unwrap(), "in");
        assert_eq!(site.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_second_401_is_the_end() {
    let site = site(|_, _| Act::Answer(401, "", "no".into())).await;
    let result = site.http().call(&look(), &here(), Auth::Session(&Tokens::default()), body).await;
    assert!(matches!(result, Err(Problem::Refused(refused)) if refused.status == 401));
    assert_eq!(site.seen().len(), 2);
}

#[tokio::test]
async fn a_fixed_token_that_is_refused_is_not_sent_again() {
    let site = site(|_, _| Act::Answer(401, "", String::new())).await;
    let token = Secret::from("fixed");
    let auth = Auth::Fixed("x-smartx-token", &token);
    site.http().call(&look(), &here(), auth, body).await.unwrap_err();
    assert_eq!(site.seen().len(), 1);
}

#[tokio::test]
async fn a_changed_certificate_is_refused_before_anything_is_sent_and_not_retried() {
    let site = site(|_, _| Act::Answer(200, "", String::new())).await;
    let at = Target::https(HOST);
    let (http, route) = (site.http(), Route::new(at, vec![Target::https(OTHER)]));
    http.call(&look(), &route, Auth::None, body).await.unwrap();
    site.change_identity();
    let problem = http.call(&look(), &route, Auth::None, body).await.unwrap_err();
    assert!(matches!(&problem, Problem::Untrusted(Refusal::Changed { .. })), "{problem:?}");
    assert_eq!((site.seen().len(), site.pauses.taken().len()), (1, 0));
    let failure = problem.failure(Text::same("looking"), Class::Read, &Redactor::new());
    assert!(failure.meaning.unwrap().en.contains("certificate"));
    site.trust.expect_change(Protocol::Tls, at.endpoint);
    http.call(&look(), &route, Auth::None, body).await.unwrap();
}

#[tokio::test]
async fn with_a_proxy_there_is_no_direct_way() {
    let direct = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    direct.set_nonblocking(true).unwrap();
    let dead = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = Proxy::parse(&format!("socks5://{}", dead.local_addr().unwrap())).unwrap();
    drop(dead);
    let site = site(|_, _| Act::Drop).await;
    let dialler = Dialler::through(proxy, limits());
    let at = Endpoint::new(Ipv4Addr::LOCALHOST, direct.local_addr().unwrap().port());
    let http =
        Http::new(dialler.clone(), site.trust.clone(), Wire::none(Redactor::new()), site.pauses.clone());
    for scheme in [super::super::http::Scheme::Http, super::super::http::Scheme::Https] {
        let route = Route::to(Target { scheme, endpoint: at });
        let problem = http.call(&look(), &route, Auth::None, body).await.unwrap_err();
        assert!(matches!(problem, Problem::NotSent { .. }), "{problem:?}");
    }
    dialler.stream(at).await.unwrap_err();
    assert!(!dialler.probe(at).await.occupied());
    let nobody = direct.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn neither_transcript_nor_failure_shows_a_secret_that_the_site_echoes_in_any_form() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    const PASSWORD: &str = "Canary/9&\"pw";
    let site = site(|_, _| {
        let echo = format!(
            "<html>{PASSWORD} {} {} {}</html>",
            STANDARD.encode(PASSWORD),
            STANDARD.encode(format!("root:{PASSWORD}")),
            json!(PASSWORD)
        );
        Act::Answer(400, "", echo)
    })
    .await;
    let http = site.http();
    http.wire().redactor().learn(PASSWORD);
    let call = change(Class::Probed).query("note", PASSWORD).json(&json!({"deep": [{"note": PASSWORD}]}));
    let problem = http.call(&call, &here(), Auth::None, body).await.unwrap_err();
    let failure = problem.failure(Text::same("changing"), Class::Probed, http.wire().redactor());
    let record = site.memory.records().remove(0);
    let written = format!("{}{failure:?}", serde_json::to_string(&record).unwrap());
    assert!(site.seen()[0].path.contains("Canary%2F9%26"), "the site got the real one");
    let middle = STANDARD.encode(PASSWORD);
    for trace in ["Canary", "9&", &middle[4..12], &STANDARD.encode(format!("root:{PASSWORD}"))[8..16]] {
        assert!(!written.contains(trace), "{trace} in {written}");
    }
    assert!(written.contains("***"));
}

#[tokio::test]
async fn a_record_tells_step_class_status_and_whether_the_site_was_to_change() {
    let site = site(|_, _| ok(Value::Null)).await;
    let http = site.http().for_step("config-cluster.vip");
    http.call(&change(Class::Once), &here(), Auth::None, body).await.unwrap();
    let line = serde_json::to_value(&site.memory.records()[0]).unwrap();
    assert_eq!(line["step"], "config-cluster.vip");
    assert_eq!(line["operation"], "test.change");
    assert_eq!((&line["method"], &line["path"]), (&json!("POST"), &json!("/change")));
    assert_eq!((&line["status"], &line["class"]), (&json!(200), &json!("once")));
    assert_eq!((&line["changes"], &line["request"]), (&json!(true), &json!("{\"a\":1}")));
}

#[tokio::test]
async fn probes_tell_open_refused_and_silent_apart_in_a_rehearsal() {
    let site = site(|_, _| Act::Drop).await;
    site.close(Endpoint::new(OTHER, 80));
    use crate::clients::probe::Reach;
    assert_eq!(site.dialler().probe(Endpoint::new(HOST, 80)).await, Reach::Open);
    assert_eq!(site.dialler().probe(Endpoint::new(OTHER, 80)).await, Reach::Refused);
}

/// Outside the maintenance window.
#[derive(Debug)]
struct Shut;

impl Gate for Shut {
    fn shut(&self) -> Option<Text> {
        Some(Text::new("窗口已结束", "the window ended"))
    }
}

#[tokio::test]
async fn outside_the_window_looks_and_logins_leave_and_changes_do_not() {
    let site = site(|_, _| ok(Value::Null)).await;
    let dialler = site.dialler().gated(std::sync::Arc::new(Shut));
    let http = Http::new(dialler, site.trust.clone(), Wire::none(Redactor::new()), site.pauses.clone());
    http.call(&look(), &here(), Auth::None, body).await.unwrap();
    http.call(&change(Class::Probed).harmless(), &here(), Auth::None, body).await.unwrap();
    for class in [Class::Read, Class::Probed, Class::Once] {
        let problem = http.call(&change(class), &here(), Auth::None, body).await.unwrap_err();
        assert_eq!((problem.effect(), problem.setback()), (Effect::None, Setback::Final));
        let failure = problem.failure(Text::same("changing"), class, &Redactor::new());
        assert_eq!((failure.kind, failure.effect), (Kind::Window, Effect::None));
        assert_eq!(failure.meaning.unwrap().en, "not sent: the window ended");
    }
    assert_eq!(site.seen().len(), 2, "and none is tried again");
}
