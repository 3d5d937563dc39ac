//! The SSH client against the simulated hosts, through the simulated site's own proxy.

use std::{future::Future, net::Ipv4Addr, time::Duration};

use voyager::{
    clients::{
        dial::{Dialler, Endpoint},
        limits::Limits,
        proxy::Proxy,
        redact::Redactor,
        ssh::{self, End, Ssh, SshReader},
        trust::{InMemory, Mode, Protocol, TrustStore},
        wire::{Class, Memory, Wire},
    },
    failure::{Effect, Failure, Kind},
    secret::Secret,
    sim::{self, FaultFile, HostKeys, PlannedHost, Running, SimOptions, Start, TwinPlan, hold::Release},
};

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 11);
const LIMIT: Duration = Duration::from_secs(20);

/// One simulated host, whose accounts still have the password of the deployment.
struct Bench {
    site: Running,
    ssh: Ssh,
    trust: TrustStore,
    transcript: Memory,
    planned: Secret<String>,
    default: Secret<String>,
}

impl Bench {
    async fn new(scenario: &str) -> Self {
        Self::with_limits(scenario, Limits::default()).await
    }

    async fn with_limits(scenario: &str, limits: Limits) -> Self {
        let host = PlannedHost {
            hostname: "node-1".into(),
            mgmt_ip: HOST,
            storage_ip: Ipv4Addr::new(10, 0, 30, 11),
            bmc_ip: None,
        };
        let plan = TwinPlan { hosts: vec![host], ..TwinPlan::default() };
        let options = SimOptions {
            speed: 1000.0,
            scenario: FaultFile::parse(scenario).unwrap(),
            ..SimOptions::default()
        };
        let site = sim::start(Start::Fresh(Box::new(plan)), options).await.unwrap();
        let default = Secret::from("Default-canary-1");
        site.site().with(|state, _| {
            let accounts = ["root", "smartx"].map(|user| (user.to_owned(), default.expose().clone()));
            state.accounts.insert(HOST, accounts.into());
        });
        let trust = TrustStore::open(Mode::Tofu, [], InMemory).unwrap();
        let transcript = Memory::default();
        let wire = Wire::new(transcript.clone(), Redactor::new());
        let dialler = Dialler::through(Proxy::parse(&site.proxy_url()).unwrap(), limits);
        let ssh = Ssh::new(SshReader::new(dialler, Endpoint::new(HOST, 22), trust.clone(), wire));
        Self { site, ssh, trust, transcript, planned: Secret::from("Planned-canary-1"), default }
    }

    /// Planned first, then the default, as a stage does.
    async fn open(&self) -> voyager::failure::Result<(ssh::Session, usize)> {
        self.ssh.open("smartx", &[&self.planned, &self.default]).await
    }

    async fn accepted(&self) -> Option<usize> {
        self.ssh.reader().accepted("smartx", &[&self.planned, &self.default]).await.unwrap()
    }

    fn changes(&self, account: &str) -> u64 {
        self.site.ledger().password_changes.get(&format!("{HOST} {account}")).map_or(0, |tally| tally.count)
    }

    /// What was recorded, as `operation status` or `operation failed`, in order.
    fn recorded(&self) -> Vec<String> {
        let outcome = |status: Option<u32>| status.map_or("failed".to_owned(), |status| status.to_string());
        let records = self.transcript.records();
        records.iter().map(|record| format!("{} {}", record.operation, outcome(record.status))).collect()
    }
}

fn command(line: &str) -> ssh::Command<'_> {
    ssh::Command::new("ssh.test", line, Class::Read, LIMIT)
}

fn english(failure: &Failure) -> String {
    let texts = [&failure.answer, &failure.meaning].into_iter().flatten().chain(&failure.advice);
    texts.map(|text| text.en.as_str()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn both_host_passwords_are_set_and_proved_by_a_login() {
    let bench = Bench::new("").await;
    assert_eq!(bench.accepted().await, Some(1), "the default of the deployment");
    let (session, which) = bench.open().await.unwrap();
    assert_eq!(which, 1);
    session.set_passwords(&[("smartx", &bench.planned), ("root", &bench.planned)], LIMIT).await.unwrap();
    assert_eq!(bench.accepted().await, Some(0));
    assert_eq!(bench.ssh.reader().accepted("root", &[&bench.planned]).await.unwrap(), Some(0));
    assert_eq!((bench.changes("smartx"), bench.changes("root")), (1, 1));
    assert!(bench.site.ledger().breaches.is_empty());
}

#[tokio::test]
async fn no_secret_reaches_the_transcript_or_the_list_of_requests() {
    let bench = Bench::new("[site.ssh]\nsudo_asks = true\n").await;
    let (session, _) = bench.open().await.unwrap();
    session.set_passwords(&[("root", &bench.planned)], LIMIT).await.unwrap();
    session.run(&command("echo Planned-canary-1 Default-canary-1")).await.unwrap();
    let records = serde_json::to_string(&bench.transcript.records()).unwrap();
    let requests = serde_json::to_string(&bench.site.requests()[..3]).unwrap();
    assert!(!records.contains("canary"), "{records}");
    assert!(!requests.contains("canary"), "{requests}");
    let wanted =
        "ssh.connect 0, ssh.login 1, ssh.login 0, ssh.chpasswd 1, ssh.sudo 0, ssh.chpasswd 0, ssh.test 127";
    assert_eq!(bench.recorded().join(", "), wanted);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_refused_with_advice() {
    let bench = Bench::new("").await;
    let wrong = [&Secret::from("Wrong-canary-1"), &bench.planned, &Secret::from("Wrong-canary-1")];
    assert_eq!(bench.ssh.reader().accepted("smartx", &wrong).await.unwrap(), None);
    assert_eq!(bench.recorded(), ["ssh.connect 0", "ssh.login 1", "ssh.login 1"]);
    let failure = bench.ssh.open("smartx", &wrong).await.err().unwrap();
    assert_eq!((failure.kind, failure.effect), (Kind::Site, Effect::None));
    assert_eq!(failure.at.as_deref(), Some("10.0.20.11:22"));
    assert!(english(&failure).contains("ssh smartx@10.0.20.11"), "{failure:?}");
    assert!(!format!("{failure:?}").contains("canary"));
}

#[tokio::test]
async fn a_host_that_offers_keyboard_interactive_only_lets_us_in() {
    let bench = Bench::new("[site.ssh]\nlogin = 'keyboard-interactive'\n").await;
    let (session, which) = bench.open().await.unwrap();
    assert_eq!((which, session.run(&command("id -un")).await.unwrap().stdout.text.as_str()), (1, "smartx\n"));
}

#[tokio::test]
async fn a_host_that_accepts_keys_only_is_named_and_no_password_is_sent_to_it() {
    let bench = Bench::new("[site.ssh]\nlogin = 'public-key'\n").await;
    let failure = bench.open().await.err().unwrap();
    assert!(english(&failure).contains("PasswordAuthentication yes"), "{failure:?}");
    assert_eq!(bench.recorded(), ["ssh.connect 0", "ssh.login failed"]);
}

#[tokio::test]
async fn sudo_that_asks_gets_the_password_that_the_account_has_by_then() {
    let bench = Bench::new("[site.ssh]\nsudo_asks = true\n").await;
    let (session, _) = bench.open().await.unwrap();
    session.set_passwords(&[("smartx", &bench.planned)], LIMIT).await.unwrap();
    session.set_passwords(&[("root", &bench.planned)], LIMIT).await.unwrap();
    assert_eq!((bench.changes("smartx"), bench.changes("root")), (1, 1));
}

#[tokio::test]
async fn a_sudo_password_that_is_wrong_by_now_is_tried_once_and_the_input_never_reaches_sudo() {
    let bench = Bench::new("[site.ssh]\nsudo_asks = true\n").await;
    let (session, _) = bench.open().await.unwrap();
    bench.site.site().with(|state, _| {
        state.accounts.get_mut(&HOST).unwrap().insert("smartx".into(), "changed by somebody else".into())
    });
    let failure = session.set_passwords(&[("root", &bench.planned)], LIMIT).await.unwrap_err();
    assert_eq!(failure.effect, Effect::None);
    assert!(english(&failure).contains("1 incorrect password attempt"), "{failure:?}");
    assert_eq!(bench.changes("root"), 0);
}

#[tokio::test]
async fn a_command_that_ends_without_a_status_is_lost_and_never_a_success() {
    for action in ["drop-answer", "reset-after", "reset-before"] {
        let bench =
            Bench::new(&format!("[[fault]]\noperation = 'ssh.chpasswd'\naction = '{action}'\n")).await;
        let (session, _) = bench.open().await.unwrap();
        let failure = session.set_passwords(&[("smartx", &bench.planned)], LIMIT).await.unwrap_err();
        assert_eq!((failure.kind, failure.effect), (Kind::Site, Effect::Unknown), "{action}: {failure:?}");
        // Only a second look can tell; here it is the login.
        let took_effect = action != "reset-before";
        assert_eq!(bench.accepted().await, Some(usize::from(!took_effect)), "{action}");
        assert!(bench.recorded().contains(&"ssh.chpasswd failed".to_owned()), "{action}");
    }
}

#[tokio::test]
async fn a_command_held_too_long_times_out_with_an_unknown_effect() {
    let bench = Bench::new("[[fault]]\noperation = 'ssh.run'\naction = { hold = 'before-effect' }\n").await;
    let (session, _) = bench.open().await.unwrap();
    let slow = ssh::Command { limit: Duration::from_millis(50), ..command("true") };
    let failure = session.run(&slow).await.unwrap_err();
    assert_eq!((failure.kind, failure.effect), (Kind::TimedOut, Effect::Unknown));
    bench.site.site().holds.release(None, Release::Continue);
    assert_eq!(session.run(&command("true")).await.unwrap().end, End::Status(0), "the session goes on");
}

#[tokio::test]
async fn a_changed_host_key_is_refused_before_any_password_until_the_change_is_announced() {
    let bench = Bench::new("").await;
    assert_eq!(bench.accepted().await, Some(1));
    bench.site.site().with(|state, _| state.quirks.ssh.host_key_edition = 1);
    let before = bench.transcript.records().len();
    let failure = bench.open().await.err().unwrap();
    assert_eq!((failure.kind, failure.effect), (Kind::Site, Effect::None));
    assert!(english(&failure).contains("host key has changed"), "{failure:?}");
    assert_eq!(
        bench.recorded()[before..],
        ["ssh.connect failed"; 2],
        "asked for the old key too; nobody logged in"
    );
    bench.trust.expect_change(Protocol::Ssh, Endpoint::new(HOST, 22));
    assert_eq!(bench.accepted().await, Some(1));
}

#[tokio::test]
async fn a_host_that_got_a_newer_type_of_key_is_known_by_the_one_it_had() {
    let bench = Bench::new("[site.ssh]\nhost_keys = 'ecdsa'\n").await;
    assert_eq!(bench.accepted().await, Some(1));
    bench.site.site().with(|state, _| state.quirks.ssh.host_keys = HostKeys::Both);
    assert_eq!(bench.accepted().await, Some(1));
    // Without the key it had, it is another host.
    bench.site.site().with(|state, _| state.quirks.ssh.host_keys = HostKeys::Ed25519);
    let failure = bench.open().await.err().unwrap();
    assert!(english(&failure).contains("host key has changed"), "{failure:?}");
}

#[tokio::test]
async fn connections_dropped_before_the_greeting_are_opened_again() {
    let bench =
        Bench::new("[[fault]]\noperation = 'ssh.connect'\ncount = 2\naction = 'reset-before'\n").await;
    assert_eq!(bench.accepted().await, Some(1));
    assert_eq!(bench.recorded()[..3], ["ssh.connect failed", "ssh.connect failed", "ssh.connect 0"]);
}

#[tokio::test]
async fn a_late_greeting_is_waited_for_and_a_missing_one_is_not() {
    let late =
        Bench::new("[[fault]]\noperation = 'ssh.connect'\naction = { delay = { seconds = 25.0 } }\n").await;
    assert_eq!(late.accepted().await, Some(1));
    let limits = Limits { first_byte: Duration::from_millis(50), ..Limits::default() };
    let missing = "[[fault]]\noperation = 'ssh.connect'\ncount = 0\naction = 'hang'\n";
    let failure = Bench::with_limits(missing, limits).await.open().await.err().unwrap();
    assert_eq!(failure.kind, Kind::TimedOut);
    assert!(english(&failure).contains("within 0.1s"), "{failure:?}");
}

#[tokio::test]
async fn a_login_whose_answer_is_lost_is_not_called_a_refusal() {
    let bench = Bench::new("[[fault]]\noperation = 'ssh.login'\naction = 'reset-before'\n").await;
    let failure = bench.ssh.reader().accepted("smartx", &[&bench.default]).await.unwrap_err();
    assert_eq!((failure.kind, failure.effect), (Kind::Site, Effect::None));
    assert_eq!(bench.recorded(), ["ssh.connect 0", "ssh.login failed"], "one try, even so");
}

#[tokio::test]
async fn a_flood_of_output_is_bounded_and_counted() {
    let bench = Bench::new("[site.ssh]\nflood = 5000000\n").await;
    let (session, _) = bench.open().await.unwrap();
    let output = session.run(&command("true")).await.unwrap();
    assert_eq!((output.end, output.stdout.text.len()), (End::Status(0), ssh::KEPT));
    assert_eq!(output.stdout.omitted, 5_000_000 - ssh::KEPT as u64);
}

#[tokio::test]
async fn no_more_than_eight_commands_run_at_once_on_one_connection() {
    let bench =
        Bench::new("[[fault]]\noperation = 'ssh.run'\ncount = 0\naction = { hold = 'before-effect' }\n")
            .await;
    let (session, _) = bench.open().await.unwrap();
    let line = command("true");
    let twenty = futures_util::future::join_all((0..20).map(|_| session.run(&line)));
    let release = async {
        let (mut released, mut most) = (0, 0);
        while released < 20 {
            let waiting = if released < 16 { 8 } else { 4 };
            until(|| bench.site.site().holds.list().len() >= waiting).await;
            most = most.max(bench.site.site().holds.list().len());
            released += bench.site.site().holds.release(None, Release::Continue);
        }
        most
    };
    let (outputs, most) = tokio::join!(twenty, release);
    assert_eq!(most, 8);
    assert!(outputs.into_iter().all(|output| output.unwrap().end.is_success()));
}

/// Lets everything else go on until `holds`.
async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.expect("it came about in time");
}

#[tokio::test]
async fn an_empty_or_broken_password_is_a_plan_error_and_nothing_is_sent() {
    let bench = Bench::new("").await;
    let (session, _) = bench.open().await.unwrap();
    for unfit in ["", "two\nlines"] {
        let failure = session.set_passwords(&[("root", &unfit.into())], LIMIT).await.unwrap_err();
        assert_eq!((failure.kind, failure.effect), (Kind::Plan, Effect::None));
    }
    assert_eq!(bench.changes("root"), 0);
}

/// Compiles only while logins and sessions can be held across tasks.
#[allow(dead_code)] // a statement about types
fn sessions_are_send(
    ssh: &Ssh,
) -> impl Future<Output = voyager::failure::Result<(ssh::Session, usize)>> + Send {
    ssh.open("smartx", &[])
}
