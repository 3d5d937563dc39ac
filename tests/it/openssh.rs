//! SSH against a real OpenSSH server (`support::sshd`): the client alone, and the steps of the runbook that use it.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddrV4},
    time::Duration,
};

use voyager::{
    clients::{
        dial::{Dialler, Endpoint},
        limits::Limits,
        redact::Redactor,
        ssh::{self, Ssh, SshReader},
        trust::{InMemory, Mode, TrustStore},
        wire::{Class, Memory, Wire},
    },
    failure::{Effect, Kind},
    secret::Secret,
};

use crate::support::{
    detour::Detour,
    site::{SimulatedSite, Snapshot, until},
    sshd::{Machine, Sshd},
};

const LIMIT: Duration = Duration::from_secs(20);

fn client(sshd: &Sshd) -> (Ssh, Memory) {
    let memory = Memory::default();
    let trust = TrustStore::open(Mode::Tofu, [], InMemory).unwrap();
    let wire = Wire::new(memory.clone(), Redactor::new());
    let endpoint = Endpoint::new(sshd.endpoint.ip(), sshd.endpoint.port());
    (Ssh::new(SshReader::new(Dialler::direct(Limits::default()), endpoint, trust, wire)), memory)
}

fn command(line: &str) -> ssh::Command<'_> {
    ssh::Command::new("ssh.test", line, Class::Read, LIMIT)
}

#[tokio::test]
async fn host_passwords_are_set_with_and_without_a_sudo_prompt() {
    for (kind, rule) in
        [("ed25519", "NOPASSWD: ALL"), ("rsa", "ALL"), ("ecdsa", "PASSWD: ALL, NOPASSWD: /usr/bin/true")]
    {
        let [old, new, other]: [Secret<String>; 3] =
            ["Old-9-canary", "New-9-canary", "Other-9-canary"].map(Secret::from);
        let machine = Machine::new().key(kind).account("smartx", old.expose(), rule);
        let Some(sshd) = machine.account("admin1", old.expose(), "").start() else { return };
        let (ssh, memory) = client(&sshd);

        let (session, which) = ssh.open("smartx", &[&new, &old]).await.unwrap();
        assert_eq!(which, 1);
        session.set_passwords(&[("admin1", &other), ("smartx", &new)], LIMIT).await.unwrap();
        // The new password is the one that sudo wants from now on.
        session.set_passwords(&[("admin1", &new)], LIMIT).await.unwrap();
        assert_eq!(ssh.reader().accepted("smartx", &[&old]).await.unwrap(), None);
        assert_eq!(ssh.reader().accepted("smartx", &[&old, &new]).await.unwrap(), Some(1));
        assert_eq!(ssh.reader().accepted("admin1", &[&new]).await.unwrap(), Some(0));
        sshd.allow("smartx", "NOPASSWD: /usr/bin/true");
        let refused = session.set_passwords(&[("admin1", &other)], LIMIT).await.unwrap_err();
        assert_eq!((refused.kind, refused.effect), (Kind::Site, Effect::None), "{refused:?}");
        let shown = serde_json::to_string(&memory.records()).unwrap();
        assert!(shown.contains("chpasswd") && !shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn with_keyboard_interactive_only_and_one_try_per_connection_the_second_password_gets_in() {
    let more = "PasswordAuthentication no\nKbdInteractiveAuthentication yes\nMaxAuthTries 1";
    let Some(sshd) = Machine::new().config(more).account("asked", "Right-1-canary", "").start() else {
        return;
    };
    let (ssh, _) = client(&sshd);
    let candidates: [Secret<String>; 2] = ["Wrong-1-canary", "Right-1-canary"].map(Secret::from);
    assert_eq!(ssh.reader().accepted("asked", &candidates.each_ref()).await.unwrap(), Some(1));
}

#[tokio::test]
async fn commands_end_honestly_on_a_server_of_old_algorithms() {
    let more = "HostKeyAlgorithms ssh-rsa\nKexAlgorithms diffie-hellman-group14-sha1\nCiphers aes128-cbc\nMACs hmac-sha1";
    let machine = Machine::new().key("rsa").config(more).account("plain", "Right-1-canary", "");
    let Some(sshd) = machine.start() else { return };
    let (ssh, _) = client(&sshd);
    let (session, _) = ssh.open("plain", &[&"Right-1-canary".into()]).await.unwrap();

    let output = session.run(&command("echo out; echo err >&2; exit 3")).await.unwrap();
    assert_eq!((output.end, output.stdout.text.as_str()), (ssh::End::Status(3), "out\n"));
    assert_eq!(output.stderr.text, "err\n");
    assert_eq!(session.run(&command("kill -9 $$")).await.unwrap().end, ssh::End::Signal("KILL".into()));
    let flood = session.run(&command("head -c 30000000 /dev/zero")).await.unwrap();
    assert_eq!((flood.stdout.text.len(), flood.stdout.omitted), (ssh::KEPT, 30_000_000 - ssh::KEPT as u64));
    // More at once than stock OpenSSH serves on one connection: the surplus waits for its turn.
    let line = command("read x; echo $x");
    let many = (0..24).map(|n| {
        let (session, fed) = (&session, line.clone().fed(format!("{n}\n").into_bytes()));
        async move { session.run(&fed).await }
    });
    for (n, output) in futures_util::future::join_all(many).await.into_iter().enumerate() {
        assert_eq!(output.unwrap().stdout.text, format!("{n}\n"));
    }
    let slow = ssh::Command { limit: Duration::from_millis(300), ..command("sleep 60") };
    let failure = session.run(&slow).await.unwrap_err();
    assert_eq!((failure.kind, failure.effect), (Kind::TimedOut, Effect::Unknown));
    let failure = session.run(&command("kill -9 $PPID; sleep 60")).await.unwrap_err();
    assert_eq!((failure.kind, failure.effect), (Kind::Site, Effect::Unknown), "{failure:?}");
}

#[test]
fn the_step_that_sets_host_passwords_passes_against_real_servers() {
    // Before the step has seen any server of the simulated hosts: the key it sees first is the one it keeps.
    let site = SimulatedSite::example().start();
    site.run().args(["--crash-at", "config-cluster.write-back:before-intent"]).run();
    let hosts = ["10.40.8.11", "10.40.8.12", "10.40.8.13"].map(planned_ssh);
    let machine = || {
        let deployed = "P@ssw0rd!123";
        let machine =
            Machine::new().config("PermitRootLogin yes").account("smartx", deployed, "NOPASSWD: ALL");
        machine.account("root", deployed, "").start()
    };
    let Some(servers) = hosts.iter().map(|_| machine()).collect::<Option<Vec<_>>>() else { return };
    let elsewhere = hosts.into_iter().zip(servers.iter().map(|server| server.endpoint)).collect();
    let site = slowly(&site.snapshot());
    let detour = Detour::before(&site.running().proxy_url(), elsewhere);
    let run = || site.run_through(detour.url()).args(["--to", "03"]).run().exits_with(0);
    run().says("changed     Host passwords");
    // The site as it is now says so too: each planned password lets its account in.
    run().says("as planned  Host passwords");
}

/// Refuses what the real one refuses, and ends every session of the account in the middle of its work.
const INSTALLER: &str = r#"#!/bin/sh
if [ "$1" != deploy ] || [ "$(id -u)" != 0 ] || [ ! -e /home/cloudtower/prepared ]; then echo refused; exit 1; fi
echo "$$" >> /home/cloudtower/starts
for step in 1 2 3 4 5 6 7 8 9 10 11 12; do
    echo "step $step of 12"
    [ "$step" != 6 ] || pkill -f 'sshd.*: cloudtower' || true
    sleep 0.2
done
echo 'Install Operation Center Successfully'
touch /home/cloudtower/installed
"#;

#[test]
fn the_steps_inside_cloudtower_s_vm_pass_against_a_real_server_with_and_without_a_sudo_prompt() {
    let site = SimulatedSite::example().start();
    site.run().args(["--crash-at", "deploy-cloudtower.guest-network:before-intent"]).run();
    let before = site.snapshot();
    for rule in ["NOPASSWD: ALL", "ALL"] {
        let machine = Machine::new()
            .account("cloudtower", "HC!r0cks", rule)
            .program(
                "/usr/share/smartx/tower/preinstall.sh",
                "#!/bin/sh\necho preparing\ntouch /home/cloudtower/prepared\n",
            )
            .program("/usr/share/smartx/tower/installer/binary/installer", INSTALLER);
        let Some(sshd) = machine.start() else { return };
        let site = slowly(&before);
        let elsewhere = BTreeMap::from([(planned_ssh("10.40.8.20"), sshd.endpoint)]);
        let detour = Detour::before(&site.running().proxy_url(), elsewhere);
        let log = site.folder.path().join("run.log");
        let mut tool = site.run_through(detour.url()).args(["--to", "04"]).start(&log);
        let told = || fs::read_to_string(&log).unwrap_or_default();
        until("the installer has done its work", || {
            let ended = tool.try_wait().expect("its state");
            assert!(ended.is_none(), "{}", told());
            sshd.file("/home/cloudtower/installed").exists()
        });
        // From here on CloudTower itself answers, and that is the simulated site's part.
        site.running().site().with(|state, _| state.quirks.tower.installed = true);
        let status = tool.wait().expect("it ends");
        assert!(status.success(), "{}", told());
        let starts = fs::read_to_string(sshd.file("/home/cloudtower/starts")).expect("it was started");
        assert_eq!(starts.lines().count(), 1, "{rule}");
        let servers = fs::read_to_string(sshd.file("/etc/resolv.conf")).expect("the file was made");
        assert_eq!(servers, "nameserver 10.40.1.53\nnameserver 10.40.1.54\n");
        assert!(told().contains("Install Operation Center Successfully"), "{}", told());
    }
}

/// A site on which limits in site time leave a real server the time that it needs.
fn slowly(snapshot: &Snapshot) -> SimulatedSite {
    SimulatedSite::restored_at(snapshot, 25.0, &[])
}

fn planned_ssh(address: &str) -> SocketAddrV4 {
    SocketAddrV4::new(address.parse::<Ipv4Addr>().expect("an address"), 22)
}
