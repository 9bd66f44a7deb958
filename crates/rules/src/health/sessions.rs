//! Does any session run or wait for too long?

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{curve::Curve, source::Source, words};
use reeve_model::snapshot::{Activity, SessionRef};

/// Long statements and forgotten transactions.
pub const CATEGORY: Category = Category {
    id: "sessions",
    title: "Sessions",
    weight: 10,
    inputs: &[
        Input {
            title: "age of the longest running statement (s)",
            say: |s| if s > 0.0 { format!("longest statement {}", words::duration(s)) } else { "no statement running".into() },
            source: Source::Activity,
            read: |f| visible(f, |a| a.longest_query_s),
            curve: Curve(&[(1.0, 0.0), (5.0, 20.0), (60.0, 60.0), (600.0, 100.0)]),
        },
        Input {
            title: "longest idle in transaction (s)",
            say: |s| {
                if s > 0.0 { format!("longest idle in transaction {}", words::duration(s)) } else { "none idle in transaction".into() }
            },
            source: Source::Activity,
            read: |f| visible(f, |a| a.longest_idle_in_transaction_s),
            curve: Curve(&[(30.0, 0.0), (300.0, 30.0), (3_600.0, 80.0)]),
        },
        Input {
            title: "age of the oldest transaction (s)",
            say: |s| if s > 0.0 { format!("oldest transaction {}", words::duration(s)) } else { "no transaction open".into() },
            source: Source::Activity,
            read: |f| visible(f, |a| a.longest_transaction_s),
            curve: Curve(&[(300.0, 0.0), (3_600.0, 30.0), (86_400.0, 80.0)]),
        },
    ],
    rules: &[
        Rule {
            id: "sessions.long_query",
            when: "a statement has run for over 5 s (over 60 s: critical)",
            source: Source::Activity,
            find: long_query,
        },
        Rule {
            id: "sessions.idle_in_transaction",
            when: "a session has been idle in a transaction for over 5 min",
            source: Source::Activity,
            find: idle_in_transaction,
        },
        Rule {
            id: "sessions.old_transaction",
            when: "a transaction has been open for over 1 h",
            source: Source::Activity,
            find: old_transaction,
        },
    ],
};

/// Nothing running is 0, but sessions whose state may not be read leave it unknown.
fn visible(facts: &Facts<'_>, read: fn(&Activity) -> Option<f64>) -> Seen {
    match facts.snapshot.activity.value() {
        Some(a) if a.hidden > 0 => {
            let whose = words::things(a.hidden, "session", "sessions");
            Seen::Unknown(format!("the state of {whose} may not be read; grant pg_monitor to Reeve's role"))
        }
        Some(a) => Seen::Value(read(a).unwrap_or(0.0)),
        None => Seen::Unknown("the sessions have not been read yet".into()),
    }
}

/// ` of shop_app (checkout, process 4711)`.
fn of(session: Option<&SessionRef>) -> String {
    session.map_or(String::new(), |s| {
        let application = if s.application.is_empty() { String::new() } else { format!("{}, ", s.application) };
        format!(" of {} ({application}process {})", words::ident(&s.user), s.pid)
    })
}

/// What to call with: the process where it is known.
fn pid(session: Option<&SessionRef>) -> String {
    session.map_or_else(|| "pid".to_owned(), |s| s.pid.to_string())
}

fn long_query(facts: &Facts<'_>) -> Option<Finding> {
    let activity = facts.snapshot.activity.value()?;
    let age = activity.longest_query_s.filter(|s| *s > 5.0)?;
    let who = activity.longest_query_by.as_ref();
    let sentence =
        format!("A statement{} has been running for {}: it holds its locks and its snapshot until it ends.", of(who), words::duration(age));
    let find = "SELECT pid, usename, now() - query_start AS running, left(query, 200) FROM pg_stat_activity WHERE state = 'active' ORDER BY query_start LIMIT 5;";
    Some(Finding::graded(
        age > 60.0,
        sentence,
        format!("See what it is: {find} If nobody needs it: SELECT pg_cancel_backend({});", pid(who)),
    ))
}

fn idle_in_transaction(facts: &Facts<'_>) -> Option<Finding> {
    let activity = facts.snapshot.activity.value()?;
    let age = activity.longest_idle_in_transaction_s.filter(|s| *s > 300.0)?;
    let who = activity.longest_idle_in_transaction_by.as_ref();
    let sentence = format!(
        "{} idle in a transaction, the longest{} for {}: its locks block others, and vacuum can't remove what died since.",
        words::things(activity.idle_in_transaction, "session is", "sessions are"),
        of(who),
        words::duration(age)
    );
    let find = "SELECT pid, usename, application_name, now() - state_change AS idle FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' ORDER BY state_change;";
    Some(Finding::degraded(
        sentence,
        format!(
            "See them all: {find} End it: SELECT pg_terminate_backend({}); and set idle_in_transaction_session_timeout for its role.",
            pid(who)
        ),
    ))
}

fn old_transaction(facts: &Facts<'_>) -> Option<Finding> {
    let activity = facts.snapshot.activity.value()?;
    let age = activity.longest_transaction_s.filter(|s| *s > 3_600.0)?;
    let who = activity.longest_transaction_by.as_ref();
    let sentence = format!(
        "A transaction{} has been open for {}: vacuum can't remove rows that died since, so tables grow.",
        of(who),
        words::duration(age)
    );
    let find = "SELECT pid, usename, application_name, xact_start, state FROM pg_stat_activity WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 5;";
    Some(Finding::degraded(
        sentence,
        format!("See what it does: {find} Ask its owner to commit, or end it: SELECT pg_terminate_backend({});", pid(who)),
    ))
}
