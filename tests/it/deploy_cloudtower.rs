//! Stage 04: from an image file on this machine to a CloudTower that answers, and what may come in between.

use std::{fs, sync::OnceLock};

use serde_json::{Value, json};
use voyager::sim::{
    Ledger,
    fault::{Action, Fault, JobFate},
    guest::InstallerFate,
};

use crate::support::{
    fault::always,
    site::{SimulatedSite, Snapshot, TOWER_ISO, image_bytes},
    tool::Voyager,
};

/// The example site with its cluster configured and nothing of CloudTower.
fn before() -> &'static Snapshot {
    static BEFORE: OnceLock<Snapshot> = OnceLock::new();
    BEFORE.get_or_init(|| {
        let site = SimulatedSite::example().start();
        site.run().args(["--to", "03"]).run().exits_with(0);
        site.snapshot()
    })
}

fn site(changes: &[(&str, Value)]) -> SimulatedSite {
    SimulatedSite::restored_with(before(), changes)
}

fn run(site: &SimulatedSite) -> Voyager {
    site.run().args(["--to", "04"])
}

fn once(operation: &str, action: Action) -> Fault {
    Fault { count: 1, ..always(operation, action) }
}

fn vms(ledger: &Ledger) -> u64 {
    ledger.vms.values().map(|tally| tally.count).sum()
}

fn vm_uuid(site: &SimulatedSite) -> String {
    site.running().site().with(|state, _| state.cluster.vms().next().map(|vm| vm.uuid.clone())).expect("a VM")
}

fn complete_images(ledger: &Ledger) -> usize {
    ledger.volumes.values().filter(|volume| volume.name == TOWER_ISO && volume.sha256.is_some()).count()
}

#[test]
fn an_image_that_the_cluster_has_whole_is_reused_without_a_byte_and_without_a_record_of_it() {
    let site = site(&[]);
    run(&site).args(["--crash-at", "deploy-cloudtower.vm:before-intent"]).run();
    assert_eq!(complete_images(&site.ledger()), 1);
    before().put_back(site.folder.path());
    run(&site).run().exits_with(0).says("as planned  Upload the CloudTower image");
    assert_eq!((complete_images(&site.ledger()), vms(&site.ledger())), (1, 1));
}

#[test]
fn a_namesake_with_other_content_is_left_alone_and_ours_is_uploaded_beside_it() {
    let site = site(&[]);
    let own = site.folder.path().join("own");
    fs::create_dir(&own).expect("a folder");
    fs::write(own.join(TOWER_ISO), image_bytes(9 << 20, 5)).expect("an image");
    let other = site.voyager("run").args(["--media", "own", "--yes", "--to", "04"]);
    other.args(["--crash-at", "deploy-cloudtower.vm:before-intent"]).run();
    before().put_back(site.folder.path());
    run(&site).run().exits_with(0).says("is left alone, ours is uploaded beside it");
    assert_eq!(complete_images(&site.ledger()), 2);
    let mut images: Vec<u64> = site.ledger().volumes.values().map(|volume| volume.deleted).collect();
    images.retain(|deleted| *deleted > 0);
    assert!(images.is_empty(), "nothing was removed");
}

#[test]
fn a_vm_whose_answer_is_lost_and_that_nothing_lists_is_settled_by_the_operator_and_made_once() {
    let site = site(&[]);
    site.set_faults(vec![once("fisheye.vm.create", Action::ResetAfter)]);
    let ran = run(&site).run().exits_with(9);
    ran.says("--settle deploy-cloudtower.vm=done:<tower_vm>").says("--settle deploy-cloudtower.vm=absent");
    run(&site).run().exits_with(9);
    assert_eq!(vms(&site.ledger()), 1);
    let settle = format!("deploy-cloudtower.vm=done:{}", vm_uuid(&site));
    run(&site).args(["--settle", &settle]).run().exits_with(0);
    assert_eq!(vms(&site.ledger()), 1);
}

#[test]
fn a_vm_whose_answer_is_lost_is_found_where_the_cluster_lists_its_vms() {
    let site = site(&[("/variants/vm_list", json!("listed"))]);
    site.set_faults(vec![once("fisheye.vm.create", Action::ResetAfter)]);
    run(&site).run().exits_with(0);
    assert_eq!(vms(&site.ledger()), 1);
}

#[test]
fn a_failed_job_is_told_with_its_cause_and_the_next_run_makes_the_vm() {
    let site = site(&[]);
    site.set_faults(vec![once("fisheye.vm.create", Action::Job(JobFate::Failed))]);
    run(&site).run().exits_with(4).says("the job failed");
    assert_eq!((vms(&site.ledger()), complete_images(&site.ledger())), (0, 1));
    run(&site).run().exits_with(0);
    assert_eq!((vms(&site.ledger()), complete_images(&site.ledger())), (1, 1));
}

#[test]
fn somebody_at_cloudtower_s_address_stops_the_run_before_a_vm_is_made() {
    let site = site(&[("/quirks/occupied", json!(["10.40.8.20"]))]);
    run(&site).run().exits_with(4).says("something else answers at 10.40.8.20 (集群管理信息!E3)");
    assert_eq!(vms(&site.ledger()), 0);
}

#[test]
fn a_cloudtower_that_is_there_already_is_called_by_its_name() {
    let site = site(&[("/quirks/tower/installed", json!(true))]);
    run(&site).run().exits_with(4).says("a CloudTower answers at 10.40.8.20 (集群管理信息!E3) already");
    assert_eq!(vms(&site.ledger()), 0);
}

#[test]
fn a_stock_image_never_reports_and_the_operator_is_told_why() {
    let site = site(&[("/quirks/guest/stock_iso", json!(true))]);
    run(&site).run().exits_with(5).says("most likely a stock one").says("--redo deploy-cloudtower.image");
    assert_eq!(vms(&site.ledger()), 1);
}

#[test]
fn an_installer_that_dies_is_told_with_the_end_of_its_log_and_started_anew_by_the_next_run() {
    let site = site(&[]);
    site.set_faults(vec![once("ssh.installer", Action::Installer(InstallerFate::Dies))]);
    let ran = run(&site).run().exits_with(4);
    ran.says("has ended without the success line").says("SIM_STEP");
    assert_eq!(site.ledger().installer_starts.count, 1);
    run(&site).run().exits_with(0);
    assert_eq!(site.ledger().installer_starts.count, 2);
}

#[test]
fn an_installer_that_hangs_is_given_its_time_and_the_operator_what_to_look_at() {
    let site = site(&[]);
    site.set_faults(vec![once("ssh.installer", Action::Installer(InstallerFate::Hangs))]);
    let ran = run(&site).run().exits_with(5);
    ran.says("ssh cloudtower@10.40.8.20").says("tail -f /home/cloudtower/installer.out");
    assert_eq!(site.ledger().installer_starts.count, 1);
}

#[test]
fn an_installer_that_never_writes_a_log_is_told_by_its_process() {
    let site = site(&[]);
    site.set_faults(vec![once("ssh.installer", Action::Installer(InstallerFate::Silent))]);
    run(&site).run().exits_with(5).says("its log is still empty");
}

#[test]
fn sessions_that_are_cut_do_not_disturb_the_installer_and_no_byte_of_its_log_is_read_twice() {
    let site = site(&[]);
    run(&site).args(["--crash-at", "deploy-cloudtower.installer:before-intent"]).run();
    // Slow enough that a login fits into the life of a session.
    let cut = [("/quirks/guest/connection_seconds", json!(120.0))];
    let site = SimulatedSite::restored_at(&site.snapshot(), 150.0, &cut);
    run(&site).run().exits_with(0);
    let ledger = site.ledger();
    assert_eq!((ledger.installer_starts.count, vms(&ledger)), (1, 1));
    let connections = ledger.ssh_connections.get(&"10.40.8.20".parse().expect("an address"));
    assert!(connections.is_some_and(|tally| tally.count > 5), "the sessions were not cut: {connections:?}");
    let offsets: Vec<u64> = site.requests().iter().filter_map(|request| offset(&request.target)).collect();
    assert!(offsets.len() > 5 && offsets.is_sorted(), "{offsets:?}");
}

/// The byte at which a look at the log begins.
fn offset(line: &str) -> Option<u64> {
    line.split_once("tail -c +")?.1.split(' ').next()?.parse().ok()
}

#[test]
fn a_sudo_that_asks_for_the_password_is_answered_once_per_command() {
    let site = site(&[("/quirks/ssh/sudo_asks", json!(true))]);
    run(&site).run().exits_with(0);
    let ledger = site.ledger();
    let inside = [&ledger.resolv_conf_writes, &ledger.preinstalls, &ledger.installer_starts];
    assert_eq!(inside.map(|tally| tally.count), [1, 1, 1]);
    assert!(ledger.breaches.is_empty(), "{:?}", ledger.breaches);
}

#[test]
fn an_image_file_cut_off_at_4_gib_is_found_before_anything_is_contacted() {
    let site = SimulatedSite::example().start();
    let own = site.folder.path().join("own");
    fs::create_dir(&own).expect("a folder");
    // Sparse: it takes no room.
    fs::File::create(own.join(TOWER_ISO)).and_then(|file| file.set_len(4 << 30)).expect("a file");
    let ran = site.voyager("run").args(["--media", "own", "--yes"]).run().exits_with(6);
    ran.says("4294967296 bytes, exactly the limit of a file system").says("FAT32");
    assert_eq!(site.ledger().change_count(), 0);
}

#[test]
fn without_its_image_a_run_ends_before_it_erases_anything_and_with_it_the_same_command_goes_on() {
    let site = SimulatedSite::example().start();
    let own = site.folder.path().join("own");
    fs::create_dir(&own).expect("a folder");
    let run = || site.voyager("run").args(["--media", "own", "--yes", "--to", "04"]);
    let ran = run().run().exits_with(6);
    assert_eq!(site.ledger().deployments.count, 0, "{ran}");
    ran.says("Deploy the cluster (init-cluster.deploy): not run: the step \"CloudTower image file\" failed");
    fs::copy(site.folder.path().join("media").join(TOWER_ISO), own.join(TOWER_ISO))
        .expect("the image is brought");
    let ran = run().run().exits_with(0);
    assert_eq!((site.ledger().deployments.count, complete_images(&site.ledger())), (1, 1), "{ran}");
}

#[test]
fn without_an_image_the_stage_says_what_is_lacking_and_what_comes_close() {
    let site = site(&[]);
    let own = site.folder.path().join("own");
    fs::create_dir(&own).expect("a folder");
    fs::write(own.join("cloudtower-v4.7.1.oe2003.x86_64 (1).iso"), b"x").expect("a file");
    let ran = site.voyager("run").args(["--media", "own", "--yes", "--to", "04"]).run().exits_with(6);
    ran.says("cloudtower-v<version>.<build>.<arch>.iso").says("cloudtower-v4.7.1.oe2003.x86_64 (1).iso");
    assert_eq!(complete_images(&site.ledger()), 0);
}
