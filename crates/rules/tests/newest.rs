//! Who was just called looks for what just came (SPEC B1).
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
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
