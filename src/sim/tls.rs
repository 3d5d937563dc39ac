//! Self-signed certificates, one per address; the same seed and twin give the same bytes, so pins survive.

use std::{io, net::Ipv4Addr, sync::Arc};

use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// The fixed front of an Ed25519 private key in PKCS #8 (RFC 8410 §7); the 32 secret bytes follow.
const ED25519_PKCS8: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// An acceptor that shows the certificate of `address` made from `secret`; HTTP/1.1 only.
pub fn acceptor(address: Ipv4Addr, secret: [u8; 32]) -> io::Result<TlsAcceptor> {
    let (certificate, key) = certificate(address, secret)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from(key))
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificate(
    address: Ipv4Addr,
    secret: [u8; 32],
) -> io::Result<(CertificateDer<'static>, PrivatePkcs8KeyDer<'static>)> {
    let pkcs8 = PrivatePkcs8KeyDer::from([ED25519_PKCS8.as_slice(), secret.as_slice()].concat());
    let key =
        KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &rcgen::PKCS_ED25519).map_err(io::Error::other)?;
    let mut params = CertificateParams::new(vec![address.to_string()]).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, "fisheye.simulated");
    // Fixed dates: the certificate must not change with the hour a site is started.
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2044, 1, 1);
    // Public bytes, unlike those of the secret.
    params.serial_number = Some(SerialNumber::from(u64::from(u32::from(address))));
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    Ok((certificate.der().clone(), pkcs8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_gives_one_certificate_and_another_secret_another() {
        let address = Ipv4Addr::new(10, 0, 0, 1);
        let shown = |secret: u8| certificate(address, [secret; 32]).unwrap().0;
        assert_eq!(shown(1), shown(1));
        assert_ne!(shown(1), shown(2));
        assert!(acceptor(address, [1; 32]).is_ok());
    }
}
