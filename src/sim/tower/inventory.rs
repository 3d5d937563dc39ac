//! What an attached cluster shows of itself: hosts, switches, networks, VMs (site-behaviour §7.3, §7.4).

use serde_json::{Value, json};

use super::{
    super::{clock::Moment, guest::SeenVm, site::State, twin::Host},
    clusters::Attached,
    networks,
    visit::nested,
};

impl State {
    fn of_clusters(&self, rows: impl Fn(&Attached) -> Vec<Value>) -> Vec<Value> {
        self.tower.clusters.iter().flat_map(rows).collect()
    }

    pub(super) fn host_rows(&self, now: Moment) -> Vec<Value> {
        self.of_clusters(|cluster| self.hosts_of(now, cluster))
    }

    pub(super) fn vds_rows(&self, now: Moment) -> Vec<Value> {
        self.of_clusters(|cluster| self.vdses_of(now, cluster))
    }

    pub(super) fn vlan_rows(&self, now: Moment) -> Vec<Value> {
        self.of_clusters(|cluster| self.vlans_of(now, cluster))
    }

    pub(super) fn vm_rows(&self, now: Moment) -> Vec<Value> {
        self.of_clusters(|cluster| self.vms_of(now, cluster))
    }

    /// `<cluster serial>_<uuid on the cluster>` (api-cloudtower §4).
    pub(super) fn child_local_id(&self, uuid: &str) -> String {
        let serial = self.seen_identity().map_or("", |(serial, _)| serial);
        format!("{serial}_{uuid}")
    }

    pub(super) fn host_id(&self, cluster: &Attached, host: &Host) -> String {
        let at = cluster.learned_at(self.durations.tower.hosts);
        self.learned_id(at, "host", &cluster.id, &host.uuid)
    }

    /// The hosts that a cluster has shown by now, with their names.
    pub(super) fn known_hosts(&self, now: Moment, cluster: &Attached) -> Vec<(&Host, String)> {
        let shown = cluster.shows(now, self.durations.tower.hosts);
        self.seen_cluster().filter(|_| shown).map(|seen| seen.hosts).unwrap_or_default()
    }

    pub(super) fn hosts_of(&self, now: Moment, cluster: &Attached) -> Vec<Value> {
        let relation = self.nested_cluster(&cluster.id);
        let hosts = self.known_hosts(now, cluster).into_iter();
        hosts.map(|(host, name)| self.host_row(cluster, &relation, host, &name)).collect()
    }

    fn host_row(&self, cluster: &Attached, relation: &Value, host: &Host, name: &str) -> Value {
        let mut row = json!({
            "id": self.host_id(cluster, host), "local_id": self.child_local_id(&host.uuid), "name": name,
            "management_ip": host.mgmt_ip, "data_ip": host.storage_ip, "cluster": relation,
            "serial": host.serial, "model": "SIM", "state": "IN_USE", "status": "CONNECTED_HEALTHY",
            "entityAsyncStatus": null, "chunk_id": "1", "nested_virtualization": false, "labels": [],
            "lsm_cap_disk_safe_umount": true, "sim_added_in_4_7": {"kept": false},
        });
        for part in [processors(), memory(), disks(host)] {
            if let (Value::Object(row), Value::Object(part)) = (&mut row, part) {
                row.extend(part);
            }
        }
        row
    }

    pub(super) fn vdses_of(&self, now: Moment, cluster: &Attached) -> Vec<Value> {
        let seconds = self.durations.tower.vdses;
        let seen = self.seen_cluster().filter(|_| cluster.shows(now, seconds));
        let at = cluster.learned_at(seconds);
        let relation = self.nested_cluster(&cluster.id);
        let mut rows = Vec::new();
        for vds in seen.iter().flat_map(|seen| seen.vdses) {
            let vlans = self.networks_of(vds);
            let vlans: Vec<Value> =
                vlans.map(|network| nested(&self.network_id(cluster, network), &network.name)).collect();
            rows.push(json!({
                "id": self.learned_id(at, "vds", &cluster.id, &vds.uuid),
                "local_id": self.child_local_id(&vds.uuid), "name": vds.name, "cluster": relation,
                "bond_mode": vds.bond_mode.as_deref().unwrap_or_default(), "ovsbr_name": vds.ovsbr_name,
                "internal": vds.ovsbr_name == "ovsbr-internal", "type": "VM", "work_mode": "single",
                "nics": [], "labels": [], "vlans_num": vlans.len(), "vlans": vlans,
                "entityAsyncStatus": null, "everoute_cluster": null,
            }));
        }
        rows
    }

    fn vlans_of(&self, now: Moment, cluster: &Attached) -> Vec<Value> {
        let seconds = self.durations.tower.vdses;
        let seen = self.seen_cluster().filter(|_| cluster.shows(now, seconds));
        let at = cluster.learned_at(seconds);
        let mut rows = Vec::new();
        for vds in seen.iter().flat_map(|seen| seen.vdses) {
            let relation = nested(&self.learned_id(at, "vds", &cluster.id, &vds.uuid), &vds.name);
            for network in self.networks_of(vds) {
                let id = self.network_id(cluster, network);
                rows.push(networks::row(self, now, &id, &relation, network));
            }
        }
        rows
    }

    pub(super) fn vms_of(&self, now: Moment, cluster: &Attached) -> Vec<Value> {
        let seconds = self.durations.tower.vms;
        if !cluster.shows(now, seconds) {
            return Vec::new();
        }
        let at = cluster.learned_at(seconds);
        let relation = self.nested_cluster(&cluster.id);
        let own = self.seen_vms().into_iter().map(|vm| (at, vm));
        let backup = self.backup_vms(now, &cluster.id);
        let all = own.chain(backup).chain(self.observability_vms(now, &cluster.id));
        all.map(|(at, vm)| self.vm_row(cluster, at, &relation, &vm)).collect()
    }

    fn vm_row(&self, cluster: &Attached, at: Moment, relation: &Value, vm: &SeenVm) -> Value {
        let running = if vm.running { "RUNNING" } else { "STOPPED" };
        json!({
            "id": self.learned_id(at, "vm", &cluster.id, &vm.uuid), "local_id": self.child_local_id(&vm.uuid),
            "name": vm.name, "cluster": relation, "status": running, "vcpu": vm.vcpu, "memory": vm.memory,
            "cpu": {"cores": vm.vcpu, "sockets": 1}, "cpu_model": "cluster_default", "ips": vm.ips,
            "description": "", "firmware": "BIOS", "ha": true, "in_recycle_bin": false, "internal": false,
            "nested_virtualization": false, "node_ip": "", "out_uninstall_usb": [], "protected": false,
            "vm_tools_status": running_tools(vm), "win_opt": false, "clock_offset": "UTC", "labels": [],
            "entityAsyncStatus": null, "sim_added_in_4_7": {"kept": false},
        })
    }
}

fn running_tools(vm: &SeenVm) -> &'static str {
    if vm.running && !vm.ips.is_empty() { "RUNNING" } else { "NOT_RUNNING" }
}

fn processors() -> Value {
    json!({
        "cpu_model": "SIM", "cpu_brand": "SIM 7000 16-Core", "cpu_vendor": "AuthenticAMD",
        "compatible_cpu_models": ["EPYC"], "cpu_fan_speed": [], "cpu_fan_speed_unit": null,
        "cpu_temperature_celsius": [], "cpu_hz_per_core": 2_500_000_000_u64, "total_cpu_cores": 32,
        "total_cpu_hz": 80_000_000_000_u64, "total_cpu_sockets": 2, "provisioned_cpu_cores": 0,
    })
}

fn memory() -> Value {
    json!({
        "total_memory_bytes": 274_877_906_944_u64, "os_memory_bytes": 34_359_738_368_u64,
        "allocatable_memory_bytes": 240_518_168_576_u64, "provisioned_memory_bytes": 0,
        "running_pause_vm_memory_bytes": 0, "pmem_dimm_capacity": 0, "pmem_dimm_count": 0, "pmem_disk_count": 0,
    })
}

fn disks(host: &Host) -> Value {
    let of = |kind: &str| -> (usize, u64) {
        let disks = host.disks.iter().filter(|disk| disk.kind == kind && disk.function != "boot");
        disks.fold((0, 0), |(count, size), disk| (count + 1, size + disk.size))
    };
    let ((hdds, hdd_size), (ssds, ssd_size)) = (of("HDD"), of("SSD"));
    json!({
        "hdd_disk_count": hdds, "hdd_data_capacity": hdd_size, "ssd_disk_count": ssds,
        "ssd_data_capacity": ssd_size, "total_data_capacity": hdd_size + ssd_size, "used_data_space": 0,
        "failure_data_space": 0, "nic_count": host.ifaces.len(),
    })
}
