//! Does vacuum keep up? Only a primary can vacuum, so a standby isn't judged by it.

use super::{Category, Facts, Finding, Input, Rule, Seen};
use crate::{
    curve::Curve,
    figures::read::{all_rows, dead_ratio, tables},
    source::Source,
    words::{self, float, ident},
};
use reeve_model::table::{TableKind, TableStats, Upkeep};

const STANDBY: &str = "a standby does not vacuum";
const NO_ROWS: &str = "there are no rows";

/// Dead rows of one table from which it is reported, if they are over a fifth of its rows.
const DEAD_FROM: i64 = 10_000;

/// Heap of one table from which its estimated bloat counts, bytes: in small ones the estimate is noise.
const BLOAT_FROM: i64 = 8 * 1_048_576;

/// Transactions an old snapshot may hold vacuum back before it is reported.
const HORIZON: f64 = 10e6;

/// Dead rows, bloat and what holds vacuum back.
pub const CATEGORY: Category = Category {
    id: "vacuum",
    title: "Vacuum and bloat",
    weight: 8,
    inputs: &[
        Input {
            title: "share of all rows that are dead",
            say: |v| format!("{} of the rows dead", words::percent(v)),
            source: Source::Tables,
            read: |f| on_primary(f, || Seen::or_not_here(dead_ratio(f.snapshot), NO_ROWS)),
            curve: Curve(&[(0.10, 0.0), (0.20, 20.0), (0.40, 60.0), (0.70, 100.0)]),
        },
        Input {
            title: "share of the heaps over 8 MB that is bloat (estimated)",
            say: |v| format!("{} of the large heaps is bloat (estimated)", words::percent(v)),
            source: Source::Tables,
            read: |f| on_primary(f, || Seen::or_not_here(bloat(f), "no table is large enough to estimate its bloat")),
            curve: Curve(&[(0.20, 0.0), (0.50, 50.0), (0.80, 100.0)]),
        },
        Input {
            title: "age of the oldest snapshot (transactions)",
            say: |v| format!("oldest snapshot {} transactions", words::count(v)),
            source: Source::Activity,
            read: |f| {
                let age = f.snapshot.activity.value().and_then(|a| a.oldest_xmin_age).map_or(0.0, float);
                on_primary(f, || Seen::Value(age))
            },
            curve: Curve(&[(1e6, 0.0), (HORIZON, 20.0), (100e6, 80.0)]),
        },
        Input {
            title: "autovacuum or track_counts off",
            say: |v| if v > 0.0 { "autovacuum can't work".into() } else { "autovacuum on".into() },
            source: Source::Settings,
            read: |f| on_primary(f, || autovacuum(f)),
            curve: Curve(&[(0.0, 0.0), (1.0, 100.0)]),
        },
    ],
    rules: &[
        Rule {
            id: "vacuum.autovacuum_off",
            when: "autovacuum or track_counts is off: critical",
            source: Source::Settings,
            find: autovacuum_off,
        },
        Rule {
            id: "vacuum.dead_rows",
            when: "a table has over 10,000 dead rows, over 20 % of its rows",
            source: Source::Tables,
            find: dead_rows,
        },
        Rule {
            id: "vacuum.horizon",
            when: "a snapshot older than 10 million transactions holds vacuum back",
            source: Source::Activity,
            find: horizon,
        },
    ],
};

fn on_primary(facts: &Facts<'_>, read: impl FnOnce() -> Seen) -> Seen {
    if facts.standby() { Seen::NotHere(STANDBY) } else { read() }
}

fn autovacuum(facts: &Facts<'_>) -> Seen {
    let off = |name| facts.switch(name).map(|on| !on);
    match (off("autovacuum"), off("track_counts")) {
        (Some(true), _) | (_, Some(true)) => Seen::Value(1.0),
        (Some(false), Some(false)) => Seen::Value(0.0),
        _ => Seen::Unknown("the settings autovacuum and track_counts were not read".into()),
    }
}

fn bloat(facts: &Facts<'_>) -> Option<f64> {
    let (wasted, heap) = tables(facts.snapshot)
        .filter(|(_, t)| t.kind != TableKind::Partitioned)
        .filter_map(|(_, t)| Some((t.bloat_estimate_ratio?, t.heap_bytes.filter(|b| *b >= BLOAT_FROM)?)))
        .fold((0.0, 0.0), |(wasted, heap), (ratio, bytes)| (wasted + ratio * float(bytes), heap + float(bytes)));
    (heap > 0.0).then(|| wasted / heap)
}

fn autovacuum_off(facts: &Facts<'_>) -> Option<Finding> {
    if facts.standby() || autovacuum(facts) != Seen::Value(1.0) {
        return None;
    }
    let name = if facts.switch("autovacuum") == Some(false) { "autovacuum" } else { "track_counts" };
    let sentence = format!("{name} is off: dead rows stay, tables grow, statistics age, and transaction ids run towards wraparound.");
    Some(Finding::critical(sentence, format!("ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();")))
}

fn dead_rows(facts: &Facts<'_>) -> Option<Finding> {
    if facts.standby() {
        return None;
    }
    let mut worst: Vec<_> = tables(facts.snapshot).filter(|(_, t)| neglected(t)).collect();
    worst.sort_by(|(_, a), (_, b)| b.dead_rows.cmp(&a.dead_rows).then_with(|| (&a.schema, &a.name).cmp(&(&b.schema, &b.name))));
    let (database, first) = worst.first()?;
    let names: Vec<String> = worst.iter().map(|(_, t)| name(t)).collect();
    let place = if names.len() > 1 { format!(" in {}", name(first)) } else { String::new() };
    let sentence = format!(
        "Vacuum does not keep up with {}: {} dead rows{place}, {} of its rows, read by every scan for nothing.{}",
        words::list(&names),
        words::count(float(first.dead_rows)),
        words::percent(share(first)),
        why(first)
    );
    Some(Finding::degraded(sentence, remedy(database, first)))
}

/// What the rule says of one table, for those who look at it; none: vacuum keeps up.
#[must_use]
pub fn upkeep(database: &str, t: &TableStats) -> Option<Upkeep> {
    neglected(t).then(|| Upkeep {
        sentence: format!(
            "Vacuum does not keep up with it: {} dead rows, {} of its rows, read by every scan for nothing.{}",
            words::count(float(t.dead_rows)),
            words::percent(share(t)),
            why(t)
        ),
        next: remedy(database, t),
    })
}

fn neglected(t: &TableStats) -> bool {
    t.kind != TableKind::Partitioned && t.dead_rows >= DEAD_FROM && share(t) > 0.20
}

fn share(t: &TableStats) -> f64 {
    float(t.dead_rows) / all_rows(t)
}

fn why(t: &TableStats) -> &'static str {
    if t.autovacuum_off { " Autovacuum is switched off for it." } else { "" }
}

fn name(t: &TableStats) -> String {
    format!("{}.{}", ident(&t.schema), ident(&t.name))
}

fn remedy(database: &str, t: &TableStats) -> String {
    let (database, table) = (ident(database), name(t));
    if t.autovacuum_off {
        format!(
            "In database {database}: ALTER TABLE {table} RESET (autovacuum_enabled); VACUUM (ANALYZE, VERBOSE) {table}; if that removes little, look for what holds an old snapshot."
        )
    } else {
        format!(
            "In database {database}: VACUUM (ANALYZE, VERBOSE) {table}; if that removes little, look for what holds an old snapshot; if it comes back, let autovacuum come sooner: ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02);"
        )
    }
}

fn horizon(facts: &Facts<'_>) -> Option<Finding> {
    let age = facts.snapshot.activity.value()?.oldest_xmin_age.map(float).filter(|a| *a > HORIZON)?;
    if facts.standby() {
        return None;
    }
    let sentence =
        format!("Something holds a snapshot {} transactions old: vacuum can't remove any row that died since.", words::count(age));
    Some(Finding::degraded(
        sentence,
        "Find the holder: SELECT pid::text, backend_xmin FROM pg_stat_activity WHERE backend_xmin IS NOT NULL UNION ALL SELECT slot_name, coalesce(xmin, catalog_xmin) FROM pg_replication_slots UNION ALL SELECT gid, transaction FROM pg_prepared_xacts;",
    ))
}
