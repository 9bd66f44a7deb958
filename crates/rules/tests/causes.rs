//! A reason names the cause where the readings show it, and gives the advice that fits (SPEC B1).
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use reeve_model::{
    Reach, Reason, Refusal, Status,
    snapshot::{SequenceUse, Subscription, TargetSnapshot},
};
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

/// What answers and lets nobody in is as bad, but nobody has to see whether it runs.
#[test]
fn b1_a_target_that_refuses_the_sign_in_says_so_and_its_next_step_fits() {
    for (refusal, step) in [
        (Refusal::Password, "password"),
        (Refusal::Rules, "pg_hba.conf"),
        (Refusal::Database, "name of the database"),
        (Refusal::Right, "GRANT CONNECT ON DATABASE"),
        (Refusal::Limit, "Raise the limit"),
    ] {
        let mut s = healthy();
        s.reach = Reach::Down { since: NOW, sentence: "db:5432/shop says no.".into(), last_up: None, refusal: Some(refusal) };
        let v = judge(&s, NOW, None);
        let r = &v.reasons[0];
        assert_eq!((v.status, v.score, r.id.as_str()), (Status::Critical, Some(0.0), "availability.down"));
        assert!(r.sentence.starts_with("findawise refuses Reeve's sign-in: db:5432/shop says no; since "), "{}", r.sentence);
        assert!(r.next.contains(step) && !r.next.contains("pg_isready"), "{refusal:?}: {}", r.next);
        assert_eq!(v.categories.iter().find(|c| c.id == "availability").unwrap().detail, "Refuses Reeve's sign-in.");
    }
}

/// The column is widened where the column ends; a sequence that ends by itself has a limit, and no table that is known.
#[test]
fn b1_a_sequence_that_ends_at_its_own_limit_is_not_told_to_widen_a_column() {
    let full = |by_column: bool, last: i64, end: i64| {
        let mut s = healthy();
        let sequence = SequenceUse { by_column, last_value: Some(last), max_value: end, ..sequence(0.96) };
        edit(&mut s.sequences, |q| q.push(sequence));
        reason(&s, "sequences.fullness")
    };
    let column = full(true, 2_061_584_300, 2_147_483_647);
    assert!(column.sentence.contains("inserts into its table fail") && column.next.contains("TYPE bigint"), "{column:?}");
    let own = full(false, 960, 1_000);
    assert!(!own.sentence.contains("table") && !own.next.contains("ALTER TABLE"), "{own:?}");
    assert!(own.next.contains("ALTER SEQUENCE core.orders_id_seq AS bigint MAXVALUE 9223372036854775807;"), "{}", own.next);
    assert!(full(false, -960, -1_000).next.contains(" MINVALUE -9223372036854775808;"));
}

/// What fails is started again and again, and may be seen while it runs; who disabled a subscription knows that it does not run.
#[test]
fn b1_a_subscription_that_fails_or_stands_still_says_how_to_go_on() {
    let with = |list: Vec<Subscription>| {
        let mut s = healthy();
        edit(&mut s.subscriptions, |q| *q = list);
        s
    };
    let fails = reason(&with(vec![Subscription { apply_errors_new: Some(2), ..subscription(true) }]), "replication.subscription");
    assert!(
        fails.sentence.contains("orders_in in shop failed 2 times to apply a change") && fails.sentence.contains("7 in all"),
        "{fails:?}"
    );
    let mut gone = with(vec![subscription(false), Subscription { name: "Old".into(), ..subscription(false) }]);
    let both = reason(&gone, "replication.subscription");
    assert!(both.sentence.starts_with("The subscriptions orders_in in shop and \"Old\" in shop have no apply worker"), "{both:?}");
    for step in ["log", "SELECT * FROM pg_stat_subscription;", "ALTER SUBSCRIPTION orders_in SKIP", "ALTER SUBSCRIPTION orders_in ENABLE;"]
    {
        assert!(both.next.contains(step), "{step}: {}", both.next);
    }
    gone.server.as_mut().unwrap().version_num = 140_000;
    let older = reason(&gone, "replication.subscription").next;
    assert!(older.contains("pg_replication_origin_advance()") && !older.contains("SKIP"), "{older}");
    for fine in [subscription(true), Subscription { enabled: false, ..subscription(false) }] {
        assert!(judge(&with(vec![fine]), NOW, None).reasons.is_empty());
    }
}
