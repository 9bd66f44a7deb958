//! Lock-out with back-off for sign-ins, such that nobody can lock a stranger out for ever (AT-16, AT-18).
//!
//! Three counts, each against another attack: by account and address (one guesser), by address (one guesser of many accounts), by
//! account (many guessers of one). The last one is what others could abuse against a person, so it never touches addresses from which
//! that person signed in before, gives those who have hardly failed there a clock that the guessers can't use up, and lets anybody in who
//! has the patience to wait. Nothing here knows which accounts exist.
//!
//! Pure logic in memory: time is an argument, and a restart forgets.

mod memory;
mod rules;
#[cfg(test)]
mod tests;

pub use rules::ThrottleRules;

use memory::{Bounded, Entry, Weight, Window};
use reeve_model::UnixMs;
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long an attempt that finds no free place is told to wait, milliseconds.
const BUSY_MS: i64 = 1_000;
/// A place in the queue of a pressed account is kept so long after its moment, milliseconds: a person may be slow.
const TICKET_MS: i64 = 5 * 60_000;
/// An account at which nobody failed for so long, milliseconds, is under no pressure whatever was noted last.
const STALE_MS: i64 = 60 * 60_000;

/// Counts failed sign-ins and says who has to wait. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Throttle {
    inner: Arc<Inner>,
}

struct Inner {
    rules: ThrottleRules,
    /// Keys are hashes under a secret of this process: small, and nobody can choose names that collide.
    hasher: RandomState,
    state: Mutex<State>,
}

struct State {
    pairs: Bounded<Pair>,
    addresses: Bounded<Address>,
    accounts: Bounded<Account>,
    /// Addresses that signed in, by account and address; the value is the order in which they were last seen.
    known: HashMap<u64, u64>,
    seen: u64,
    /// Attempts in flight by address.
    running: HashMap<u64, usize>,
    running_all: usize,
}

/// Failures of one address at one account, and its place in the queue when the account is under pressure.
#[derive(Debug, Default)]
struct Pair {
    failures: u32,
    until: UnixMs,
    touched: UnixMs,
    ticket: Option<UnixMs>,
}

/// Failures of one address at whatever account.
#[derive(Debug, Default)]
struct Address {
    window: Window,
    /// Failures since there were too many; 0 before.
    strikes: u32,
    until: UnixMs,
    touched: UnixMs,
}

/// Failures of everybody at one account.
#[derive(Debug, Default)]
struct Account {
    window: Window,
    /// When the next stranger may try.
    next: UnixMs,
    /// When the next newcomer may try.
    next_newcomer: UnixMs,
    touched: UnixMs,
    pressed: bool,
}

impl Entry for Pair {
    fn touched(&self) -> UnixMs {
        self.touched
    }
    fn weight(&self, now: UnixMs) -> Weight {
        Weight::of(self.until > now, f64::from(self.failures))
    }
}

impl Entry for Address {
    fn touched(&self) -> UnixMs {
        self.touched
    }
    fn weight(&self, now: UnixMs) -> Weight {
        Weight::of(self.until > now, self.window.held())
    }
}

impl Entry for Account {
    fn touched(&self) -> UnixMs {
        self.touched
    }
    fn weight(&self, now: UnixMs) -> Weight {
        Weight::of(self.pressed && now.ms_since(self.touched) <= STALE_MS, self.window.held())
    }
}

#[derive(Debug, Clone, Copy)]
struct Keys {
    pair: u64,
    address: u64,
    account: u64,
}

/// What an attempt took from the queue of its account, to be given back when the attempt came to nothing.
#[derive(Debug, Clone, Copy)]
enum Taken {
    Nothing,
    /// The moment before and the one it set, of the strangers' clock.
    Turn(UnixMs, UnixMs),
    /// The same of the newcomers' clock.
    NewcomerTurn(UnixMs, UnixMs),
    Ticket(UnixMs),
}

/// Leave to try once. Tell how it ended; dropped without, it gives its place back and counts nothing.
#[must_use]
pub struct Attempt {
    inner: Arc<Inner>,
    keys: Keys,
    taken: Taken,
    told: bool,
}

impl Throttle {
    /// A throttle that has counted nothing yet.
    #[must_use]
    pub fn new(rules: ThrottleRules) -> Self {
        let state = State {
            pairs: Bounded::new(rules.entries),
            addresses: Bounded::new(rules.entries),
            accounts: Bounded::new(rules.entries),
            known: HashMap::new(),
            seen: 0,
            running: HashMap::new(),
            running_all: 0,
        };
        Self { inner: Arc::new(Inner { rules, hasher: RandomState::new(), state: Mutex::new(state) }) }
    }

    /// Asks to try to sign in to an account (its e-mail, in any case) from an address (none: this machine itself).
    ///
    /// # Errors
    /// How long to wait before asking again: more than nothing, at most [`ThrottleRules::longest_wait_ms`].
    pub fn admit(&self, account: &str, address: Option<IpAddr>, now: UnixMs) -> Result<Attempt, Duration> {
        let (inner, keys) = (&self.inner, self.inner.keys(account, address));
        let mut state = inner.lock();
        let known = state.known.contains_key(&keys.pair);
        inner.backed_off(&mut state, keys, known, now)?;
        inner.room(&state, keys, known)?;
        let taken = if known { Taken::Nothing } else { inner.turn(&mut state, keys, now)? };
        *state.running.entry(keys.address).or_default() += 1;
        state.running_all += 1;
        drop(state);
        Ok(Attempt { inner: Arc::clone(inner), keys, taken, told: false })
    }

    /// Notes that somebody signed in to an account from an address before: what others do to that account won't slow it from there.
    pub fn remember(&self, account: &str, address: Option<IpAddr>) {
        let keys = self.inner.keys(account, address);
        self.inner.know(&mut self.inner.lock(), keys);
    }

    /// Entries held at present, over all counts.
    #[cfg(test)]
    fn held(&self) -> [usize; 5] {
        let state = self.inner.lock();
        [state.pairs.len(), state.addresses.len(), state.accounts.len(), state.known.len(), state.running.len()]
    }
}

impl Attempt {
    /// The password was right.
    pub fn succeeded(mut self, _now: UnixMs) {
        self.told = true;
        let mut state = self.inner.lock();
        state.pairs.remove(self.keys.pair);
        self.inner.know(&mut state, self.keys);
    }

    /// The password was wrong, or there is no such account: nobody may see a difference.
    pub fn failed(mut self, now: UnixMs) {
        self.told = true;
        let (inner, keys) = (&self.inner, self.keys);
        let (rules, mut state) = (&inner.rules, inner.lock());
        let pair = state.pairs.entry(keys.pair, now);
        pair.failures = pair.failures.saturating_add(1);
        pair.touched = now;
        if let Some(over) = pair.failures.checked_sub(rules.pair_failures) {
            pair.until = now.plus_ms(rules.back_off_ms(over));
        }
        let address = state.addresses.entry(keys.address, now);
        address.touched = now;
        let failures = address.window.count(now, rules.address_window_ms);
        if address.strikes > 0 || failures >= f64::from(rules.address_failures) {
            address.until = now.plus_ms(rules.back_off_ms(address.strikes));
            address.strikes = address.strikes.saturating_add(1);
        }
        let account = state.accounts.entry(keys.account, now);
        account.touched = now;
        account.pressed = account.window.count(now, rules.account_window_ms) >= f64::from(rules.account_failures);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut state = self.inner.lock();
        state.running_all = state.running_all.saturating_sub(1);
        if let Some(running) = state.running.get_mut(&self.keys.address) {
            *running -= 1;
            if *running == 0 {
                state.running.remove(&self.keys.address);
            }
        }
        if self.told {
            return;
        }
        match self.taken {
            Taken::Nothing => {}
            Taken::Turn(before, set) => {
                if let Some(account) = state.accounts.get(self.keys.account).filter(|a| a.next == set) {
                    account.next = before;
                }
            }
            Taken::NewcomerTurn(before, set) => {
                if let Some(account) = state.accounts.get(self.keys.account).filter(|a| a.next_newcomer == set) {
                    account.next_newcomer = before;
                }
            }
            Taken::Ticket(due) => {
                if let Some(pair) = state.pairs.get(self.keys.pair) {
                    pair.ticket = Some(due);
                }
            }
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self, account: &str, address: Option<IpAddr>) -> Keys {
        let (account, address) = (account.trim().to_lowercase(), address.map(network));
        Keys {
            pair: self.hasher.hash_one((&account, address)),
            address: self.hasher.hash_one(address),
            account: self.hasher.hash_one(&account),
        }
    }

    /// The first two counts. An address that signed in to the account before waits only for what it did at this very account.
    fn backed_off(&self, state: &mut State, keys: Keys, known: bool, now: UnixMs) -> Result<(), Duration> {
        let rules = &self.rules;
        if let Some(pair) = state.pairs.get(keys.pair) {
            if now.ms_since(pair.touched) > rules.calm_ms && pair.until <= now {
                pair.failures = 0;
            }
            wait(&mut pair.until, now, rules.longest_wait_ms)?;
        }
        if !known && let Some(address) = state.addresses.get(keys.address) {
            if now.ms_since(address.touched) > rules.calm_ms && address.until <= now {
                address.strikes = 0;
            }
            wait(&mut address.until, now, rules.longest_wait_ms)?;
        }
        Ok(())
    }

    /// Whether one more may run. A few places are kept for known addresses, so that a crowd of strangers can't take all.
    fn room(&self, state: &State, keys: Keys, known: bool) -> Result<(), Duration> {
        let most = if known { self.rules.at_once } else { self.rules.at_once.saturating_sub(self.rules.kept_for_known) };
        let here = state.running.get(&keys.address).copied().unwrap_or(0);
        if here >= self.rules.at_once_per_address || state.running_all >= most { Err(ms(BUSY_MS)) } else { Ok(()) }
    }

    /// The third count: strangers to an account under pressure take turns. Newcomers have a clock of their own, so that a few guessers
    /// can't take every turn. Whoever finds the turn taken again and again is let in after the time of patience all the same, else a crowd
    /// could keep one person out for ever.
    fn turn(&self, state: &mut State, keys: Keys, now: UnixMs) -> Result<Taken, Duration> {
        let rules = &self.rules;
        let newcomer = state.pairs.get(keys.pair).is_none_or(|pair| pair.failures < rules.newcomer_failures);
        let Some(account) = state.accounts.get(keys.account) else { return Ok(Taken::Nothing) };
        account.pressed = account.window.at(now, rules.account_window_ms) >= f64::from(rules.account_failures);
        if !account.pressed {
            return Ok(Taken::Nothing);
        }
        // A clock that stepped back must not make anybody wait for the old time.
        account.next = account.next.min(now.plus_ms(rules.turn_ms));
        account.next_newcomer = account.next_newcomer.min(now.plus_ms(rules.newcomer_turn_ms));
        let mut next = account.next;
        if next <= now {
            account.next = now.plus_ms(rules.turn_ms);
            return Ok(Taken::Turn(next, account.next));
        }
        if newcomer {
            let before = account.next_newcomer;
            if before <= now {
                account.next_newcomer = now.plus_ms(rules.newcomer_turn_ms);
                return Ok(Taken::NewcomerTurn(before, account.next_newcomer));
            }
            next = next.min(before);
        }
        let pair = state.pairs.entry(keys.pair, now);
        pair.touched = pair.touched.max(now);
        let latest = now.plus_ms(rules.patience_ms);
        let due = pair.ticket.filter(|due| now.ms_since(*due) <= TICKET_MS).map_or(latest, |due| due.min(latest));
        if due <= now {
            pair.ticket = None;
            return Ok(Taken::Ticket(due));
        }
        pair.ticket = Some(due);
        Err(ms(next.min(due).ms_since(now)))
    }

    fn know(&self, state: &mut State, keys: Keys) {
        if state.known.len() >= self.rules.entries && !state.known.contains_key(&keys.pair) {
            memory::drop_oldest(&mut state.known, self.rules.entries / 8 + 1, |order| *order);
        }
        state.seen += 1;
        let seen = state.seen;
        state.known.insert(keys.pair, seen);
    }
}

/// Waits until a moment, but never longer than the longest wait: the clock may have stepped back since the moment was set.
fn wait(until: &mut UnixMs, now: UnixMs, longest_ms: i64) -> Result<(), Duration> {
    *until = (*until).min(now.plus_ms(longest_ms));
    if *until <= now { Ok(()) } else { Err(ms(until.ms_since(now))) }
}

fn ms(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

/// What counts as one address: IPv6 by /64, which is what one household or host is given.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}
