use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use russh::{
    ChannelMsg,
    client::{self, AuthResult, Handle, Handler, KeyboardInteractiveAuthResponse},
    keys::{HashAlg, PublicKeyOrCertificate},
};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::sim::{
    durations::Durations,
    fault::{FaultFile, HoldPoint, Quirks},
    hold::Release,
    site::State,
    twin::{Twin, TwinPlan},
    variants::Variants,
};

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 11);

/// A client of its own, so that the server is judged by the protocol library and not by our client.
struct Client(Arc<Mutex<String>>);

impl Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        *self.0.lock().unwrap() = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        Ok(true)
    }
}

fn site(scenario: &str) -> Arc<Site> {
    let file = FaultFile::parse(scenario).unwrap();
    let quirks = Quirks { ..file.site };
    let twin = Twin::new(TwinPlan::default(), 1, &quirks.hosts);
    let mut state =
        State::new("twin".into(), twin, quirks, Durations::default(), Variants::default(), file.faults);
    let accounts = [("root", "Old-Root1"), ("smartx", "Old-Smartx1")];
    state.accounts.insert(HOST, accounts.map(|(user, word)| (user.to_owned(), word.to_owned())).into());
    Arc::new(Site::new(state, 1000.0))
}

async fn dial(site: &Arc<Site>) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (served, _) = listener.accept().await.unwrap();
    tokio::spawn(serve(Wire::new(served), site.clone(), HOST));
    stream
}

async fn connect(site: &Arc<Site>) -> Result<(Handle<Client>, String), russh::Error> {
    let key = Arc::new(Mutex::new(String::new()));
    let handle = client::connect_stream(Arc::default(), dial(site).await, Client(key.clone())).await?;
    let key = key.lock().unwrap().clone();
    Ok((handle, key))
}

async fn smartx(site: &Arc<Site>) -> Handle<Client> {
    let (mut handle, _) = connect(site).await.unwrap();
    assert!(handle.authenticate_password("smartx", "Old-Smartx1").await.unwrap().success());
    handle
}

/// Status, standard output and standard error; no status when the channel just ended.
async fn run(handle: &Handle<Client>, command: &str, stdin: &str) -> (Option<u32>, String, String) {
    let mut channel = handle.channel_open_session().await.unwrap();
    channel.exec(true, command).await.unwrap();
    channel.data_bytes(stdin.to_owned()).await.unwrap();
    channel.eof().await.unwrap();
    let (mut status, mut out, mut err) = (None, Vec::new(), Vec::new());
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => out.extend_from_slice(&data),
            ChannelMsg::ExtendedData { data, .. } => err.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
            _ => {}
        }
    }
    (status, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn changes(site: &Site, account: &str) -> u64 {
    site.with(|state, _| {
        state.ledger.password_changes.get(&format!("{HOST} {account}")).map_or(0, |tally| tally.count)
    })
}

#[tokio::test]
async fn passwords_act_at_once_and_every_setting_is_counted() {
    let site = site("");
    let open = smartx(&site).await;
    let pairs = "smartx:New-Smartx1\nroot:New-Root1\n";
    assert_eq!(run(&open, "LC_ALL=C sudo -n /usr/sbin/chpasswd", pairs).await.0, Some(0));
    assert_eq!(run(&open, "sudo -n chpasswd", "root:New-Root1\n").await.0, Some(0), "open sessions survive");
    assert_eq!((changes(&site, "smartx"), changes(&site, "root")), (1, 2));

    let (mut again, _) = connect(&site).await.unwrap();
    assert!(!again.authenticate_password("smartx", "Old-Smartx1").await.unwrap().success());
    assert!(again.authenticate_password("smartx", "New-Smartx1").await.unwrap().success());
    site.with(|state, _| {
        assert_eq!(state.ledger.ssh_connections[&HOST].count, 2);
        let chpasswd = &state.requests[0];
        assert_eq!(
            (chpasswd.operation.as_str(), chpasswd.changing, chpasswd.effective),
            ("ssh.chpasswd", true, true)
        );
        assert_eq!(chpasswd.body, serde_json::json!({ "accounts": ["smartx", "root"] }));
    });
}

#[tokio::test]
async fn a_command_outside_the_contract_is_refused_and_counted_as_a_breach() {
    let site = site("");
    let open = smartx(&site).await;
    assert_eq!(run(&open, "id -un", "").await, (Some(0), "smartx\n".into(), String::new()));
    assert_eq!(run(&open, "sudo -n id -un", "").await.1, "root\n");
    assert_eq!(run(&open, "rm -rf /", "").await.0, Some(127));
    assert_eq!(run(&open, "/usr/sbin/chpasswd", "root:x\n").await.0, Some(1), "smartx is not root");
    assert_eq!((site.with(|state, _| state.ledger.breaches.len()), changes(&site, "root")), (1, 0));
    assert!(open.channel_open_session().await.unwrap().request_shell(true).await.is_ok());
    while site.with(|state, _| state.ledger.breaches.len()) < 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn sudo_that_asks_takes_the_password_line_and_leaves_the_rest_to_the_command() {
    let site = site("[site.ssh]\nsudo_asks = true\n");
    let open = smartx(&site).await;
    let (status, _, words) = run(&open, "sudo -n chpasswd", "root:New-Root1\n").await;
    assert_eq!((status, words.trim()), (Some(1), "sudo: a password is required"));
    let (status, _, words) = run(&open, "LC_ALL=C sudo -k -S -p '' true", "wrong\n").await;
    assert!(status == Some(1) && words.contains("1 incorrect password attempt"), "{words}");
    let line = "LC_ALL=C sudo -k -S -p '' /usr/sbin/chpasswd";
    assert_eq!(run(&open, line, "Old-Smartx1\nroot:New-Root1\n").await.0, Some(0));
    assert_eq!(changes(&site, "root"), 1);
}

#[tokio::test]
async fn a_server_offers_the_login_method_of_its_quirk_only() {
    let keyboard = site("[site.ssh]\nlogin = 'keyboard-interactive'\n");
    let (mut handle, _) = connect(&keyboard).await.unwrap();
    assert!(!handle.authenticate_password("smartx", "Old-Smartx1").await.unwrap().success());
    let asked = handle.authenticate_keyboard_interactive_start("smartx", None).await.unwrap();
    assert!(matches!(asked, KeyboardInteractiveAuthResponse::InfoRequest { .. }));
    let answer = handle.authenticate_keyboard_interactive_respond(vec!["Old-Smartx1".into()]).await.unwrap();
    assert!(matches!(answer, KeyboardInteractiveAuthResponse::Success));

    let keys = site("[site.ssh]\nlogin = 'public-key'\n");
    let (mut handle, _) = connect(&keys).await.unwrap();
    let AuthResult::Failure { remaining_methods, .. } = handle.authenticate_none("smartx").await.unwrap()
    else {
        panic!("let in without a password")
    };
    assert_eq!(*remaining_methods, [MethodKind::PublicKey]);
}

#[tokio::test]
async fn a_host_keeps_its_key_until_the_quirk_says_otherwise() {
    let site = site("");
    let first = connect(&site).await.unwrap().1;
    assert_eq!(connect(&site).await.unwrap().1, first);
    site.with(|state, _| state.quirks.ssh.host_key_edition = 1);
    assert_ne!(connect(&site).await.unwrap().1, first);
}

#[tokio::test]
async fn dropped_connections_never_show_a_greeting() {
    let site = site("[[fault]]\noperation = 'ssh.connect'\ncount = 2\naction = 'reset-before'\n");
    assert!(connect(&site).await.is_err());
    assert!(connect(&site).await.is_err());
    assert!(connect(&site).await.is_ok());
    assert_eq!(site.with(|state, _| state.ledger.ssh_connections[&HOST].count), 1);
}

#[tokio::test]
async fn a_lost_answer_has_its_effect_and_no_status() {
    let site = site("[[fault]]\noperation = 'ssh.chpasswd'\naction = 'drop-answer'\n");
    let open = smartx(&site).await;
    assert_eq!(run(&open, "sudo -n chpasswd", "root:New-Root1\n").await.0, None);
    assert_eq!(changes(&site, "root"), 1);
    assert_eq!(run(&open, "true", "").await.0, Some(0), "the connection itself stands");
}

#[tokio::test]
async fn a_command_can_be_held_before_its_effect_and_dropped() {
    let site = site("[[fault]]\noperation = 'ssh.chpasswd'\naction = { hold = 'before-effect' }\n");
    let open = smartx(&site).await;
    let command = run(&open, "sudo -n chpasswd", "root:New-Root1\n");
    let release = async {
        while site.holds.list().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(site.holds.list()[0].point, HoldPoint::BeforeEffect);
        site.holds.release(None, Release::Drop)
    };
    let ((status, _, _), released) = tokio::join!(command, release);
    assert_eq!((status, released, changes(&site, "root")), (None, 1, 0));
}

#[tokio::test]
async fn a_flood_comes_whole() {
    let site = site("[site.ssh]\nflood = 5000000\n");
    let open = smartx(&site).await;
    let (status, out, _) = run(&open, "true", "").await;
    assert_eq!((status, out.len()), (Some(0), 5_000_000));
}
