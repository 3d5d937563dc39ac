//! The guest's shell at work: it runs the commands of a line one after the other, on the state as it is now.

use std::net::Ipv4Addr;

use super::{
    super::{
        clock::Moment,
        host::{Lasting, Ran},
        site::State,
        ssh,
    },
    ACCOUNT, Guest, InstallerFate,
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

/// What a machine was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Image {
    CloudTower,
    Observability,
}

/// One command line being run.
pub(super) struct Shell<'a> {
    pub state: &'a mut State,
    /// The machine, taken out of the state while the line runs.
    pub guest: Guest,
    pub image: Image,
    pub address: Ipv4Addr,
    /// Name and password of who runs it.
    account: (String, String),
    pub now: Moment,
    pub line: &'a str,
    /// What a fault makes of an installer that is started here.
    pub fate: InstallerFate,
    pub ran: Ran,
    pub pid: u32,
    status: u32,
    pipe: Vec<u8>,
}

/// Runs `line` as the one account of the machine with everything that stdin brought; none: no such machine is there.
pub fn run(
    state: &mut State,
    now: Moment,
    address: Ipv4Addr,
    line: &str,
    stdin: &[u8],
    fate: InstallerFate,
) -> Option<Ran> {
    let image = if state.is_guest(address) { Image::CloudTower } else { Image::Observability };
    let guest = std::mem::take(machine(state, address)?);
    // Only who has such an account has got as far as this.
    let account = state.accounts.get(&address).and_then(|accounts| accounts.iter().next());
    let account = account.map(|(user, password)| (user.clone(), password.clone()));
    let account = account.unwrap_or_else(|| (ACCOUNT.0.to_owned(), ACCOUNT.1.to_owned()));
    let noise = if image == Image::CloudTower { NOISE } else { "" };
    let ran = Ran { stderr: noise.as_bytes().to_vec(), ..Ran::default() };
    let (pid, status, pipe) = (0, 0, Vec::new());
    let mut shell = Shell { state, guest, image, address, account, now, line, fate, ran, pid, status, pipe };
    let env = Env { root: false, detached: false, background: false, out: Stream::Out, err: Stream::Err };
    let status = shell.list(line, &env, stdin);
    let (ran, guest) = (Ran { status, ..shell.ran }, shell.guest);
    if let Some(place) = machine(state, address) {
        *place = guest;
    }
    if let Some(effect) = ran.effect {
        state.ledger.changes.entry(effect.to_owned()).or_default().add(now);
    }
    if ran.outside {
        state.breach(now, address, "ssh.run", "a command outside the contract");
    }
    Some(ran)
}

fn machine(state: &mut State, address: Ipv4Addr) -> Option<&mut Guest> {
    if state.is_guest(address) { Some(&mut state.guest) } else { state.observability_machine(address) }
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
                let asks = !env.root && self.sudo_asks();
                let right = self.account.1.clone();
                match ssh::sudo(asks, &|password| password == right, rest, stdin) {
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

    fn sudo_asks(&self) -> bool {
        let quirks = &self.state.quirks;
        match self.image {
            Image::CloudTower => quirks.ssh.sudo_asks,
            Image::Observability => !quirks.tower.observability.sudo_free,
        }
    }

    /// Who runs a command.
    pub fn user(&self, env: &Env) -> &str {
        if env.root { "root" } else { &self.account.0 }
    }

    fn expand(&self, word: &str) -> String {
        word.replace(LAST_PID, &self.pid.to_string()).replace(LAST_STATUS, &self.status.to_string())
    }

    /// Opens a file for writing, or says why not.
    pub fn open(&mut self, path: &str, append: bool, env: &Env) -> Option<Stream> {
        if path == "/dev/null" {
            return Some(Stream::Null);
        }
        if !env.root && !path.starts_with(&format!("/home/{}/", self.account.0)) && !path.starts_with("/tmp/")
        {
            self.write(&env.err, &format!("sh: {path}: Permission denied\n"));
            return None;
        }
        self.guest.open(path, append, self.now);
        if path == super::RESOLV_CONF {
            let ledger = &mut self.state.ledger;
            match self.image {
                Image::CloudTower => ledger.resolv_conf_writes.add(self.now),
                Image::Observability => ledger.observability_resolv_conf_writes.add(self.now),
            }
            self.ran.effect = Some(ssh::RESOLV_CONF);
        }
        Some(Stream::File(path.to_owned()))
    }

    /// The content of a file, or the complaint that it is not there.
    pub fn content(&mut self, path: &str, env: &Env) -> Option<String> {
        if path == "/dev/null" {
            return Some(String::new());
        }
        let content = self.guest.read(path, self.now);
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
            Stream::File(path) => self.guest.append(path, text),
        }
    }
}
