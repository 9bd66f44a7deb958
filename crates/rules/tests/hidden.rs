//! What Reeve's role may not read.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use reeve_model::{Reading, Status, snapshot::TargetSnapshot};
use reeve_rules::{figures::by_id, judge};

/// B1: what may not be read is unknown, never fine; what is bad among the rest still counts.
#[test]
fn b1_sequences_that_may_not_be_read_are_unknown_and_no_reason_to_be_calm() {
    let hidden = |ratios: &[f64]| {
        let mut s = healthy();
        edit(&mut s.sequences, |q| *q = ratios.iter().map(|r| sequence(*r)).collect());
        s.sequences_hidden = Some("3 sequences can't be read by role reeve.".to_owned());
        s
    };
    let measured = |s: &TargetSnapshot| judge(s, NOW, None).measured_ratio;
    let whole = measured(&healthy());
    for ratios in [&[][..], &[0.5]] {
        let s = hidden(ratios);
        assert!(measured(&s) < whole, "{ratios:?}");
        let figure = by_id("maintenance.sequence_used_ratio").unwrap().figure(&s, NOW, 10_000);
        match ratios {
            [] => assert_eq!(figure.why.as_deref(), Some("3 sequences can't be read by role reeve.")),
            _ => assert!(figure.note.unwrap().ends_with("of those that Reeve's role may read")),
        }
    }
    let full = judge(&hidden(&[0.96]), NOW, None);
    assert!(full.reasons.iter().any(|r| r.id == "sequences.fullness" && r.severity == Status::Critical));
    assert!(full.score < judge(&hidden(&[0.5]), NOW, None).score);
}

/// Without `pg_monitor` the sessions of others are hidden: said with the grant that helps, and not healthy.
#[test]
fn b1_hidden_sessions_name_the_missing_right() {
    let mut s = healthy();
    edit(&mut s.activity, |a| a.hidden = 7);
    let v = judge(&s, NOW, None);
    let reason = v.reasons.iter().find(|r| r.id == "verdict.rights").expect("a reason");
    assert_eq!((v.status, reason.severity), (Status::Unknown, Status::Unknown));
    assert!(reason.sentence.contains("7 sessions") && reason.next.contains("GRANT pg_monitor TO"), "{reason:?}");
}

/// Everybody may read subscriptions by default. Where that was taken away the part is unknown, and what stood still is not mended.
#[test]
fn b1_a_subscription_that_drops_out_of_sight_is_not_mended() {
    let mut s = healthy();
    edit(&mut s.subscriptions, |q| q.push(subscription(false)));
    let seen = judge(&s, NOW, None);
    s.subscriptions = Reading::unknown(NOW, "Subscriptions can't be read in full by role reeve.");
    let v = judge(&s, NOW, Some(&seen));
    let reason = v.reasons.iter().find(|r| r.id == "replication.subscription").expect("a reason");
    assert_eq!((v.status, reason.severity, reason.since), (Status::Unknown, Status::Unknown, Some(NOW)));
    let part = v.categories.iter().find(|c| c.id == "replication").unwrap();
    assert_eq!((part.score, part.detail.as_str()), (None, "Not measured: Subscriptions can't be read in full by role reeve."));
}
