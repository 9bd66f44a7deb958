//! Do the standbys keep up, what is kept for them, and do subscriptions apply what they get?

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{
    curve::Curve,
    figures::read::{worst_lag_bytes, worst_lag_s},
    source::Source,
    words,
};
use reeve_model::snapshot::{Replication, Slot, Subscription};

const NONE_HERE: &str = "no standby streams from this server, and it has no replication slot";
const GIB: f64 = 1_073_741_824.0;
const LAG_BYTES: f64 = 256.0 * 1_048_576.0;
const LAG_S: f64 = 30.0;

/// Standbys, slots and subscriptions; on a standby its own replay.
pub const CATEGORY: Category = Category {
    id: "replication",
    title: "Replication",
    weight: 10,
    inputs: &[
        Input {
            title: "bytes not replayed by the standby furthest behind",
            say: |b| format!("{} to replay", words::bytes(b)),
            source: Source::Replication,
            read: lag_bytes,
            curve: Curve(&[(16_777_216.0, 0.0), (LAG_BYTES, 30.0), (2.0 * GIB, 80.0), (10.0 * GIB, 100.0)]),
        },
        Input {
            title: "replay lag of the slowest standby (s)",
            say: |s| format!("{} behind", words::duration(s)),
            source: Source::Replication,
            read: lag_s,
            curve: Curve(&[(5.0, 0.0), (LAG_S, 20.0), (300.0, 60.0), (3_600.0, 100.0)]),
        },
        Input {
            title: "WAL kept for the slot that keeps most (bytes)",
            say: |b| format!("{} kept for a slot", words::bytes(b)),
            source: Source::Replication,
            read: retained,
            curve: Curve(&[(GIB, 0.0), (10.0 * GIB, 50.0), (50.0 * GIB, 100.0)]),
        },
        Input {
            title: "a standby is away from its slot (0.5); a slot is lost, or on a standby no WAL is received (1)",
            say: |n| match n {
                n if n >= 1.0 => "a slot is lost or no WAL is received".into(),
                n if n > 0.0 => "a standby is away".into(),
                _ => "all connected".into(),
            },
            source: Source::Replication,
            read: broken,
            curve: Curve(&[(0.0, 0.0), (0.5, 40.0), (1.0, 80.0)]),
        },
        Input {
            title: "an enabled subscription has no apply worker, or fails again and again (1)",
            say: |n| if n > 0.0 { "a subscription stands still".into() } else { "subscriptions applied".into() },
            source: Source::Subscriptions,
            read: stuck,
            curve: Curve(&[(0.0, 0.0), (1.0, 40.0)]),
        },
    ],
    rules: &[
        Rule { id: "replication.slot_lost", when: "a replication slot is lost: critical", source: Source::Replication, find: slot_lost },
        Rule {
            id: "replication.slot_retains",
            when: "a slot that nobody reads keeps over 1 GB of WAL, or a slot is about to be lost",
            source: Source::Replication,
            find: slot_retains,
        },
        Rule {
            id: "replication.standby_away",
            when: "nobody streams from a physical slot that keeps WAL",
            source: Source::Replication,
            find: standby_away,
        },
        Rule { id: "replication.lag", when: "a standby is over 30 s or over 256 MB behind", source: Source::Replication, find: lag },
        Rule { id: "replication.not_receiving", when: "a standby receives no WAL", source: Source::Replication, find: not_receiving },
        Rule {
            id: "replication.subscription",
            when: "an enabled subscription has no apply worker, or failed to apply a change since the reading before",
            source: Source::Subscriptions,
            find: subscription,
        },
    ],
};

fn here<'a>(facts: &Facts<'a>) -> Option<&'a Replication> {
    let standby = facts.standby();
    facts.snapshot.replication.value().filter(|r| standby || !r.standbys.is_empty() || !r.slots.is_empty())
}

fn lag_bytes(facts: &Facts<'_>) -> Seen {
    let Some(replication) = here(facts) else { return Seen::NotHere(NONE_HERE) };
    if !replication.standbys.is_empty() && replication.standbys.iter().any(|s| s.replay_lag_bytes.is_none()) {
        return Seen::Unknown("the lag of a standby may not be read; grant pg_monitor to Reeve's role".into());
    }
    let own = replication.replay_backlog_bytes.map(words::float);
    Seen::or_not_here(worst_lag_bytes(replication).into_iter().chain(own).reduce(f64::max), "no standby streams from this server")
}

fn behind_s(replication: &Replication) -> f64 {
    // None is "nothing to replay": no lag.
    worst_lag_s(replication).unwrap_or(0.0).max(replication.replay_delay_s.unwrap_or(0.0))
}

fn lag_s(facts: &Facts<'_>) -> Seen {
    match here(facts) {
        Some(r) if facts.standby() || !r.standbys.is_empty() => Seen::Value(behind_s(r)),
        Some(_) => Seen::NotHere("no standby streams from this server"),
        None => Seen::NotHere(NONE_HERE),
    }
}

fn retained(facts: &Facts<'_>) -> Seen {
    let Some(replication) = here(facts) else { return Seen::NotHere(NONE_HERE) };
    // A lost slot keeps nothing any more; `broken` counts it.
    let kept = replication.slots.iter().filter(|s| !is_lost(s)).map(|s| words::float(s.retained_bytes.unwrap_or(0))).reduce(f64::max);
    Seen::or_not_here(kept, "there is no replication slot")
}

fn broken(facts: &Facts<'_>) -> Seen {
    let Some(replication) = here(facts) else { return Seen::NotHere(NONE_HERE) };
    let away = facts.standby() && replication.receiving == Some(false);
    if away || replication.slots.iter().any(is_lost) {
        return Seen::Value(1.0);
    }
    Seen::Value(if !facts.standby() && replication.slots.iter().any(is_idle) { 0.5 } else { 0.0 })
}

/// A standby streamed from it and does so no more. A slot that never kept anything waits for its first reader.
fn is_idle(slot: &Slot) -> bool {
    slot.kind == "physical" && !slot.active && slot.retained_bytes.is_some() && !is_lost(slot)
}

fn is_lost(slot: &Slot) -> bool {
    slot.wal_status.as_deref() == Some("lost")
}

fn slot_lost(facts: &Facts<'_>) -> Option<Finding> {
    let names: Vec<String> = here(facts)?.slots.iter().filter(|s| is_lost(s)).map(|s| s.name.clone()).collect();
    let first = names.first()?;
    let sentence =
        format!("Replication slot {} is lost: the WAL its reader needs is gone, so it can't go on from where it was.", words::list(&names));
    let next = format!(
        "Build the reader anew (for a standby with pg_basebackup), then drop the slot: SELECT pg_drop_replication_slot('{}');",
        first.replace('\'', "''")
    );
    Some(Finding::critical(sentence, next))
}

/// It keeps too much, or is about to be lost.
fn is_burden(slot: &Slot) -> bool {
    let forgotten = !slot.active && slot.retained_bytes.is_some_and(|b| words::float(b) > GIB);
    !is_lost(slot) && (forgotten || slot.wal_status.as_deref() == Some("unreserved"))
}

fn slot_retains(facts: &Facts<'_>) -> Option<Finding> {
    let slots = &here(facts)?.slots;
    let slot = slots.iter().filter(|s| is_burden(s)).max_by_key(|s| s.retained_bytes)?;
    let kept = words::bytes(words::float(slot.retained_bytes.unwrap_or(0)));
    let follows = match slot.safe_wal_bytes {
        Some(left) => format!("it is lost after {} more", words::bytes(words::float(left.max(0)))),
        None => "nothing bounds that, so the disk can fill".into(),
    };
    let reader = if slot.active { "whose reader is behind" } else { "which nobody reads" };
    let sentence = format!("Replication slot {}, {reader}, keeps {kept} of WAL: {follows}.", slot.name);
    let next =
        format!("Bring its reader back. If there is none any more: SELECT pg_drop_replication_slot('{}');", slot.name.replace('\'', "''"));
    Some(Finding::degraded(sentence, next))
}

/// One that is lost or a burden is told by its own rule. On a standby slots may wait in store for a failover (Patroni keeps one for each
/// member), so there they say nothing.
fn standby_away(facts: &Facts<'_>) -> Option<Finding> {
    if facts.standby() {
        return None;
    }
    let slots: Vec<&Slot> = here(facts)?.slots.iter().filter(|s| is_idle(s) && !is_burden(s)).collect();
    let first = slots.first()?;
    let names: Vec<String> = slots.iter().map(|s| s.name.clone()).collect();
    let kept = words::bytes(slots.iter().filter_map(|s| s.retained_bytes).map(words::float).sum());
    let sentence = if slots.len() == 1 {
        format!(
            "The standby that streams from replication slot {} is away: it grows older with every write here, and {kept} of WAL is kept for it.",
            first.name
        )
    } else {
        format!("Nobody streams from the replication slots {}: their standbys grow older, and {kept} of WAL is kept.", words::list(&names))
    };
    let next = format!(
        "Start the standby, or look in its log why it does not reach this server (primary_conninfo). Only if it is gone for good, since it then has to be built anew: SELECT pg_drop_replication_slot('{}');",
        first.name.replace('\'', "''")
    );
    Some(Finding::degraded(sentence, next))
}

fn lag(facts: &Facts<'_>) -> Option<Finding> {
    let replication = here(facts)?;
    let bytes =
        worst_lag_bytes(replication).into_iter().chain(replication.replay_backlog_bytes.map(words::float)).reduce(f64::max).unwrap_or(0.0);
    let seconds = behind_s(replication);
    if seconds <= LAG_S && bytes <= LAG_BYTES {
        return None;
    }
    let who = if facts.standby() {
        "This standby".to_owned()
    } else {
        let worst = replication.standbys.iter().max_by(|a, b| {
            let key = |s: &reeve_model::snapshot::Standby| (s.replay_lag_bytes.unwrap_or(0), s.replay_lag_s.unwrap_or(0.0));
            key(a).0.cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1))
        });
        worst.map_or_else(|| "A standby".to_owned(), |s| format!("Standby {}", s.name))
    };
    let paused = replication.replay_paused == Some(true);
    let sentence = format!(
        "{who} is behind{}: {} and {} to replay; reads from it are that old, and a failover would lose or wait for it.",
        if paused { ", since its replay is paused" } else { "" },
        words::duration(seconds),
        words::bytes(bytes)
    );
    let next = match (paused, facts.standby()) {
        (true, _) => "Somebody paused it with pg_wal_replay_pause(). When they have what they wanted, here: SELECT pg_wal_replay_resume();",
        (_, true) => "Look for queries that hold replay back (max_standby_streaming_delay says for how long they may) and for a busy disk.",
        _ => {
            "Look at the standby: is its replay paused (SELECT pg_is_wal_replay_paused();), do queries hold it back (max_standby_streaming_delay), is its disk busy? Here pg_stat_replication says where it lags: sent, written, flushed or replayed."
        }
    };
    Some(Finding::degraded(sentence, next))
}

fn not_receiving(facts: &Facts<'_>) -> Option<Finding> {
    let replication = here(facts)?;
    let away = facts.standby() && replication.receiving == Some(false);
    away.then(|| {
        let newest = replication.newest_transaction_s.map(|s| format!("; the newest transaction that it has is {} old", words::duration(s)));
        let newest = newest.unwrap_or_default();
        if replication.no_primary == Some(true) {
            return Finding::degraded(
                format!("This standby receives no WAL, since primary_conninfo is empty: it has no primary to stream from{newest}."),
                "Say where its primary is: ALTER SYSTEM SET primary_conninfo = 'host=… user=…'; SELECT pg_reload_conf(); if it was cleared there: ALTER SYSTEM RESET primary_conninfo; SELECT pg_reload_conf();",
            );
        }
        Finding::degraded(
            format!("This standby receives no WAL: it falls further behind with every write on its primary{newest}."),
            "Look in the standby's log why the WAL receiver ended, then check primary_conninfo and whether the primary still has the WAL it asks for.",
        )
    })
}

/// Those that are meant to run here. A standby shows its primary's, and none of them runs before it is promoted.
fn subscribed<'a>(facts: &Facts<'a>) -> Vec<&'a Subscription> {
    let all = facts.snapshot.subscriptions.value().filter(|_| !facts.standby());
    all.into_iter().flatten().filter(|s| s.enabled).collect()
}

fn whole_name(subscription: &Subscription) -> String {
    format!("{} in {}", words::ident(&subscription.name), words::ident(&subscription.database))
}

fn failed(subscription: &Subscription) -> i64 {
    subscription.apply_errors_new.unwrap_or(0)
}

fn stuck(facts: &Facts<'_>) -> Seen {
    let all = subscribed(facts);
    if all.is_empty() {
        return Seen::NotHere("it has no subscription that is enabled");
    }
    Seen::Value(if all.iter().any(|s| !s.worker || failed(s) > 0) { 1.0 } else { 0.0 })
}

/// One that fails is started again every few seconds, so that a worker can be there for the moment of a reading: then its errors tell.
fn subscription(facts: &Facts<'_>) -> Option<Finding> {
    let all = subscribed(facts);
    let away: Vec<&Subscription> = all.iter().copied().filter(|s| !s.worker).collect();
    if let Some(first) = away.first() {
        let sentence = if away.len() == 1 {
            format!(
                "Subscription {} has no apply worker, though it is enabled: what its publisher writes does not arrive, and WAL is kept for it there.",
                whole_name(first)
            )
        } else {
            let names: Vec<String> = away.iter().map(|s| whole_name(s)).collect();
            format!(
                "The subscriptions {} have no apply worker, though they are enabled: what their publishers write does not arrive, and WAL is kept for them there.",
                words::list(&names)
            )
        };
        return Some(Finding::degraded(sentence, way_on(facts, first)));
    }
    let worst = all.into_iter().filter(|s| failed(s) > 0).max_by_key(|s| failed(s))?;
    let sentence = format!(
        "Subscription {} failed {} to apply a change since the reading before ({} in all): it begins that change anew each time, and what follows waits.",
        whole_name(worst),
        words::things(failed(worst), "time", "times"),
        words::count(words::float(worst.apply_errors.unwrap_or(0)))
    );
    Some(Finding::degraded(sentence, way_on(facts, worst)))
}

fn way_on(facts: &Facts<'_>, subscription: &Subscription) -> String {
    let (name, database) = (words::ident(&subscription.name), words::ident(&subscription.database));
    let skip = if facts.snapshot.server.as_ref().is_some_and(|s| s.version_num >= 150_000) {
        format!("ALTER SUBSCRIPTION {name} SKIP (lsn = '…'); with the LSN that the log names")
    } else {
        "pg_replication_origin_advance()".to_owned()
    };
    format!(
        "Look in the log of this server, the subscriber, why its worker ended; what runs: SELECT * FROM pg_stat_subscription; In database {database}, correct the row that conflicts or pass over its transaction ({skip}). If you disabled it meanwhile: ALTER SUBSCRIPTION {name} ENABLE;"
    )
}
