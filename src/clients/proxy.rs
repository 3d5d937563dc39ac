//! The address of a SOCKS5 proxy: a bastion's `ssh -D`, or the simulated site's own.

use std::fmt;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    secret::Secret,
};

/// The SOCKS user by which a simulated site is known; no bastion may use it.
const SIMULATED: &str = "simulated";

/// A parsed `socks5://[user:password@]host:port`. Never prints its password.
#[derive(Clone)]
pub struct Proxy {
    host: String,
    port: u16,
    login: Option<(String, Secret<String>)>,
    rehearsal: Option<Rehearsal>,
}

/// What the login at a simulated site says about it (DESIGN §7).
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsal {
    /// The identity of the twin; the site key comes from it.
    pub twin_id: String,
    /// How much faster than a real site its clock runs; greater than zero.
    pub speed: f64,
}

impl Proxy {
    /// Parses what `--proxy` was given.
    ///
    /// # Errors
    /// `Kind::Usage` when it is no SOCKS5 address, or the login of a simulated site is malformed: that
    /// must never be taken for a real bastion.
    pub fn parse(text: &str) -> Result<Self> {
        let url = Url::parse(text).map_err(|_| unusable(text))?;
        if !matches!(url.scheme(), "socks5" | "socks5h") {
            return Err(unusable(text));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port()) else { return Err(unusable(text)) };
        let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let user = decode(url.username());
        let password = decode(url.password().unwrap_or_default());
        let rehearsal = if user == SIMULATED {
            let known = password.rsplit_once("-x").and_then(|(twin_id, speed)| {
                let speed = speed.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0)?;
                (!twin_id.is_empty()).then(|| Rehearsal { twin_id: twin_id.to_owned(), speed })
            });
            Some(known.ok_or_else(|| unusable(text))?)
        } else {
            None
        };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            login: (!user.is_empty()).then(|| (user, Secret::new(password))),
            rehearsal,
        })
    }

    /// Host and port, without the login.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    pub fn login(&self) -> Option<(&str, &Secret<String>)> {
        self.login.as_ref().map(|(user, password)| (user.as_str(), password))
    }

    /// Set exactly when the proxy belongs to a simulated site.
    pub fn rehearsal(&self) -> Option<&Rehearsal> {
        self.rehearsal.as_ref()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "socks5://{}{}", if self.login.is_some() { "***@" } else { "" }, self.address())
    }
}

/// Shows what was typed with its password left out.
fn unusable(text: &str) -> Box<Failure> {
    let shown = match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => format!("{}***{}", &text[..scheme + 3], &text[at..]),
        (None, Some(at)) => format!("***{}", &text[at..]),
        _ => text.to_owned(),
    };
    Failure::new(Kind::Usage, message("clients.proxy.reading", &[("proxy", &shown)]))
        .advise(message("clients.proxy.form", &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bastion_is_no_rehearsal() {
        let proxy = Proxy::parse("socks5://127.0.0.1:1080").unwrap();
        assert_eq!(proxy.address(), "127.0.0.1:1080");
        assert!(proxy.login().is_none());
        assert!(proxy.rehearsal().is_none());
    }

    #[test]
    fn the_login_of_a_simulated_site_tells_twin_and_speed() {
        let proxy = Proxy::parse("socks5://simulated:t-2f9-x600@127.0.0.1:40001").unwrap();
        let rehearsal = proxy.rehearsal().unwrap();
        assert_eq!(rehearsal.twin_id, "t-2f9");
        assert_eq!(rehearsal.speed, 600.0);
    }

    #[test]
    fn a_malformed_simulated_login_is_refused_and_never_a_bastion() {
        for url in ["socks5://simulated@h:1", "socks5://simulated:t-x0@h:1", "socks5://simulated:-x5@h:1"] {
            assert_eq!(Proxy::parse(url).unwrap_err().kind, Kind::Usage, "{url}");
        }
    }

    #[test]
    fn neither_debug_nor_a_refusal_prints_the_password() {
        let proxy = Proxy::parse("socks5://joe:hunter2@b:1080").unwrap();
        assert!(!format!("{proxy:?}").contains("hunter2"));
        let refused = Proxy::parse("http://joe:hunter2@b:1080").unwrap_err();
        assert!(!format!("{refused:?}").contains("hunter2"));
        assert!(format!("{refused:?}").contains("b:1080"));
    }

    #[test]
    fn a_percent_encoded_password_is_decoded() {
        let proxy = Proxy::parse("socks5://joe:a%40b@b:1080").unwrap();
        assert_eq!(proxy.login().unwrap().1.expose(), "a@b");
    }
}
