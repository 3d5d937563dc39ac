//! The SSH client against a real OpenSSH server on loopback, with throw-away accounts and host keys.
//!
//! By hand, as root on a throw-away machine: `cargo test --test it openssh -- --ignored`.

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
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

const LIMIT: Duration = Duration::from_secs(20);

/// An account of this machine, removed at the end.
struct Account(String);

impl Account {
    fn new(name: &str, password: &str) -> Self {
        let name = format!("{name}{}", std::process::id());
        let made =
            Command::new("useradd").args(["-M", "-s", "/bin/bash", "-d", "/", &name]).status().unwrap();
        assert!(made.success(), "useradd {name}");
        let account = Self(name);
        let mut chpasswd = Command::new("chpasswd").stdin(Stdio::piped()).spawn().unwrap();
        writeln!(chpasswd.stdin.take().unwrap(), "{}:{password}", account.0).unwrap();
        assert!(chpasswd.wait().unwrap().success());
        account
    }

    fn may_sudo(&self, rule: &str) {
        fs::write(self.rule(), format!("{} ALL=(ALL) {rule}\n", self.0)).unwrap();
    }

    fn rule(&self) -> String {
        format!("/etc/sudoers.d/{}", self.0)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.rule());
        let _ = Command::new("userdel").args(["-f", &self.0]).stderr(Stdio::null()).status();
    }
}

/// A server with one host key of `kind`; it stops when dropped.
struct Sshd {
    process: Child,
    endpoint: Endpoint,
}

impl Sshd {
    fn start(folder: &Path, kind: &str, more: &str) -> Self {
        fs::create_dir_all("/run/sshd").unwrap();
        let key = folder.join(kind);
        let made = Command::new("ssh-keygen").args(["-q", "-N", "", "-t", kind, "-f"]).arg(&key).status();
        assert!(made.unwrap().success());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.join("config");
        let key = key.display();
        fs::write(
            &config,
            format!("ListenAddress 127.0.0.1:{port}\nHostKey {key}\nPidFile none\nUsePAM yes\n{more}"),
        )
        .unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let process =
            Command::new("/usr/sbin/sshd").args(["-D", "-e", "-f"]).arg(&config).stderr(log).spawn().unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        Self { process, endpoint: Endpoint::new(Ipv4Addr::LOCALHOST, port) }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn client(sshd: &Sshd) -> (Ssh, Memory) {
    let memory = Memory::default();
    let trust = TrustStore::open(Mode::Tofu, [], InMemory).unwrap();
    let wire = Wire::new(memory.clone(), Redactor::new());
    (Ssh::new(SshReader::new(Dialler::direct(Limits::default()), sshd.endpoint, trust, wire)), memory)
}

fn command(line: &str) -> ssh::Command<'_> {
    ssh::Command::new("ssh.test", line, Class::Read, LIMIT)
}

#[tokio::test]
#[ignore = "needs root, sshd and sudo, and makes accounts"]
async fn openssh_host_passwords_are_set_with_and_without_a_sudo_prompt() {
    for (kind, rule) in
        [("ed25519", "NOPASSWD: ALL"), ("rsa", "ALL"), ("ecdsa", "PASSWD: ALL, NOPASSWD: /usr/bin/true")]
    {
        let folder = tempfile::tempdir().unwrap();
        let sshd = Sshd::start(folder.path(), kind, "PasswordAuthentication yes\n");
        let [old, new, other]: [Secret<String>; 3] =
            ["Old-9-canary", "New-9-canary", "Other-9-canary"].map(Secret::from);
        let (smartx, root) = (
            Account::new(&format!("s{kind}"), old.expose()),
            Account::new(&format!("r{kind}"), old.expose()),
        );
        smartx.may_sudo(rule);
        let (ssh, memory) = client(&sshd);

        let (session, which) = ssh.open(&smartx.0, &[&new, &old]).await.unwrap();
        assert_eq!(which, 1);
        session.set_passwords(&[(&root.0, &other), (&smartx.0, &new)], LIMIT).await.unwrap();
        // The new password is the one that sudo wants from now on.
        session.set_passwords(&[(&root.0, &new)], LIMIT).await.unwrap();
        assert_eq!(ssh.reader().accepted(&smartx.0, &[&old]).await.unwrap(), None);
        assert_eq!(ssh.reader().accepted(&smartx.0, &[&old, &new]).await.unwrap(), Some(1));
        assert_eq!(ssh.reader().accepted(&root.0, &[&new]).await.unwrap(), Some(0));
        smartx.may_sudo("NOPASSWD: /usr/bin/true");
        let refused = session.set_passwords(&[(&root.0, &other)], LIMIT).await.unwrap_err();
        assert_eq!((refused.kind, refused.effect), (Kind::Site, Effect::None), "{refused:?}");
        let shown = serde_json::to_string(&memory.records()).unwrap();
        assert!(shown.contains("chpasswd") && !shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
#[ignore = "needs root, sshd and sudo, and makes accounts"]
async fn openssh_with_keyboard_interactive_only_and_one_try_per_connection_lets_the_second_password_in() {
    let folder = tempfile::tempdir().unwrap();
    let more = "PasswordAuthentication no\nKbdInteractiveAuthentication yes\nMaxAuthTries 1\n";
    let sshd = Sshd::start(folder.path(), "ed25519", more);
    let account = Account::new("vki", "Right-1-canary");
    let (ssh, _) = client(&sshd);
    let candidates: [Secret<String>; 2] = ["Wrong-1-canary", "Right-1-canary"].map(Secret::from);
    let accepted = ssh.reader().accepted(&account.0, &candidates.each_ref()).await.unwrap();
    assert_eq!(accepted, Some(1));
}

#[tokio::test]
#[ignore = "needs root, sshd and sudo, and makes accounts"]
async fn openssh_commands_end_honestly() {
    let folder = tempfile::tempdir().unwrap();
    let sshd = Sshd::start(
        folder.path(),
        "rsa",
        "HostKeyAlgorithms ssh-rsa\nKexAlgorithms diffie-hellman-group14-sha1\nCiphers aes128-cbc\nMACs hmac-sha1\n",
    );
    let account = Account::new("vex", "Right-1-canary");
    let (ssh, _) = client(&sshd);
    let (session, _) = ssh.open(&account.0, &[&"Right-1-canary".into()]).await.unwrap();

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
