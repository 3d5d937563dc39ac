//! Self-signed certificates, one per address; the same seed and twin give the same bytes, so pins survive.

use std::{io, net::Ipv4Addr, sync::Arc};

use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// The fixed front of an Ed25519 private key in PKCS #8 (RFC 8410 §7); the 32 secret bytes follow.
const ED25519_PKCS8: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// An acceptor that shows the certificate of `address` made from `secret`; HTTP/1.1 only.
pub fn acceptor(address: Ipv4Addr, secret: [u8; 32]) -> io::Result<TlsAcceptor> {
    let mut pkcs8 = ED25519_PKCS8.to_vec();
    pkcs8.extend(secret);
    let pkcs8 = PrivatePkcs8KeyDer::from(pkcs8);
    let key =
        KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &rcgen::PKCS_ED25519).map_err(io::Error::other)?;
    let mut params = CertificateParams::new(vec![address.to_string()]).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, "fisheye.simulated");
    // Fixed dates: the certificate must not change with the hour a site is started.
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2044, 1, 1);
    params.serial_number = Some(SerialNumber::from_slice(&secret[..8]));
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::from(pkcs8))
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
