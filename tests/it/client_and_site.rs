//! The fisheye client on the strict site: everything works, and nothing is outside the contract.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use voyager::{
    clients::{
        dial::Dialler,
        fisheye::{
            Addresses, Associated, BondMode, BusinessHost, Deploy, DeployDisk, DeployHost, DeployNetwork,
            DeployVds, DiskFlags, Fisheye, Host, IpmiAccount, JobState, NewVds, Verdict,
        },
        http::{Http, Pause},
        limits::Limits,
        proxy::Proxy,
        redact::Redactor,
        trust::{InMemory, Mode, TrustStore},
        upload::Upload,
        wire::Wire,
    },
    secret::Secret,
    sim::{self, FaultFile, Running, SimOptions, Site, Start},
};

use crate::simulated_site::{plan, run};

pub const PASSWORD: &str = "Root-Passw0rd!";

/// Waiting between attempts lets the site's time pass instead of ours.
struct SiteTime(Arc<Site>);

impl Pause for SiteTime {
    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.0.clock.advance(time);
        Box::pin(async {})
    }
}

/// A client of `site` as a run would have it.
pub fn client(site: &Running, wire: Wire, trust: TrustStore) -> Fisheye {
    let dialler = Dialler::through(Proxy::parse(&site.proxy_url()).unwrap(), Limits::default());
    let http = Http::new(dialler, trust, wire, Arc::new(SiteTime(site.site().clone())));
    let node = |number| Ipv4Addr::new(10, 7, 0, number);
    let addresses = Addresses { first: node(11), others: vec![node(12), node(13)], vip: node(20) };
    Fisheye::new(http, addresses, Secret::from(PASSWORD))
}

pub fn fresh_trust() -> TrustStore {
    TrustStore::open(Mode::Tofu, [], InMemory).unwrap()
}

pub fn deploy_request(scans: &[Host]) -> Deploy {
    let address = |third: u8, index: usize| Ipv4Addr::new(10, 7, third, 11 + u8::try_from(index).unwrap());
    let associated = |nics: [&str; 2]| -> Vec<Associated> {
        let nics = nics.map(String::from).to_vec();
        let one =
            |host: &Host| Associated { host_uuid: host.host_uuid.clone(), nics_associated: nics.clone() };
        scans.iter().map(one).collect()
    };
    let addresses = |third: u8| -> Vec<(String, Ipv4Addr)> {
        scans.iter().enumerate().map(|(i, host)| (host.host_uuid.clone(), address(third, i))).collect()
    };
    let mask = Ipv4Addr::new(255, 255, 255, 0);
    let hosts = scans.iter().enumerate().map(|(i, host)| {
        let disks = host.disks.iter().filter(|disk| !disk.is_boot()).map(DeployDisk::data).collect();
        let link_local = host.nic_with(address(0, i)).unwrap().ipv6.clone().unwrap();
        let flags = DiskFlags { disk_data_with_cache: true, with_faster_ssd_as_cache: true };
        let (host_ip, name) = (format!("{link_local}%ens1"), format!("node-{i}"));
        DeployHost::new(host_ip, &host.host_uuid, name, address(0, i), address(1, i), disks, flags, true)
    });
    Deploy::new(
        "made-up",
        vec![
            DeployVds::new("VDS-MGT", BondMode::ActiveBackup, associated(["ens1", "ens2"])),
            DeployVds::new("VDS-SDS", BondMode::Lacp, associated(["ens3", "ens4"])),
        ],
        vec![
            DeployNetwork::management("VDS-MGT", &addresses(0), mask, Ipv4Addr::new(10, 7, 0, 1), 0),
            DeployNetwork::storage("VDS-SDS", &addresses(1), mask, 0),
        ],
        hosts.collect(),
        true,
        jiff::Timestamp::now(),
    )
}

#[test]
fn the_client_manages_with_every_answer_that_nobody_is_sure_of() {
    for seed in 1..=4 {
        configure(&format!("seed = {seed}\n[site]\ndraw_variants = true\nvip_holder = 2\n"), 100_000);
    }
}

#[test]
fn the_client_deploys_and_configures_a_cluster_without_a_breach() {
    configure("", 9_000_000);
}

/// The whole way on a site with these traits and a tools image of so many bytes.
fn configure(site: &str, image: u32) {
    run(async {
        let scenario = format!("{site}[durations]\nhost_scan = 0\ndeploy_answer = 0\nchunk = 0\n");
        let options = SimOptions { scenario: FaultFile::parse(&scenario).unwrap(), ..SimOptions::default() };
        let site = sim::start(Start::Fresh(Box::new(plan())), options).await.unwrap();
        let fisheye = client(&site, Wire::none(Redactor::new()), fresh_trust());
        let pass = |seconds| site.site().clock.advance(Duration::from_secs(seconds));
        let mut scans = Vec::new();
        for number in 11..=13 {
            scans.push(fisheye.scan_host(Ipv4Addr::new(10, 7, 0, number)).await.unwrap());
        }
        fisheye.deploy(&deploy_request(&scans)).await.unwrap();
        fisheye.deploy_status().await.unwrap();
        pass(1300);
        assert!(matches!(fisheye.deploy_verify().await.unwrap(), Verdict::Deployed));
        fisheye.set_up_root().await.unwrap();
        fisheye.set_vip(fisheye.addresses().vip).await.unwrap();
        pass(20);
        let finished = async |job: Option<String>| {
            pass(20);
            let state = fisheye.job(&job.expect("a job")).await.unwrap();
            assert!(matches!(state, JobState::Done(_)), "{state:?}");
        };
        finished(fisheye.set_dns(&[Ipv4Addr::new(10, 7, 3, 53)]).await.unwrap().job_id).await;
        finished(fisheye.set_ntp(&["ntp.made-up.example".into()]).await.unwrap().job_id).await;
        let account = |(index, host): (u8, &Host)| IpmiAccount {
            host_uuid: host.host_uuid.clone(),
            hostname: format!("node-{index}"),
            address: Ipv4Addr::new(10, 7, 2, 11 + index),
            user: "admin".into(),
            password: Secret::from("bmc-Passw0rd"),
        };
        let accounts: Vec<IpmiAccount> = (0..).zip(&scans).map(account).collect();
        assert_eq!(fisheye.upsert_ipmi(&accounts).await.unwrap().success.len(), 3);
        let hosts = scans.iter().zip(11..).map(|(host, number)| BusinessHost {
            host_uuid: host.host_uuid.clone(),
            nics: vec!["ens5".into(), "ens6".into()],
            storage: Ipv4Addr::new(10, 7, 1, number),
        });
        let vds = NewVds { name: "VDS-BIZ".into(), bond_mode: BondMode::Lacp, hosts: hosts.collect() };
        finished(fisheye.create_vds(&vds).await.unwrap().job_id).await;
        let vdses = fisheye.vdses().await.unwrap();
        let business = vdses.iter().find(|vds| vds.name == "VDS-BIZ").unwrap();
        fisheye.create_vlan(&business.uuid, "VLAN-210", 210).await.unwrap();
        assert_eq!(fisheye.vlans(&business.uuid).await.unwrap()[0].vlan_id, 210);
        let models = fisheye.recommended_cpu_models().await.unwrap();
        fisheye.set_cpu_model(&models[0]).await.unwrap();
        assert_eq!(fisheye.cpu_model().await.unwrap().as_deref(), Some("EPYC"));
        fisheye.licence().await.unwrap();

        let file = tempfile::NamedTempFile::new().unwrap();
        let content: Vec<u8> = (0..image).map(|i| (i % 251) as u8).collect();
        std::fs::write(file.path(), &content).unwrap();
        let sink = fisheye.tools_sink("SMTX_VMTOOLS-4.1.0-1.iso", content.len() as u64);
        let upload = Upload {
            sink: Arc::new(sink),
            file: file.path(),
            digests: None,
            progress: &|_| {},
            remember: &|_| Ok(()),
        };
        let uploaded = upload.run(None).await.unwrap();

        let ledger = site.ledger();
        assert!(ledger.breaches.is_empty(), "{:#?}", ledger.breaches);
        assert!(ledger.secrets_in_urls.is_empty() && ledger.outside_plan.is_empty());
        let stored = ledger.volumes.values().next().unwrap();
        assert_eq!(stored.md5.as_deref(), Some(uploaded.digests.md5.as_str()));
        let chunks = u64::from(image.div_ceil(8 << 20));
        assert_eq!((stored.chunks_new, stored.chunks_repeated), (chunks, 0));
        // Deployment, root, VIP, DNS, NTP, IPMI, VDS, VLAN, CPU model, volume; then the chunks.
        assert_eq!(ledger.change_count(), 10 + chunks);
    });
}
