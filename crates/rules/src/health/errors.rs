//! How much work is thrown away?

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{curve::Curve, source::Source, words};

/// Transactions in a window under which the share of rollbacks isn't judged.
const JUDGED_FROM: f64 = 50.0;

/// Rollbacks and deadlocks.
pub const CATEGORY: Category = Category {
    id: "errors",
    title: "Errors",
    weight: 4,
    inputs: &[
        Input {
            title: "share of transactions rolled back",
            say: |v| format!("{} of the transactions rolled back", words::percent(v)),
            source: Source::Rates,
            read: rollbacks,
            curve: Curve(&[(0.05, 0.0), (0.20, 30.0), (0.50, 80.0), (1.0, 100.0)]),
        },
        Input {
            title: "deadlocks per minute",
            say: |n| if n > 0.0 { format!("{n:.1} deadlocks a minute") } else { "no deadlocks".into() },
            source: Source::Rates,
            read: |f| Seen::or_unknown(deadlocks_a_minute(f), "there is no rate of deadlocks yet"),
            curve: Curve(&[(0.0, 0.0), (6.0, 40.0), (60.0, 100.0)]),
        },
    ],
    rules: &[
        Rule {
            id: "errors.rollbacks",
            when: "over 20 % of at least 50 transactions of the window were rolled back",
            source: Source::Rates,
            find: many_rollbacks,
        },
        Rule { id: "errors.deadlocks", when: "over 6 deadlocks a minute", source: Source::Rates, find: many_deadlocks },
    ],
};

fn deadlocks_a_minute(facts: &Facts<'_>) -> Option<f64> {
    facts.snapshot.rates.value()?.deadlocks.map(|d| d * 60.0)
}

fn rollbacks(facts: &Facts<'_>) -> Seen {
    let Some(rates) = facts.snapshot.rates.value() else { return Seen::Unknown("there is no rate yet".into()) };
    let (Some(commits), Some(rollbacks)) = (rates.commits, rates.rollbacks) else {
        return Seen::Unknown("it takes two rounds to tell a rate".into());
    };
    let judged = rates.rollback_ratio.filter(|_| (commits + rollbacks) * rates.window_s >= JUDGED_FROM);
    Seen::or_not_here(judged, "fewer than 50 transactions ended between the two newest rounds")
}

fn many_rollbacks(facts: &Facts<'_>) -> Option<Finding> {
    let Seen::Value(ratio) = rollbacks(facts) else { return None };
    (ratio > 0.20).then(|| {
        let sentence = format!("{} of the transactions were rolled back: clients run into errors, or give up.", words::percent(ratio));
        Finding::degraded(sentence, "Look in the server's log for lines with ERROR, and see which client causes them.")
    })
}

fn many_deadlocks(facts: &Facts<'_>) -> Option<Finding> {
    let rate = deadlocks_a_minute(facts).filter(|d| *d > 6.0)?;
    let sentence = format!("{rate:.0} deadlocks a minute: the server ends a transaction for each, and its work is lost.");
    Some(Finding::degraded(
        sentence,
        "Look in the server's log for \"deadlock detected\": it names both statements. Make them lock their rows in the same order.",
    ))
}
