//! A reason names the cause where the readings show it, and gives the advice that fits (SPEC B1).
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use reeve_model::{Reason, snapshot::TargetSnapshot};
use reeve_rules::{health::upkeep, judge};

fn reason(s: &TargetSnapshot, id: &str) -> Reason {
    judge(s, NOW, None).reasons.into_iter().find(|r| r.id == id).unwrap()
}

#[test]
fn b1_a_standby_whose_replay_is_paused_says_so_and_not_that_its_disk_is_busy() {
    let behind = |standby: bool, paused: Option<bool>| {
        let mut s = healthy();
        s.server.as_mut().unwrap().standby = standby;
        edit(&mut s.replication, |r| (r.replay_delay_s, r.replay_paused) = (Some(40.0), paused));
        reason(&s, "replication.lag")
    };
    let paused = behind(true, Some(true));
    assert!(paused.sentence.starts_with("This standby is behind, since its replay is paused: 40 s"), "{}", paused.sentence);
    assert!(paused.next.contains("SELECT pg_wal_replay_resume();") && !paused.next.contains("disk"), "{}", paused.next);
    for goes_on in [behind(true, Some(false)), behind(true, None)] {
        assert!(goes_on.sentence.starts_with("This standby is behind: 40 s") && goes_on.next.contains("disk"), "{goes_on:?}");
    }
    assert!(behind(false, None).next.contains("SELECT pg_is_wal_replay_paused();"), "the primary can't know");
}

#[test]
fn b1_a_neglected_table_is_told_in_the_same_words_where_it_is_looked_at() {
    let mut t = table(1, "core", "orders");
    (t.live_rows, t.dead_rows, t.autovacuum_off) = (20_000, 15_000, true);
    let mut s = healthy();
    with_tables(&mut s, vec![t.clone()]);
    let (whole, own) = (reason(&s, "vacuum.dead_rows"), upkeep("shop", &t).unwrap());
    assert!(whole.sentence.ends_with("Autovacuum is switched off for it.") && own.sentence.ends_with("Autovacuum is switched off for it."));
    assert!(own.next.contains("RESET (autovacuum_enabled)"), "{}", own.next);
    t.dead_rows = 2_000;
    assert_eq!(upkeep("shop", &t), None, "a tenth of its rows is no neglect");
}
