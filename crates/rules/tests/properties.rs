//! What holds for every snapshot (SPEC B1) and every query of tables (SPEC C1).
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use proptest::prelude::*;
use reeve_model::{Reading, Status, snapshot::TargetSnapshot, table::*};
use reeve_rules::{
    disk, judge,
    order::{View, select},
    words::float,
};
use std::collections::{HashMap, HashSet};

/// One input and how bad it is, 0 (fine) to 1 (as bad as it gets).
type Knob = fn(&mut TargetSnapshot, f64);

#[allow(clippy::cast_possible_truncation)]
fn whole(x: f64, max: f64) -> i64 {
    (x * max) as i64
}

const KNOBS: &[Knob] = &[
    |s, x| edit(&mut s.activity, |a| a.total = whole(x, 99.0)),
    |s, x| edit(&mut s.activity, |a| a.longest_query_s = Some(x * 900.0)),
    |s, x| edit(&mut s.activity, |a| a.longest_idle_in_transaction_s = Some(x * 9_000.0)),
    |s, x| edit(&mut s.activity, |a| a.longest_transaction_s = Some(x * 100_000.0)),
    |s, x| edit(&mut s.activity, |a| a.oldest_xmin_age = Some(whole(x, 2e8))),
    |s, x| edit(&mut s.statements, |q| q.mean_ms = Some(x * 9_000.0)),
    |s, x| edit(&mut s.statements, |q| q.p95_of_means_ms = Some(x * 9_000.0)),
    |s, x| edit(&mut s.rates, |r| r.cache_hit_ratio = Some(1.0 - x)),
    |s, x| edit(&mut s.rates, |r| r.rollback_ratio = Some(x)),
    |s, x| edit(&mut s.rates, |r| r.deadlocks = Some(x)),
    |s, x| edit(&mut s.locks, |l| l.waiting = whole(x, 200.0)),
    |s, x| edit(&mut s.locks, |l| l.waits = vec![lock_wait(x * 1_000.0)]),
    |s, x| edit(&mut s.replication, |r| r.standbys = vec![standby(whole(x, 2e10), 1.0)]),
    |s, x| edit(&mut s.replication, |r| r.slots = vec![slot(if x > 0.9 { "lost" } else { "extended" }, false, whole(x, 1e11))]),
    |s, x| edit(&mut s.subscriptions, |q| q.push(subscription(x < 0.5))),
    |s, x| edit(&mut s.wraparound, |w| w.oldest_xid_age = whole(x, 2.1e9)),
    |s, x| edit(&mut s.wraparound, |w| w.oldest_mxid_age = whole(x, 2.1e9)),
    |s, x| edit(&mut s.sequences, |q| q[0].used_ratio = x),
    |s, x| edit(&mut s.sequences, |q| q[0].drain = Some(drain(x * 1e4))),
    |s, x| edit(&mut s.wraparound, |w| w.xids = Some(drain(x * 1e4))),
    |s, x| edit(&mut s.settings, |q| q[0].value = if x > 0.5 { "off" } else { "on" }.into()),
    |s, x| edit(&mut s.settings, |q| q[2].value = if x > 0.5 { "off" } else { "on" }.into()),
    |s, x| edit(&mut s.databases, |d| d[0].checksum_failures = Some(whole(x, 3.0))),
    |s, x| edit(&mut s.wal, |w| w.archive_failing = x > 0.5),
    |s, x| edit(&mut s.disks, |d| d[0].free_bytes = whole(1.0 - x, float(d[0].total_bytes))),
    |s, x| s.round_ms = x * 30_000.0,
    |s, x| {
        let mut t = table(1, "core", "orders");
        (t.live_rows, t.dead_rows) = (whole(1.0 - x, 1e6), whole(x, 1e6));
        with_tables(s, vec![t]);
    },
];

/// Readings that can be missing.
const GAPS: &[fn(&mut TargetSnapshot)] = &[
    |s| s.activity = Reading::unknown(NOW, "no"),
    |s| s.statements = Reading::default(),
    |s| s.rates = Reading::unknown(NOW, "no"),
    |s| s.locks = Reading::default(),
    |s| s.replication = Reading::default(),
    |s| s.subscriptions = Reading::unknown(NOW, "no"),
    |s| s.wraparound = Reading::default(),
    |s| s.sequences = Reading::default(),
    |s| s.settings = Reading::unknown(NOW, "no"),
    |s| s.databases = Reading::default(),
    |s| s.wal = Reading::default(),
    |s| s.disks = Reading::unknown(NOW, "elsewhere"),
    |s| s.tables.clear(),
];

fn snapshot(levels: &[f64], gaps: &[bool]) -> TargetSnapshot {
    let mut s = healthy();
    for (knob, level) in KNOBS.iter().zip(levels) {
        knob(&mut s, *level);
    }
    for (gap, missing) in GAPS.iter().zip(gaps) {
        if *missing {
            gap(&mut s);
        }
    }
    s
}

/// Mostly fine, sometimes bad, so that sums stay off their ends.
fn level() -> impl Strategy<Value = f64> {
    prop_oneof![5 => Just(0.0), 3 => 0.0..0.3_f64, 2 => 0.0..=1.0_f64]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn b1_a_verdict_is_in_bounds_and_never_healthy_on_bad_or_missing_ground(
        levels in prop::collection::vec(level(), KNOBS.len()),
        gaps in prop::collection::vec(prop::bool::weighted(0.3), GAPS.len()),
    ) {
        let v = judge(&snapshot(&levels, &gaps), NOW, None);
        prop_assert!(v.score.is_none_or(|s| (0.0..=100.0).contains(&s)));
        prop_assert!((0.0..=1.0).contains(&v.measured_ratio));
        let worst = v.reasons.iter().map(|r| r.severity).max();
        prop_assert_eq!(v.status, worst.unwrap_or(Status::Healthy));
        if v.status == Status::Healthy {
            prop_assert!(v.measured_ratio >= 0.6 && v.score.is_some_and(|s| s >= 80.0));
        }
        if worst == Some(Status::Critical) {
            prop_assert!(v.score.is_some_and(|s| s < 50.0));
        }
        let weights: f64 = v.categories.iter().map(|c| c.weight).sum();
        prop_assert!((weights - 1.0).abs() < 1e-9);
        prop_assert!(v.reasons.windows(2).all(|w| w[0].severity >= w[1].severity));
    }

    /// Making one input worse never raises the score and never betters the status.
    #[test]
    fn b1_worse_is_never_better(
        levels in prop::collection::vec(level(), KNOBS.len()),
        gaps in prop::collection::vec(prop::bool::weighted(0.1), GAPS.len()),
        which in 0..KNOBS.len(),
        more in 0.0..=1.0_f64,
    ) {
        let before = judge(&snapshot(&levels, &gaps), NOW, None);
        let mut worse = levels.clone();
        worse[which] += (1.0 - worse[which]) * more;
        let after = judge(&snapshot(&worse, &gaps), NOW, None);
        if let (Some(a), Some(b)) = (after.score, before.score) {
            prop_assert!(a <= b + 1e-9, "{a} > {b} by knob {which}");
        }
        prop_assert!(after.status >= before.status);
    }

    /// More free space never makes a disk worse, whatever its size and whatever a filesystem says of itself.
    #[test]
    fn b7_more_free_space_is_never_worse(total in prop_oneof![0_i64..4 << 30, any::<i64>()], free: i64, more in 0_i64..1 << 50) {
        let (less, more) = (common::disk(total, free), common::disk(total, free.saturating_add(more)));
        for d in [&less, &more] {
            prop_assert!((0.0..=1.0).contains(&disk::nearness(d)), "{d:?}");
            prop_assert!(d.used_ratio().is_none_or(f64::is_finite));
        }
        prop_assert!(disk::nearness(&more) <= disk::nearness(&less) && disk::status(&more) <= disk::status(&less));
        // Whatever is told of costs something.
        prop_assert!(disk::status(&less) == Status::Healthy || disk::nearness(&less) > 0.3);
    }

    /// All pages together are all rows, each once, in an order that does not depend on the order of reading.
    #[test]
    fn c1_pages_partition_the_tables(
        sizes in prop::collection::vec(prop::option::of(0_i64..50), 0..80),
        limit in 1_u32..30,
        sort in prop::sample::select(TableSort::ALL.to_vec()),
        reverse: bool,
    ) {
        let tables: Vec<TableStats> = sizes.iter().enumerate().map(|(i, size)| {
            let mut t = table(u32::try_from(i).unwrap(), if i % 2 == 0 { "a" } else { "b" }, &format!("t{i}"));
            t.heap_bytes = *size;
            t.rows_estimate = size.map(|s| if s == 7 { f64::NAN } else { reeve_rules::words::float(s) });
            t.dead_rows = size.unwrap_or(0);
            t
        }).collect();
        let mut turned = tables.clone();
        turned.reverse();
        let pages = |tables: Vec<TableStats>| {
            let db = reeve_model::snapshot::DatabaseTables { tables, ..Default::default() };
            let faults = HashMap::new();
            let views = [View { name: "shop", tables: &db, faults: &faults }];
            let (mut rows, mut offset) = (Vec::new(), Some(0));
            while let Some(at) = offset {
                let query = TableQuery { sort, reverse, limit, offset: at, ..TableQuery::default() };
                let page = select(&views, &|_, _, t| t[1..].parse::<i64>().ok().filter(|n| n % 3 == 0), &query);
                rows.extend(page.items.into_iter().map(|r| r.stats.oid));
                offset = page.next;
            }
            rows
        };
        let rows = pages(tables.clone());
        prop_assert_eq!(rows.len(), tables.len());
        prop_assert_eq!(rows.iter().collect::<HashSet<_>>().len(), tables.len());
        prop_assert_eq!(rows, pages(turned));
    }
}
