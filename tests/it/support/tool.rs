//! Runs the voyager binary as an operator would: in a folder, with arguments, in a clean environment.

use std::{
    ffi::OsStr,
    fmt::Debug,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

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

    /// Runs to the end.
    pub fn run(mut self) -> Ran {
        let output = self.command.output().expect("the voyager binary starts");
        Ran {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts it and leaves it running; its output goes to `log` in place of pipes that nobody drains.
    pub fn start(mut self, log: &Path) -> Child {
        let file = std::fs::File::create(log).expect("the log can be written");
        self.command.stdout(file.try_clone().expect("the log can be shared")).stderr(file);
        self.command.spawn().expect("the voyager binary starts")
    }
}

impl Ran {
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

/// A file of the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
