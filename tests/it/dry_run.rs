//! `run --dry-run`: lists what would change, contacts nothing, leaves nothing.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::support::tool::{Ran, Voyager, project};

fn with_plan() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(project("examples/plan.xlsx"), folder.path().join("plan.xlsx")).expect("the example");
    folder
}

fn dry_run(folder: &Path, options: &[&str]) -> Ran {
    Voyager::within(folder).args(["run", "--plan", "plan.xlsx", "--dry-run"]).args(options).run()
}

#[test]
fn a_dry_run_lists_every_changing_request_in_order_with_its_cells_and_leaves_nothing() {
    let folder = with_plan();
    let ran = dry_run(folder.path(), &["--output", "json"]).exits_with(0);
    let requests = ran.json()["requests"].as_array().cloned().unwrap_or_default();
    let operations: Vec<&str> = requests.iter().filter_map(|request| request["step"].as_str()).collect();
    let position = |step: &str| operations.iter().position(|known| *known == step).expect("the step acts");
    assert!(position("init-cluster.deploy") < position("config-cluster.vip"), "{operations:?}");
    assert!(position("config-cluster.vip") < position("config-cluster.host-passwords"), "{operations:?}");
    let vip = &requests[position("config-cluster.vip")];
    assert_eq!(
        vip["cells"].as_array().map(|cells| cells.contains(&"主机规划!I19".into())),
        Some(true),
        "{vip}"
    );
    assert!(vip["body"].as_str().is_some_and(|body| body.contains("10.40.8.10")), "{vip}");
    let left: Vec<_> =
        fs::read_dir(folder.path()).expect("the folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["plan.xlsx"], "nothing was written");
}

#[test]
fn what_only_the_site_can_know_is_named_and_no_password_is_shown() {
    let folder = with_plan();
    let plan =
        Voyager::within(folder.path()).args(["plan", "export", "plan.xlsx", "--with-secrets"]).run().json();
    let password = plan["plan"]["hosts"][0]["ssh_password"].as_str().expect("a password").to_owned();
    let ran = dry_run(folder.path(), &[]).exits_with(0).says("<hosts.host_uuid>").says("主机规划!I3:I5");
    ran.does_not_say(&password).says("nothing was contacted and nothing written");
}
