use std::net::Ipv4Addr;

use super::*;

fn host() -> Endpoint {
    Endpoint::new(Ipv4Addr::new(10, 0, 20, 11), 443)
}

fn store(mode: Mode) -> TrustStore {
    TrustStore::open(mode, [], InMemory).unwrap()
}

#[test]
fn the_first_identity_is_kept_and_another_one_refused() {
    let trust = store(Mode::Tofu);
    let (first, second) = (Fingerprint::of(b"a"), Fingerprint::of(b"b"));
    trust.accept(Protocol::Tls, host(), first).unwrap();
    trust.accept(Protocol::Tls, host(), first).unwrap();
    assert!(matches!(trust.accept(Protocol::Tls, host(), second), Err(Refusal::Changed { .. })));
    trust.accept(Protocol::Ssh, host(), second).expect("SSH identities are apart from TLS ones");
}

#[test]
fn an_announced_change_is_accepted_once() {
    let trust = store(Mode::Tofu);
    trust.accept(Protocol::Tls, host(), Fingerprint::of(b"a")).unwrap();
    trust.expect_change(Protocol::Tls, host());
    trust.accept(Protocol::Tls, host(), Fingerprint::of(b"a")).unwrap();
    trust.accept(Protocol::Tls, host(), Fingerprint::of(b"b")).unwrap();
    assert!(trust.accept(Protocol::Tls, host(), Fingerprint::of(b"c")).is_err());
}

#[test]
fn a_shared_address_may_show_the_identity_of_any_member_and_of_nobody_else() {
    let trust = store(Mode::Tofu);
    let vip = Endpoint::new(Ipv4Addr::new(10, 0, 20, 10), 443);
    let second = Endpoint::new(Ipv4Addr::new(10, 0, 20, 12), 443);
    trust.accept(Protocol::Tls, host(), Fingerprint::of(b"a")).unwrap();
    trust.accept(Protocol::Tls, second, Fingerprint::of(b"b")).unwrap();
    trust.share(vip, [host(), second]);
    for identity in [b"a", b"b", b"a"] {
        trust.accept(Protocol::Tls, vip, Fingerprint::of(identity)).unwrap();
    }
    assert!(trust.accept(Protocol::Tls, vip, Fingerprint::of(b"c")).is_err());
}

#[test]
fn strict_knows_only_earlier_runs_and_pin_only_the_operators_list() {
    let known = Fingerprint::of(b"a");
    assert!(matches!(store(Mode::Strict).accept(Protocol::Tls, host(), known), Err(Refusal::Unknown { .. })));
    let listed = TrustStore::open(Mode::Pin, [known], InMemory).unwrap();
    listed.accept(Protocol::Tls, host(), known).unwrap();
    assert!(listed.accept(Protocol::Tls, host(), Fingerprint::of(b"b")).is_err());
    store(Mode::Insecure).accept(Protocol::Tls, host(), known).unwrap();
}

#[test]
fn pins_survive_in_their_file_and_a_damaged_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pins.json");
    let open = |mode| TrustStore::open(mode, [], PinFile(path.clone()));
    open(Mode::Tofu).unwrap().accept(Protocol::Tls, host(), Fingerprint::of(b"a")).unwrap();
    open(Mode::Strict).unwrap().accept(Protocol::Tls, host(), Fingerprint::of(b"a")).unwrap();
    std::fs::write(&path, r#"{"tls 10.0.20.11:443":"sha256:12"}"#).unwrap();
    assert!(open(Mode::Tofu).is_err());
}

#[test]
fn a_fingerprint_reads_back_as_printed_and_as_openssl_prints_it() {
    let fingerprint = Fingerprint::of(b"a");
    assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    let hex = fingerprint.to_string()["sha256:".len()..].to_uppercase();
    let colons: Vec<&str> = (0..64).step_by(2).map(|at| &hex[at..at + 2]).collect();
    assert_eq!(colons.join(":").parse(), Ok(fingerprint));
    assert!("sha256:00".parse::<Fingerprint>().is_err());
}
