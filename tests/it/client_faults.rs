//! The fisheye client on a site where things go wrong: lost answers, ended sessions, cut uploads.

use std::{cell::RefCell, collections::BTreeSet, io::Write, net::Ipv4Addr, sync::Arc, time::Duration};

use voyager::{
    clients::{
        fisheye::{DeployStatus, Fisheye, JobState, Login, Started, Verdict},
        redact::Redactor,
        trust::TrustStore,
        upload::{Memo, Resume, Upload, Uploaded},
        wire::{Memory, Wire},
    },
    failure::{Effect, Result},
    sim::{self, FaultFile, Running, SimOptions, Start},
};

use crate::{
    client_and_site::{PASSWORD, client, deploy_request, fresh_trust},
    simulated_site::{plan, run},
};

const VIP: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 20);
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 11);
const DNS: Ipv4Addr = Ipv4Addr::new(10, 7, 3, 53);

struct Setup {
    site: Running,
    fisheye: Fisheye,
    memory: Memory,
    trust: TrustStore,
}

/// Runs a test; however it goes wrong, the client stays within the contract.
fn on_site(test: impl AsyncFnOnce(&Setup)) {
    run(async {
        let quick = "[durations]\nhost_scan = 0\ndeploy_answer = 0\nchunk = 0\n";
        let options = SimOptions { scenario: FaultFile::parse(quick).unwrap(), ..SimOptions::default() };
        let site = sim::start(Start::Fresh(Box::new(plan())), options).await.unwrap();
        let (memory, trust) = (Memory::default(), fresh_trust());
        let fisheye = client(&site, Wire::new(memory.clone(), Redactor::new()), trust.clone());
        let setup = Setup { site, fisheye, memory, trust };
        test(&setup).await;
        let ledger = setup.site.ledger();
        assert!(ledger.breaches.is_empty(), "{:#?}", ledger.breaches);
        assert!(ledger.secrets_in_urls.is_empty() && ledger.outside_plan.is_empty());
        setup.site.shutdown().await;
    });
}

impl Setup {
    fn pass(&self, seconds: u64) {
        self.site.site().clock.advance(Duration::from_secs(seconds));
    }

    fn faults(&self, toml: &str) {
        self.site.set_faults(FaultFile::parse(toml).unwrap().faults);
    }

    async fn deploy(&self) -> Result<()> {
        let mut scans = Vec::new();
        for number in 11..=13 {
            scans.push(self.fisheye.scan_host(Ipv4Addr::new(10, 7, 0, number)).await.unwrap());
        }
        self.fisheye.deploy(&deploy_request(&scans)).await.map(drop)
    }

    /// Deployed, with its root account; the VIP is up, and nobody has used it yet.
    async fn configured(&self) {
        self.deploy().await.unwrap();
        self.pass(1300);
        assert!(matches!(self.fisheye.deploy_verify().await.unwrap(), Verdict::Deployed));
        self.fisheye.set_up_root().await.unwrap();
        self.done(self.fisheye.set_vip(VIP).await.unwrap()).await;
        self.pass(60);
    }

    async fn done(&self, started: Started) {
        let Some(job) = started.job_id else { return };
        self.pass(60);
        assert!(matches!(self.fisheye.job(&job).await.unwrap(), JobState::Done(_)));
    }

    fn logins(&self) -> u64 {
        self.site.ledger().logins.values().map(|tally| tally.count).sum()
    }

    /// What came of it, and what a journal would remember.
    async fn upload(&self, content: &[u8], resume: Option<Resume>) -> (Result<Uploaded>, Option<Resume>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let memo = RefCell::new(resume.clone());
        let sink = self.fisheye.image_sink("tower.iso", content.len() as u64, "made by a test");
        let remember = |event: Memo<'_>| {
            let mut memo = memo.borrow_mut();
            match (event, &mut *memo) {
                (Memo::Opened(volume), memo) => {
                    *memo = Some(Resume { volume: volume.clone(), acknowledged: BTreeSet::new() });
                }
                (Memo::Acknowledged(chunk), Some(memo)) => {
                    memo.acknowledged.insert(chunk);
                }
                (Memo::Acknowledged(chunk), None) => panic!("chunk {chunk} of no volume"),
                (Memo::Deleted(_), memo) => *memo = None,
            }
            Ok(())
        };
        let upload = Upload {
            sink: Arc::new(sink),
            file: file.path(),
            digests: None,
            progress: &|_| {},
            remember: &remember,
        };
        let result = upload.run(resume).await;
        (result, memo.into_inner())
    }
}

/// A file of so many chunks, the last one short.
fn content(chunks: usize) -> Vec<u8> {
    let size = (chunks - 1) * (8 << 20) + 12_345;
    (0..u32::MAX).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).take(size).collect()
}

#[test]
fn a_deployment_whose_answer_is_lost_is_unknown_to_us_and_happened_once() {
    on_site(async |at| {
        at.faults("[[fault]]\noperation = 'fisheye.deploy'\naction = 'drop-answer'\n");
        assert_eq!(at.deploy().await.unwrap_err().effect, Effect::Unknown);
        assert_eq!(at.site.ledger().deployments.count, 1);
        assert!(matches!(at.fisheye.deploy_status().await.unwrap(), DeployStatus::Running { .. }));
    });
}

#[test]
fn an_account_that_is_not_set_up_yet_is_no_reason_not_to_try_it_later() {
    on_site(async |at| {
        at.deploy().await.unwrap();
        at.pass(1300);
        assert!(matches!(at.fisheye.log_in_at(FIRST).await.unwrap(), Login::Refused(_)));
        at.fisheye.set_up_root().await.unwrap();
        let again = at.fisheye.set_up_root().await.unwrap_err();
        assert_eq!(again.effect, Effect::None);
        assert_eq!(at.fisheye.log_in_at(FIRST).await.unwrap(), Login::In);
        assert_eq!(at.site.ledger().setup_root.count, 1);
    });
}

#[test]
fn a_session_that_ends_costs_one_login_and_no_second_write() {
    on_site(async |at| {
        at.configured().await;
        at.fisheye.licence().await.unwrap();
        let before = at.logins();
        at.faults("[[fault]]\noperation = 'fisheye.dns'\naction = 'expire-tokens'\n");
        at.done(at.fisheye.set_dns(&[DNS]).await.unwrap()).await;
        assert_eq!((at.logins(), at.site.ledger().dns_writes.count), (before + 1, 1));
    });
}

#[test]
fn while_the_vip_is_cut_the_nodes_answer() {
    on_site(async |at| {
        at.configured().await;
        at.faults(
            "[[fault]]\noperation = 'connect.443'\naddress = '10.7.0.20'\ncount = 0\naction = 'refuse'\n",
        );
        at.fisheye.licence().await.unwrap();
        assert_eq!(at.memory.records().pop().unwrap().address, "10.7.0.11:443");
    });
}

#[test]
fn odd_answers_are_read_all_the_same() {
    on_site(async |at| {
        at.configured().await;
        at.faults(
            "[[fault]]\noperation = 'fisheye.licence'\n\
             action = { merge-body = { data = { period = '2592000', more = [1], vendor = 7 } } }\n",
        );
        assert_eq!(at.fisheye.licence().await.unwrap().period, Some(2_592_000));
        at.faults("[[fault]]\noperation = 'fisheye.licence'\naction = { cut-body = { bytes = 30 } }\n");
        at.fisheye.licence().await.unwrap();
        assert_eq!(
            at.memory.records().pop().unwrap().attempt,
            2,
            "a cut answer to a read is asked for again"
        );
    });
}

#[test]
fn a_machine_that_becomes_another_is_not_talked_to() {
    on_site(async |at| {
        at.configured().await;
        at.faults("[[fault]]\noperation = 'fisheye.deploy.verify'\naction = 'change-identity'\n");
        assert!(matches!(at.fisheye.deploy_verify().await.unwrap(), Verdict::Deployed));
        // A client of its own, because an open connection stays with the machine that it was opened to.
        let later = client(&at.site, Wire::none(Redactor::new()), at.trust.clone());
        let before = at.site.requests().len();
        let failure = later.log_in_at(FIRST).await.unwrap_err();
        assert!(failure.meaning.unwrap().en.contains("certificate"));
        assert_eq!((failure.effect, at.site.requests().len()), (Effect::None, before));
    });
}

#[test]
fn the_transcript_names_and_counts_what_the_site_does_and_holds_no_secret() {
    on_site(async |at| {
        at.configured().await;
        at.done(at.fisheye.set_dns(&[DNS]).await.unwrap()).await;
        let (records, requests) = (at.memory.records(), at.site.requests());
        let answered = records.iter().filter(|record| record.status.is_some());
        let ours: Vec<(&str, bool)> = answered.map(|record| (&*record.operation, record.changes)).collect();
        let theirs: Vec<(&str, bool)> =
            requests.iter().map(|seen| (&*seen.operation, seen.changing)).collect();
        assert_eq!(ours, theirs);
        let written = serde_json::to_string(&records).unwrap();
        assert!(!written.contains(PASSWORD));
        let token = |word: &str| word.len() == 32;
        assert!(
            !written.split(|c: char| !c.is_ascii_hexdigit()).any(token),
            "a session token is 32 hex digits"
        );
    });
}

#[test]
fn an_image_arrives_whole_through_resets_lost_answers_and_an_ended_session() {
    on_site(async |at| {
        at.configured().await;
        at.faults(
            "[[fault]]\noperation = 'fisheye.image.chunk'\nchunk = 0\ncount = 2\naction = 'reset-before'\n\
             [[fault]]\noperation = 'fisheye.image.chunk'\nchunk = 1\naction = 'reset-after'\n\
             [[fault]]\noperation = 'fisheye.image.chunk'\nchunk = 2\naction = 'expire-tokens'\n",
        );
        let content = content(3);
        let uploaded = at.upload(&content, None).await.0.unwrap();
        let images = at.fisheye.images().await.unwrap();
        let md5 = &uploaded.digests.md5;
        assert!(images.iter().any(|image| image.holds("tower.iso", content.len() as u64, md5)));
        let ledger = at.site.ledger();
        let volume = ledger.volumes.values().next().unwrap();
        assert_eq!((ledger.volumes.len(), volume.chunks_new, volume.chunks_repeated), (1, 3, 1));
        assert_eq!(volume.sha256.as_deref(), Some(uploaded.digests.sha256.as_str()));
    });
}

#[test]
fn a_chunk_that_is_refused_three_times_costs_its_volume_and_the_next_one_is_whole() {
    on_site(async |at| {
        at.configured().await;
        at.faults(
            "[[fault]]\noperation = 'fisheye.image.chunk'\nchunk = 1\ncount = 3\n\
             action = { v2 = { ec = 'SIM_REFUSED', msg = 'no', detail = {} } }\n",
        );
        assert!(at.upload(&content(2), None).await.0.unwrap().restarted);
        let ledger = at.site.ledger();
        let kept: Vec<_> = ledger.volumes.values().filter(|volume| volume.deleted == 0).collect();
        assert_eq!((ledger.volumes.len(), kept.len(), kept[0].chunks_new), (2, 1, 2));
    });
}

#[test]
fn an_upload_that_was_cut_off_goes_on_in_its_volume_with_what_is_missing() {
    on_site(async |at| {
        at.configured().await;
        at.faults(
            "[[fault]]\noperation = 'fisheye.image.chunk'\nchunk = 1\ncount = 0\naction = 'reset-before'\n\
             [[fault]]\noperation = 'fisheye.image.delete'\ncount = 0\naction = 'reset-before'\n",
        );
        let content = content(2);
        let (cut, memo) = at.upload(&content, None).await;
        cut.unwrap_err();
        at.faults("");
        let (uploaded, _) = at.upload(&content, memo).await;
        assert_eq!(uploaded.unwrap().sent, 12_345);
        let ledger = at.site.ledger();
        let volume = ledger.volumes.values().next().unwrap();
        assert_eq!((ledger.volumes.len(), volume.chunks_new, volume.chunks_repeated), (1, 2, 0));
    });
}

#[test]
fn lists_of_missing_chunks_that_lie_do_not_decide() {
    for lie in ["never-shrinks", "empty-too-early"] {
        on_site(async |at| {
            at.configured().await;
            at.faults(&format!(
                "[[fault]]\noperation = 'fisheye.image.chunk'\ncount = 0\naction = {{ upload-list = '{lie}' }}\n"
            ));
            let uploaded = at.upload(&content(2), None).await.0.unwrap();
            assert!(!uploaded.restarted);
            let ledger = at.site.ledger();
            let volume = ledger.volumes.values().next().unwrap();
            assert_eq!(volume.md5.as_deref(), Some(uploaded.digests.md5.as_str()));
        });
    }
}
