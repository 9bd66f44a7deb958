//! Faults of indexes and keys, and the order of the tables page (SPEC C1).
#![allow(clippy::unwrap_used)]

mod common;

use common::{index, table};
use reeve_model::{
    snapshot::{DatabaseTables, ForeignKeyIndex},
    table::{IndexFault::*, *},
};
use reeve_rules::{
    order::{Selection, View, select},
    tables::{UNUSED_AFTER_S, burden, faults, weight},
};
use std::{collections::HashMap, time::Instant};

const OLD: Option<f64> = Some(30.0 * 86_400.0);

fn db(tables: Vec<TableStats>, indexes: Vec<IndexStats>, foreign_keys: Vec<ForeignKeyIndex>) -> DatabaseTables {
    DatabaseTables { tables, indexes, foreign_keys }
}

fn found(db: &DatabaseTables) -> Vec<IndexFault> {
    faults(db, OLD, UNUSED_AFTER_S).remove(&1).unwrap_or_default().iter().map(|f| f.fault).collect()
}

fn orders(change: impl FnOnce(&mut TableStats)) -> Vec<TableStats> {
    let mut t = table(1, "core", "orders");
    change(&mut t);
    vec![t]
}

fn ix(oid: u32, change: impl FnOnce(&mut IndexStats)) -> IndexStats {
    let mut i = index(oid, 1, &format!("orders_ix{oid}"), "btree customer_id");
    change(&mut i);
    i
}

#[test]
fn c2_a_sound_table_has_no_fault() {
    let other = ix(11, |i| i.signature = "btree customer_id, id".into());
    assert_eq!(found(&db(orders(|_| ()), vec![ix(10, |_| ()), other], Vec::new())), [], "one index that leads another is no duplicate");
}

#[test]
fn c2_the_duplicate_to_drop_is_never_the_constraint() {
    let pair = |a: IndexStats, b: IndexStats| {
        faults(&db(orders(|_| ()), vec![a, b], Vec::new()), OLD, UNUSED_AFTER_S).remove(&1).unwrap_or_default()
    };
    for (a, b, dropped) in [
        (ix(10, |_| ()), ix(11, |i| i.constraint = true), "orders_ix10"),
        (ix(10, |i| i.primary = true), ix(11, |_| ()), "orders_ix11"),
        (ix(10, |_| ()), ix(11, |i| i.unique = true), "orders_ix10"),
        (ix(10, |i| i.scans = 0), ix(11, |_| ()), "orders_ix11"),
        (ix(10, |_| ()), ix(11, |_| ()), "orders_ix11"),
    ] {
        let list = pair(a, b);
        assert_eq!(list.iter().map(|f| f.fault).collect::<Vec<_>>(), [Duplicate]);
        assert!(list[0].sentence.contains(&format!("drop {dropped},")), "{}", list[0].sentence);
    }
    let both = |i: &mut IndexStats| (i.constraint, i.unique) = (true, true);
    assert!(pair(ix(10, both), ix(11, both)).is_empty(), "two constraints: neither can simply go");
}

#[test]
fn c2_unused_needs_a_window_and_a_table_that_was_read() {
    let idle = |change: fn(&mut IndexStats)| {
        vec![ix(10, |i| {
            i.scans = 0;
            change(i);
        })]
    };
    assert_eq!(found(&db(orders(|_| ()), idle(|_| ()), Vec::new())), [Unused]);
    for (why, tables, indexes) in [
        ("unique", orders(|_| ()), idle(|i| i.unique = true)),
        ("constraint", orders(|_| ()), idle(|i| i.constraint = true)),
        ("scanned", orders(|_| ()), vec![ix(10, |_| ())]),
        ("never read", orders(|t| (t.seq_scans, t.index_scans) = (0, 0)), idle(|_| ())),
        ("small", orders(|_| ()), idle(|i| i.bytes = Some(40_960))),
        ("size unknown", orders(|_| ()), idle(|i| i.bytes = None)),
        ("partition", orders(|t| t.parent = Some(9)), idle(|_| ())),
    ] {
        assert_eq!(found(&db(tables, indexes, Vec::new())), [], "{why}");
    }
    // Of twins one is scanned and the other is not; both together are one fault.
    let twin = |oid, scans| ix(oid, |i| i.scans = scans);
    for scans in [[0, 9], [9, 0], [0, 0]] {
        assert_eq!(found(&db(orders(|_| ()), vec![twin(10, scans[0]), twin(11, scans[1])], Vec::new())), [Duplicate]);
    }
    // Before definitions were read nothing is called a twin.
    let unread = |oid| ix(oid, |i| i.signature.clear());
    assert_eq!(found(&db(orders(|_| ()), vec![unread(10), unread(11)], Vec::new())), []);
    // What alone serves a foreign key stays; what another index serves as well may go.
    let key = vec![ForeignKeyIndex { table_oid: 1, name: "k".into(), columns: vec!["customer_id".into()], indexed: true }];
    assert_eq!(found(&db(orders(|_| ()), idle(|_| ()), key.clone())), []);
    let wider = ix(11, |i| (i.signature, i.columns) = ("wider".into(), vec!["customer_id".into(), "id".into()]));
    assert_eq!(found(&db(orders(|_| ()), [idle(|_| ()), vec![wider]].concat(), key)), [Unused]);
    let young = db(orders(|_| ()), idle(|_| ()), Vec::new());
    assert!(faults(&young, Some(60.0), UNUSED_AFTER_S).is_empty() && faults(&young, None, 0.0).is_empty());
    assert_eq!(faults(&young, Some(60.0), 30.0).len(), 1);
    let made_just_now = |_| Some(1.0);
    assert!(reeve_rules::tables::faults_by_index(&young, &made_just_now, 30.0).is_empty(), "old statistics say nothing of a new index");
}

#[test]
fn c2_other_faults_and_their_limits() {
    let key =
        |indexed| vec![ForeignKeyIndex { table_oid: 1, name: "orders_customer_fkey".into(), columns: vec!["customer_id".into()], indexed }];
    let scanned = |t: &mut TableStats| (t.heap_bytes, t.seq_scans, t.seq_rows_read, t.index_scans) = (Some(20 << 20), 100, 5_000_000, 10);
    // 1.3 MB: too small to be reported for being scanned more often than not.
    let bookings = |scans, by_index, rows| {
        let mut t = table(1, "travel", "orders");
        (t.heap_bytes, t.seq_scans, t.index_scans, t.seq_rows_read) = (Some(1_300_000), scans, by_index, scans * rows);
        t
    };
    let other = |rows| {
        let mut t = table(2, "core", "orders2");
        t.seq_rows_read = rows;
        t
    };
    let cases: Vec<(&str, DatabaseTables, Vec<IndexFault>)> = vec![
        ("invalid", db(orders(|_| ()), vec![ix(10, |i| i.valid = false)], Vec::new()), vec![Invalid]),
        ("invalid is not a duplicate", db(orders(|_| ()), vec![ix(10, |_| ()), ix(11, |i| i.valid = false)], Vec::new()), vec![Invalid]),
        ("foreign key", db(orders(|_| ()), Vec::new(), key(false)), vec![MissingForForeignKey]),
        ("foreign key with index", db(orders(|_| ()), Vec::new(), key(true)), vec![]),
        ("foreign key of few rows", db(orders(|t| t.rows_estimate = Some(1_000.0)), Vec::new(), key(false)), vec![]),
        ("full scans", db(orders(scanned), Vec::new(), Vec::new()), vec![MissingForScans]),
        (
            "full scans, mostly by index",
            db(
                orders(|t| {
                    scanned(t);
                    t.index_scans = 1_001;
                }),
                Vec::new(),
                Vec::new(),
            ),
            vec![],
        ),
        (
            "short scans",
            db(
                orders(|t| {
                    scanned(t);
                    t.seq_rows_read = 100;
                }),
                Vec::new(),
                Vec::new(),
            ),
            vec![],
        ),
        (
            "often, though more often by index",
            db(vec![bookings(400, 1_000, 12_000), other(0)], Vec::new(), Vec::new()),
            vec![MissingForScans],
        ),
        ("seldom against the index", db(vec![bookings(400, 4_001, 12_000), other(0)], Vec::new(), Vec::new()), vec![]),
        ("not yet a habit", db(vec![bookings(99, 100, 12_000), other(0)], Vec::new(), Vec::new()), vec![]),
        ("short scans of a smaller table", db(vec![bookings(400, 100, 9_000), other(0)], Vec::new(), Vec::new()), vec![]),
        ("little beside the others", db(vec![bookings(400, 100, 12_000), other(99_000_000)], Vec::new(), Vec::new()), vec![]),
        ("no key", db(orders(|t| t.has_primary_key = false), Vec::new(), Vec::new()), vec![NoPrimaryKey]),
        ("view", db(orders(|t| (t.has_primary_key, t.kind) = (false, TableKind::MaterialisedView)), Vec::new(), Vec::new()), vec![]),
        (
            "worst first",
            db(orders(|t| t.has_primary_key = false), vec![ix(10, |i| i.valid = false)], key(false)),
            vec![Invalid, MissingForForeignKey, NoPrimaryKey],
        ),
    ];
    for (what, db, expected) in cases {
        assert_eq!(found(&db), expected, "{what}");
        let all = faults(&db, OLD, UNUSED_AFTER_S);
        assert!(all.values().flatten().all(|f| f.sentence.contains("orders") && f.sentence.ends_with('.')));
    }
    assert_eq!(IndexFault::ALL.map(weight), [6, 5, 4, 3, 2, 1]);
}

fn run(db: &DatabaseTables, query: &TableQuery) -> Selection {
    let faults = faults(db, OLD, UNUSED_AFTER_S);
    select(&[View { name: "shop", tables: db, faults: &faults }], &|_, _, _| None, query)
}

fn names(s: &Selection) -> Vec<&str> {
    s.items.iter().map(|r| r.stats.name.as_str()).collect()
}

#[test]
fn c1_unknown_comes_last_in_both_directions() {
    let sized = |oid, name: &str, bytes| {
        let mut t = table(oid, "core", name);
        t.heap_bytes = bytes;
        t
    };
    let db =
        db(vec![sized(1, "b", None), sized(2, "a", None), sized(3, "small", Some(1)), sized(4, "large", Some(9))], Vec::new(), Vec::new());
    assert_eq!(names(&run(&db, &TableQuery::default())), ["large", "small", "a", "b"]);
    assert_eq!(names(&run(&db, &TableQuery { reverse: true, ..Default::default() })), ["small", "large", "a", "b"]);
    assert_eq!(names(&run(&db, &TableQuery { sort: TableSort::Name, reverse: true, ..Default::default() })), ["small", "large", "b", "a"]);
}

#[test]
fn a7_partitions_stand_behind_their_parent() {
    let mut parent = table(1, "core", "events");
    parent.kind = TableKind::Partitioned;
    let mut part = table(2, "core", "events_2026_01");
    part.parent = Some(1);
    let mut orphan = table(3, "core", "lost_part");
    orphan.parent = Some(99);
    let db = db(vec![parent, part, orphan], Vec::new(), Vec::new());
    let all = run(&db, &TableQuery::default());
    assert_eq!((names(&all), all.matching, all.total), (vec!["events", "lost_part"], 2, 2));
    assert_eq!(all.schemas[0].tables, 2);
    let search = |text: &str| TableQuery { search: Some(text.into()), ..Default::default() };
    assert_eq!(names(&run(&db, &search("EVENTS"))), ["events"]);
    assert_eq!(names(&run(&db, &search(" 2026_01 "))), ["events_2026_01"]);
    assert_eq!(names(&run(&db, &search("core.lost"))), ["lost_part"]);
}

#[test]
fn c1_filters_count_and_page() {
    let mut tables: Vec<TableStats> = (0..120).map(|i| table(i, if i < 20 { "aa" } else { "bb" }, &format!("t{i:03}"))).collect();
    tables[5].has_primary_key = false;
    let db = db(tables, Vec::new(), Vec::new());
    let first = run(&db, &TableQuery { sort: TableSort::Name, ..Default::default() });
    assert_eq!((first.items.len(), first.matching, first.total, first.next), (50, 120, 120, Some(50)));
    let schema = run(&db, &TableQuery { schema: Some("aa".into()), ..Default::default() });
    assert_eq!((schema.matching, schema.total, schema.next, schema.schemas.len()), (20, 120, None, 2));
    assert_eq!((schema.schemas[0].tables, schema.schemas[0].faulty, schema.schemas[1].faulty), (20, 1, 0));
    let faulty = run(&db, &TableQuery { fault: Some(NoPrimaryKey), ..Default::default() });
    assert_eq!(names(&faulty), ["t005"]);
    assert_eq!(burden(&faulty.items[0].faults), 3);
    assert_eq!(names(&run(&db, &TableQuery { sort: TableSort::Health, ..Default::default() }))[0], "t005");
    let past = run(&db, &TableQuery { offset: 500, limit: 9_999, ..Default::default() });
    assert_eq!((past.items.len(), past.next), (0, None));
    assert_eq!(run(&db, &TableQuery { database: Some("other".into()), ..Default::default() }).matching, 0);
}

/// The bound is loose on purpose (a debug build on a busy machine); what it rules out is work that grows with the square.
#[test]
fn c1_ten_thousand_tables_are_fluent() {
    let tables: Vec<TableStats> = (0..10_000).map(|i| table(i, &format!("s{}", i % 40), &format!("table_{i}"))).collect();
    let indexes = (0..20_000).map(|i| index(100_000 + i, i % 10_000, &format!("ix{i}"), &format!("sig{i}"))).collect();
    let db = db(tables, indexes, Vec::new());
    let faults: HashMap<u32, Vec<TableFault>> = faults(&db, OLD, UNUSED_AFTER_S);
    let views = [View { name: "shop", tables: &db, faults: &faults }];
    let started = Instant::now();
    for sort in TableSort::ALL {
        let page = select(
            &views,
            &|_, _, t| Some(i64::try_from(t.len()).unwrap()),
            &TableQuery { sort, search: Some("table".into()), ..Default::default() },
        );
        assert_eq!((page.matching, page.items.len()), (10_000, 50));
    }
    assert!(started.elapsed().as_millis() < 4_000, "{:?} for 8 pages", started.elapsed());
}
