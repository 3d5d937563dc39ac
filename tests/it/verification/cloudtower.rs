//! CloudTower, its VM and what it knows of the cluster: every row turns when its fact does.

use serde_json::{Value, json};
use voyager::sim::fault::Action;

use super::{DEPLOYED, breaking, patch, read_back, rows, turned};
use crate::support::{fault::always, site::SimulatedSite, tool::Ran};

/// The one cluster that CloudTower manages.
const CLUSTER: &str = "/tower/clusters/ip=10.40.8.10";
/// The rule whose thresholds follow the number of hosts.
const RULE: &str = "/tower/rules/name=zbs_cluster_data_space_use_rate/customized/*";

#[test]
fn what_stage_03_could_only_send_has_its_rows_in_cloudtower() {
    breaking("/cluster/dns", json!(["10.40.1.53"]), &[("dns.servers", "differs")]);
    breaking("/cluster/dns", json!([]), &[("dns.servers", "missing")]);
    breaking("/cluster/ntp/1", json!(["10.40.1.99"]), &[("ntp.servers", "differs")]);
    breaking("/cluster/ntp/0", json!("internal"), &[("ntp.mode", "differs")]);
}

#[test]
fn servers_in_another_order_are_the_same_servers() {
    let site = SimulatedSite::finished();
    patch(&site, "/cluster/dns", json!(["10.40.1.54", "10.40.1.53"]));
    read_back(&site).exits_with(0);
}

#[test]
fn every_fact_about_cloudtower_itself_has_its_row() {
    breaking("/tower/ntp_service_url", json!("10.9.9.9"), &[("cloudtower.ntp", "differs")]);
    breaking("/tower/organizations/0/name", json!("other"), &[("project.customer_name", "differs")]);
    breaking("/tower/installation/licence_serial", json!("0-0-0"), &[("cloudtower.licence", "differs")]);
    breaking(
        "/tower/datacenters/0/name",
        json!("other"),
        &[("project.datacenter_name", "missing"), ("cluster.datacenter", "differs")],
    );
}

#[test]
fn every_setting_of_the_attached_cluster_has_its_row() {
    let policy = format!("{CLUSTER}/settings/policy");
    breaking(&policy, json!("REPLICA_3_THIN_PROVISION"), &[("cluster.default_storage_policy", "differs")]);
    let threshold = |severity: &str| format!("{RULE}/thresholds/severity={severity}/value");
    breaking(&threshold("NOTICE"), json!(80), &[("alert.notice_percent", "differs")]);
    breaking(&threshold("CRITICAL"), json!(95), &[("alert.critical_percent", "differs")]);
    breaking(&format!("{RULE}/disabled"), json!(true), &[("alert.enabled", "differs")]);
}

#[test]
fn a_cluster_that_is_not_connected_any_more_is_seen() {
    let site = SimulatedSite::finished();
    patch(&site, &format!("{CLUSTER}/since"), json!(4_000_000_000_000_u64));
    let turned = turned(&site);
    let of = |name: &str| turned.get(&format!("{name} verify.cloudtower")).map(String::as_str);
    assert_eq!(of("cluster.connect_state"), Some("differs"), "{turned:#?}");
}

#[test]
fn another_version_of_cloudtower_is_seen() {
    let site = SimulatedSite::finished();
    site.set_faults(vec![always("tower.get-version", Action::MergeBody(json!("4.0.0")))]);
    assert_eq!(turned(&site).into_keys().collect::<Vec<_>>(), ["cloudtower.version verify.cloudtower"]);
}

#[test]
fn every_graph_has_its_row_and_a_view_that_is_gone_takes_its_graphs_along() {
    let state = SimulatedSite::finished().running().whole_state();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let views = state["tower"]["views"].as_array().expect("views");
    let graphs = state["tower"]["graphs"].as_array().expect("graphs");
    assert_eq!((views.len(), graphs.len()), (3, 15));
    let name_of = |id: &Value| text(&views.iter().find(|view| view["id"] == *id).expect("a view")["name"]);
    for graph in graphs {
        let metric = text(&graph["metric_name"]);
        let key = format!("views.{}.{metric}", name_of(&graph["view_id"]));
        let pointer = format!("/tower/graphs/metric_name={metric}/metric_name");
        breaking(&pointer, json!("host_network_ping_packet_loss_percent_storage"), &[(&key, "missing")]);
    }
    for view in views {
        let name = text(&view["name"]);
        let own = graphs.iter().filter(|graph| graph["view_id"] == view["id"]);
        let own: Vec<String> =
            own.map(|graph| format!("views.{name}.{}", text(&graph["metric_name"]))).collect();
        let gone = format!("views.{name}");
        let mut expected = vec![(gone.as_str(), "missing")];
        expected.extend(own.iter().map(|key| (key.as_str(), "unread")));
        breaking(&format!("/tower/views/name={name}/name"), json!("other"), &expected);
    }
}

#[test]
fn every_fact_about_the_cloudtower_vm_has_its_row() {
    breaking("/cluster/vms/name=cloudtower/name", json!("other"), &[("cloudtower.vm_name", "differs")]);
    breaking("/cluster/volumes/kind=image/md5", json!("0"), &[("cloudtower.image", "differs")]);
    let resolver = "/guest/files/~1etc~1resolv.conf/text";
    breaking(resolver, json!("nameserver 10.9.9.9\n"), &[("cloudtower.dns", "differs")]);
    breaking(resolver, json!("nameserver 10.40.1.53\n"), &[("cloudtower.dns", "differs")]);
}

#[test]
fn a_cloudtower_vm_that_is_off_or_elsewhere_takes_its_services_along() {
    let site = SimulatedSite::finished();
    patch(&site, "/cluster/vms/name=cloudtower/network/ip", json!("10.40.8.77"));
    let turned = turned(&site);
    let of = |name: &str| turned.get(name).map(String::as_str);
    assert_eq!(of("cloudtower.ip verify.fisheye"), Some("missing"), "{turned:#?}");
    assert_eq!(of("cloudtower.web_password verify.cloudtower"), Some("unread"), "{turned:#?}");
    assert_eq!(of("cluster.vip verify.fisheye"), None, "{turned:#?}");
    let site = SimulatedSite::finished();
    patch(&site, "/cluster/vms/name=cloudtower/running", json!(false));
    assert_eq!(self::turned(&site)["cloudtower.vm_status verify.fisheye"], "differs");
}

#[test]
fn a_host_that_stands_elsewhere_is_left_there_knowingly_until_it_was_moved_once() {
    let site = SimulatedSite::finished();
    let places = |ran: &Ran| -> Vec<String> {
        let rows = rows(ran).into_iter().filter(|(key, _)| key.contains("].rack "));
        rows.map(|(_, row)| row["verdict"].as_str().expect("a verdict").to_owned()).collect()
    };
    assert_eq!(places(&read_back(&site).exits_with(0)), ["kept"; 3]);
    site.run().args(["--stage", "config-cloudtower", "--move-nodes"]).run().exits_with(0);
    assert_eq!(places(&read_back(&site).exits_with(0)), ["equal"; 3]);
    patch(&site, "/tower/bricks/name=QS-SZ-SMTX-Node-02/position", json!(30));
    assert_eq!(places(&read_back(&site).exits_with(10)), ["equal", "differs", "equal"]);
}

#[test]
fn without_a_login_the_rest_of_cloudtower_is_told_as_not_read() {
    let site = SimulatedSite::finished();
    patch(&site, "/tower/root/password", json!("Changed!1"));
    patch(&site, "/tower/tokens", json!([]));
    let turned = turned(&site);
    let of = |name: &str| turned.get(&format!("{name} verify.cloudtower")).map(String::as_str);
    assert_eq!(of("cloudtower.web_password"), Some("differs"));
    assert_eq!((of("cluster.name"), of("views.VM")), (Some("unread"), Some("unread")));
    assert_eq!(of("cloudtower.version"), None, "the version is told to everybody");
}

#[test]
fn a_cluster_of_another_name_is_not_the_planned_one() {
    let site = SimulatedSite::finished();
    patch(&site, &format!("{DEPLOYED}/cluster_name"), json!("other"));
    let turned = turned(&site);
    let of = |name: &str| turned.get(&format!("{name} verify.cloudtower")).map(String::as_str);
    assert_eq!((of("cluster.name"), of("dns.servers")), (Some("missing"), Some("missing")));
    assert_eq!(of("cluster.default_storage_policy"), Some("unread"));
    assert_eq!(of("cloudtower.ntp"), None);
}
