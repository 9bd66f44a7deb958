//! How long do statements take?

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{curve::Curve, source::Source, words};

/// Query time.
pub const CATEGORY: Category = Category {
    id: "queries",
    title: "Query time",
    weight: 10,
    inputs: &[
        Input {
            title: "mean execution time of the window (ms)",
            say: |ms| format!("mean {}", words::milliseconds(ms)),
            source: Source::Statements,
            read: |f| window(f, f.snapshot.statements.value().and_then(|s| s.mean_ms)),
            curve: Curve(&[(100.0, 0.0), (500.0, 30.0), (1_000.0, 50.0), (5_000.0, 100.0)]),
        },
        Input {
            title: "95th percentile of the statements' means, weighted by calls (ms)",
            say: |ms| format!("p95 of the means {}", words::milliseconds(ms)),
            source: Source::Statements,
            read: |f| window(f, f.snapshot.statements.value().and_then(|s| s.p95_of_means_ms)),
            curve: Curve(&[(500.0, 0.0), (1_000.0, 20.0), (5_000.0, 50.0)]),
        },
    ],
    rules: &[Rule {
        id: "queries.slow",
        when: "the mean execution time of the window is over 1 s",
        source: Source::Statements,
        find: slow,
    }],
};

/// A first reading has no window yet (unknown); a window without a call has nothing to judge.
fn window(facts: &Facts<'_>, value: Option<f64>) -> Seen {
    match facts.snapshot.statements.value() {
        Some(s) if s.window_s > 0.0 => Seen::or_not_here(value, "no statement was counted between the two newest readings"),
        _ => Seen::Unknown("it takes two readings of the statements to tell their times".into()),
    }
}

fn slow(facts: &Facts<'_>) -> Option<Finding> {
    let statements = facts.snapshot.statements.value()?;
    let mean = statements.mean_ms.filter(|ms| *ms > 1_000.0)?;
    // Only its number: the text of a statement may hold what a reader of reasons should not see.
    let first = statements.top.first().map_or(String::new(), |row| {
        format!(
            " Most of the time went to statement {} in {} ({} a call).",
            row.query_id,
            words::ident(&row.database),
            words::milliseconds(row.mean_ms)
        )
    });
    let sentence = format!("Statements take {} on average: whoever waits for them notices.{first}", words::milliseconds(mean));
    Some(Finding::degraded(
        sentence,
        "Open the target's statements, take the first by total time, and look at its plan with EXPLAIN (ANALYZE, BUFFERS).",
    ))
}
