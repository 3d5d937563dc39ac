//! The calls of CloudTower, by REST and GraphQL.

use jiff::Timestamp;
use voyager::{
    clients::tower::{Entry, Find, Metric, NewChassis, NewGraph, NewRack, NewView},
    failure::Result,
};

use super::{
    Row,
    bench::{Bench, Phase, planned},
    kinds::{
        Sort,
        Trouble::{Empty, Forbidden, NotFound, Unauthorized},
    },
    row,
};

pub fn rows() -> Vec<Row> {
    let mut rows = set_up();
    rows.extend(attaching());
    rows.extend(settings());
    rows.extend(boards());
    rows.extend(racks());
    rows
}

/// Until there is an account.
fn set_up() -> Vec<Row> {
    use Phase::{Finished, NewTower};
    vec![
        row("tower.get-version", Sort::Look, NewTower, async |b: &Bench| {
            b.arm().tower.readiness().await.map(drop)
        })
        .open(),
        row("tower.login", Sort::Look, NewTower, async |b: &Bench| {
            b.arm().tower.is_cloudtower().await.map(drop)
        })
        .open(),
        row("tower.login", Sort::Read, Finished, async |b: &Bench| {
            b.arm().tower.enter_anew().await.map(drop)
        })
        .open()
        .answers(&[Unauthorized, Forbidden, NotFound]),
        row("tower.checkTowerIsSetup", Sort::Read, NewTower, async |b: &Bench| {
            b.arm().tower.check_set_up().await.map(drop)
        })
        .open(),
        row("tower.createRootUser", Sort::Probed, NewTower, async |b: &Bench| {
            b.arm().tower.create_default_root(Timestamp::now()).await
        })
        .open(),
        row("tower.create-root-user", Sort::Probed, NewTower, async |b: &Bench| {
            b.arm().tower.create_planned_root().await.map(drop)
        })
        .open()
        .answers(&[Unauthorized, Forbidden]),
        row("tower.createOrganization", Sort::Probed, NewTower, async |b: &Bench| {
            b.tower.create_default_root(Timestamp::now()).await?;
            signed_in(b).await?.arm().tower.create_organization("made-up").await
        }),
        row("tower.update-user", Sort::Probed, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.set_password().await.map(drop)
        })
        .believes(&[Empty]),
        row("tower.deployedLicense", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.licence().await.map(drop)
        }),
        row("tower.get-ntp-service-url", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.ntp_servers().await.map(drop)
        }),
        row("tower.updateCloudTowerNtpUrl", Sort::Probed, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.set_ntp_servers(&["10.40.8.1".into()]).await
        }),
    ]
}

fn attaching() -> Vec<Row> {
    use Phase::{Finished, Unattached};
    vec![
        row("tower.get-organizations", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.organizations().await.map(drop)
        }),
        row("tower.get-datacenters", Sort::Read, Finished, async |b: &Bench| {
            let name = &planned().project.datacenter_name.value;
            signed_in(b).await?.arm().tower.datacenters(name).await.map(drop)
        }),
        row("tower.create-datacenter", Sort::Probed, Finished, async |b: &Bench| {
            let organization = organization(b).await?;
            b.arm().tower.create_datacenter(&organization, "another").await.map(drop)
        })
        .believes(&[Empty]),
        row("tower.connect-cluster", Sort::Probed, Unattached, async |b: &Bench| {
            let name = &planned().project.datacenter_name.value;
            let datacenter = b.tower.datacenters(name).await?.into_iter().next().expect("a datacenter").id;
            let password = &planned().cluster.admin_password.value;
            let vip = planned().cluster.vip.value;
            b.arm().tower.connect_cluster(vip, password, &datacenter).await.map(drop)
        })
        .believes(&[Empty]),
        row("tower.update-cluster", Sort::Probed, Finished, async |b: &Bench| {
            let (organization, cluster) = (organization(b).await?, b.cluster().await?);
            b.tower.create_datacenter(&organization, "another").await?;
            b.pass(60);
            let datacenter =
                b.tower.datacenters("another").await?.into_iter().next().expect("it is there").id;
            b.arm().tower.move_cluster(&cluster, &datacenter).await.map(drop)
        })
        .believes(&[Empty]),
        row("tower.get-clusters", Sort::Read, Finished, async |b: &Bench| {
            let find = Find::Address(planned().cluster.vip.value);
            signed_in(b).await?.arm().tower.clusters(find).await.map(drop)
        }),
        row("tower.get-hosts", Sort::Read, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            b.arm().tower.hosts(&cluster).await.map(drop)
        }),
        row("tower.get-vdses", Sort::Read, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            b.arm().tower.vdses(&cluster).await.map(drop)
        }),
        row("tower.get-vlans", Sort::Read, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            b.arm().tower.vlans(&cluster).await.map(drop)
        }),
        row("tower.get-tasks", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.newest_task_time().await.map(drop)
        }),
    ]
}

fn settings() -> Vec<Row> {
    use Phase::Finished;
    vec![
        row("tower.get-cluster-settingses", Sort::Read, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            b.arm().tower.cluster_settings(&cluster).await.map(drop)
        }),
        row("tower.updateClusterSettings", Sort::Probed, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            let settings = b.tower.cluster_settings(&cluster).await?.into_iter().next().expect("settings").id;
            b.arm().tower.set_default_policy(&settings, 3).await
        }),
        row("tower.globalAlertRules", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.alert_rule(RULE).await.map(drop)
        }),
        row("tower.updateGlobalAlertRule", Sort::Probed, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            let rule = b.tower.alert_rule(RULE).await?.expect("the rule");
            let own = rule.of_cluster(&cluster).expect("a row of the cluster").clone();
            b.arm().tower.set_thresholds(&rule, &own, 70, 81).await
        }),
    ]
}

fn boards() -> Vec<Row> {
    use Phase::Finished;
    vec![
        row("tower.get-views", Sort::Read, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            b.arm().tower.views(&cluster).await.map(drop)
        }),
        row("tower.create-view", Sort::Probed, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            let view = NewView { name: "another", cluster_id: &cluster, time_unit: "HOUR", time_span: 1 };
            b.arm().tower.create_views(&[view]).await.map(drop)
        })
        .believes(&[Empty]),
        row("tower.get-graphs", Sort::Read, Finished, async |b: &Bench| {
            let view = view(b).await?;
            b.arm().tower.graphs(&view).await.map(drop)
        }),
        row("tower.create-graph", Sort::Probed, Finished, async |b: &Bench| {
            let (cluster, view) = (b.cluster().await?, view(b).await?);
            let graph = NewGraph {
                r#type: "AREA",
                metric: Metric { name: "cluster_iops_total".into(), resource: "cluster".into() },
                view_id: &view,
                title: "another",
                cluster_id: &cluster,
                connect_id: vec![&cluster],
                metric_type: None,
                metric_count: None,
            };
            b.arm().tower.create_graphs(&[graph]).await.map(drop)
        })
        .believes(&[Empty]),
    ]
}

fn racks() -> Vec<Row> {
    use Phase::Finished;
    vec![
        row("tower.get-zone-topoes", Sort::Read, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            b.arm().tower.zones(&cluster).await.map(drop)
        }),
        row("tower.get-rack-topoes", Sort::Read, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            b.arm().tower.racks(&cluster).await.map(drop)
        }),
        row("tower.get-brick-topoes", Sort::Read, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            b.arm().tower.chassis(&cluster).await.map(drop)
        }),
        row("tower.get-node-topoes", Sort::Read, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            b.arm().tower.nodes(&cluster).await.map(drop)
        }),
        row("tower.create-rack-topo", Sort::Probed, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            let zone = b.tower.zones(&cluster).await?.into_iter().next().expect("a zone").id;
            let rack = NewRack { name: "R99", height: 42, cluster_id: &cluster, zone_topo_id: &zone };
            b.arm().tower.create_racks(&[rack]).await.map(drop)
        })
        .believes(&[Empty]),
        row("tower.create-brick-topo", Sort::Probed, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            let rack = b.tower.racks(&cluster).await?.into_iter().next().expect("a rack").id;
            let chassis =
                NewChassis { name: "another", height: 2, position: 1, cluster: &cluster, rack: &rack };
            b.arm().tower.create_chassis(&[chassis]).await.map(drop)
        })
        .believes(&[Empty]),
        row("tower.move-brick-topo", Sort::Probed, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            let chassis = b.tower.chassis(&cluster).await?.into_iter().next().expect("a chassis").id;
            let rack = b.tower.racks(&cluster).await?.into_iter().next().expect("a rack").id;
            b.arm().tower.move_chassis(&chassis, &rack, 1).await.map(drop)
        })
        .believes(&[Empty]),
        row("tower.move-node-topo", Sort::Probed, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            let chassis = b.tower.chassis(&cluster).await?.into_iter().next().expect("a chassis").id;
            let node = b.tower.nodes(&cluster).await?.into_iter().next().expect("a node").id;
            b.arm().tower.move_nodes(&[(&node, &chassis)]).await.map(drop)
        })
        .believes(&[Empty]),
    ]
}

/// The rule of the storage capacity (`config-cloudtower.capacity-alert`).
const RULE: &str = "zbs_cluster_data_space_use_rate";

async fn signed_in(b: &Bench) -> Result<&Bench> {
    let entry = b.tower.enter().await?;
    assert!(matches!(entry, Entry::In(_)), "{entry:?}");
    Ok(b)
}

async fn organization(b: &Bench) -> Result<String> {
    Ok(b.tower.organizations().await?.into_iter().next().expect("an organization").id)
}

async fn view(b: &Bench) -> Result<String> {
    let cluster = b.cluster().await?;
    Ok(b.tower.views(&cluster).await?.into_iter().next().expect("a view").id)
}
