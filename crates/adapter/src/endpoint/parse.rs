//! Reads a URL strictly. Errors name the place and never repeat what stands there: it could be a password that lacks
//! its percent signs.

use super::{ClientCert, Endpoint, Host, TlsMode};
use secrecy::SecretString;
use std::{collections::HashSet, net::IpAddr, path::PathBuf, sync::Arc};

/// What is wrong with a URL, in one sentence without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the database URL is not usable: {0}")]
pub struct EndpointError(String);

const PARAMETERS: [&str; 13] = [
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "connect_timeout",
    "options",
    "channel_binding",
    "application_name",
];
const ENCODE: &str = "write / ? # @ and % in user names and passwords as %2F %3F %23 %40 and %25";

type Parsed<T> = Result<T, EndpointError>;

fn wrong<T>(what: impl Into<String>) -> Parsed<T> {
    Err(EndpointError(what.into()))
}

/// The pieces as they are found; each may be given once.
#[derive(Default)]
struct Draft {
    host: Option<Host>,
    port: Option<u16>,
    user: Option<String>,
    password: Option<SecretString>,
    database: Option<String>,
    tls: Option<TlsMode>,
    root_cert: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    connect_timeout_s: Option<u64>,
    settings: Vec<(String, String)>,
}

pub(super) fn parse(url: &str) -> Parsed<Endpoint> {
    let Some(rest) = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://")) else {
        return wrong("it must begin with postgresql://");
    };
    if rest.chars().any(|c| c.is_control() || c == ' ') {
        return wrong("it holds a space, a line break or another control character: percent-encode it");
    }
    if rest.contains('#') {
        return wrong(format!("it holds a #: {ENCODE}"));
    }
    let (before, query) = rest.split_once('?').map_or((rest, None), |(b, q)| (b, Some(q)));
    let (authority, path) = before.split_once('/').map_or((before, None), |(a, p)| (a, Some(p)));
    // An @ further on is the one before the host, when the password holds a bare / or ?.
    if path.is_some_and(|p| p.contains('@')) || query.is_some_and(|q| q.contains('@')) || authority.matches('@').count() > 1 {
        return wrong(format!("it has an @ where none may be: {ENCODE}"));
    }

    let mut draft = Draft::default();
    let place = match authority.split_once('@') {
        Some((login, place)) => {
            draft.login(login)?;
            place
        }
        None => authority,
    };
    draft.place(place)?;
    if let Some(path) = path.filter(|p| !p.is_empty()) {
        if path.contains('/') {
            return wrong("the database name, after the host, holds a /: write it as %2F");
        }
        draft.database = Some(decode(path, "the database name")?);
    }
    for pair in query.unwrap_or_default().split('&').filter(|p| !p.is_empty()) {
        draft.note(pair)?;
    }
    no_repeats(query.unwrap_or_default())?;
    draft.finish()
}

impl Draft {
    fn login(&mut self, login: &str) -> Parsed<()> {
        let (user, password) = login.split_once(':').map_or((login, None), |(u, p)| (u, Some(p)));
        if !user.is_empty() {
            self.user = Some(decode(user, "the user name, before the @")?);
        }
        if let Some(password) = password.filter(|p| !p.is_empty()) {
            self.password = Some(SecretString::from(decode(password, "the password, before the @")?));
        }
        Ok(())
    }

    fn place(&mut self, place: &str) -> Parsed<()> {
        if place.contains(',') {
            return wrong("it names several hosts: give one server per URL");
        }
        let (host, port) = if let Some(rest) = place.strip_prefix('[') {
            let Some((address, after)) = rest.split_once(']') else { return wrong("the address in brackets lacks its ]") };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return wrong("the brackets hold no IPv6 address");
            }
            let port = match after.strip_prefix(':') {
                Some(port) => Some(port),
                None if after.is_empty() => None,
                None => return wrong("after the address in brackets only :port may follow"),
            };
            (address, port)
        } else {
            place.split_once(':').map_or((place, None), |(h, p)| (h, Some(p)))
        };
        if !host.is_empty() {
            self.host = Some(host_of(host)?);
        }
        if let Some(port) = port {
            self.port = Some(port_of(port, "the port, after the host,")?);
        }
        Ok(())
    }

    fn note(&mut self, pair: &str) -> Parsed<()> {
        let Some((name, value)) = pair.split_once('=') else {
            return wrong("a parameter after the ? lacks its =");
        };
        let text = decode(value, "a parameter's value, after the ?")?;
        match name {
            "host" => set(&mut self.host, host_of(value)?, "the host"),
            "port" => set(&mut self.port, port_of(&text, "the parameter port")?, "the port"),
            "user" => set(&mut self.user, text, "the user"),
            "password" => set(&mut self.password, SecretString::from(text), "the password"),
            "dbname" => set(&mut self.database, text, "the database"),
            "sslmode" => set(&mut self.tls, tls_mode(&text)?, "sslmode"),
            "sslrootcert" => set(&mut self.root_cert, PathBuf::from(text), "sslrootcert"),
            "sslcert" => set(&mut self.certificate, PathBuf::from(text), "sslcert"),
            "sslkey" => set(&mut self.key, PathBuf::from(text), "sslkey"),
            "connect_timeout" => match text.parse() {
                Ok(seconds) if (1..=3600).contains(&seconds) => set(&mut self.connect_timeout_s, seconds, "connect_timeout"),
                _ => wrong("connect_timeout must be whole seconds, 1 to 3600"),
            },
            "options" => {
                self.settings = settings_of(&text)?;
                Ok(())
            }
            "channel_binding" if matches!(text.as_str(), "prefer" | "disable") => Ok(()),
            "channel_binding" => wrong("channel_binding may be prefer or disable: use sslmode=verify-full to be sure of the server"),
            "application_name" => Ok(()),
            // No secret can be here: a password with a bare ? leaves an @ behind, which is refused before.
            _ => wrong(format!("it has a parameter that Reeve doesn't know; known are {}", PARAMETERS.join(", "))),
        }
    }

    fn finish(self) -> Parsed<Endpoint> {
        let Some(host) = self.host else {
            return wrong("it names no host: write postgresql://user@host/database, or ?host=/directory of a local socket");
        };
        let Some(user) = self.user.filter(|u| !u.is_empty()) else {
            return wrong("it names no user: write postgresql://user@host/database");
        };
        let tls = match (&host, self.tls) {
            (Host::Socket(_), None | Some(TlsMode::Disable | TlsMode::Prefer)) => TlsMode::Disable,
            (Host::Socket(_), Some(_)) => return wrong("a local socket can't be encrypted: leave sslmode out or use a TCP host"),
            (_, Some(TlsMode::Require)) if self.root_cert.is_some() => TlsMode::VerifyCa,
            (_, Some(mode)) => mode,
            (_, None) if self.root_cert.is_some() => TlsMode::VerifyFull,
            (Host::Tcp(name), None) if is_loopback(name) => TlsMode::Prefer,
            (_, None) => TlsMode::Require,
        };
        let client_cert = match (self.certificate, self.key) {
            (None, None) => None,
            // It would be believed to be shown, and never is.
            (Some(_), Some(_)) if tls == TlsMode::Disable => return wrong("a client certificate (sslcert) is shown in TLS only"),
            (Some(certificate), Some(key)) => Some(ClientCert { certificate, key }),
            _ => return wrong("a client certificate needs both sslcert and sslkey"),
        };
        Ok(Endpoint {
            database: self.database.filter(|d| !d.is_empty()).unwrap_or_else(|| user.clone()),
            host,
            port: self.port.unwrap_or(5432),
            user,
            password: self.password,
            tls,
            root_cert: self.root_cert,
            client_cert,
            connect_timeout_s: self.connect_timeout_s,
            settings: self.settings,
            way: Arc::default(),
        })
    }
}

fn set<T>(place: &mut Option<T>, value: T, what: &str) -> Parsed<()> {
    if place.replace(value).is_some() {
        return wrong(format!("it gives {what} twice"));
    }
    Ok(())
}

fn no_repeats(query: &str) -> Parsed<()> {
    let mut seen = HashSet::new();
    let names = query.split('&').filter_map(|p| p.split_once('=')).map(|(name, _)| name);
    match names.into_iter().all(|name| seen.insert(name)) {
        true => Ok(()),
        false => wrong("it gives a parameter twice"),
    }
}

fn host_of(raw: &str) -> Parsed<Host> {
    let host = decode(raw, "the host")?;
    if host.is_empty() {
        return wrong("the host is empty");
    }
    if host.starts_with('/') {
        return Ok(Host::Socket(PathBuf::from(host)));
    }
    let is_name = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if !is_name && host.parse::<IpAddr>().is_err() {
        return wrong("the host is neither a name, nor an address, nor a socket's directory");
    }
    Ok(Host::Tcp(host))
}

fn port_of(text: &str, place: &str) -> Parsed<u16> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(port),
        _ => wrong(format!("{place} is not a number from 1 to 65535 (or the password holds a bare /: {ENCODE})")),
    }
}

fn tls_mode(text: &str) -> Parsed<TlsMode> {
    let modes = [TlsMode::Disable, TlsMode::Prefer, TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull];
    match modes.into_iter().find(|m| m.word() == text) {
        Some(mode) => Ok(mode),
        None => wrong("sslmode must be disable, prefer, require, verify-ca or verify-full"),
    }
}

/// `-c name=value` or `--name=value`, any number of them, without quoting.
fn settings_of(text: &str) -> Parsed<Vec<(String, String)>> {
    let mut settings = Vec::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let pair = if word == "-c" { words.next() } else { word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) };
        match pair.and_then(|p| p.split_once('=')) {
            Some((name, value)) if !name.is_empty() && !value.contains('\\') => settings.push((name.replace('-', "_"), value.to_owned())),
            _ => return wrong("options must be a row of -c name=value"),
        }
    }
    Ok(settings)
}

pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|a| a.is_loopback())
}

/// Percent-decodes; refuses broken escapes, bytes that are no UTF-8, and control characters.
fn decode(text: &str, place: &str) -> Parsed<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|d| char::from(d).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return wrong(format!("{place} has a % without two hexadecimal digits after it: {ENCODE}"));
        };
        bytes.push(high * 16 + low);
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => Ok(text),
        _ => wrong(format!("{place} is not plain text once decoded")),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
