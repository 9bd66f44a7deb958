//! The parts of a verdict, one file each (SPEC B1). `docs/HEALTH.md` says the same in prose.
//!
//! A category has a weight, inputs whose penalties add up to at most 100, and rules that name a fault in a sentence. Inputs make the
//! score; rules make the reasons. A new one is one file beside this one and one line in [`CATEGORIES`].

mod availability;
mod cache;
mod connections;
mod disk;
mod durability;
mod errors;
mod locks;
mod queries;
mod replication;
mod sequences;
mod sessions;
mod vacuum;
mod wraparound;

pub use sequences::ENDS_SOON_S;
pub use vacuum::upkeep;

use crate::curve::Curve;
use crate::source::Source;
use reeve_model::{Status, UnixMs, Verdict, snapshot::TargetSnapshot, snapshot::Wal};

/// What is judged: a snapshot at a moment, and what was judged before.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The snapshot.
    pub snapshot: &'a TargetSnapshot,
    /// The moment of judgement.
    pub now: UnixMs,
    /// The verdict before this one.
    pub previous: Option<&'a Verdict>,
}

/// What an input shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Measured.
    Value(f64),
    /// Not measured, and why, as a clause.
    Unknown(String),
    /// Nothing of the kind here, and why, as a clause.
    NotHere(&'static str),
}

/// One measured value of a category and what it costs.
#[derive(Debug, Clone, Copy)]
pub struct Input {
    /// What it is, with its unit, as `docs/HEALTH.md` lists it.
    pub title: &'static str,
    /// The value in words.
    pub say: fn(f64) -> String,
    /// The reading it needs; when that is missing the input is unknown and `read` isn't asked.
    pub source: Source,
    /// The value.
    pub read: fn(&Facts<'_>) -> Seen,
    /// What it costs.
    pub curve: Curve,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it alone would make the status.
    pub severity: Status,
    /// The fact with its figure, and what follows from it.
    pub sentence: String,
    /// What to do next, in the imperative.
    pub next: String,
}

/// A rule that names a fault. Every critical finding caps the score ([`crate::verdict::CAP`]).
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Stable id of the reason it gives.
    pub id: &'static str,
    /// When it finds something, as `docs/HEALTH.md` lists it.
    pub when: &'static str,
    /// The reading it needs; a rule never speaks from a value that can't be believed.
    pub source: Source,
    /// Looks.
    pub find: fn(&Facts<'_>) -> Option<Finding>,
}

/// A weighted part of the score.
#[derive(Debug, Clone, Copy)]
pub struct Category {
    /// Stable id.
    pub id: &'static str,
    /// Shown name.
    pub title: &'static str,
    /// Weight in hundredths; all of them sum to 100.
    pub weight: u32,
    /// What it costs.
    pub inputs: &'static [Input],
    /// What it names.
    pub rules: &'static [Rule],
}

/// All parts, in the order shown.
pub const CATEGORIES: &[Category] = &[
    availability::CATEGORY,
    connections::CATEGORY,
    sessions::CATEGORY,
    queries::CATEGORY,
    cache::CATEGORY,
    locks::CATEGORY,
    errors::CATEGORY,
    replication::CATEGORY,
    vacuum::CATEGORY,
    wraparound::CATEGORY,
    sequences::CATEGORY,
    durability::CATEGORY,
];

/// What a category came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// 0 to 100, and what was read.
    Score(f64, String),
    /// Not measured, and why.
    Unknown(String),
    /// Nothing to measure here, and why.
    NotHere(String),
}

impl Category {
    /// Measures it. One unknown input leaves the whole category unknown: half a measurement must not pass for a whole one.
    #[must_use]
    pub fn assess(&self, facts: &Facts<'_>) -> Outcome {
        let mut penalty = 0.0;
        let mut said = Vec::new();
        let mut not_here = Vec::new();
        for input in self.inputs {
            let seen = input.source.missing(facts.snapshot, facts.now).map_or_else(|| (input.read)(facts), Seen::Unknown);
            match seen {
                Seen::Value(value) if value.is_finite() => {
                    let cost = input.curve.at(value);
                    penalty += cost;
                    let off = if cost >= 0.5 { format!(" (−{cost:.0})") } else { String::new() };
                    said.push(format!("{}{off}", (input.say)(value)));
                }
                Seen::Value(_) => return Outcome::Unknown(format!("Not measured: {} is not a number.", input.title)),
                Seen::Unknown(why) => return Outcome::Unknown(format!("Not measured: {}.", crate::words::clause(&why))),
                Seen::NotHere(why) => not_here.push(why),
            }
        }
        if said.is_empty() {
            not_here.dedup();
            return Outcome::NotHere(format!("Does not apply: {}.", not_here.join("; ")));
        }
        Outcome::Score((100.0_f64 - penalty).clamp(0.0, 100.0), format!("{}.", said.join("; ")))
    }

    /// The faults its rules name.
    pub fn findings<'a>(&'a self, facts: &'a Facts<'_>) -> impl Iterator<Item = (&'static str, Finding)> + 'a {
        self.rules
            .iter()
            .filter(|rule| rule.source.missing(facts.snapshot, facts.now).is_none())
            .filter_map(|rule| (rule.find)(facts).map(|finding| (rule.id, finding)))
    }
}

impl Facts<'_> {
    /// A standby: what only a primary can do anything about isn't held against it.
    #[must_use]
    pub fn standby(&self) -> bool {
        self.snapshot.server.as_ref().is_some_and(|s| s.standby)
    }

    /// A setting that is on or off; none when it wasn't read.
    #[must_use]
    pub fn switch(&self, name: &str) -> Option<bool> {
        let setting = self.snapshot.settings.value()?.iter().find(|s| s.name == name)?;
        Some(matches!(setting.value.as_str(), "on" | "true" | "yes" | "1"))
    }

    /// The log, while archiving fails.
    #[must_use]
    pub fn archive_failing(&self) -> Option<&Wal> {
        self.snapshot.wal.value().filter(|w| w.archive_failing)
    }

    /// Seconds a reason has held without a break; 0 when it is new.
    #[must_use]
    pub fn held_s(&self, reason: &str) -> f64 {
        let since = self.previous.and_then(|v| v.reasons.iter().find(|r| r.id == reason)).and_then(|r| r.since);
        since.map_or(0.0, |since| self.now.seconds_since(since))
    }
}

impl Seen {
    /// A value, or unknown for this reason.
    #[must_use]
    pub fn or_unknown(value: Option<f64>, why: &str) -> Self {
        value.map_or_else(|| Self::Unknown(why.to_owned()), Self::Value)
    }

    /// A value, or nothing of the kind.
    #[must_use]
    pub fn or_not_here(value: Option<f64>, why: &'static str) -> Self {
        value.map_or(Self::NotHere(why), Self::Value)
    }
}

impl Finding {
    /// Something that needs attention.
    #[must_use]
    pub fn degraded(sentence: String, next: impl Into<String>) -> Self {
        Self { severity: Status::Degraded, sentence, next: next.into() }
    }

    /// Something that is never fine.
    #[must_use]
    pub fn critical(sentence: String, next: impl Into<String>) -> Self {
        Self { severity: Status::Critical, sentence, next: next.into() }
    }

    /// Critical when `critical`, else degraded.
    #[must_use]
    pub fn graded(critical: bool, sentence: String, next: impl Into<String>) -> Self {
        if critical { Self::critical(sentence, next) } else { Self::degraded(sentence, next) }
    }
}
