//! The verdict on a target and on the estate (SPEC B1).
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use reeve_model::{
    Reach, Reading, Status, Verdict,
    probe::ProbeRun,
    snapshot::{Disk, DiskUse, Drain, SequenceUse, TargetSnapshot},
};
use reeve_rules::{FORMULA, estate, figures::by_id, health::CATEGORIES, judge, verdict::CAP};
use std::collections::HashSet;

fn reason_ids(v: &Verdict) -> Vec<&str> {
    v.reasons.iter().map(|r| r.id.as_str()).collect()
}

#[test]
fn b1_all_measured_and_fine_is_healthy() {
    let v = judge(&healthy(), NOW, None);
    assert_eq!((v.status, v.score, v.cap.clone()), (Status::Healthy, Some(100.0), None), "{v:#?}");
    assert!((v.measured_ratio - 1.0).abs() < 1e-9 && v.reasons.is_empty());
    assert_eq!((v.formula, v.at, v.since), (FORMULA, NOW, NOW));
}

#[test]
fn b1_the_registry_of_categories_is_whole() {
    assert_eq!(CATEGORIES.iter().map(|c| c.weight).sum::<u32>(), 100);
    let mut seen = HashSet::new();
    for c in CATEGORIES {
        assert!(seen.insert(c.id), "{}", c.id);
        assert!(!c.inputs.is_empty());
        for r in c.rules {
            assert!(seen.insert(r.id) && r.id.starts_with(c.id) && !r.when.is_empty(), "{}", r.id);
        }
        for i in c.inputs {
            assert!(i.curve.0.windows(2).all(|w| w[0].0 < w[1].0), "{}: values rise", i.title);
            assert!(i.curve.0.iter().all(|p| (0.0..=100.0).contains(&p.1)), "{}", i.title);
        }
    }
}

type Fault = fn(&mut TargetSnapshot);

/// Every rule: a snapshot that breaks it, what it makes of the status, and words its sentence holds.
const FAULTS: &[(&str, Status, Fault, &str)] = &[
    ("availability.slow", Status::Degraded, |s| s.round_ms = 6_000.0, "6 s"),
    (
        "availability.late",
        Status::Degraded,
        |s| s.probes = vec![ProbeRun { wall_ms: 700.0, ..probe("activity", 2_000) }, ProbeRun { wall_ms: 900.0, ..probe("wal", 2_000) }],
        "700 ms",
    ),
    ("connections.saturation", Status::Degraded, |s| edit(&mut s.activity, |a| a.total = 79), "80 of 97"),
    ("connections.saturation", Status::Critical, |s| edit(&mut s.activity, |a| a.total = 95), "96 of 97"),
    ("sessions.long_query", Status::Degraded, |s| edit(&mut s.activity, |a| a.longest_query_s = Some(6.0)), "6 s"),
    (
        "sessions.long_query",
        Status::Critical,
        |s| edit(&mut s.activity, |a| a.longest_query_s = Some(61.0)),
        "of shop_app (checkout, process 4711)",
    ),
    (
        "sessions.idle_in_transaction",
        Status::Degraded,
        |s| edit(&mut s.activity, |a| a.longest_idle_in_transaction_s = Some(400.0)),
        "the longest of shop_app (process 4712) for 6 min",
    ),
    ("sessions.old_transaction", Status::Degraded, |s| edit(&mut s.activity, |a| a.longest_transaction_s = Some(7_200.0)), "2 h"),
    ("queries.slow", Status::Degraded, |s| edit(&mut s.statements, |q| q.mean_ms = Some(1_500.0)), "1.5 s"),
    ("cache.misses", Status::Degraded, |s| edit(&mut s.rates, |r| r.cache_hit_ratio = Some(0.7)), "70 %"),
    ("locks.waiting", Status::Degraded, |s| edit(&mut s.locks, |l| (l.waits, l.waiting) = (vec![lock_wait(45.0)], 1)), "process 10"),
    ("locks.waiting", Status::Critical, |s| edit(&mut s.locks, |l| (l.waits, l.waiting) = (vec![lock_wait(301.0)], 1)), "process 10"),
    ("locks.waiting", Status::Critical, |s| edit(&mut s.locks, |l| l.waiting = 21), "21 sessions"),
    (
        "locks.waiting",
        Status::Degraded,
        |s| {
            let mut wait = lock_wait(45.0);
            (wait.root_pid, wait.root_state) = (None, Some("prepared transaction".into()));
            edit(&mut s.locks, |l| (l.waits, l.waiting) = (vec![wait], 1));
        },
        "a prepared transaction stands at the root",
    ),
    ("errors.rollbacks", Status::Degraded, |s| edit(&mut s.rates, |r| r.rollback_ratio = Some(0.3)), "30 %"),
    ("errors.deadlocks", Status::Degraded, |s| edit(&mut s.rates, |r| r.deadlocks = Some(0.2)), "12 deadlocks"),
    ("replication.slot_lost", Status::Critical, |s| edit(&mut s.replication, |r| r.slots = vec![slot("lost", false, 0)]), "slot1"),
    (
        "replication.slot_retains",
        Status::Degraded,
        |s| edit(&mut s.replication, |r| r.slots = vec![slot("extended", false, 2 << 30)]),
        "2 GB",
    ),
    (
        "replication.standby_away",
        Status::Degraded,
        |s| edit(&mut s.replication, |r| r.slots = vec![slot("reserved", false, 5 << 20)]),
        "slot1",
    ),
    ("replication.lag", Status::Degraded, |s| edit(&mut s.replication, |r| r.standbys = vec![standby(1_000, 40.0)]), "replica1"),
    (
        "replication.not_receiving",
        Status::Degraded,
        |s| {
            s.server.as_mut().unwrap().standby = true;
            edit(&mut s.replication, |r| r.receiving = Some(false));
        },
        "on its primary.",
    ),
    (
        "replication.not_receiving",
        Status::Degraded,
        |s| {
            s.server.as_mut().unwrap().standby = true;
            edit(&mut s.replication, |r| (r.receiving, r.no_primary) = (Some(false), Some(true)));
        },
        "primary_conninfo is empty",
    ),
    ("replication.subscription", Status::Degraded, |s| edit(&mut s.subscriptions, |q| q.push(subscription(false))), "orders_in in shop"),
    ("vacuum.autovacuum_off", Status::Critical, |s| edit(&mut s.settings, |x| x[0].value = "off".into()), "autovacuum"),
    ("vacuum.autovacuum_off", Status::Critical, |s| edit(&mut s.settings, |x| x[1].value = "off".into()), "track_counts"),
    (
        "vacuum.dead_rows",
        Status::Degraded,
        |s| {
            let mut t = table(1, "core", "orders");
            (t.live_rows, t.dead_rows) = (20_000, 15_000);
            with_tables(s, vec![t]);
        },
        "core.orders",
    ),
    (
        "vacuum.dead_rows",
        Status::Degraded,
        |s| {
            let mut t = table(1, "core", "orders");
            (t.live_rows, t.dead_rows, t.autovacuum_off) = (20_000, 15_000, true);
            with_tables(s, vec![t]);
        },
        "Autovacuum is switched off for it.",
    ),
    ("vacuum.horizon", Status::Degraded, |s| edit(&mut s.activity, |a| a.oldest_xmin_age = Some(20_000_000)), "20 million"),
    ("wraparound.age", Status::Degraded, |s| edit(&mut s.wraparound, |w| w.oldest_xid_age = 600_000_000), "600 million"),
    ("wraparound.age", Status::Critical, |s| edit(&mut s.wraparound, |w| w.oldest_xid_age = 1_600_000_000), "1.6 billion"),
    ("wraparound.age", Status::Critical, |s| edit(&mut s.wraparound, |w| w.oldest_mxid_age = 1_700_000_000), "multixact"),
    ("sequences.fullness", Status::Degraded, |s| edit(&mut s.sequences, |q| q.push(sequence(0.92))), "92 %"),
    ("sequences.fullness", Status::Critical, |s| edit(&mut s.sequences, |q| q.push(sequence(0.96))), "core.orders_id_seq"),
    (
        "sequences.ending",
        Status::Degraded,
        |s| edit(&mut s.sequences, |q| q.push(SequenceUse { drain: Some(drain(1_242.0)), ..sequence(0.5) })),
        "is 50 % used up and ends in 10 d at the 1,242 a second of the last day",
    ),
    ("durability.fsync_off", Status::Critical, |s| edit(&mut s.settings, |x| x[2].value = "off".into()), "fsync"),
    ("durability.full_page_writes_off", Status::Degraded, |s| edit(&mut s.settings, |x| x[3].value = "off".into()), "full_page_writes"),
    ("durability.checksums", Status::Critical, |s| edit(&mut s.databases, |d| d[0].checksum_failures = Some(2)), "shop"),
    (
        "durability.disk_full",
        Status::Degraded,
        |s| s.disks = Reading::known(vec![disk(50 << 30, 4 << 30)], NOW),
        "92 % full: 4 GB of 50 GB are free",
    ),
    (
        "durability.disk_full",
        Status::Critical,
        |s| {
            let small = Disk { holds: vec![DiskUse::Tablespace("small".into())], path: "/small".into(), ..disk(64 << 20, 0) };
            edit(&mut s.disks, |d| d.push(small));
        },
        "The filesystem of tablespace small (/small) is full: 0 bytes of 64 MB are free; what writes there fails.",
    ),
    ("durability.archive_failing", Status::Degraded, |s| edit(&mut s.wal, |w| w.archive_failing = true), "Archiving"),
];

/// Each rule speaks when its cause is there, alone, and is silent when it is gone.
#[test]
fn b1_every_rule_names_its_fault_and_recovers() {
    for (id, severity, fault, words) in FAULTS {
        let mut s = healthy();
        fault(&mut s);
        let v = judge(&s, NOW, None);
        assert_eq!(reason_ids(&v), [*id], "{v:#?}");
        let reason = &v.reasons[0];
        assert_eq!((reason.severity, v.status), (*severity, *severity), "{id}");
        assert!(reason.sentence.contains(words) && reason.sentence.ends_with('.'), "{id}: {}", reason.sentence);
        assert!(!reason.next.is_empty() && reason.since == Some(NOW));
        assert!(v.score.unwrap() < 100.0, "{id} costs nothing");
        if *severity == Status::Critical {
            assert!(v.score.unwrap() <= CAP && v.cap.as_deref() == Some(*id), "{id} caps");
        }
        assert!(judge(&healthy(), NOW, Some(&v)).reasons.is_empty());
    }
    let tested: HashSet<_> = FAULTS.iter().map(|f| f.0).collect();
    let rules: HashSet<_> = CATEGORIES.iter().flat_map(|c| c.rules).map(|r| r.id).collect();
    assert_eq!(tested, rules);
}

/// The days beside the age, and the reason where there are none; a jump within the day is no rate, and nor is a day of which half was idle.
#[test]
fn b2_wraparound_and_sequences_say_how_soon_at_the_present_rate() {
    let sentence =
        |s: &TargetSnapshot, id: &str| judge(s, NOW, None).reasons.into_iter().find(|r| r.id == id).map(|r| r.sentence).unwrap_or_default();
    let mut s = healthy();
    edit(&mut s.wraparound, |w| w.oldest_xid_age = 1_700_000_000);
    assert!(
        sentence(&s, "wraparound.age")
            .ends_with("At the rate of the last 24 h, 120 a second, that is in 42 d 20 h if nothing is frozen meanwhile.")
    );
    edit(&mut s.wraparound, |w| w.xids = Some(Drain { watched_s: 240.0, ..Drain::default() }));
    assert!(
        sentence(&s, "wraparound.age")
            .ends_with("How soon? Not watched long enough: for 4 min so far, and it takes 10 min without a restart.")
    );
    edit(&mut s.wraparound, |w| w.xids = Some(drain(0.0)));
    assert!(sentence(&s, "wraparound.age").ends_with("How soon? No end in sight: none were used up in the last 24 h."));

    let used = |change: fn(&mut Drain)| {
        let mut rate = drain(1_242.0);
        change(&mut rate);
        let mut s = healthy();
        edit(&mut s.sequences, |q| q.push(SequenceUse { drain: Some(rate), ..sequence(0.5) }));
        let figure = by_id("maintenance.sequence_left_s").unwrap().figure(&s, NOW, 10_000);
        (sentence(&s, "sequences.ending").is_empty(), figure.status)
    };
    assert_eq!(used(|_| {}), (false, Some(Status::Degraded)));
    assert_eq!(used(|d| d.steady_per_s = Some(1.0)), (true, None), "a jump");
    assert_eq!(used(|d| d.steady_per_s = Some(0.0)), (true, None), "half a day of nothing");
    assert_eq!(used(|d| (d.watched_s, d.steady_per_s) = (3_600.0, None)), (true, None), "an hour");
    edit(&mut s.sequences, |q| q.push(SequenceUse { drain: Some(drain(10.0)), ..sequence(0.92) }));
    assert!(
        sentence(&s, "sequences.fullness")
            .contains("171.8 million numbers are left (for 198 d 20 h at the 10 a second of the last 24 h): then"),
        "{}",
        sentence(&s, "sequences.fullness")
    );
}

#[test]
fn b1_a_target_that_is_down_says_since_when_and_what_is_last_known() {
    let mut s = healthy();
    let since = NOW.plus_ms(-180_000);
    s.reach = Reach::Down { since, sentence: "connection refused.".into(), last_up: Some(since.plus_ms(-10_000)), refusal: None };
    let v = judge(&s, NOW, None);
    assert_eq!((v.status, v.score, v.cap.as_deref()), (Status::Critical, Some(0.0), Some("availability.down")));
    assert_eq!(
        v.reasons[0].sentence,
        "findawise does not answer: connection refused; since 14:02:11 UTC (3 min). Figures below are the last known, from 14:02:01 UTC."
    );
    assert_eq!((v.reasons.len(), v.reasons[0].since), (1, Some(since)));
    assert!(v.measured_ratio < 0.2 && v.reasons[0].next.contains("pg_isready"));
}

#[test]
fn b1_what_was_not_tried_is_unknown() {
    let v = judge(&TargetSnapshot::untried(name("new"), NOW), NOW, None);
    assert_eq!((v.status, v.score, v.measured_ratio), (Status::Unknown, None, 0.0));
}

#[test]
fn b1_too_little_measured_is_never_healthy() {
    let mut s = healthy();
    s.activity = Reading::unknown(NOW, "no right");
    s.locks = Reading::default();
    s.tables.clear();
    let v = judge(&s, NOW, None);
    assert_eq!(v.status, Status::Unknown, "{v:#?}");
    assert!(v.measured_ratio < 0.6 && reason_ids(&v) == ["verdict.measured"]);
    // What is proven bad counts all the same.
    edit(&mut s.sequences, |q| q.push(sequence(0.99)));
    let v = judge(&s, NOW, None);
    assert_eq!((v.status, v.score), (Status::Critical, Some(CAP)));
}

/// What does not apply gives its weight to the rest; what is unknown keeps it.
#[test]
fn b1_does_not_apply_is_not_unknown() {
    let mut s = healthy();
    edit(&mut s.replication, |r| (r.standbys, r.slots) = (Vec::new(), Vec::new()));
    let v = judge(&s, NOW, None);
    let part = |v: &Verdict| v.categories.iter().find(|c| c.id == "replication").unwrap().clone();
    assert!((v.measured_ratio - 1.0).abs() < 1e-9);
    assert!(part(&v).weight == 0.0 && part(&v).score.is_none() && part(&v).detail.starts_with("Does not apply: "));
    s.replication = Reading::unknown(NOW, "permission denied.");
    let v = judge(&s, NOW, None);
    assert!((v.measured_ratio - 0.9).abs() < 1e-9);
    assert_eq!((part(&v).weight, part(&v).detail.as_str()), (0.1, "Not measured: permission denied."));
}

#[test]
fn b1_old_values_are_not_believed() {
    let mut s = healthy();
    s.probes = ["activity", "databases"].into_iter().map(|p| probe(p, 10_000)).collect();
    edit(&mut s.activity, |a| a.total = 96);
    assert_eq!(judge(&s, NOW, None).status, Status::Critical);
    let later = judge(&s, NOW.plus_ms(31_000), None);
    assert!(later.reasons.iter().all(|r| r.id != "connections.saturation"));
    assert!(later.measured_ratio < 0.7);
}

#[test]
fn a7_a_standby_is_not_blamed_for_what_only_its_primary_can_mend() {
    let mut s = healthy();
    s.server.as_mut().unwrap().standby = true;
    edit(&mut s.wraparound, |w| w.oldest_xid_age = 1_900_000_000);
    edit(&mut s.subscriptions, |q| q.push(subscription(false)));
    edit(&mut s.settings, |x| x[0].value = "off".into());
    let mut bloated = table(1, "core", "orders");
    bloated.dead_rows = 50_000;
    with_tables(&mut s, vec![bloated]);
    let v = judge(&s, NOW, None);
    assert_eq!((v.status, v.score), (Status::Healthy, Some(100.0)), "{v:#?}");
}

/// After pg_stat_reset() the live rows of a quiet table count as 0 until it is analysed, and what died since is little.
#[test]
fn b2_a_reset_of_the_statistics_is_no_pile_of_dead_rows() {
    let mut s = healthy();
    let mut reset = table(1, "core", "orders");
    (reset.rows_estimate, reset.live_rows, reset.dead_rows) = (Some(200_000.0), 0, 12_000);
    with_tables(&mut s, vec![reset.clone()]);
    assert_eq!(reeve_rules::figures::read::dead_ratio(&s), Some(0.06));
    let v = judge(&s, NOW, None);
    assert_eq!((v.status, v.reasons.len()), (Status::Healthy, 0), "{v:#?}");
    // Rows that were deleted by the mass are dead however many analyze once found.
    (reset.live_rows, reset.dead_rows) = (20_000, 180_000);
    with_tables(&mut s, vec![reset]);
    let v = judge(&s, NOW, None);
    assert!(v.reasons[0].sentence.contains("180,000 dead rows, 90 % of its rows"), "{v:#?}");
}

#[test]
fn b1_moments_carry_over_while_nothing_changes() {
    let mut s = healthy();
    let first = judge(&s, NOW, None);
    let second = judge(&s, NOW.plus_ms(5_000), Some(&first));
    assert_eq!((second.since, second.at), (NOW, NOW.plus_ms(5_000)));
    edit(&mut s.sequences, |q| q.push(sequence(0.92)));
    let third = judge(&s, NOW.plus_ms(9_000), Some(&second));
    assert_eq!((third.since, third.reasons[0].since), (NOW.plus_ms(9_000), Some(NOW.plus_ms(9_000))));
    edit(&mut s.sequences, |q| q.push(sequence(0.97)));
    let fourth = judge(&s, NOW.plus_ms(12_000), Some(&third));
    assert_eq!((fourth.since, fourth.reasons[0].since), (NOW.plus_ms(12_000), Some(NOW.plus_ms(9_000))));
}

#[test]
fn b1_archiving_that_fails_for_long_turns_critical() {
    let mut s = healthy();
    edit(&mut s.wal, |w| w.archive_failing = true);
    let first = judge(&s, NOW, None);
    let soon = judge(&s, NOW.plus_ms(600_000), Some(&first));
    assert_eq!(soon.status, Status::Degraded);
    let late = NOW.plus_ms(3_601_000);
    for reading in [&mut s.wal.last.as_mut().unwrap().at, &mut s.at] {
        *reading = late;
    }
    let long = judge(&s, late, Some(&soon));
    assert!(long.reasons.iter().any(|r| r.id == "durability.archive_failing" && r.severity == Status::Critical), "{long:#?}");
}

#[test]
fn b1_the_estate_is_as_well_as_its_worst_target() {
    let healthy_verdict = judge(&healthy(), NOW, None);
    let mut s = healthy();
    edit(&mut s.sequences, |q| q.push(sequence(0.92)));
    let degraded = judge(&s, NOW, None);
    s.reach = Reach::Down { since: NOW, sentence: "connection refused".into(), last_up: None, refusal: None };
    let down = judge(&s, NOW, None);
    let v = estate(&[(name("aa"), healthy_verdict.clone()), (name("bb"), degraded), (name("findawise"), down)], NOW, None);
    assert_eq!((v.status, v.score), (Status::Critical, Some(0.0)));
    assert_eq!(reason_ids(&v), ["target.findawise", "target.bb"]);
    assert!(v.reasons[0].sentence.starts_with("findawise does not answer"), "{}", v.reasons[0].sentence);
    assert!(v.reasons[1].sentence.starts_with("bb is degraded: Sequence"), "{}", v.reasons[1].sentence);
    assert_eq!(v.categories.len(), 3);
    let fine = estate(&[(name("aa"), healthy_verdict)], NOW, Some(&v));
    assert_eq!((fine.status, fine.reasons.len()), (Status::Healthy, 0));
    let none = estate(&[], NOW, None);
    assert_eq!((none.status, none.score), (Status::Unknown, None));
}

/// A critical fault that drops out of sight does not turn into health; seen mended, it does.
#[test]
fn b1_what_was_wrong_and_is_out_of_sight_is_unknown_not_healthy() {
    let mut s = healthy();
    edit(&mut s.settings, |x| x[2].value = "off".into());
    let wrong = judge(&s, NOW, None);
    assert_eq!(wrong.status, Status::Critical);
    s.settings = Reading::unknown(NOW, "The server did not answer.");
    let mut blind = judge(&s, NOW, Some(&wrong));
    for _ in 0..3 {
        assert_eq!(blind.status, Status::Unknown, "{blind:#?}");
        let kept = blind.reasons.iter().find(|r| r.id == "durability.fsync_off").expect("it is remembered");
        assert!(kept.sentence.starts_with("Last known, and not measured now: fsync"), "{}", kept.sentence);
        blind = judge(&s, NOW, Some(&blind));
    }
    assert_eq!(judge(&healthy(), NOW, Some(&blind)).status, Status::Healthy);
}
