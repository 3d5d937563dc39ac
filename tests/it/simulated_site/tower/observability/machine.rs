//! The VM of the instance over plain SSH: its account, its name servers, its containers.

use std::sync::Arc;

use russh::client;

use super::{
    super::super::guest::{Client, Ran, Session, fed, run},
    instance::{ADDRESS, packaged},
    *,
};

const SERVERS: &str = "nameserver 10.7.3.53\nnameserver 10.7.3.54\n";

impl Raw {
    async fn vm_ssh(&self, user: &str, password: &str) -> Option<Session> {
        let stream = vms::stream_to(self, ADDRESS, 10_022).await.expect("port 10022 is open");
        let mut session = client::connect_stream(Arc::default(), stream, Client).await.unwrap();
        let accepted = session.authenticate_password(user, password).await.unwrap().success();
        accepted.then_some(session)
    }
}

async fn as_root(session: &Session, line: &str) -> Ran {
    fed(session, &format!("LC_ALL=C sudo -k -S -p '' sh -c '{line}'"), "HC!r0cks\n").await
}

#[test]
fn its_ssh_listens_on_a_port_of_its_own_to_the_account_of_the_image() {
    // A refused password is answered late, by the clock of the site.
    on_site(&packaged(""), async |raw| {
        raw.running_instance().await;
        assert!(vms::stream_to(raw, ADDRESS, 22).await.is_none());
        for (user, password) in [("root", "HC!r0cks"), ("cloudtower", "HC!r0cks"), ("o11y", "HC!rocks")] {
            assert!(raw.vm_ssh(user, password).await.is_none(), "{user}");
        }
        let session = raw.vm_ssh("o11y", "HC!r0cks").await.unwrap();
        assert_eq!(run(&session, "id -un").await, (Some(0), "o11y\n".to_owned(), String::new()));
        assert_eq!(as_root(&session, "id -un").await.1, "root\n");
        let (status, _, words) = run(&session, "sudo -n true").await;
        assert!(status == Some(1) && words.contains("password is required"), "{words}");
    });
    let other = packaged("ssh_user = 'admin'\nssh_password = 'Other-1'\nsudo_free = true\n");
    on_site(&other, async |raw| {
        raw.running_instance().await;
        assert!(raw.vm_ssh("o11y", "HC!r0cks").await.is_none());
        let session = raw.vm_ssh("admin", "Other-1").await.unwrap();
        assert_eq!(run(&session, "sudo -n true").await.0, Some(0));
    });
}

#[test]
fn its_name_servers_are_written_in_a_root_shell() {
    on_tower(&packaged(""), async |raw| {
        raw.running_instance().await;
        let session = raw.vm_ssh("o11y", "HC!r0cks").await.unwrap();
        let before = run(&session, "cat /etc/resolv.conf").await.1;
        assert!(!before.contains("nameserver"), "{before}");
        // The redirection of the peer runs as the account, outside of sudo.
        let outside =
            fed(&session, "sudo -S echo nameserver 10.7.3.53 > /etc/resolv.conf", "HC!r0cks\n").await;
        assert_eq!(outside.0, Some(1), "{outside:?}");
        assert_eq!(raw.site.ledger().observability_resolv_conf_writes.count, 0);
        let line = r#"printf "nameserver %s\n" 10.7.3.53 10.7.3.54 > /etc/resolv.conf"#;
        assert_eq!(as_root(&session, line).await.0, Some(0));
        assert_eq!(run(&session, "cat /etc/resolv.conf").await.1, SERVERS);
        let fed =
            fed(&session, "sudo -k -S -p '' tee /etc/resolv.conf", &format!("HC!r0cks\n{SERVERS}")).await;
        assert_eq!((fed.0, fed.1.as_str()), (Some(0), SERVERS));
        let ledger = raw.site.ledger();
        assert_eq!((ledger.observability_resolv_conf_writes.count, ledger.resolv_conf_writes.count), (2, 0));
        assert_eq!((ledger.changes["ssh.resolv_conf"].count, ledger.breaches.len()), (2, 0));
        let end = raw.site.site_state()["cloudtower"]["observability"]["instances"][0].clone();
        assert_eq!(end["nameservers"], json!(["10.7.3.53", "10.7.3.54"]));
    });
}

#[test]
fn a_restart_of_its_launchers_makes_it_unwell_for_a_while() {
    on_tower(&packaged("launchers = 1\n"), async |raw| {
        raw.running_instance().await;
        let session = raw.vm_ssh("o11y", "HC!r0cks").await.unwrap();
        let list = r#"nerdctl ps --format "{{.ID}} {{.Names}}""#;
        assert_eq!(run(&session, list).await.0, Some(1), "not as the account");
        let (status, listed, _) = as_root(&session, list).await;
        assert_eq!(status, Some(0));
        let launchers: Vec<&str> = listed.lines().filter(|line| line.contains("launcher")).collect();
        let [launcher] = launchers.as_slice() else { panic!("{listed}") };
        let id = launcher.split(' ').next().unwrap();
        let other =
            listed.lines().find(|line| !line.contains("launcher")).unwrap().split(' ').next().unwrap();
        let health = async |raw: &Raw| {
            raw.observability().await["bundleApplicationInstances"][0]["health_status"].clone()
        };
        assert_eq!(as_root(&session, &format!("nerdctl restart {other}")).await.0, Some(0));
        assert_eq!(health(raw).await, "NORMAL");
        assert_eq!(as_root(&session, &format!("nerdctl restart {id}")).await.1, format!("{id}\n"));
        assert_ne!(health(raw).await, "NORMAL");
        assert_eq!(as_root(&session, "nerdctl restart nothing").await.0, Some(1));
        raw.pass(91).await;
        assert_eq!(health(raw).await, "NORMAL");
        let ledger = raw.site.ledger();
        assert_eq!((ledger.launcher_restarts.count, ledger.changes["ssh.restart"].count), (1, 2));
        let requests = raw.site.requests();
        assert!(requests.iter().any(|one| one.operation == "ssh.restart" && one.changing && one.effective));
        assert_eq!(ledger.breaches.len(), 0, "{:?}", ledger.breaches);
        assert_eq!(as_root(&session, "nerdctl rm nothing").await.0, Some(1));
        assert_eq!(raw.site.ledger().breaches.len(), 1);
    });
}
