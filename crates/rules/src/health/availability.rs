//! Does it answer, and how fast? A server that is down is judged before all else, in [`crate::verdict`].

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{curve::Curve, source::Source, words};

/// A round that takes longer than this is reported, milliseconds.
const SLOW_ROUND_MS: f64 = 10_000.0;

/// Whether it answers.
pub const CATEGORY: Category = Category {
    id: "availability",
    title: "Availability",
    weight: 14,
    inputs: &[
        Input {
            title: "time since the server started (s)",
            say: |s| format!("answers, up {}", words::duration(s)),
            source: Source::Round,
            read: uptime,
            curve: Curve(&[(0.0, 30.0), (600.0, 0.0)]),
        },
        Input {
            title: "wall time of a round of probes (ms)",
            say: |ms| format!("a round takes {}", words::milliseconds(ms)),
            source: Source::Round,
            read: |f| Seen::Value(f.snapshot.round_ms),
            curve: Curve(&[(2_000.0, 0.0), (20_000.0, 70.0)]),
        },
    ],
    rules: &[Rule { id: "availability.slow", when: "a round of probes takes over 10 s", source: Source::Round, find: slow }],
};

fn uptime(facts: &Facts<'_>) -> Seen {
    let started = facts.snapshot.server.as_ref().map(|s| facts.now.seconds_since(s.started_at));
    Seen::or_unknown(started, "the server has not said when it started")
}

fn slow(facts: &Facts<'_>) -> Option<Finding> {
    let ms = facts.snapshot.round_ms;
    (ms > SLOW_ROUND_MS).then(|| {
        let sentence = format!(
            "The newest round of probes took {}: the server is slow to answer, so these figures lag behind.",
            words::milliseconds(ms)
        );
        Finding::degraded(
            sentence,
            "See which probe takes long under the collector's cost, then look at the load of the server's CPU and disks.",
        )
    })
}
