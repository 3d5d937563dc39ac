//! The calls of the inspection centre.

use voyager::{
    clients::inspector::{Begun, Download, Inspector, LocalId, NewJob, NewReport, ReportName, Requested},
    failure::Result,
};

use super::{
    Row,
    bench::{Bench, Phase, planned},
    kinds::{
        Sort,
        Trouble::{
            Babble, BadGateway, Empty, GraphqlErrors, Huge, Malformed, NotFound, NotOk, Truncated, WrongType,
        },
    },
    row,
};

/// Of `templates/contract/inspection.json`.
const VERSION: &str = "1.1.1-rc.11";

pub fn rows() -> Vec<Row> {
    use Phase::Finished;
    vec![
        row("tower.inspector.create-job", Sort::Probed, Finished, async |b: &Bench| {
            let cluster = local_id(b).await?;
            b.arm();
            start(b, &cluster).await.map(drop)
        })
        .answers(&[NotFound, BadGateway]),
        row("tower.inspector.job", Sort::Poll, Finished, async |b: &Bench| {
            let job = start(b, &local_id(b).await?).await?;
            b.arm();
            Inspector::new(&b.tower).reader().job(&job).await.map(drop)
        })
        .answers(&[NotFound, NotOk, GraphqlErrors, WrongType]),
        row("tower.inspector.export", Sort::Probed, Finished, async |b: &Bench| {
            let cluster = local_id(b).await?;
            let job = inspected(b, &cluster).await?;
            b.arm();
            let asked = Inspector::new(&b.tower).request_report(report(&job, &cluster, &items())).await?;
            // A refusal is told as a value, because a later try may do.
            match asked {
                Requested::Refused(failure) | Requested::Away(failure) => Err(failure),
                Requested::Named { .. } | Requested::UnknownJob(_) => Ok(()),
            }
        })
        .answers(&[NotFound]),
        row("tower.inspector.export-status", Sort::Poll, Finished, async |b: &Bench| {
            let name = exported(b).await?;
            b.arm();
            Inspector::new(&b.tower).reader().export_state(&name).await.map(drop)
        })
        .answers(&[NotFound, NotOk, GraphqlErrors, WrongType]),
        row("tower.inspector.download", Sort::Read, Finished, async |b: &Bench| {
            let name = exported(b).await?;
            b.pass(600);
            let part = tempfile::tempfile().expect("a file");
            let wanted =
                Download { name: &name, part, validator: None, progress: &|_, _| {}, remember: &|_| Ok(()) };
            b.arm();
            Inspector::new(&b.tower).reader().download(wanted).await.map(drop)
        })
        .patient(&[NotFound])
        // Where a report ends, it tells itself: it is looked into before it is taken.
        .answers(&[Huge, Truncated])
        // What does not begin like a report is words.
        .told(&[Malformed, WrongType, Empty, Babble]),
    ]
}

fn items() -> Vec<String> {
    vec!["bmc_selftest".to_owned(), "dead_data_check".to_owned()]
}

fn report<'a>(job: &'a str, cluster: &'a LocalId, items: &'a [String]) -> NewReport<'a> {
    NewReport { job, cluster, items, format: "word", months: 1 }
}

async fn local_id(b: &Bench) -> Result<LocalId> {
    let find = voyager::clients::tower::Find::Address(planned().cluster.vip.value);
    let cluster = b.tower.clusters(find).await?.into_iter().next().expect("an attached cluster");
    Ok(LocalId::parse(&cluster.local_id.expect("a local id")).expect("a UUID"))
}

async fn start(b: &Bench, cluster: &LocalId) -> Result<String> {
    let new = NewJob { version: VERSION, cluster, items: &items() };
    Ok(match Inspector::new(&b.tower).start_job(new).await? {
        Begun::Job { id, .. } => id,
        Begun::Absent(_) => String::new(),
        Begun::Unsent(failure) => return Err(failure),
    })
}

async fn inspected(b: &Bench, cluster: &LocalId) -> Result<String> {
    let job = start(b, cluster).await?;
    b.pass(3600);
    Ok(job)
}

async fn exported(b: &Bench) -> Result<ReportName> {
    let cluster = local_id(b).await?;
    let job = inspected(b, &cluster).await?;
    match Inspector::new(&b.tower).request_report(report(&job, &cluster, &items())).await? {
        Requested::Named { name, .. } => Ok(name),
        other => panic!("{other:?}"),
    }
}
