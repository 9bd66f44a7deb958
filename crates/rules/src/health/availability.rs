//! Does it answer, and how fast? A server that is down is judged before all else, in [`crate::verdict`].

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{curve::Curve, source::Source, words};
use reeve_model::probe::ProbeOutcome;

/// A round that takes longer than this is reported, milliseconds. Must stay below the deadline of a round, 8 s.
const SLOW_ROUND_MS: f64 = 5_000.0;
/// When even the quickest answer of a round took longer than this, all of them come late, milliseconds.
const LATE_ANSWER_MS: f64 = 500.0;

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
        Input {
            title: "quickest answer of a round (ms)",
            say: |ms| format!("the quickest answer took {}", words::milliseconds(ms)),
            source: Source::Round,
            read: |f| quickest(f).map_or(Seen::NotHere("no probe of the server has run yet"), Seen::Value),
            curve: Curve(&[(100.0, 0.0), (2_000.0, 40.0)]),
        },
    ],
    rules: &[
        Rule { id: "availability.slow", when: "a round of probes takes over 5 s", source: Source::Round, find: slow },
        Rule {
            id: "availability.late",
            when: "the quickest answer of the newest round took over 0.5 s",
            source: Source::Round,
            find: late,
        },
    ],
};

fn uptime(facts: &Facts<'_>) -> Seen {
    let started = facts.snapshot.server.as_ref().map(|s| facts.now.seconds_since(s.started_at));
    Seen::or_unknown(started, "the server has not said when it started")
}

/// The quickest answer of the newest round, milliseconds.
fn quickest(facts: &Facts<'_>) -> Option<f64> {
    // Probes of the server are small and run in every round; those of a database may rightly take long.
    let small = || facts.snapshot.probes.iter().filter(|run| run.database.is_none());
    let newest = small().map(|run| run.at).max()?;
    // The runs of one round begin within moments of each other.
    let of_round = small().filter(|run| newest.ms_since(run.at) < 1_000 && run.outcome == ProbeOutcome::Ok);
    of_round.map(|run| run.wall_ms).reduce(f64::min)
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

/// The smallest query takes as long as the way to the server and its waiting for a processor: that delay is on all answers.
fn late(facts: &Facts<'_>) -> Option<Finding> {
    let ms = quickest(facts).filter(|ms| *ms > LATE_ANSWER_MS)?;
    let sentence = format!(
        "Every answer comes late: the quickest of the newest round took {}, where a few milliseconds are usual.",
        words::milliseconds(ms)
    );
    Some(Finding::degraded(
        sentence,
        "Look at the way to the server first (ping its host from this machine), then at what keeps its CPU busy.",
    ))
}
