//! `[http]`, `[tls]` and `[limits]`: the guards around the web server, checked.

use super::{
    Problems,
    file::{Draft, Placed, RateDraft},
};
use axum::http::{Uri, uri::Scheme};
use ipnet::IpNet;
use std::path::PathBuf;

/// How the web server is reached and guarded.
#[derive(Debug, Clone, Default)]
pub struct HttpConfig {
    /// The proxies whose `X-Forwarded-For` and `X-Request-Id` count.
    pub trusted_proxies: Vec<IpNet>,
    /// The origin under which people reach Reeve, such as `https://reeve.example.com`.
    pub public_origin: Option<String>,
    /// TLS of Reeve's own.
    pub tls: Option<TlsFiles>,
    /// How much one address may ask for.
    pub limits: Limits,
}

impl HttpConfig {
    /// Whether people reach Reeve over TLS, its own or a proxy's.
    pub fn is_over_tls(&self) -> bool {
        self.tls.is_some() || self.public_origin.as_ref().is_some_and(|origin| origin.starts_with("https://"))
    }
}

/// The certificate's chain and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Reeve's own certificate first, then those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// So many requests at once, and then so many a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests at once.
    pub burst: u32,
    /// Requests a minute in the long run.
    pub per_minute: u32,
}

/// What one address may do, by class of route. The defaults let a hundred people behind one address work, and every scraper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sign-ins and whatever else takes a credential.
    pub credentials: Rate,
    /// Pages and data.
    pub pages: Rate,
    /// Static files and the answers for load balancers.
    pub files: Rate,
    /// Connections at the same time.
    pub connections_per_address: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            credentials: Rate { burst: 60, per_minute: 60 },
            pages: Rate { burst: 1_000, per_minute: 12_000 },
            files: Rate { burst: 5_000, per_minute: 120_000 },
            connections_per_address: 256,
        }
    }
}

/// Most of anything per minute or at once: beyond it a limit is none.
const MOST: i64 = 10_000_000;

/// Checks what was drafted.
pub fn finish(draft: &Draft, problems: &mut Problems) -> HttpConfig {
    let trusted_proxies = draft.trusted_proxies.iter().filter_map(|text| network(text, problems)).collect();
    let public_origin = draft.public_url.as_ref().and_then(|url| origin(url, problems));
    let tls = tls(draft, problems);
    if let (Some(_), Some(url), Some(origin)) = (&tls, &draft.public_url, &public_origin)
        && origin.starts_with("http://")
    {
        problems.add(&url.place, "With a TLS certificate people reach Reeve over https; write https:// here, or leave it out.");
    }
    let defaults = Limits::default();
    let drafted = &draft.limits;
    let limits = Limits {
        credentials: rate(&drafted.credentials, defaults.credentials, problems),
        pages: rate(&drafted.pages, defaults.pages, problems),
        files: rate(&drafted.files, defaults.files, problems),
        connections_per_address: number(drafted.connections_per_address.as_ref(), defaults.connections_per_address, problems),
    };
    HttpConfig { trusted_proxies, public_origin, tls, limits }
}

/// `10.0.0.0/8` or one address. All of the internet is refused: then anybody could say to be anybody.
fn network(text: &Placed<String>, problems: &mut Problems) -> Option<IpNet> {
    let written = text.value.trim();
    let read =
        written.parse::<IpNet>().ok().or_else(|| written.parse().ok().map(|address: std::net::IpAddr| address.to_canonical().into()));
    match read {
        Some(network) if network.prefix_len() == 0 => {
            problems.add(&text.place, format!("{written} is every address there is; name only the proxies that stand before Reeve."));
            None
        }
        Some(network) => Some(network),
        None => {
            problems.add(&text.place, format!("{written:?} is no address or network; write one like 10.0.0.7 or 10.0.0.0/8."));
            None
        }
    }
}

/// Scheme, host and port, as browsers write an origin: lower case, without the scheme's own port.
fn origin(url: &Placed<String>, problems: &mut Problems) -> Option<String> {
    let read = || {
        let uri: Uri = url.value.trim().parse().ok()?;
        let (scheme, authority) = (uri.scheme()?, uri.authority()?);
        let own_port = if *scheme == Scheme::HTTPS { 443 } else { 80 };
        let plain = matches!(uri.path(), "" | "/") && uri.query().is_none() && !authority.as_str().contains('@');
        if !plain || authority.host().is_empty() || ![Scheme::HTTPS, Scheme::HTTP].contains(scheme) {
            return None;
        }
        let port = authority.port_u16().filter(|port| *port != own_port).map_or_else(String::new, |port| format!(":{port}"));
        // A port that is no number reads as none.
        let whole = authority.port().is_some() || authority.as_str() == authority.host();
        whole.then(|| format!("{scheme}://{}{port}", authority.host()).to_ascii_lowercase())
    };
    let origin = read();
    if origin.is_none() {
        problems.add(&url.place, "This is no address of a site; write scheme and host only, like https://reeve.example.com.");
    }
    origin
}

fn tls(draft: &Draft, problems: &mut Problems) -> Option<TlsFiles> {
    match (&draft.tls_certificate, &draft.tls_key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate: PathBuf::from(&certificate.value), key: PathBuf::from(&key.value) }),
        (Some(alone), None) => {
            problems.add(&alone.place, "A TLS certificate needs its key; set tls.key or REEVE_TLS_KEY as well.");
            None
        }
        (None, Some(alone)) => {
            problems.add(&alone.place, "A TLS key needs its certificate; set tls.certificate or REEVE_TLS_CERTIFICATE as well.");
            None
        }
    }
}

fn rate(draft: &RateDraft, default: Rate, problems: &mut Problems) -> Rate {
    Rate {
        burst: number(draft.burst.as_ref(), default.burst, problems),
        per_minute: number(draft.per_minute.as_ref(), default.per_minute, problems),
    }
}

fn number(written: Option<&Placed<i64>>, default: u32, problems: &mut Problems) -> u32 {
    let Some(written) = written else { return default };
    u32::try_from(written.value).ok().filter(|n| (1..=MOST).contains(&i64::from(*n))).unwrap_or_else(|| {
        problems.add(&written.place, format!("A limit is 1 to {MOST}."));
        default
    })
}
