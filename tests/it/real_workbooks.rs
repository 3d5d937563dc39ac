//! The two real planning workbooks, unmodified, on the site that each describes.

use std::{fs, path::PathBuf};

use crate::{plan_check::real_workbooks, support::site::SimulatedSite};

#[test]
fn the_real_workbooks_run_on_the_sites_they_describe_and_stay_as_they_are() {
    let workbooks: Vec<PathBuf> = real_workbooks();
    for path in workbooks {
        let before = fs::read(&path).expect("the workbook is read");
        let site = SimulatedSite::of_file(&path).start();
        site.run().run().exits_with(0);
        let ledger = site.ledger();
        assert_eq!(ledger.deployments.count, 1, "{}", path.display());
        assert!(ledger.breaches.is_empty() && ledger.outside_plan.is_empty(), "{ledger:?}");
        // A rehearsal writes serials into a copy.
        assert!(fs::read(site.folder.path().join("plan.xlsx")).is_ok_and(|now| now == before));
        site.run().run().exits_with(0).says("0 changed");
    }
}
