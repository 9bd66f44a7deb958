//! The circuit breaker of one pool.

use crate::AdapterError;
use reeve_model::{UnixMs, pool};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The pause before the first look at a dead server, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Opens after some failures in a row to connect. While it is open, nobody is made to wait: callers get an error at
/// once and one background task looks after the server.
pub(crate) struct Circuit {
    threshold: u32,
    state: Mutex<State>,
}

struct State {
    circuit: pool::Circuit,
    failures: u32,
    failing: Option<(UnixMs, String)>,
}

/// A failure's history, for people.
#[derive(Debug, Clone)]
pub(crate) struct Failing {
    pub(crate) since: UnixMs,
    pub(crate) sentence: String,
}

impl Circuit {
    pub(crate) fn new(threshold: u32) -> Self {
        let state = State { circuit: pool::Circuit::Closed, failures: 0, failing: None };
        Self { threshold: threshold.max(1), state: Mutex::new(state) }
    }

    /// Whether a call may try.
    pub(crate) fn check(&self, server: &str) -> Result<(), AdapterError> {
        let state = self.state();
        if state.circuit == pool::Circuit::Closed {
            return Ok(());
        }
        let failure = state.failing.as_ref().map_or_else(String::new, |(_, sentence)| sentence.clone());
        Err(AdapterError::CircuitOpen { server: server.to_owned(), failure })
    }

    /// A connection works. Answers whether the circuit was open till now.
    pub(crate) fn succeeded(&self) -> bool {
        let mut state = self.state();
        let healed = state.circuit != pool::Circuit::Closed;
        *state = State { circuit: pool::Circuit::Closed, failures: 0, failing: None };
        healed
    }

    /// A connection could not be had. Answers whether that opened the circuit: the caller starts the one who heals it.
    pub(crate) fn failed(&self, error: &AdapterError) -> bool {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        let since = state.failing.as_ref().map_or_else(UnixMs::now, |(since, _)| *since);
        state.failing = Some((since, error.to_string()));
        let opens = state.circuit == pool::Circuit::Closed && state.failures >= self.threshold;
        if opens || state.circuit == pool::Circuit::HalfOpen {
            state.circuit = pool::Circuit::Open;
        }
        opens
    }

    /// The healer lets its one call through.
    pub(crate) fn half_open(&self) {
        let mut state = self.state();
        if state.circuit == pool::Circuit::Open {
            state.circuit = pool::Circuit::HalfOpen;
        }
    }

    pub(crate) fn now(&self) -> (pool::Circuit, Option<Failing>) {
        let state = self.state();
        let failing = state.failing.as_ref().map(|(since, sentence)| Failing { since: *since, sentence: sentence.clone() });
        (state.circuit, failing)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pause before look number `attempt` (from 0): twice as long each time, between half and the whole of it, so
/// that many who lost the same server don't come back together.
pub(crate) fn pause(attempt: u32) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST_PAUSE);
    whole / 2 + (whole / 2).mul_f64(random_share())
}

/// A number from 0 to 1 (exclusive), different at each call.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn random_share() -> f64 {
    (RandomState::new().hash_one(0_u8) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use pool::Circuit as C;

    #[test]
    fn a1_it_opens_after_failures_in_a_row_and_one_success_closes_it() {
        let circuit = Circuit::new(3);
        let error = AdapterError::Refused { server: "h:1/d".into() };
        assert!(!circuit.failed(&error) && !circuit.failed(&error));
        circuit.succeeded();
        assert!(!circuit.failed(&error) && !circuit.failed(&error) && circuit.failed(&error));
        let refusal = circuit.check("h:1/d").expect_err("open").to_string();
        assert!(refusal.contains("h:1/d refuses connections"), "{refusal}");
        circuit.half_open();
        assert_eq!(circuit.now().0, C::HalfOpen);
        assert!(circuit.check("h:1/d").is_err() && !circuit.failed(&error));
        assert_eq!(circuit.now().0, C::Open);
        circuit.half_open();
        assert!(circuit.succeeded() && circuit.check("h:1/d").is_ok() && circuit.now().1.is_none());
    }

    #[test]
    fn a1_pauses_grow_with_jitter_and_stay_bounded() {
        for attempt in 0..40 {
            let whole = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST_PAUSE);
            let pause = pause(attempt);
            assert!(pause >= whole / 2 && pause <= whole, "{attempt}: {pause:?}");
        }
        assert_ne!(random_share().to_bits(), random_share().to_bits());
    }
}
