//! The guest's shell at work: it runs the commands of a line one after the other, on the state as it is now.

use std::net::Ipv4Addr;

use super::{
    super::{
        clock::Moment,
        host::{Lasting, Ran},
        site::State,
        ssh,
    },
    ACCOUNT, InstallerFate,
    shell::{self, Item, Join, LAST_PID, LAST_STATUS, Redirection, Simple},
};

/// Written by every login of the real image (P).
const NOISE: &str = "/etc/profile.d/system-info.sh: line 34: bc: command not found\n";

/// Where a stream of a command goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// The SSH channel.
    Out,
    Err,
    /// The next command of the pipeline.
    Pipe,
    Null,
    File(String),
}

/// What a command inherits.
#[derive(Clone, Debug)]
pub(super) struct Env {
    pub root: bool,
    /// Behind setsid or nohup: it outlives its session.
    pub detached: bool,
    pub background: bool,
    pub out: Stream,
    pub err: Stream,
}

/// One command line being run.
pub(super) struct Shell<'a> {
    pub state: &'a mut State,
    pub now: Moment,
    pub line: &'a str,
    /// What a fault makes of an installer that is started here.
    pub fate: InstallerFate,
    pub ran: Ran,
    pub pid: u32,
    status: u32,
    pipe: Vec<u8>,
}

/// Runs `line` as the guest's account with everything that stdin brought.
pub fn run(
    state: &mut State,
    now: Moment,
    address: Ipv4Addr,
    line: &str,
    stdin: &[u8],
    fate: InstallerFate,
) -> Ran {
    let ran = Ran { stderr: NOISE.as_bytes().to_vec(), ..Ran::default() };
    let mut shell = Shell { state, now, line, fate, ran, pid: 0, status: 0, pipe: Vec::new() };
    let env = Env { root: false, detached: false, background: false, out: Stream::Out, err: Stream::Err };
    let status = shell.list(line, &env, stdin);
    let ran = Ran { status, ..shell.ran };
    if let Some(effect) = ran.effect {
        state.ledger.changes.entry(effect.to_owned()).or_default().add(now);
    }
    if ran.outside {
        state.breach(now, address, "ssh.run", "a command outside the contract");
    }
    ran
}

impl Shell<'_> {
    /// Runs a list of commands; answers the status of the last.
    pub fn list(&mut self, line: &str, env: &Env, stdin: &[u8]) -> u32 {
        let items = match shell::parse(line) {
            Ok(items) => items,
            Err(why) => {
                self.ran.outside = true;
                self.write(&env.err, &format!("sh: syntax error: {why}\n"));
                return 2;
            }
        };
        for Item { joined, pipeline, background } in &items {
            let skipped = match joined {
                Join::Always => false,
                Join::And => self.status != 0,
                Join::Or => self.status == 0,
            };
            // A process in the foreground that lasts holds up everything behind it.
            if skipped || matches!(self.ran.lasting, Lasting::Process(_)) {
                continue;
            }
            let env = Env { background: env.background || *background, ..env.clone() };
            self.status = self.pipeline(pipeline, &env, stdin);
            if *background {
                self.status = 0;
            }
        }
        self.status
    }

    fn pipeline(&mut self, commands: &[Simple], env: &Env, stdin: &[u8]) -> u32 {
        let Some((last, feeders)) = commands.split_last() else { return 0 };
        let mut input = stdin.to_vec();
        for command in feeders {
            let outer = std::mem::take(&mut self.pipe);
            self.simple(command, Env { out: Stream::Pipe, ..env.clone() }, &input);
            input = std::mem::replace(&mut self.pipe, outer);
        }
        self.simple(last, env.clone(), &input)
    }

    fn simple(&mut self, command: &Simple, mut env: Env, stdin: &[u8]) -> u32 {
        let mut input = stdin.to_vec();
        for redirection in &command.redirections {
            match redirection {
                Redirection::Input(path) => match self.content(path, &env) {
                    Some(content) => input = content.into_bytes(),
                    None => return 1,
                },
                Redirection::Output { stream, path, append } => {
                    let Some(to) = self.open(path, *append, &env) else { return 1 };
                    *(if *stream == 2 { &mut env.err } else { &mut env.out }) = to;
                }
                Redirection::Copy { stream: 2, of: 1 } => env.err = env.out.clone(),
                Redirection::Copy { stream: 1, of: 2 } => env.out = env.err.clone(),
                Redirection::Copy { .. } => {}
            }
        }
        let words: Vec<String> = command.words.iter().map(|word| self.expand(word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.command(&words, &env, &input)
    }

    /// Runs one program, or what a wrapper such as `sudo` stands before.
    pub fn command(&mut self, words: &[&str], env: &Env, stdin: &[u8]) -> u32 {
        match words {
            [] => 0,
            [word, rest @ ..] if word.split_once('=').is_some_and(|(name, _)| !name.contains('/')) => {
                self.command(rest, env, stdin)
            }
            ["sudo", rest @ ..] => {
                let asks = !env.root && self.state.quirks.ssh.sudo_asks;
                match ssh::sudo(asks, &|password| password == ACCOUNT.1, rest, stdin) {
                    Ok((command, stdin)) => self.command(&command, &Env { root: true, ..env.clone() }, stdin),
                    Err(refused) => {
                        self.write(&env.err, &String::from_utf8_lossy(&refused.stderr));
                        refused.status
                    }
                }
            }
            ["setsid", "-f" | "--fork", rest @ ..] => {
                self.command(rest, &Env { detached: true, background: true, ..env.clone() }, stdin)
            }
            ["setsid" | "nohup", rest @ ..] => {
                self.command(rest, &Env { detached: true, ..env.clone() }, stdin)
            }
            ["env" | "exec" | "command", rest @ ..] => self.command(rest, env, stdin),
            ["sh" | "bash" | "/bin/sh" | "/bin/bash", "-c", line] => self.list(line, env, stdin),
            ["sh" | "bash" | "/bin/sh" | "/bin/bash", script, rest @ ..] if !script.starts_with('-') => {
                self.command(&[&[*script], rest].concat(), env, stdin)
            }
            [program, arguments @ ..] => self.program(program, arguments, env, stdin),
        }
    }

    fn expand(&self, word: &str) -> String {
        word.replace(LAST_PID, &self.pid.to_string()).replace(LAST_STATUS, &self.status.to_string())
    }

    /// Opens a file for writing, or says why not.
    pub fn open(&mut self, path: &str, append: bool, env: &Env) -> Option<Stream> {
        if path == "/dev/null" {
            return Some(Stream::Null);
        }
        if !env.root && !path.starts_with("/home/cloudtower/") && !path.starts_with("/tmp/") {
            self.write(&env.err, &format!("sh: {path}: Permission denied\n"));
            return None;
        }
        self.state.guest.open(path, append, self.now);
        if path == super::RESOLV_CONF {
            self.state.ledger.resolv_conf_writes.add(self.now);
            self.ran.effect = Some(ssh::RESOLV_CONF);
        }
        Some(Stream::File(path.to_owned()))
    }

    /// The content of a file, or the complaint that it is not there.
    pub fn content(&mut self, path: &str, env: &Env) -> Option<String> {
        if path == "/dev/null" {
            return Some(String::new());
        }
        let content = self.state.guest.read(path, self.now);
        if content.is_none() {
            self.write(&env.err, &format!("{path}: No such file or directory\n"));
        }
        content
    }

    pub fn write(&mut self, to: &Stream, text: &str) {
        match to {
            Stream::Out => self.ran.stdout.extend_from_slice(text.as_bytes()),
            Stream::Err => self.ran.stderr.extend_from_slice(text.as_bytes()),
            Stream::Pipe => self.pipe.extend_from_slice(text.as_bytes()),
            Stream::Null => {}
            Stream::File(path) => self.state.guest.append(path, text),
        }
    }
}
