//! A real OpenSSH server on a loopback port, in namespaces of its own: its accounts, its files and its processes are
//! nobody else's, and all of them are gone when it is dropped.

use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{site::until, tool::left_out};

/// What a machine is made of; accounts have a home, a password and what `sudo` allows them.
#[derive(Default)]
pub struct Machine {
    accounts: Vec<(String, String, String)>,
    files: Vec<(String, String)>,
    config: String,
    key: Option<&'static str>,
}

/// A machine in operation.
pub struct Sshd {
    process: Child,
    pub endpoint: SocketAddr,
    root: TempDir,
}

/// Private copies of what the server and its guests write to, a server that forks its sessions, and no trace of
/// either outside: the process namespace dies with its first process.
const START: &str = r#"
set -e
root=$0
cp -a /etc "$root/etc"
mkdir "$root/home" "$root/share" "$root/log"
for part in etc home; do mount --bind "$root/$part" "/$part"; done
mount --bind "$root/share" /usr/share
mount --bind "$root/log" /var/log
mount -t tmpfs none /run
mkdir -p /run/sshd
chmod 755 "$root"
umount /etc/resolv.conf 2>/dev/null || true
rm -f /etc/resolv.conf /etc/nologin
sh "$root/prepare"
/usr/sbin/sshd -D -e -f "$root/config" 2> "$root/server.log"
"#;

const NAMESPACES: [&str; 6] =
    ["--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc"];

impl Machine {
    pub fn new() -> Self {
        Self::default()
    }

    /// `rule` is the end of a line of sudoers: `NOPASSWD: ALL`; empty: none.
    pub fn account(mut self, name: &str, password: &str, rule: &str) -> Self {
        self.accounts.push((name.to_owned(), password.to_owned(), rule.to_owned()));
        self
    }

    /// An executable file; its folders are made.
    pub fn program(mut self, path: &str, script: &str) -> Self {
        self.files.push((path.to_owned(), script.to_owned()));
        self
    }

    /// Lines of `sshd_config`.
    pub fn config(mut self, lines: &str) -> Self {
        self.config.push_str(lines);
        self.config.push('\n');
        self
    }

    /// The kind of its host key: `ed25519`, `rsa`, `ecdsa`.
    pub fn key(mut self, kind: &'static str) -> Self {
        self.key = Some(kind);
        self
    }

    /// Starts it; `None` where this machine has not what it takes, which is said, and is a failure in the gate.
    pub fn start(self) -> Option<Sshd> {
        if let Some(lacking) = lacking() {
            left_out(&lacking);
            return None;
        }
        let root = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        self.write(root.path(), port);
        let mut shell = Command::new("unshare");
        shell.args(NAMESPACES).args(["sh", "-c", START]).arg(root.path());
        let log = fs::File::create(root.path().join("start.log")).expect("a log");
        let process =
            shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("unshare starts");
        let mut sshd = Sshd { process, endpoint: ([127, 0, 0, 1], port).into(), root };
        until("the server listens", || {
            let ended = sshd.process.try_wait().expect("its state");
            assert!(ended.is_none(), "the server did not start: {}", sshd.logs());
            TcpStream::connect(sshd.endpoint).is_ok()
        });
        Some(sshd)
    }

    fn write(&self, root: &Path, port: u16) {
        let kind = self.key.unwrap_or("ed25519");
        let key = root.join("host_key");
        let made = Command::new("ssh-keygen").args(["-q", "-N", "", "-t", kind, "-f"]).arg(&key).status();
        assert!(made.expect("ssh-keygen runs").success());
        let key = key.display();
        let listen = format!("ListenAddress 127.0.0.1:{port}\nHostKey {key}\nPidFile none\nUsePAM yes\n");
        fs::write(root.join("config"), listen + &self.config).expect("the configuration is written");
        let mut script = "set -e\n".to_owned();
        let mut passwords = String::new();
        for (name, password, rule) in &self.accounts {
            if name != "root" {
                script += &format!("useradd -m -s /bin/bash {name}\n");
            }
            passwords += &format!("{name}:{password}\n");
            if !rule.is_empty() {
                script += &format!("echo '{name} ALL=(ALL) {rule}' > /etc/sudoers.d/{name}\n");
            }
        }
        let secrets = root.join("passwords");
        let mut file = fs::File::create(&secrets).expect("a file");
        file.write_all(passwords.as_bytes()).expect("the passwords are written");
        script += &format!("chpasswd < {}\n", secrets.display());
        for (at, (path, content)) in self.files.iter().enumerate() {
            let kept = root.join(format!("file-{at}"));
            fs::write(&kept, content).expect("a file is written");
            script += &format!("install -D -m 755 {} {path}\n", kept.display());
        }
        fs::write(root.join("prepare"), script).expect("the script is written");
    }
}

impl Sshd {
    /// A file of the machine as it is seen from outside: below `/etc`, `/home` or `/usr/share`.
    pub fn file(&self, path: &str) -> PathBuf {
        let path = path.strip_prefix("/usr/").or_else(|| path.strip_prefix('/')).expect("an absolute path");
        self.root.path().join(path)
    }

    /// What `sudo` allows the account from now on.
    pub fn allow(&self, account: &str, rule: &str) {
        let line = format!("{account} ALL=(ALL) {rule}\n");
        fs::write(self.file(&format!("/etc/sudoers.d/{account}")), line).expect("the rule is written");
    }

    fn logs(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.root.path().join(name)).unwrap_or_default();
        format!("{}{}", read("start.log"), read("server.log"))
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // `unshare --kill-child` takes everything in the namespace with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What this machine lacks for it.
fn lacking() -> Option<String> {
    if std::env::var_os("VOYAGER_TEST_FULL").is_none() {
        return Some("permission to start a real sshd (VOYAGER_TEST_FULL=1 gives it)".to_owned());
    }
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() != 0) {
        return Some("root, which a real sshd needs".to_owned());
    }
    let missing = |program: &&&str| !Path::new(program).exists();
    let needed = ["/usr/sbin/sshd", "/usr/bin/ssh-keygen", "/usr/bin/sudo", "/usr/sbin/useradd", "/bin/bash"];
    if let Some(program) = needed.iter().find(missing) {
        return Some((*program).to_owned());
    }
    let tried =
        Command::new("unshare").args(NAMESPACES).args(["mount", "-t", "tmpfs", "none", "/run"]).output();
    match tried {
        Ok(output) if output.status.success() => None,
        _ => Some("mount and process namespaces (unshare)".to_owned()),
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}
