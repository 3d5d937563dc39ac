//! The CloudTower guest of the simulated site, over plain SSH: its shell, its installer, its moods.

use std::sync::Arc;

use russh::{
    ChannelMsg,
    client::{self, Handle, Handler},
    keys::PublicKeyOrCertificate,
};
use serde_json::json;

use super::{images::SMALL, vms::ssh_stream, *};

pub struct Client;

impl Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

pub type Session = Handle<Client>;

const LOG: &str = "/home/cloudtower/installer.out";
const MARKER: &str = "Install Operation Center Successfully";
const DEPLOY: &str = "/usr/share/smartx/tower/installer/binary/installer deploy";
const PREINSTALL: &str = "sudo sh /usr/share/smartx/tower/preinstall.sh";

impl Raw {
    async fn ssh(&self) -> Session {
        let mut session = self.try_ssh().await.unwrap();
        assert!(session.authenticate_password("cloudtower", "HC!r0cks").await.unwrap().success());
        session
    }

    async fn try_ssh(&self) -> Result<Session, russh::Error> {
        let stream = ssh_stream(self, TOWER).await.expect("port 22 is open");
        client::connect_stream(Arc::default(), stream, Client).await
    }

    /// A session on a guest that is prepared for the installer.
    async fn prepared(&mut self) -> Session {
        self.guest().await;
        let session = self.ssh().await;
        let preinstall = run(&session, PREINSTALL);
        let (ran, ()) = tokio::join!(preinstall, async {
            while self.site.ledger().preinstalls.count == 0 {
                tokio::task::yield_now().await;
            }
            self.pass(31).await;
        });
        assert_eq!(ran.0, Some(0), "{ran:?}");
        session
    }
}

/// Status, standard output, standard error; no status when the channel just ended.
pub type Ran = (Option<u32>, String, String);

pub async fn fed(session: &Session, line: &str, stdin: &str) -> Ran {
    let mut channel = session.channel_open_session().await.unwrap();
    channel.exec(true, line).await.unwrap();
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

pub async fn run(session: &Session, line: &str) -> Ran {
    fed(session, line, "").await
}

/// The usual start: detached, both streams in the log; the PID that it prints.
async fn start(session: &Session) -> String {
    let line = format!("sudo sh -c 'umask 022; setsid nohup {DEPLOY} </dev/null >{LOG} 2>&1 & echo $!'");
    let (status, pid, _) = run(session, &line).await;
    assert_eq!(status, Some(0));
    pid.trim().to_owned()
}

#[test]
fn only_the_account_of_the_image_gets_in() {
    on_site(SMALL, async |raw| {
        raw.guest().await;
        for (user, password) in [("root", "HC!r0cks"), ("smartx", "HC!r0cks"), ("cloudtower", "HC!rocks")] {
            let mut session = raw.try_ssh().await.unwrap();
            let refused = session.authenticate_password(user, password).await.unwrap();
            assert!(!refused.success(), "{user}");
        }
        let session = raw.ssh().await;
        let (status, name, noise) = run(&session, "id -un").await;
        assert_eq!((status, name.as_str()), (Some(0), "cloudtower\n"));
        assert!(noise.contains("bc: command not found"), "{noise}");
    });
}

#[test]
fn resolv_conf_is_written_by_root_only_and_read_by_all() {
    on_site(&format!("{SMALL}[variants]\nresolv_conf = 'missing'\n"), async |raw| {
        raw.guest().await;
        let session = raw.ssh().await;
        let (status, _, words) = run(&session, "cat /etc/resolv.conf").await;
        assert!(status == Some(1) && words.contains("No such file"), "{words}");
        let servers = "nameserver 10.7.3.53\n";
        assert_eq!(fed(&session, "tee /etc/resolv.conf", servers).await.0, Some(1), "not as cloudtower");
        assert_eq!(raw.site.ledger().resolv_conf_writes.count, 0);
        assert_eq!(fed(&session, "LC_ALL=C sudo -n tee /etc/resolv.conf", servers).await.0, Some(0));
        assert_eq!(run(&session, "cat /etc/resolv.conf").await.1, servers);
        let line =
            "sudo sh -c 'echo nameserver 10.7.3.54 >> /etc/resolv.conf && cat /etc/resolv.conf | wc -c'";
        assert_eq!(run(&session, line).await.1, "42\n");
        assert_eq!(raw.site.site_state()["guest"]["nameservers"], json!(["10.7.3.53", "10.7.3.54"]));
        let ledger = raw.site.ledger();
        assert_eq!((ledger.resolv_conf_writes.count, ledger.changes["ssh.resolv_conf"].count), (2, 2));
        assert!(ledger.breaches.is_empty(), "{:?}", ledger.breaches);
    });
}

#[test]
fn a_detached_installer_outlives_its_session_writes_its_log_late_and_ends_with_the_marker() {
    on_site(&format!("{SMALL}installer_log = 60\n"), async |raw| {
        let session = raw.prepared().await;
        let pid = start(&session).await;
        let pgrep = "pgrep -f '[i]nstaller deploy'";
        assert_eq!(run(&session, pgrep).await.1.trim(), pid);
        assert_eq!(run(&session, &format!("cat {LOG}")).await.1, "", "nothing in the first seconds");
        drop(session);

        raw.pass(300).await;
        let session = raw.ssh().await;
        let early = run(&session, &format!("cat {LOG}")).await.1;
        assert!(early.lines().count() > 10 && !early.contains(MARKER));
        let grep = format!("grep -c -F '{MARKER}' {LOG}");
        assert_eq!(run(&session, &grep).await.0, Some(1));
        let web = |raw: &Raw| raw.client.get(format!("https://{TOWER}/v2/api/get-version")).send();
        assert!(web(raw).await.is_err(), "the web ports are still closed");
        raw.pass(300).await;
        let early_status = web(raw).await.unwrap().status().as_u16();
        assert!([404, 502, 503].contains(&early_status), "nobody is behind nginx: {early_status}");

        raw.pass(700).await;
        assert_eq!(web(raw).await.unwrap().status().as_u16(), 200);
        let rest = format!("tail -c +{} {LOG} | head -c 262144", early.len() + 1);
        let rest = run(&session, &rest).await.1;
        assert_eq!(early + &rest, run(&session, &format!("cat {LOG}")).await.1, "no byte twice, none lost");
        assert!(rest.lines().last().unwrap().contains(MARKER));
        assert_eq!(run(&session, &grep).await.1, "1\n");
        assert!(run(&session, &format!("tail -n 3 {LOG}")).await.1.lines().count() == 3);
        assert_eq!(run(&session, pgrep).await, (Some(1), String::new(), NOISE.into()));
        let ledger = raw.site.ledger();
        assert_eq!((ledger.preinstalls.count, ledger.installer_starts.count), (1, 1));
        assert!(ledger.breaches.is_empty(), "{:?}", ledger.breaches);
        let guest = &raw.site.site_state()["guest"];
        assert_eq!((&guest["preinstalled"], &guest["installed"]), (&json!(true), &json!(true)));
    });
}

const NOISE: &str = "/etc/profile.d/system-info.sh: line 34: bc: command not found\n";

#[test]
fn an_installer_that_is_not_detached_dies_with_its_session() {
    for line in [
        format!("sudo {DEPLOY} > {LOG} 2>&1"),
        format!("sudo sh -c 'setsid nohup {DEPLOY} < /dev/null &'"),
        format!("sudo sh -c '{DEPLOY} > {LOG} 2>&1 & echo $!'"),
    ] {
        on_site(SMALL, async |raw| {
            let session = raw.prepared().await;
            let channel = session.channel_open_session().await.unwrap();
            channel.exec(true, line.as_str()).await.unwrap();
            while raw.site.ledger().installer_starts.count == 0 {
                tokio::task::yield_now().await;
            }
            drop((channel, session));
            let session = raw.ssh().await;
            // The server notices the end of the connection in its own time.
            while run(&session, "pgrep -f '[i]nstaller deploy'").await.0 == Some(0) {}
            raw.pass(2000).await;
            assert_ne!(run(&session, &format!("grep -q -F '{MARKER}' {LOG}")).await.0, Some(0), "{line}");
            assert_eq!(raw.site.site_state()["guest"]["installed"], false, "{line}");
        });
    }
}

#[test]
fn an_installer_in_the_foreground_holds_its_channel_until_it_ends() {
    on_site(SMALL, async |raw| {
        let session = raw.prepared().await;
        let line = format!("sudo {DEPLOY} 2>&1");
        let ((status, out, _), ()) = tokio::join!(run(&session, &line), async {
            while raw.site.ledger().installer_starts.count == 0 {
                tokio::task::yield_now().await;
            }
            raw.pass(1200).await;
        });
        assert!(status == Some(0) && out.contains(MARKER), "{status:?} {out}");
    });
}

#[test]
fn the_installer_needs_root_and_preinstall_and_runs_once_at_a_time() {
    on_site(SMALL, async |raw| {
        raw.guest().await;
        let session = raw.ssh().await;
        assert_eq!(run(&session, DEPLOY).await.0, Some(1), "not root");
        assert_eq!(run(&session, &format!("sudo {DEPLOY}")).await.0, Some(1), "not prepared");
        assert_eq!(raw.site.ledger().installer_starts.count, 0);
    });
    on_site(SMALL, async |raw| {
        let session = raw.prepared().await;
        start(&session).await;
        let (status, words, _) = run(&session, &format!("sudo {DEPLOY}")).await;
        assert!(status == Some(1) && words.contains("another installation"), "{words}");
        assert_eq!(raw.site.ledger().installer_starts.count, 1);
    });
}

#[test]
fn a_second_start_may_damage_the_log_of_the_first() {
    on_site(&format!("{SMALL}[variants]\nsecond_installer = 'damages-log'\n"), async |raw| {
        let session = raw.prepared().await;
        let first = start(&session).await;
        raw.pass(300).await;
        assert_ne!(start(&session).await, first);
        assert_eq!(run(&session, "pgrep -f '[i]nstaller deploy'").await.1.trim(), first);
        raw.pass(1000).await;
        let log = run(&session, &format!("cat {LOG}")).await.1;
        assert_eq!(log, "installer: another installation is running\n");
        assert_eq!(raw.site.site_state()["guest"]["installed"], true, "the first went on");
        assert_eq!(raw.site.ledger().installer_starts.count, 1);
    });
}

#[test]
fn an_installer_can_die_hang_or_never_say_a_word() {
    for (fate, alive, lines) in [("dies", false, 100..200), ("hangs", true, 100..200), ("silent", true, 0..1)]
    {
        on_site(SMALL, async |raw| {
            raw.faults(&format!(
                "[[fault]]\noperation = 'ssh.installer'\naction = {{ installer = '{fate}' }}\n"
            ));
            let session = raw.prepared().await;
            start(&session).await;
            raw.pass(5000).await;
            let log = run(&session, &format!("cat {LOG}")).await.1;
            let count = log.lines().count();
            assert!(lines.contains(&count) && !log.contains(MARKER), "{fate}: {count} lines");
            let running = run(&session, "pgrep -f '[i]nstaller deploy'").await.0 == Some(0);
            assert_eq!(running, alive, "{fate}");
        });
    }
}

#[test]
fn a_guest_may_be_installed_already_and_asks_for_passwords_and_drops_connections() {
    let moods = "[site.ssh]\nsudo_asks = true\n\
                 [site.guest]\ninstalled = true\ndropped_connections = 2\nconnection_seconds = 600.0\n";
    on_site(&format!("{SMALL}{moods}"), async |raw| {
        raw.guest().await;
        assert!(raw.try_ssh().await.is_err() && raw.try_ssh().await.is_err());
        let session = raw.ssh().await;
        assert_eq!(run(&session, &format!("grep -c -F '{MARKER}' {LOG}")).await.1, "1\n");
        let (status, _, words) = run(&session, "sudo -n tee /etc/resolv.conf").await;
        assert!(status == Some(1) && words.contains("a password is required"), "{words}");
        let line = "LC_ALL=C sudo -k -S -p '' tee /etc/resolv.conf";
        assert_eq!(fed(&session, line, "HC!r0cks\nnameserver 10.7.3.53\n").await.1, "nameserver 10.7.3.53\n");
        raw.pass(600).await;
        while !session.is_closed() {
            tokio::task::yield_now().await;
        }
        assert_eq!(raw.site.ledger().ssh_connections[&TOWER.parse().unwrap()].count, 1);
    });
}

#[test]
fn what_the_guest_does_not_know_is_a_breach() {
    on_site(SMALL, async |raw| {
        raw.guest().await;
        let session = raw.ssh().await;
        assert_eq!(run(&session, "rm -rf /").await.0, Some(127));
        assert_eq!(run(&session, "echo $(id)").await.0, Some(2));
        assert_eq!(raw.site.ledger().breaches.len(), 2);
    });
}

#[test]
fn a_guest_goes_on_from_a_snapshot_with_its_installer_running() {
    on_site(SMALL, async |raw| {
        let session = raw.prepared().await;
        start(&session).await;
        raw.pass(600).await;
        let log = run(&session, &format!("cat {LOG}")).await.1;
        let folder = tempfile::tempdir().unwrap();
        let snapshot = folder.path().join("site.json");
        raw.site.save(&snapshot).unwrap();
        let text = std::fs::read_to_string(&snapshot).unwrap();
        let after = Raw::reach(sim::start(Start::Snapshot(text), SimOptions::default()).await.unwrap());
        let session = after.ssh().await;
        assert!(run(&session, &format!("cat {LOG}")).await.1.starts_with(&log));
        after.pass(700).await;
        assert_eq!(run(&session, &format!("grep -c -F '{MARKER}' {LOG}")).await.1, "1\n");
    });
}
