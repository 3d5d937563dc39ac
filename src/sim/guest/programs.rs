//! The programs of the guest: the few of coreutils that a client needs, and the two of CloudTower.

use super::{
    super::{durations, host::Lasting, ssh, variants::SecondInstaller},
    installer::Run,
    machine::{Env, Image, Shell, Stream},
};

const PREINSTALL: &str = "/usr/share/smartx/tower/preinstall.sh";
const INSTALLER: &str = "/usr/share/smartx/tower/installer/binary/installer";

impl Shell<'_> {
    /// Runs a program; answers its status.
    pub(super) fn program(&mut self, program: &str, arguments: &[&str], env: &Env, stdin: &[u8]) -> u32 {
        match (program, arguments) {
            (PREINSTALL, []) if self.image == Image::CloudTower => self.preinstall(env),
            (INSTALLER, ["deploy"]) if self.image == Image::CloudTower => self.install(env),
            ("nerdctl", rest) if self.image == Image::Observability => self.nerdctl(rest, env),
            ("true" | ":", _) => 0,
            ("umask", [mask]) if mask.parse::<u16>().is_ok() => 0,
            ("false", []) => 1,
            ("echo", words) => self.say(env, &format!("{}\n", words.join(" "))),
            ("printf", [format, words @ ..]) => self.printf(format, words, env),
            ("id", ["-un"]) | ("whoami", []) => {
                let name = format!("{}\n", self.user(env));
                self.say(env, &name)
            }
            ("cat", paths) => self.cat(paths, env, stdin),
            ("tee", [path]) => self.tee(path, false, env, stdin),
            ("tee", ["-a", path]) => self.tee(path, true, env, stdin),
            ("test", ["-e" | "-f", path]) | ("[", ["-e" | "-f", path, "]"]) => {
                u32::from(self.guest.read(path, self.now).is_none())
            }
            ("tail" | "head", [flag @ ("-n" | "-c"), count, paths @ ..]) => {
                self.part(program, flag, count, paths, env, stdin)
            }
            ("wc", ["-c", paths @ ..]) => match self.input(paths, env, stdin) {
                Some(text) => self.say(env, &format!("{}\n", text.len())),
                None => 1,
            },
            ("grep", rest) => self.grep(rest, env, stdin),
            ("pgrep", ["-f", pattern]) => self.pgrep(pattern, env),
            ("kill", ["-0", pid]) => {
                let alive = |run: &&Run| run.is_running(self.now) && run.pid.to_string() == *pid;
                u32::from(self.guest.runs.iter().find(alive).is_none())
            }
            _ => {
                self.ran.outside = true;
                self.write(&env.err, &format!("sh: {program}: command not found\n"));
                127
            }
        }
    }

    /// `%s` and `\n` are understood; the format is used again until no word is left.
    fn printf(&mut self, format: &str, words: &[&str], env: &Env) -> u32 {
        let format = format.replace("\\n", "\n");
        let taken = format.matches("%s").count();
        if format.replace("%s", "").contains(['%', '\\']) || (taken == 0 && !words.is_empty()) {
            self.ran.outside = true;
            return 1;
        }
        let lines = if taken == 0 { vec![&[][..]] } else { words.chunks(taken).collect() };
        for line in lines {
            let mut pieces = format.split("%s");
            let mut text = pieces.next().unwrap_or_default().to_owned();
            for (index, piece) in pieces.enumerate() {
                text.push_str(line.get(index).copied().unwrap_or_default());
                text.push_str(piece);
            }
            self.write(&env.out, &text);
        }
        0
    }

    pub(super) fn say(&mut self, env: &Env, text: &str) -> u32 {
        self.write(&env.out, text);
        0
    }

    /// The named files, or else the input; none after a complaint.
    fn input(&mut self, paths: &[&str], env: &Env, stdin: &[u8]) -> Option<String> {
        match paths {
            [] => Some(String::from_utf8_lossy(stdin).into_owned()),
            [path] => self.content(path, env),
            // What several files look like differs from program to program.
            _ => {
                self.ran.outside = true;
                None
            }
        }
    }

    fn cat(&mut self, paths: &[&str], env: &Env, stdin: &[u8]) -> u32 {
        match self.input(paths, env, stdin) {
            Some(text) => self.say(env, &text),
            None => 1,
        }
    }

    fn tee(&mut self, path: &str, append: bool, env: &Env, stdin: &[u8]) -> u32 {
        let Some(file) = self.open(path, append, env) else { return 1 };
        let text = String::from_utf8_lossy(stdin).into_owned();
        self.write(&file, &text);
        self.say(env, &text)
    }

    /// `tail` and `head`, by lines or bytes; `tail -c +N` begins at byte N, counted from 1.
    fn part(
        &mut self,
        program: &str,
        flag: &str,
        count: &str,
        paths: &[&str],
        env: &Env,
        stdin: &[u8],
    ) -> u32 {
        let Some(text) = self.input(paths, env, stdin) else { return 1 };
        let Ok(number) = count.trim_start_matches('+').parse::<usize>() else { return 1 };
        // Where each unit begins, and the end.
        let starts: Vec<usize> = if flag == "-c" {
            (0..=text.len()).collect()
        } else {
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
        };
        let units = starts.len() - 1;
        let at = |unit: usize| starts.get(unit).copied().unwrap_or(text.len());
        let range = match program {
            "head" => 0..at(number),
            _ if count.starts_with('+') => at(number.saturating_sub(1))..text.len(),
            _ => at(units.saturating_sub(number))..text.len(),
        };
        let part = String::from_utf8_lossy(&text.as_bytes()[range]).into_owned();
        self.say(env, &part)
    }

    fn grep(&mut self, arguments: &[&str], env: &Env, stdin: &[u8]) -> u32 {
        let options = arguments.iter().take_while(|word| word.starts_with('-')).count();
        let (options, rest) = arguments.split_at(options);
        let [pattern, paths @ ..] = rest else { return 2 };
        let known = options.iter().all(|option| ["-c", "-q", "-F", "-e", "-qF", "-cF"].contains(option));
        if !known {
            self.ran.outside = true;
            return 2;
        }
        let Some(text) = self.input(paths, env, stdin) else { return 2 };
        let found: Vec<&str> = text.lines().filter(|line| line.contains(pattern)).collect();
        let (count, given) = (found.len(), |wanted: char| options.iter().any(|o| o.contains(wanted)));
        if given('c') {
            self.say(env, &format!("{count}\n"));
        } else if !given('q') {
            found.iter().for_each(|line| self.write(&env.out, &format!("{line}\n")));
        }
        u32::from(count == 0)
    }

    /// Only the bracketed letter of a pattern is understood; the rest stands for itself.
    fn pgrep(&mut self, pattern: &str, env: &Env) -> u32 {
        let wanted = pattern.replace(['[', ']'], "");
        let command = format!("{INSTALLER} deploy");
        let mut pids: Vec<u32> = Vec::new();
        if command.contains(&wanted) {
            let runs = self.guest.runs.iter();
            pids.extend(runs.filter(|run| run.is_running(self.now)).map(|run| run.pid));
        }
        // A shell that does more than this search stays in the list and finds itself.
        if self.line.contains(pattern) && wanted == pattern && self.line.contains([';', '|', '&']) {
            pids.push(1999);
        }
        pids.iter().for_each(|pid| self.write(&env.out, &format!("{pid}\n")));
        u32::from(pids.is_empty())
    }

    fn preinstall(&mut self, env: &Env) -> u32 {
        if !env.root {
            self.write(&env.err, "preinstall.sh: must be run as root\n");
            return 1;
        }
        let seconds = self.state.durations.preinstall;
        self.state.ledger.preinstalls.add(self.now);
        self.ran.effect = Some(ssh::PREINSTALL);
        self.guest.preinstalled.get_or_insert(self.now.plus(durations::seconds(seconds)));
        self.ran.lasting = Lasting::Seconds(seconds);
        self.say(env, "SIM_PREINSTALL checking disks\nSIM_PREINSTALL loading images\nSIM_PREINSTALL done\n")
    }

    fn install(&mut self, env: &Env) -> u32 {
        let ready = self.guest.preinstalled.is_some_and(|end| end <= self.now);
        let running = self.guest.runs.iter().any(|run| run.is_running(self.now));
        let refusal = match (env.root, ready, running) {
            (false, _, _) => Some("installer: must be run as root\n"),
            (true, false, _) => Some("installer: run preinstall.sh first\n"),
            (true, true, true) => Some("installer: another installation is running\n"),
            (true, true, false) => None,
        };
        if let Some(refusal) = refusal {
            self.write(&env.out, refusal);
            if let (true, SecondInstaller::DamagesLog, Stream::File(path)) =
                (running, self.state.variants.second_installer, &env.out)
            {
                self.guest.hand_over(path, None, self.now);
            }
            // A process that came and went.
            self.pid = self.guest.next_pid() + 1;
            return 1;
        }
        let pid = self.guest.next_pid();
        let run = Run::new(pid, self.now, self.fate, &self.state.durations);
        self.guest.runs.push(run);
        self.state.ledger.installer_starts.add(self.now);
        self.ran.effect = Some(ssh::INSTALLER);
        if let Stream::File(path) = &env.out {
            self.guest.hand_over(path, Some(pid), self.now);
        }
        self.pid = pid;
        let held = |stream: &Stream| matches!(stream, Stream::Out | Stream::Err | Stream::Pipe);
        if !env.background || held(&env.out) || held(&env.err) {
            self.ran.lasting = Lasting::Process(pid);
        }
        if !env.detached || matches!(self.ran.lasting, Lasting::Process(_)) {
            self.ran.hangs_up = Some(pid);
        }
        0
    }
}
