//! A value that may be old, missing, or failing right now.

use crate::UnixMs;
use serde::{Deserialize, Serialize};

/// A value and the moment it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timed<T> {
    /// The value as read.
    pub value: T,
    /// When it was read.
    pub at: UnixMs,
}

/// Why a value could not be read the last time it was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The first failure in a row.
    pub since: UnixMs,
    /// One sentence a person understands; never holds a secret.
    pub sentence: String,
}

/// What is known of a value: the last good reading (if ever) and the present fault (if any).
///
/// Never read is `last: None`. A failing probe keeps the last good value, so a page can show what was last
/// known and say how old it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading<T> {
    /// The last good value.
    pub last: Option<Timed<T>>,
    /// Present when the newest attempt failed, or when the value can never be read here.
    pub fault: Option<Fault>,
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self { last: None, fault: None }
    }
}

impl<T> Reading<T> {
    /// A good reading.
    pub fn known(value: T, at: UnixMs) -> Self {
        Self { last: Some(Timed { value, at }), fault: None }
    }

    /// A value that could not be read, with the reason.
    pub fn unknown(since: UnixMs, sentence: impl Into<String>) -> Self {
        Self { last: None, fault: Some(Fault { since, sentence: sentence.into() }) }
    }

    /// Takes in the outcome of a new attempt: a good value replaces, a failure keeps the last value and the
    /// first moment of the trouble.
    pub fn absorb(&mut self, outcome: Result<T, String>, at: UnixMs) {
        match outcome {
            Ok(value) => *self = Self::known(value, at),
            Err(sentence) => {
                let since = self.fault.as_ref().map_or(at, |f| f.since);
                self.fault = Some(Fault { since, sentence });
            }
        }
    }

    /// The last good value, however old.
    pub fn value(&self) -> Option<&T> {
        self.last.as_ref().map(|t| &t.value)
    }

    /// When the last good value was read.
    pub fn at(&self) -> Option<UnixMs> {
        self.last.as_ref().map(|t| t.at)
    }

    /// The value if it was read at most `max_age_ms` before `now`. A failing probe's value counts while it is that young.
    pub fn fresh(&self, now: UnixMs, max_age_ms: i64) -> Option<&T> {
        self.last.as_ref().filter(|t| now.ms_since(t.at) <= max_age_ms).map(|t| &t.value)
    }

    /// The present fault's sentence.
    pub fn why(&self) -> Option<&str> {
        self.fault.as_ref().map(|f| f.sentence.as_str())
    }
}
