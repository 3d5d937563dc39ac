//! Runs the voyager binary as an operator would: in a folder, with arguments, in a clean environment.

use std::{
    ffi::OsStr,
    fmt::Debug,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

/// What a terminal shows when a call left it in another mode than it found it in.
pub const SPOILT: &str = "terminal-not-restored";

/// One call of the tool, being put together.
#[derive(Debug)]
pub struct Voyager {
    command: Command,
}

/// A finished call.
#[derive(Clone, Debug)]
pub struct Ran {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Voyager {
    /// The tool in `folder`, with no environment but a path and an English locale.
    pub fn within(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_voyager"));
        command.current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "en_US.UTF-8");
        command.env("HOME", folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command }
    }

    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs to the end in a shell that was prepared by `first`: limits, signals.
    pub fn run_after(self, first: &str) -> Ran {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{first}; exec \"$0\" \"$@\"")]);
        Self { command: self.called_by(command) }.run()
    }

    /// Runs to the end within namespaces of its own (`unshare` options), after `first`, a shell command; `None` where
    /// this machine has none to give, which is said.
    pub fn run_within(self, namespaces: &[&str], first: &str) -> Option<Ran> {
        self.run_within_and_then(namespaces, first, "true")
    }

    /// The same with another shell command at the end, while the namespaces are still there.
    pub fn run_within_and_then(self, namespaces: &[&str], first: &str, last: &str) -> Option<Ran> {
        let folder = self.command.get_current_dir().expect("a folder");
        let within = |script: &str| {
            let mut shell = Command::new("unshare");
            shell.args(namespaces).args(["sh", "-c", script]).current_dir(folder);
            shell
        };
        if !within(first).output().is_ok_and(|tried| tried.status.success()) {
            left_out(&format!("`unshare {}` with `{first}`", namespaces.join(" ")));
            return None;
        }
        let command =
            self.called_by(within(&format!("{first} && {{ \"$0\" \"$@\"; code=$?; {last}; exit $code; }}")));
        Some(Self { command }.run())
    }

    /// A variable that is no text.
    pub fn env_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.command.env(name, <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(value));
        self
    }

    /// The same without a variable that is usually there.
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs to the end on a terminal of its own after `first`, a shell command (`stty cols 40`), and types `input`.
    /// What the terminal showed is the standard output. `None` where this machine has no `script`, which is said.
    pub fn run_at_terminal(self, first: &str, input: &str) -> Option<Ran> {
        let mut script = self.at_terminal(first)?;
        let mut child =
            script.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("script(1) starts");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("typed");
        Some(Ran::of(child.wait_with_output().expect("script(1) ends")))
    }

    /// Starts it on a terminal of its own; what that shows goes to `log`.
    pub fn start_at_terminal(self, first: &str, log: &Path) -> Option<Child> {
        let mut script = self.at_terminal(first)?;
        let file = std::fs::File::create(log).expect("the log can be written");
        Some(script.stdout(file).stderr(Stdio::null()).spawn().expect("script(1) starts"))
    }

    /// A terminal that says so if it is not left as it was found.
    fn at_terminal(self, first: &str) -> Option<Command> {
        if !Command::new("script").arg("--version").output().is_ok_and(|tried| tried.status.success()) {
            left_out("script(1)");
            return None;
        }
        let quoted = |word: &OsStr| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"));
        let words = [self.command.get_program()].into_iter().chain(self.command.get_args()).map(quoted);
        let line = words.collect::<Vec<_>>().join(" ");
        let line = format!(
            "{first}; found=$(stty -g); {line}; code=$?; [ \"$found\" = \"$(stty -g)\" ] || echo {SPOILT}; exit $code"
        );
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--flush", "--echo", "never", "--command", &line, "/dev/null"]);
        script.env_clear().envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.current_dir(self.command.get_current_dir().expect("a folder")).stdin(Stdio::piped());
        Some(script)
    }

    /// Starts it with its standard output in a pipe, for whoever closes it.
    pub fn start_piped(mut self) -> Child {
        self.command.stderr(Stdio::null()).spawn().expect("the voyager binary starts")
    }

    /// `shell`, with this call as its arguments, in the same folder and environment.
    fn called_by(&self, mut shell: Command) -> Command {
        let own = &self.command;
        shell.arg(own.get_program()).args(own.get_args()).env_clear();
        shell.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(own.get_current_dir().expect("a folder"));
        shell
    }

    fn output(mut self) -> std::io::Result<Ran> {
        Ok(Ran::of(self.command.output()?))
    }

    /// Runs to the end.
    pub fn run(self) -> Ran {
        self.output().expect("the voyager binary starts")
    }

    /// Starts it and leaves it running; its output goes to `log` in place of pipes that nobody drains.
    pub fn start(mut self, log: &Path) -> Child {
        let file = std::fs::File::create(log).expect("the log can be written");
        self.command.stdout(file.try_clone().expect("the log can be shared")).stderr(file);
        self.command.spawn().expect("the voyager binary starts")
    }
}

impl Ran {
    fn of(output: std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { status: output.status, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Asserts the exit code and shows what the operator saw when it is another one.
    #[track_caller]
    pub fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// Asserts that the operator was told `words`, on either stream.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.stdout.contains(words) || self.stderr.contains(words), "not said: {words:?}\n{self}");
        self
    }

    #[track_caller]
    pub fn does_not_say(self, words: &str) -> Self {
        assert!(!self.stdout.contains(words) && !self.stderr.contains(words), "said: {words:?}\n{self}");
        self
    }

    /// Every word that the operator was told, without the quotes around it.
    pub fn words(&self) -> Vec<&str> {
        let said = [&self.stdout, &self.stderr].into_iter().flat_map(|told| told.split_whitespace());
        said.map(|word| word.trim_matches(|c: char| "`'\"，。".contains(c))).collect()
    }

    /// What it printed to be given to `--settle` where `step` has happened, or has not.
    #[track_caller]
    pub fn settlement(&self, step: &str, happened: bool) -> String {
        let wanted = format!("{step}={}", if happened { "done" } else { "absent" });
        let printed = self.words().into_iter().find(|word| word.starts_with(&wanted));
        printed.unwrap_or_else(|| panic!("no --settle {wanted} printed: {self}")).to_owned()
    }

    /// The standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON: {error}\n{self}"))
    }

    /// The standard output as JSON lines.
    #[track_caller]
    pub fn records(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| serde_json::from_str(line);
        self.stdout.lines().map(parse).collect::<Result<_, _>>().unwrap_or_else(|e| panic!("{e}\n{self}"))
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}

/// Says that a test needs what this machine does not have; the gate, which promises it, fails instead.
pub fn left_out(lacking: &str) {
    assert!(std::env::var_os("VOYAGER_TEST_FULL").is_none(), "this machine lacks {lacking}");
    writeln!(std::io::stderr(), "left out: this machine lacks {lacking}").expect("stderr");
}

/// A file of the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
