//! The method of scoring: three vectors worked out by hand, and its bounds.

use crate::fixture::{MUTATIONS, NOW, good};
use reeve_model::compliance::{Acceptance, ControlResult, ControlState, Severity};
use reeve_rules::compliance::{Context, catalogue, findings, frameworks, judge, score};

pub fn result(control: &str, severity: Severity, state: ControlState) -> ControlResult {
    let credit = if state == ControlState::Pass { 1.0 } else { 0.0 };
    ControlResult {
        control: control.to_owned(),
        title: String::new(),
        severity,
        state,
        population: 1,
        offenders: Vec::new(),
        notes: Vec::new(),
        whole: true,
        credit,
        accepted: false,
        on_personal_data: false,
        evidence: Vec::new(),
        lock: String::new(),
        clauses: Vec::new(),
    }
}

fn unknown() -> ControlState {
    ControlState::Unknown { reason: "It can't be read.".to_owned() }
}

fn aside() -> ControlState {
    ControlState::NotApplicable { reason: "There is none.".to_owned() }
}

fn many(n: usize, severity: Severity, state: &ControlState) -> Vec<ControlResult> {
    (0..n).map(|i| result(&format!("X-{i}"), severity, state.clone())).collect()
}

fn close(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|v| (v - expected).abs() < 0.05)
}

#[test]
fn e1_vector_a_proven_75_upper_90_6_with_accepted_81_4() {
    let mut results = many(2, Severity::Critical, &ControlState::Pass);
    results.extend(many(1, Severity::Critical, &unknown()));
    results.extend(many(3, Severity::High, &ControlState::Pass));
    let mut waived = result("W", Severity::High, ControlState::Fail);
    waived.accepted = true;
    results.push(waived);
    results.extend(many(4, Severity::Medium, &ControlState::Pass));
    results.extend(many(1, Severity::Medium, &aside()));
    results.extend(many(5, Severity::Low, &ControlState::Pass));
    results.extend(many(1, Severity::Low, &ControlState::Fail));
    let score = score::score(&results);
    assert_eq!(score.weight, 64);
    assert!(close(score.proven, 75.0) && close(score.upper, 90.6) && close(score.with_accepted, 81.4), "{score:?}");
    assert_eq!((score.passed, score.failed, score.accepted, score.unknown, score.not_applicable), (14, 2, 1, 1, 1));
    assert!(score.cap.is_none() && score.unknown_critical.len() == 1, "an unknown critical control is named");
}

#[test]
fn e1_vector_b_one_critical_failure_caps_98_5_at_59() {
    let mut results = many(21, Severity::Critical, &ControlState::Pass);
    results.push(result("AUTH-01", Severity::Critical, ControlState::Fail));
    results.extend(many(74, Severity::High, &ControlState::Pass));
    results.extend(many(38, Severity::Medium, &ControlState::Pass));
    results.extend(many(13, Severity::Low, &ControlState::Pass));
    let score = score::score(&results);
    assert!(close(score.uncapped, 98.5) && close(score.proven, 59.0) && close(score.upper, 59.0), "{score:?}");
    assert_eq!(score.cap.unwrap().sentence, "At most 59: capped by AUTH-01.");
}

#[test]
fn e1_vector_c_nothing_readable_is_no_data() {
    for results in [Vec::new(), many(150, Severity::High, &unknown()), many(3, Severity::Low, &aside())] {
        let score = score::score(&results);
        assert!(score.no_data() && score.upper.is_none() && score.with_accepted.is_none(), "{score:?}");
        assert_eq!(score.assessed(), 0);
    }
    let coverage = score::coverage(&[]);
    assert_eq!((coverage.total, coverage.assessed), (150, 0));
}

#[test]
fn e1_a_high_failure_on_personal_data_caps_at_84() {
    let mut results = many(100, Severity::High, &ControlState::Pass);
    results.push(ControlResult { on_personal_data: true, ..result("AUTHZ-08", Severity::High, ControlState::Fail) });
    let score = score::score(&results);
    assert!(close(score.proven, 84.0) && score.cap.unwrap().sentence.contains("personal data"));
}

#[test]
fn e1_what_is_informative_or_attested_moves_no_score() {
    let mut results = many(4, Severity::High, &ControlState::Pass);
    results.extend(many(1, Severity::High, &ControlState::Fail));
    let before = score::score(&results).proven;
    results.extend(many(1, Severity::Info, &ControlState::Fail));
    results.push(result("A", Severity::Critical, ControlState::Attested { by: "Ann".into(), at: NOW, expires: NOW.plus_ms(1) }));
    assert_eq!(score::score(&results).proven, before);
}

#[test]
fn e1_medium_controls_earn_the_share_of_good_objects_and_high_ones_do_not() {
    for (control, share) in [("AUTH-15", 0.0), ("AUTHZ-08", 0.0), ("AUTHZ-19", 2.0 / 3.0)] {
        let mut set = good();
        (MUTATIONS.iter().find(|m| m.control == control).unwrap().change)(&mut set);
        if control == "AUTH-15" {
            // One of two logins is without a limit.
            let credit = judge(&set, &Context::new(NOW)).result(control).unwrap().credit;
            assert!((credit - 0.5).abs() < 1e-9, "{credit}");
            continue;
        }
        let credit = judge(&set, &Context::new(NOW)).result(control).unwrap().credit;
        assert!((credit - share).abs() < 1e-9, "{control}: {credit}");
    }
}

#[test]
fn e3_an_accepted_risk_stays_a_failure_and_ends_on_its_day() {
    let mut set = good();
    (MUTATIONS.iter().find(|m| m.control == "AUTHZ-08").unwrap().change)(&mut set);
    let mut context = Context::new(NOW);
    let plain = judge(&set, &context);
    let finding = findings(&[], &plain, &context).remove(0);
    let accept = |expires| Acceptance {
        fingerprint: finding.fingerprint.clone(),
        by: "officer".into(),
        reason: "reference data".into(),
        at: NOW,
        expires,
    };
    context.accepted = vec![accept(NOW.plus_ms(1))];
    let accepted = judge(&set, &context);
    assert!(accepted.result("AUTHZ-08").unwrap().accepted);
    assert_eq!(accepted.score.proven, plain.score.proven, "the headline does not rise");
    assert!(accepted.score.with_accepted > accepted.score.uncapped);
    context.accepted = vec![accept(NOW)];
    assert_eq!(judge(&set, &context).score, plain.score, "one that has run out counts as a plain failure");
}

/// The same results give the same numbers everywhere: scan, views, coverage.
#[test]
fn e2_all_numbers_come_from_the_same_results() {
    let scan = judge(&good(), &Context::new(NOW));
    assert_eq!(scan.score, score::score(&scan.results));
    assert_eq!(scan.frameworks, frameworks(&scan.results));
    let judged = scan.coverage.assessed + scan.coverage.unknown + scan.coverage.not_applicable;
    assert_eq!(judged as usize + scan.coverage.not_assessed.len(), catalogue::ENTRIES.len());
    assert_eq!(scan.coverage.assessed, scan.score.assessed());
    for view in &scan.frameworks {
        assert_eq!(view.total, view.met + view.partly + view.unmet + view.unknown + view.no_evidence + view.only_person, "{}", view.title);
    }
}
