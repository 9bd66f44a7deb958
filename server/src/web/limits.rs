//! How often one address may ask, by class of route (AT-16, AT-58). No person and no scraper gets near the defaults; a flood does.
//!
//! Token buckets in their plainest form (GCRA): one number each, the moment at which the bucket is full again. The numbers stand in a
//! table of fixed size under a hash with a secret of this process, so memory is bounded by construction and nobody can choose addresses
//! that collide. Two addresses that do share a bucket.

use super::{
    origin::Trusted,
    refusal,
    routes::{Kind, ROUTES},
};
use crate::config::{Limits, Rate};
use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use reeve_model::Origin;
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

/// What a request costs and how much of it is normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Takes a password, a code or a token: each is a guess.
    Credentials,
    /// Pages, data and whatever has no route.
    Pages,
    /// Static files and the answers for load balancers: cheap.
    Files,
}

/// Where credentials are taken: every request there that is no reading.
const CREDENTIALS: &[&str] = &["/sign-in", "/api/auth/", "/accept/", "/admin/account/password"];
/// Answers of a few bytes from memory.
const CHEAP: &[&str] = &["/live", "/ready", "/health"];

/// The class of a route, by the path that it has in the route table (none: there is no such route).
pub fn class(method: &Method, path: Option<&str>) -> Class {
    let Some(path) = path else { return Class::Pages };
    if !method.is_safe() && CREDENTIALS.iter().any(|beginning| path.starts_with(beginning)) {
        return Class::Credentials;
    }
    let file = || ROUTES.iter().any(|route| route.path == path && route.kind == Kind::Asset);
    if CHEAP.contains(&path) || file() { Class::Files } else { Class::Pages }
}

/// Buckets of a class; a power of two.
const BUCKETS: usize = 1 << 15;

/// The buckets of one class.
struct Buckets {
    /// Microseconds for one more request.
    each: i64,
    /// Microseconds that a full bucket is worth.
    whole: i64,
    full_at: Box<[AtomicI64]>,
}

impl Buckets {
    fn new(rate: Rate) -> Self {
        let each = 60_000_000 / i64::from(rate.per_minute.max(1));
        Self { each, whole: each * i64::from(rate.burst.max(1)), full_at: (0..BUCKETS).map(|_| AtomicI64::new(0)).collect() }
    }

    /// Takes one from a bucket at a moment in microseconds since whenever.
    fn take(&self, hash: u64, now: i64) -> Result<(), Duration> {
        #[allow(clippy::cast_possible_truncation)] // only the lower bits are wanted
        let bucket = &self.full_at[hash as usize % BUCKETS];
        let mut seen = bucket.load(Ordering::Relaxed);
        loop {
            let next = seen.max(now) + self.each;
            if next - now > self.whole {
                return Err(Duration::from_micros((next - now - self.whole).unsigned_abs()));
            }
            match bucket.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(changed) => seen = changed,
            }
        }
    }
}

/// All limits by address. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Limiter {
    inner: Arc<Inner>,
}

struct Inner {
    begun: Instant,
    hasher: RandomState,
    credentials: Buckets,
    pages: Buckets,
    files: Buckets,
}

impl Limiter {
    /// Buckets as configured, all full.
    pub fn new(limits: &Limits) -> Self {
        let of = Buckets::new;
        let (credentials, pages, files) = (of(limits.credentials), of(limits.pages), of(limits.files));
        Self { inner: Arc::new(Inner { begun: Instant::now(), hasher: RandomState::new(), credentials, pages, files }) }
    }

    /// Takes one, or says how long until there is one again.
    fn take(&self, class: Class, address: Option<IpAddr>) -> Result<(), Duration> {
        let inner = &self.inner;
        let buckets = match class {
            Class::Credentials => &inner.credentials,
            Class::Pages => &inner.pages,
            Class::Files => &inner.files,
        };
        // A process doesn't run for 290 000 years.
        let now = i64::try_from(inner.begun.elapsed().as_micros()).unwrap_or(i64::MAX / 2);
        buckets.take(inner.hasher.hash_one(address.map(network)), now)
    }
}

/// What counts as one address: IPv6 by /64, which is what one household or host is given.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

/// Answers 429 in place of the route when its class is used up.
pub async fn limit(State(limiter): State<Limiter>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let address = request.extensions().get::<Origin>().and_then(|origin| origin.address);
    let class = class(request.method(), path);
    match limiter.take(class, address) {
        Ok(()) => next.run(request).await,
        Err(wait) => {
            tracing::debug!(?class, ?address, "too many requests");
            let kind = path.and_then(|path| ROUTES.iter().find(|r| r.path == path && r.method == request.method().as_str()));
            refusal::too_many(kind.is_some_and(|route| matches!(route.kind, Kind::Page | Kind::Form)), wait)
        }
    }
}

/// How many connections each address has, so that one can't hold all there may be. Trusted proxies stand for many and aren't counted.
#[derive(Clone)]
pub struct Connections {
    most: usize,
    trusted: Trusted,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection's place; given back when dropped.
pub struct Place {
    of: Connections,
    address: Option<IpAddr>,
}

impl Connections {
    /// At most so many of each address.
    pub fn new(limits: &Limits, trusted: Trusted) -> Self {
        Self { most: usize::try_from(limits.connections_per_address).unwrap_or(usize::MAX), trusted, open: Arc::default() }
    }

    /// A place for one more, or none.
    pub fn enter(&self, peer: IpAddr) -> Option<Place> {
        if self.trusted.has(peer.to_canonical()) {
            return Some(Place { of: self.clone(), address: None });
        }
        let address = network(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Place { of: self.clone(), address: Some(address) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut open = self.of.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn g4_every_route_has_the_class_that_its_cost_asks_for() {
        let of = |class_of: Class| -> Vec<_> {
            let here = ROUTES.iter().filter(|r| class(&r.method.parse().expect("a method"), Some(r.path)) == class_of);
            here.map(|r| (r.method, r.path)).collect()
        };
        let strict = of(Class::Credentials);
        assert!(strict.contains(&("POST", "/sign-in")) && strict.contains(&("POST", "/api/auth/login")), "{strict:?}");
        assert!(strict.iter().all(|(method, _)| *method != "GET"), "looking at a form is no guess: {strict:?}");
        let cheap = of(Class::Files);
        for path in ["/live", "/ready", "/health", "/pkg/{*file}", "/favicon.ico"] {
            assert!(cheap.contains(&("GET", path)), "{path}");
        }
        assert!(of(Class::Pages).contains(&("GET", "/admin/live")), "a stream counts once, when it opens");
        assert_eq!(class(&Method::GET, None), Class::Pages);
    }

    #[test]
    fn g4_addresses_are_told_apart_and_an_ipv6_network_is_one() {
        let one = Rate { burst: 1, per_minute: 1 };
        let limiter = Limiter::new(&Limits { credentials: one, pages: one, files: one, ..Limits::default() });
        let ask = |text: &str| limiter.take(Class::Pages, Some(text.parse().expect("an address"))).is_ok();
        assert!(ask("192.0.2.1") && !ask("192.0.2.1") && !ask("::ffff:192.0.2.1"));
        assert!(ask("192.0.2.2"));
        assert!(ask("2001:db8::1") && !ask("2001:db8::ffff") && ask("2001:db8:0:1::1"));
        assert!(limiter.take(Class::Files, Some("192.0.2.1".parse().expect("an address"))).is_ok(), "classes are apart");
        assert!(limiter.take(Class::Pages, None).is_ok() && limiter.take(Class::Pages, None).is_err());
    }

    #[test]
    fn at_58_one_address_cannot_hold_all_connections() {
        let trusted = Trusted::new(&["10.0.0.1/32".parse().expect("a network")]);
        let connections = Connections::new(&Limits { connections_per_address: 2, ..Limits::default() }, trusted);
        let (here, there, proxy) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into(), [10, 0, 0, 1].into());
        let held = (connections.enter(here), connections.enter(here));
        assert!(held.0.is_some() && held.1.is_some() && connections.enter(here).is_none());
        assert!(connections.enter(there).is_some());
        let many: Vec<_> = (0..9).map(|_| connections.enter(proxy)).collect();
        assert!(many.iter().all(Option::is_some));
        drop(held);
        assert!(connections.enter(here).is_some());
        assert!(connections.open.lock().expect("unpoisoned").is_empty(), "nothing is kept of who left");
    }

    proptest! {
        /// Over any stretch of time, never more than the burst and what the rate adds; and whoever waits as told is served.
        #[test]
        fn g4_a_bucket_gives_what_it_promises(burst in 1_u32..50, per_minute in 1_u32..6_000, steps in proptest::collection::vec(0_i64..3_000_000, 1..300)) {
            let buckets = Buckets::new(Rate { burst, per_minute });
            let (mut now, mut taken) = (0_i64, 0_i64);
            for step in steps {
                now += step;
                match buckets.take(7, now) {
                    Ok(()) => taken += 1,
                    Err(wait) => {
                        let later = now + i64::try_from(wait.as_micros()).expect("small");
                        prop_assert!(wait <= Duration::from_secs(60));
                        prop_assert!(buckets.take(7, later - 1).is_err() && buckets.take(7, later).is_ok());
                        (now, taken) = (later, taken + 1);
                    }
                }
                prop_assert!(taken <= i64::from(burst) + now / buckets.each);
            }
        }
    }
}
