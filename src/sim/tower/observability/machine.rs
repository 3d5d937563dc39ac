//! The VM of an instance: its address, its account, its containers (api-applications §2.8).

use std::net::Ipv4Addr;

use super::{
    super::super::{
        clock::Moment,
        durations,
        guest::{Guest, SeenVm},
        random,
        reach::Reach,
        site::State,
    },
    instances::Instance,
};

/// The account of a fresh VM (api-applications §2.8).
const ACCOUNT: (&str, &str) = ("o11y", "HC!r0cks");
/// Where its SSH server listens.
const SSH_PORT: u16 = 10_022;

impl State {
    fn instance_at(&self, now: Moment, address: Ipv4Addr) -> Option<&Instance> {
        self.running_instances(now).find(|instance| instance.ip == address)
    }

    /// What a connect to the address of an instance meets, once its VM runs.
    pub fn reach_observability(&self, now: Moment, address: Ipv4Addr, port: u16) -> Option<Reach> {
        let instance = self.instance_at(now, address)?;
        let delay = durations::seconds(self.durations.guest_ssh);
        let up = self.instance_vm_since(instance).plus(delay) <= now;
        Some(match port {
            SSH_PORT if up => Reach::Ssh,
            80 | 443 if up => Reach::Quiet,
            _ => Reach::Refused,
        })
    }

    /// Lets everything be there that the scenario wants, and the VMs that run by now have their files and their account.
    pub(in super::super) fn settle_observability(&mut self, now: Moment) {
        self.install_observability(now);
        let instances = self.tower.observability.instances.iter().enumerate();
        let bare = instances.filter(|(_, one)| one.machine.is_none() && self.instance_life(now, one).running);
        let bare: Vec<(usize, Ipv4Addr)> = bare.map(|(index, one)| (index, one.ip)).collect();
        for (index, address) in bare {
            let quirks = &self.quirks.tower.observability;
            let planned = self.twin.plan.observability_account.as_ref();
            let user = quirks.ssh_user.as_ref().or(planned.map(|account| &account.user));
            let password = quirks.ssh_password.as_ref().or(planned.map(|account| &account.password));
            let account =
                (user.map_or(ACCOUNT.0, String::as_str), password.map_or(ACCOUNT.1, String::as_str));
            let account = (account.0.to_owned(), account.1.to_owned());
            let machine = Guest::with_resolv_conf(&quirks.resolv_conf);
            self.accounts.insert(address, [account].into());
            self.tower.observability.instances[index].machine = Some(machine);
        }
    }

    /// The inside of the VM at an address.
    pub fn observability_machine(&mut self, address: Ipv4Addr) -> Option<&mut Guest> {
        let instances = &mut self.tower.observability.instances;
        instances.iter_mut().find(|instance| instance.ip == address)?.machine.as_mut()
    }

    /// The containers of the VM at an address: identifier and name.
    pub fn containers(&self, address: Ipv4Addr) -> Vec<(String, String)> {
        let launchers = self.quirks.tower.observability.launchers;
        let launchers = (1..=launchers).map(|number| format!("sim-launcher-{number}"));
        let others = ["sim-gateway", "sim-metrics", "sim-console"].map(str::to_owned);
        let named = |name: String| {
            let bytes = random::bytes(self.seed(), &["container", &address.to_string(), &name]);
            (random::hex(&bytes[..6]), name)
        };
        launchers.chain(others).map(named).collect()
    }

    /// Launchers were restarted: the service is not well for a while.
    pub fn restart_launchers(&mut self, now: Moment, address: Ipv4Addr) {
        let instances = self.tower.observability.instances.iter_mut();
        instances.filter(|one| one.ip == address).for_each(|one| one.restarted = Some(now));
        self.ledger.launcher_restarts.add(now);
    }

    /// VMs of instances that run in a cluster, with the moment that makes their identifiers.
    pub(in super::super) fn observability_vms(&self, now: Moment, cluster: &str) -> Vec<(Moment, SeenVm)> {
        const VCPU: u32 = 16;
        const MEMORY: u64 = 34_359_738_368;
        let inside = |instance: &&Instance| instance.cluster.as_deref() == Some(cluster);
        let seen = |instance: &Instance| SeenVm {
            uuid: self.instance_vm_uuid(instance).to_owned(),
            name: format!("observability-{}", instance.name),
            vcpu: VCPU,
            memory: MEMORY,
            running: true,
            ips: instance.ip.to_string(),
        };
        let running = self.running_instances(now).filter(inside);
        running.map(|instance| (self.instance_vm_since(instance), seen(instance))).collect()
    }
}
