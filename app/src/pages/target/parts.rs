//! The tables of a target's page, each with the age of its reading.

use crate::{
    components::{Age, Code, Empty, EmptyKind, ReadingNote},
    format::{self, Scale},
};
use leptos::prelude::*;
use reeve_model::{
    Reading, TargetDetail, Unit, UnixMs,
    snapshot::{DatabaseCounters, LockWait, SequenceUse, Slot, Standby, StatementRow, Subscription},
};

/// Sequences shown, fullest first.
const SEQUENCES: usize = 8;

/// A section over one reading: its table, or why there is none; with its age, and its fault while it fails.
pub(super) fn section<T>(
    id: &'static str,
    title: &'static str,
    reading: &Reading<T>,
    now: UnixMs,
    body: impl FnOnce(&T) -> AnyView,
) -> AnyView {
    let inner = match (reading.value(), reading.why()) {
        (Some(value), _) => body(value),
        (None, Some(_)) => view! { <Empty kind=EmptyKind::NoPermission title="Could not be read">"The reason stands above; it is tried again with each round."</Empty> }.into_any(),
        (None, None) => view! { <Empty kind=EmptyKind::NothingYet title="Not read yet">"The first round fills this."</Empty> }.into_any(),
    };
    let stale = reading.fault.is_some().to_string();
    view! {
        <section class="section" id=id>
            <header class="section-head"><h2>{title}</h2><ReadingNote at=reading.at() fault=reading.fault.clone() now=now/></header>
            <div data-stale=stale>{inner}</div>
        </section>
    }
    .into_any()
}

fn none(title: &'static str, words: &'static str) -> AnyView {
    view! { <Empty kind=EmptyKind::None title=title>{words}</Empty> }.into_any()
}

pub(super) fn table(head: impl IntoView, rows: impl IntoView) -> AnyView {
    view! { <div class="table-frame" tabindex="0"><table class="table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div> }
        .into_any()
}

pub(super) fn num(title: &'static str, unit: &'static str) -> impl IntoView {
    view! { <th scope="col" class="num">{title} " " <span class="unit">{unit}</span></th> }
}

pub(super) fn col(title: &'static str) -> impl IntoView {
    view! { <th scope="col">{title}</th> }
}

pub(super) fn cell(text: String) -> impl IntoView {
    view! { <td class="num">{text}</td> }
}

pub(super) fn databases(detail: &TargetDetail, now: UnixMs) -> AnyView {
    section("databases", "Databases", &detail.databases, now, |list| {
        let size = Scale::of(Unit::Bytes, list.iter().map(|d| d.size_bytes.map(|b| b as f64)));
        let temp = Scale::of(Unit::Bytes, list.iter().map(|d| Some(d.temp_bytes as f64)));
        let row = |d: &DatabaseCounters| {
            let asked = d.blocks_hit + d.blocks_read;
            let hit = (asked > 0).then(|| d.blocks_hit as f64 / asked as f64);
            view! {
                <tr>
                    <th scope="row" class="mono">{d.name.clone()}</th>
                    {cell(size.whole(d.size_bytes))}
                    {cell(format::whole(Some(d.backends)))}
                    {cell(format::whole(Some(d.commits)))}
                    {cell(format::whole(Some(d.rollbacks)))}
                    {cell(format::figure(hit, Unit::Ratio).text)}
                    {cell(format::whole(Some(d.deadlocks)))}
                    {cell(format::whole(Some(d.temp_files)))}
                    {cell(temp.whole(Some(d.temp_bytes)))}
                    {cell(format::whole(Some(d.xid_age)))}
                    {cell(format::whole(d.checksum_failures))}
                    <td>{d.stats_reset.map(|at| view! { <Age at=at now=now/> })}</td>
                </tr>
            }
        };
        let head = view! {
            {col("Database")}{num("Size", size.label)}{num("Sessions", "")}{num("Commits", "")}{num("Rollbacks", "")}{num("Cache hit", "%")}
            {num("Deadlocks", "")}{num("Temp files", "")}{num("Temp", temp.label)}{num("Oldest xid", "age")}{num("Checksum failures", "")}{col("Counted since")}
        };
        table(head, list.iter().map(row).collect_view())
    })
}

pub(super) fn statements(detail: &TargetDetail, now: UnixMs) -> AnyView {
    section("statements", "Statements", &detail.statements, now, |s| {
        if s.top.is_empty() {
            return none("No statement ran", "Nothing was called between the two newest readings.");
        }
        let total = Scale::of(Unit::Milliseconds, s.top.iter().map(|r| Some(r.total_ms)));
        let all: f64 = s.top.iter().map(|r| r.total_ms).sum();
        let row = |r: &StatementRow| {
            view! {
                <tr>
                    {cell(total.show(Some(r.total_ms)))}
                    {cell(format::figure((all > 0.0).then(|| r.total_ms / all), Unit::Ratio).text)}
                    {cell(format::whole(Some(r.calls)))}
                    {cell(format::text(Some(r.mean_ms), Unit::Milliseconds))}
                    {cell(format::whole(Some(r.rows)))}
                    <td class="mono">{r.database.clone()}</td>
                    <td class="mono">{r.user.clone()}</td>
                    <td class="sql">{sql(r)}</td>
                </tr>
            }
        };
        let window = format!(
            "Over {}; p95 and p99 are of the statements' means, weighted by calls. pg_stat_statements {}.",
            format::length(Some(s.window_s)),
            s.extension_version
        );
        let lossy =
            s.evicted.filter(|n| *n > 0).map(|n| format!(" {} entries were pushed out, so history is lossy.", format::whole(Some(n))));
        let head = view! {
            {num("Time", total.label)}{num("Share", "%")}{num("Calls", "")}{num("Mean", "")}{num("Rows", "")}{col("Database")}{col("Role")}{col("Statement")}
        };
        view! { {table(head, s.top.iter().map(row).collect_view())}<p class="fine">{window}{lossy}</p> }.into_any()
    })
}

/// A statement's text, the whole of it behind its first line.
fn sql(r: &StatementRow) -> AnyView {
    let id = format!("sql-{}", r.query_id);
    match r.text.clone() {
        Some(text) => {
            view! { <details id=id><summary><code>{first_line(&text)}</code></summary><Code text=text what="statement"/></details> }
                .into_any()
        }
        None => view! { <span class="muted">"text not read yet, queryid "<span class="mono">{r.query_id}</span></span> }.into_any(),
    }
}

fn first_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 110 { line.chars().take(109).chain(['…']).collect() } else { line }
}

pub(super) fn locks(detail: &TargetDetail, now: UnixMs) -> AnyView {
    section("locks", "Locks", &detail.locks, now, |l| {
        if l.waits.is_empty() {
            return none("Nobody waits", "No session waits for a lock.");
        }
        let row = |w: &LockWait| {
            let blockers = w.blocked_by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let root = w.root_pid.map(|pid| format!("{pid}{}", w.root_state.as_ref().map(|s| format!(" ({s})")).unwrap_or_default()));
            view! {
                <tr>
                    <th scope="row" class="num mono">{w.pid}</th>
                    {cell(format::length(w.waited_s))}
                    <td>{w.mode.clone()}</td>
                    <td class="mono">{w.relation.clone().unwrap_or_else(|| format::UNKNOWN.into())}</td>
                    <td class="mono">{w.database.clone().unwrap_or_else(|| format::UNKNOWN.into())}</td>
                    <td class="mono">{blockers}</td>
                    <td class="mono">{root.unwrap_or_else(|| format::UNKNOWN.into())}</td>
                </tr>
            }
        };
        let more = (l.waiting > l.waits.len() as i64)
            .then(|| view! { <p class="fine">{format!("The longest {} of {} waiting sessions.", l.waits.len(), l.waiting)}</p> });
        let head = view! { {num("Session", "pid")}{num("Waited", "")}{col("Mode")}{col("Relation")}{col("Database")}{col("Blocked by")}{col("Root of the chain")} };
        view! { {table(head, l.waits.iter().map(row).collect_view())}{more} }.into_any()
    })
}

pub(super) fn replication(detail: &TargetDetail, now: UnixMs) -> AnyView {
    section("replication", "Replication", &detail.replication, now, |r| {
        let subscribed = detail.subscriptions.value().map(Vec::as_slice).unwrap_or_default();
        if r.standbys.is_empty() && r.slots.is_empty() && r.receiving.is_none() && subscribed.is_empty() {
            return none("No replication", "No standby streams from this server and it has no slot.");
        }
        let lag = Scale::of(Unit::Bytes, r.standbys.iter().map(|s| s.replay_lag_bytes.map(|b| b as f64)));
        let standby = |s: &Standby| {
            view! {
                <tr>
                    <th scope="row" class="mono">{s.name.clone()}</th><td>{s.state.clone()}</td><td>{s.sync_state.clone()}</td>
                    {cell(lag.whole(s.replay_lag_bytes))}
                    {cell(format::length(s.replay_lag_s))}
                </tr>
            }
        };
        let kept = Scale::of(Unit::Bytes, r.slots.iter().map(|s| s.retained_bytes.map(|b| b as f64)));
        let slot = |s: &Slot| {
            view! {
                <tr>
                    <th scope="row" class="mono">{s.name.clone()}</th><td>{s.kind.clone()}</td><td>{if s.active { "in use" } else { "nobody reads it" }}</td>
                    {cell(kept.whole(s.retained_bytes))}
                    <td>{s.wal_status.clone().unwrap_or_else(|| format::UNKNOWN.into())}</td>
                    {cell(format::size(s.safe_wal_bytes))}
                </tr>
            }
        };
        let receiving = r.receiving.map(|connected| {
            let state = if connected { "It is a standby and receives WAL." } else { "It is a standby and receives nothing." };
            let paused = if r.replay_paused == Some(true) { " Its replay is paused." } else { "" };
            let behind = format!(
                "{paused} Received and not replayed: {}; behind by {}.",
                format::size(r.replay_backlog_bytes),
                format::length(r.replay_delay_s)
            );
            view! { <p>{state}{behind}</p> }
        });
        let standbys = (!r.standbys.is_empty()).then(|| {
            table(
                view! { {col("Standby")}{col("State")}{col("Sync")}{num("Behind", lag.label)}{num("Lag", "")} },
                r.standbys.iter().map(standby).collect_view(),
            )
        });
        let slots = (!r.slots.is_empty()).then(|| {
            table(
                view! { {col("Slot")}{col("Kind")}{col("State")}{num("WAL kept", kept.label)}{col("WAL status")}{num("Safe", "")} },
                r.slots.iter().map(slot).collect_view(),
            )
        });
        let subscription = |s: &Subscription| {
            let state = match (s.enabled, s.worker) {
                (false, _) => "disabled",
                (true, true) => "applies",
                (true, false) => "no apply worker",
            };
            view! {
                <tr>
                    <th scope="row" class="mono">{s.name.clone()}</th><td class="mono">{s.database.clone()}</td><td>{state}</td>
                    {cell(format::length(s.silent_s))}
                    {cell(format::whole(s.apply_errors))}
                    {cell(format::whole(s.sync_errors))}
                </tr>
            }
        };
        let subscriptions = (!subscribed.is_empty()).then(|| {
            table(
                view! { {col("Subscription")}{col("Database")}{col("State")}{num("Silent for", "")}{num("Apply errors", "")}{num("Copy errors", "")} },
                subscribed.iter().map(subscription).collect_view(),
            )
        });
        view! { {receiving}{standbys}{slots}{subscriptions} }.into_any()
    })
}

pub(super) fn sequences(detail: &TargetDetail, now: UnixMs) -> AnyView {
    section("sequences", "Sequences", &detail.sequences, now, |list| {
        let hidden = detail.sequences_hidden.clone();
        if list.is_empty() {
            return match hidden {
                Some(why) => view! { <Empty kind=EmptyKind::NoPermission title="None may be read">{why}</Empty> }.into_any(),
                None => none("No sequences", "The databases of this target use none."),
            };
        }
        let row = |s: &SequenceUse| {
            view! {
                <tr>
                    <th scope="row" class="mono">{format!("{}.{}.{}", s.database, s.schema, s.name)}</th>
                    {cell(format::figure(Some(s.used_ratio), Unit::Ratio).text)}
                    {cell(format::whole(s.last_value))}
                    {cell(format::whole(Some(s.max_value)))}
                    {cell(ends_in(s))}
                </tr>
            }
        };
        let more =
            list.len().checked_sub(SEQUENCES).filter(|n| *n > 0).map(
                |n| view! { <p class="fine">{format!("{} less full.", format::plural(n, "more sequence is", "more sequences are"))}</p> },
            );
        let head =
            view! { {col("Sequence")}{num("Used", "%")}{num("Last value", "")}{num("Limit", "")}{num("Ends in", "at the present rate")} };
        let hidden = hidden.map(|why| view! { <p class="fine">{why}</p> });
        view! { {table(head, list.iter().take(SEQUENCES).map(row).collect_view())}{more}{hidden} }.into_any()
    })
}

/// When a sequence ends at its present rate, or that it does not.
fn ends_in(sequence: &SequenceUse) -> String {
    match (sequence.lasts_s(), sequence.drain.and_then(|d| d.per_s)) {
        (Some(s), _) => format::length(Some(s)),
        (None, Some(_)) => "no end in sight".into(),
        (None, None) => format::UNKNOWN.into(),
    }
}
