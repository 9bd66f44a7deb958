//! Are there connections left?

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{curve::Curve, figures::read::used_ratio, source::Source, words};

/// Room for further sessions.
pub const CATEGORY: Category = Category {
    id: "connections",
    title: "Connections",
    weight: 14,
    inputs: &[Input {
        title: "share of the usable connections that are taken",
        say: |v| format!("{} of the usable connections taken", words::percent(v)),
        source: Source::Activity,
        read: |f| {
            Seen::or_unknown(f.snapshot.activity.value().and_then(used_ratio), "the server did not say how many connections it allows")
        },
        curve: Curve(&[(0.60, 0.0), (0.80, 25.0), (0.95, 80.0), (1.0, 100.0)]),
    }],
    rules: &[Rule {
        id: "connections.saturation",
        when: "over 80 % of the usable connections are taken (over 95 %: critical)",
        source: Source::Activity,
        find: saturation,
    }],
};

fn saturation(facts: &Facts<'_>) -> Option<Finding> {
    let activity = facts.snapshot.activity.value()?;
    let ratio = used_ratio(activity).filter(|r| *r > 0.80)?;
    let taken = activity.total + activity.own;
    let usable = activity.max - activity.reserved;
    let follows = match ratio {
        r if r >= 1.0 => "new clients are refused",
        r if r > 0.95 => "the next few clients will be refused",
        _ => "a burst of clients could be refused",
    };
    let sentence = format!(
        "{} of {} usable connections are taken ({}); {} of them idle: {follows}.",
        words::count(words::float(taken)),
        words::count(words::float(usable)),
        words::percent(ratio),
        words::count(words::float(activity.idle + activity.idle_in_transaction)),
    );
    Some(Finding::graded(
        ratio > 0.95,
        sentence,
        "Find who holds them: SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC; then lower that client's pool, or put a pooler in front.",
    ))
}
