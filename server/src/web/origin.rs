//! Where a request comes from, found once, before anything else looks at it (AT-45).
//!
//! The address is the connection's own. What a request itself says about its way counts only when a trusted proxy brought it.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;
use reeve_model::{Origin, UnixMs, hidden};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tracing::Instrument;

/// The other end of the connection, put into each of its requests.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The header that names a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Characters of a user agent that are kept.
const AGENT: usize = 200;
/// Proxies one behind another; what stands further left is not looked at.
const MOST_HOPS: usize = 16;

/// The proxies whose word counts.
#[derive(Debug, Clone, Default)]
pub struct Trusted(Arc<[IpNet]>);

impl Trusted {
    /// Trusts these networks.
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Whether this address is one of them.
    pub fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Puts the [`Origin`] into the request, its id on the answer and on each log line between.
pub async fn mark(State(trusted): State<Trusted>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let origin = read(&trusted, peer, request.headers());
    let id = HeaderValue::from_str(&origin.request);
    let span = tracing::info_span!("request", id = %origin.request);
    request.extensions_mut().insert(origin);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn read(trusted: &Trusted, peer: Option<IpAddr>, headers: &HeaderMap) -> Origin {
    let peer = peer.map(|address| address.to_canonical());
    let through_proxy = peer.is_some_and(|address| trusted.has(address));
    let given = headers.get(REQUEST_ID).filter(|_| through_proxy).and_then(|id| id.to_str().ok()).filter(|id| is_id(id));
    Origin {
        address: if through_proxy { peer.map(|peer| client(trusted, peer, headers)) } else { peer },
        agent: agent(headers),
        request: given.map_or_else(new_id, str::to_owned),
    }
}

/// The rightmost address that is no trusted proxy: everything left of it was written by somebody whom nobody vouches for.
fn client(trusted: &Trusted, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    let mut nearest = peer;
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')).take(MOST_HOPS) {
        // What can't be read ends what is known.
        let Some(address) = address(hop.trim()) else { break };
        nearest = address;
        if !trusted.has(address) {
            break;
        }
    }
    nearest
}

/// `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1` or `[2001:db8::1]:443`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    let bracketed = || text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).and_then(|inner| inner.parse().ok());
    bare.ok().or_else(bracketed).map(|address| address.to_canonical())
}

fn agent(headers: &HeaderMap) -> String {
    let bytes = headers.get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    String::from_utf8_lossy(bytes).chars().filter(|c| !hidden(*c)).take(AGENT).collect()
}

fn is_id(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn new_id() -> String {
    let mut bytes = [0_u8; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => hex::encode(bytes),
        // A request without randomness is still a request.
        Err(_) => format!("{:032x}", UnixMs::now().0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn trusted() -> Trusted {
        Trusted::new(&["10.0.0.0/8".parse().expect("a network"), "2001:db8:1::/48".parse().expect("a network")])
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn seen(peer: &str, lines: &[&str]) -> IpAddr {
        let headers = lines.iter().map(|line| (FORWARDED_FOR, line.parse().expect("a value"))).collect();
        read(&trusted(), Some(ip(peer)), &headers).address.expect("an address")
    }

    #[test]
    fn at_45_only_a_trusted_proxy_may_say_who_came() {
        assert_eq!(seen("192.0.2.9", &["203.0.113.5"]), ip("192.0.2.9"), "not a proxy");
        assert_eq!(seen("10.1.1.1", &["203.0.113.5"]), ip("203.0.113.5"));
        assert_eq!(seen("::ffff:10.1.1.1", &["203.0.113.5"]), ip("203.0.113.5"), "mapped addresses are IPv4");
        assert_eq!(seen("::ffff:192.0.2.9", &[]), ip("192.0.2.9"));
        // What the client wrote itself stands left of what the proxies wrote.
        assert_eq!(seen("10.1.1.1", &["1.1.1.1, 203.0.113.5, 10.2.2.2"]), ip("203.0.113.5"));
        assert_eq!(seen("10.1.1.1", &["1.1.1.1", "203.0.113.5", "10.2.2.2"]), ip("203.0.113.5"), "one header or several");
        assert_eq!(seen("2001:db8:1::7", &["[2001:db8:9::1]:4711"]), ip("2001:db8:9::1"));
        assert_eq!(seen("10.1.1.1", &["203.0.113.5:80"]), ip("203.0.113.5"));
        assert_eq!(seen("10.1.1.1", &["203.0.113.5, unknown"]), ip("10.1.1.1"), "what can't be read ends what is known");
        assert_eq!(seen("10.1.1.1", &["10.3.3.3, 10.2.2.2"]), ip("10.3.3.3"), "all are proxies");
        assert_eq!(seen("10.1.1.1", &[]), ip("10.1.1.1"));
    }

    #[test]
    fn g4_ids_of_strangers_are_not_taken_and_agents_are_cleaned() {
        let headers = |id: &str| HeaderMap::from_iter([(REQUEST_ID, id.parse::<HeaderValue>().expect("a value"))]);
        let id = |peer: &str, given: &str| read(&trusted(), Some(ip(peer)), &headers(given)).request;
        assert_eq!(id("10.1.1.1", "trace-0123456789"), "trace-0123456789");
        assert_ne!(id("192.0.2.9", "trace-0123456789"), "trace-0123456789");
        for bad in ["short", &"x".repeat(65), "with space", "quote\"quote", "semi;colon"] {
            assert_ne!(id("10.1.1.1", bad), bad);
        }
        assert_ne!(new_id(), new_id());
        assert!(is_id(&new_id()));
        let agent = HeaderValue::from_bytes(&[b"a\tb\xff".as_slice(), &[b'x'; 500]].concat()).expect("a value");
        let cleaned = super::agent(&HeaderMap::from_iter([(header::USER_AGENT, agent)]));
        assert!(cleaned.starts_with("ab\u{fffd}x") && cleaned.chars().count() == AGENT, "{cleaned}");
    }

    proptest! {
        /// Without a trusted proxy nothing in the request changes the address; with one, what stands left of its own word never does.
        #[test]
        fn at_45_what_a_client_writes_never_becomes_its_address(forged in "[0-9a-f:., \\[\\]]{0,60}") {
            prop_assert_eq!(seen("192.0.2.9", &[&forged]), ip("192.0.2.9"));
            prop_assert_eq!(seen("10.1.1.1", &[&forged, "203.0.113.5"]), ip("203.0.113.5"));
            prop_assert_eq!(seen("10.1.1.1", &[&format!("{forged}, 203.0.113.5")]), ip("203.0.113.5"));
        }
    }
}
