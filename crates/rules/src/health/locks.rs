//! Who waits for whom?

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{curve::Curve, source::Source, words};
use reeve_model::snapshot::LockWait;

/// Lock waits.
pub const CATEGORY: Category = Category {
    id: "locks",
    title: "Locks",
    weight: 10,
    inputs: &[
        Input {
            title: "sessions waiting for a lock",
            say: |n| if n > 0.0 { format!("{} waiting for a lock", words::count(n)) } else { "nobody waits for a lock".into() },
            source: Source::Locks,
            read: |f| Seen::or_unknown(f.snapshot.locks.value().map(|l| words::float(l.waiting)), "the locks have not been read yet"),
            curve: Curve(&[(0.0, 0.0), (5.0, 20.0), (20.0, 60.0), (100.0, 100.0)]),
        },
        Input {
            title: "longest wait for a lock (s)",
            say: |s| if s > 0.0 { format!("the longest for {}", words::duration(s)) } else { "no wait".into() },
            source: Source::Locks,
            read: |f| Seen::Value(longest(f).and_then(|w| w.waited_s).unwrap_or(0.0)),
            curve: Curve(&[(2.0, 0.0), (30.0, 40.0), (300.0, 90.0), (900.0, 100.0)]),
        },
    ],
    rules: &[Rule {
        id: "locks.waiting",
        when: "a session has waited for a lock for over 30 s, or over 5 sessions wait (over 5 min, or over 20 sessions: critical)",
        source: Source::Locks,
        find: waiting,
    }],
};

fn longest<'a>(facts: &Facts<'a>) -> Option<&'a LockWait> {
    facts.snapshot.locks.value()?.waits.iter().max_by(|a, b| a.waited_s.unwrap_or(0.0).total_cmp(&b.waited_s.unwrap_or(0.0)))
}

fn waiting(facts: &Facts<'_>) -> Option<Finding> {
    let locks = facts.snapshot.locks.value()?;
    let worst = longest(facts);
    let waited = worst.and_then(|w| w.waited_s).unwrap_or(0.0);
    if waited <= 30.0 && locks.waiting <= 5 {
        return None;
    }
    let on = worst.and_then(|w| w.relation.as_deref()).map_or(String::new(), |r| format!(" on {r}"));
    let root = worst.and_then(|w| w.root_pid);
    let state = worst.and_then(|w| w.root_state.as_deref()).map_or(String::new(), |s| format!(" ({s})"));
    // It has no process, and outlives every session and restart.
    let prepared = root.is_none() && worst.and_then(|w| w.root_state.as_deref()) == Some("prepared transaction");
    let blocker = match root {
        Some(pid) => format!("; process {pid}{state} stands at the root"),
        None if prepared => "; a prepared transaction stands at the root".to_owned(),
        None => String::new(),
    };
    let sentence = format!(
        "{} for a lock, the longest for {}{on}{blocker}: whatever queues behind waits as well.",
        words::things(locks.waiting, "session waits", "sessions wait"),
        words::duration(waited)
    );
    let unnamed = || {
        if prepared {
            return "Find it: SELECT gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared; then, in its database, COMMIT PREPARED or ROLLBACK PREPARED with its gid, as its coordinator decided.".to_owned();
        }
        "List who blocks whom: SELECT pid, pg_blocking_pids(pid), left(query, 200) FROM pg_stat_activity WHERE wait_event_type = 'Lock';"
            .to_owned()
    };
    let next = root.map_or_else(unnamed, |pid| {
        // A cancel ends a statement; a session that is idle has none.
        let idle = worst.and_then(|w| w.root_state.as_deref()).is_some_and(|s| s.starts_with("idle"));
        let end = if idle { "pg_terminate_backend" } else { "pg_cancel_backend" };
        format!("See what it does: SELECT * FROM pg_stat_activity WHERE pid = {pid}; if it may go: SELECT {end}({pid});")
    });
    Some(Finding::graded(waited > 300.0 || locks.waiting > 20, sentence, next))
}
