//! The package on its way in: no chunk twice, none lost, whatever becomes of the answers and of the process.

use std::os::unix::process::ExitStatusExt;

use serde_json::json;
use voyager::sim::fault::{Action, Fault, HoldPoint};

use super::{arrived, made, once, packages, run, site};
use crate::support::fault::hold;

fn at_chunk(number: u64, fault: Fault) -> Fault {
    Fault { chunk: Some(number), ..fault }
}

#[test]
fn a_chunk_without_an_answer_is_asked_after_and_sent_again_only_where_it_is_not_there() {
    for chunk in 1..=3 {
        for action in [Action::ResetAfter, Action::ResetBefore] {
            let site = site(&[]);
            site.set_faults(vec![at_chunk(chunk, once("tower.ovm.chunk", action.clone()))]);
            run(&site).run().exits_with(0);
            arrived(&site, 1);
        }
    }
}

#[test]
fn where_nobody_can_be_asked_a_chunk_without_an_answer_costs_its_upload() {
    for query in ["not-found", "not-implemented", "page"] {
        let site = site(&[("/variants/tower/observability/upload_query", json!(query))]);
        site.set_faults(vec![at_chunk(2, once("tower.ovm.chunk", Action::ResetAfter))]);
        run(&site).run().exits_with(0).says("broke off and was started over");
        arrived(&site, 2);
    }
}

#[test]
fn three_spoilt_uploads_are_the_end() {
    let site = site(&[("/variants/tower/observability/upload_query", json!("not-found"))]);
    site.set_faults(vec![at_chunk(2, Fault { count: 3, ..once("tower.ovm.chunk", Action::ResetAfter) })]);
    run(&site).run().exits_with(4).says("several uploads failed one after another");
    assert_eq!((packages(&site.ledger()).len(), made(&site.ledger())), (3, 0));
}

#[test]
fn a_commit_without_an_answer_is_settled_by_its_tasks() {
    for action in [Action::ResetAfter, Action::ResetBefore] {
        let site = site(&[]);
        site.set_faults(vec![once("tower.ovm.commit", action)]);
        run(&site).run().exits_with(0);
        arrived(&site, 1);
    }
}

#[test]
fn a_commit_that_nobody_has_judged_costs_no_second_upload() {
    for (status, count, body) in [
        (403, 2, r#"{"message": "no session"}"#),
        (404, 1, "<html><head><title>404 Not Found</title></head></html>"),
        (503, 1, ""),
    ] {
        let site = site(&[]);
        let away = Action::Status { status, headers: Default::default(), body: body.to_owned() };
        site.set_faults(vec![Fault { count, ..once("tower.ovm.commit", away) }]);
        run(&site).run().exits_with(0);
        arrived(&site, 1);
    }
}

#[test]
fn a_run_that_is_killed_between_two_chunks_goes_on_with_the_next_one() {
    for chunk in 1..=3 {
        for point in [HoldPoint::BeforeEffect, HoldPoint::AfterEffect] {
            let site = site(&[]);
            site.set_faults(vec![at_chunk(chunk, hold("tower.ovm.chunk", point))]);
            let mut tool = run(&site).start(&site.folder.path().join("killed.log"));
            site.until_held();
            tool.kill().expect("the tool is killed");
            assert_eq!(tool.wait().expect("the tool ended").signal(), Some(9));
            site.set_faults(Vec::new());
            site.release();
            run(&site).run().exits_with(0);
            arrived(&site, 1);
        }
    }
}

#[test]
fn a_package_that_the_site_finds_damaged_is_refused_with_its_words_and_sent_anew() {
    let site = site(&[("/quirks/tower/observability/package_bytes", json!(1))]);
    run(&site).run().exits_with(4).says("SIM_BAD_ARCHIVE");
    run(&site).run().exits_with(4).says("SIM_BAD_ARCHIVE");
    assert_eq!((packages(&site.ledger()).len(), made(&site.ledger())), (2, 0));
}
