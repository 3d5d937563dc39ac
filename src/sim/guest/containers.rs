//! `nerdctl` of the Observability VM: its containers, and restarting them (api-applications §2.8).

use super::{
    super::ssh,
    machine::{Env, Shell},
};

impl Shell<'_> {
    pub(super) fn nerdctl(&mut self, arguments: &[&str], env: &Env) -> u32 {
        if !env.root {
            self.write(&env.err, "level=fatal msg=\"rootless containerd not running?\"\n");
            return 1;
        }
        match arguments {
            ["ps", "--format", format] => self.containers(format, env),
            ["restart", wanted @ ..] if !wanted.is_empty() => self.restart(wanted, env),
            _ => {
                self.ran.outside = true;
                self.write(&env.err, "level=fatal msg=\"unknown command\"\n");
                1
            }
        }
    }

    /// Fields in double braces; only identifier and name are understood.
    fn containers(&mut self, format: &str, env: &Env) -> u32 {
        let known = format.replace("{{.ID}}", "").replace("{{.Names}}", "");
        if known.contains(['{', '}']) {
            self.ran.outside = true;
            return 1;
        }
        for (id, name) in self.state.containers(self.address) {
            let line = format.replace("{{.ID}}", &id).replace("{{.Names}}", &name);
            self.write(&env.out, &format!("{line}\n"));
        }
        0
    }

    /// Each by identifier or name; those that do not exist are said, the others restart all the same.
    fn restart(&mut self, wanted: &[&str], env: &Env) -> u32 {
        let all = self.state.containers(self.address);
        let (mut status, mut launchers) = (0, false);
        for one in wanted {
            match all.iter().find(|(id, name)| id == one || name == one) {
                Some((_, name)) => {
                    launchers |= name.contains("launcher");
                    self.ran.effect = Some(ssh::RESTART);
                    self.write(&env.out, &format!("{one}\n"));
                }
                None => {
                    status = 1;
                    self.write(&env.err, &format!("level=fatal msg=\"no such container: {one}\"\n"));
                }
            }
        }
        if launchers {
            self.state.restart_launchers(self.now, self.address);
        }
        status
    }
}
