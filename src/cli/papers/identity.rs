//! Which plan a run was given, as its papers name it.

use std::net::Ipv4Addr;

use crate::{cli::plan::Loaded, engine::event::PlanIdentity};

/// `None` for a plan that lies in no file.
pub fn identity(loaded: &Loaded) -> Option<PlanIdentity> {
    let (plan, source) = (&loaded.plan, loaded.source.as_ref()?);
    let hosts: Vec<Ipv4Addr> = plan.hosts.iter().map(|host| host.mgmt_ip.value).collect();
    let hosts: Vec<String> = hosts.iter().map(Ipv4Addr::to_string).collect();
    let mut values = vec![("project.customer_name", plan.project.customer_name.value.clone())];
    values.extend(plan.project.name.as_ref().map(|name| ("project.name", name.value.clone())));
    values.extend([
        ("project.datacenter_name", plan.project.datacenter_name.value.clone()),
        ("cluster.name", plan.cluster.name.value.clone()),
        ("cluster.vip", plan.cluster.vip.value.to_string()),
        ("hosts[].mgmt_ip", hosts.join(", ")),
        ("cloudtower.ip", plan.cloudtower.ip.value.to_string()),
    ]);
    Some(PlanIdentity {
        file: source.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        sha256: source.sha256.clone(),
        values: values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    })
}
