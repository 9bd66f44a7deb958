//! Who was just called looks for what just came (SPEC B1).
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use reeve_model::Reach;
use reeve_rules::{estate, judge};

#[test]
fn b1_of_equal_weight_the_newest_stands_first_with_its_own_age() {
    let mut s = healthy();
    edit(&mut s.replication, |r| r.standbys = vec![standby(1_000, 40.0)]);
    let before = judge(&s, NOW, None);
    edit(&mut s.sequences, |q| q.push(sequence(0.92)));
    let later = NOW.plus_ms(9_000);
    let after = judge(&s, later, Some(&before));
    let ids: Vec<(&str, _)> = after.reasons.iter().map(|r| (r.id.as_str(), r.since)).collect();
    assert_eq!(ids, [("sequences.fullness", Some(later)), ("replication.lag", Some(NOW))]);
    assert_eq!(after.since, NOW, "the target itself has been unwell for longer");

    let targets = [(name("aa"), before), (name("zz"), after)];
    let whole = estate(&targets, later, None);
    let ids: Vec<(&str, _)> = whole.reasons.iter().map(|r| (r.id.as_str(), r.since)).collect();
    assert_eq!(ids, [("target.zz", Some(later)), ("target.aa", Some(NOW))]);
}

#[test]
fn b1_what_was_wrong_before_an_outage_keeps_its_age_after_it() {
    let mut s = healthy();
    edit(&mut s.sequences, |q| q.push(sequence(0.92)));
    let before = judge(&s, NOW, None);
    let mut gone = s.clone();
    let lost_at = NOW.plus_ms(60_000);
    gone.reach =
        Reach::Down { since: lost_at, sentence: "The server did not answer within 4 s.".into(), last_up: Some(NOW), refusal: None };
    // However long it lasts.
    let lost = judge(&gone, lost_at, Some(&before));
    let still = judge(&gone, lost_at.plus_ms(5_000), Some(&lost));
    assert_eq!(still.reasons.len(), 1, "what is known of before says nothing of now");
    edit(&mut s.replication, |r| r.standbys = vec![standby(1_000, 40.0)]);
    let back_at = lost_at.plus_ms(9_000);
    let back = judge(&s, back_at, Some(&still));
    let since = |id: &str| back.reasons.iter().find(|r| r.id == id).unwrap().since;
    assert_eq!((since("sequences.fullness"), since("replication.lag")), (Some(NOW), Some(back_at)));
    assert!(back.held.is_empty(), "it is told again");
    // What was mended meanwhile begins anew when it comes again.
    let fine = judge(&healthy(), back_at, Some(&still));
    assert_eq!(judge(&s, back_at.plus_ms(1_000), Some(&fine)).reasons[0].since, Some(back_at.plus_ms(1_000)));
}
