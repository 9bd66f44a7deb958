//! Scores: the one place where results become numbers.
//!
//! `100 · Σ weight · credit / Σ weight` over applicable controls, unknown ones included: what is proven. Beside it what it would be if all
//! unknowns passed, and what it would be without accepted risks. Nothing judged is no score.

use super::{FORMULA, catalogue, registry};
use reeve_model::compliance::{Cap, ControlResult, ControlState, Coverage, NotAssessed, Score, Severity};

/// A critical control fails: at most this.
pub const CAP_CRITICAL: f64 = 59.0;
/// A high control fails on something that holds personal data: at most this.
pub const CAP_PERSONAL: f64 = 84.0;

/// The score of results.
#[must_use]
pub fn score(results: &[ControlResult]) -> Score {
    let mut score = Score { formula: FORMULA, ..Score::default() };
    let (mut proven, mut possible, mut kept, mut weight) = (0.0, 0.0, 0.0, 0.0);
    for result in results {
        let w = f64::from(result.severity.weight());
        match &result.state {
            ControlState::Pass => score.passed += 1,
            ControlState::Fail => {
                score.failed += 1;
                score.accepted += u32::from(result.accepted);
            }
            ControlState::Unknown { .. } => score.unknown += 1,
            ControlState::NotApplicable { .. } => score.not_applicable += 1,
            ControlState::Attested { .. } => score.attested += 1,
        }
        match &result.state {
            ControlState::NotApplicable { .. } | ControlState::Attested { .. } => continue,
            ControlState::Unknown { .. } => {
                possible += w;
                if result.severity == Severity::Critical {
                    score.unknown_critical.push(result.control.clone());
                }
            }
            _ => {
                // An accepted risk earns nothing: the headline says what is proven.
                let credit = if result.accepted { 0.0 } else { result.credit };
                proven += w * credit;
                possible += w * credit;
            }
        }
        weight += w;
        score.weight += result.severity.weight();
        if !result.accepted {
            kept += w;
        }
    }
    if score.assessed() == 0 || weight <= 0.0 {
        return score;
    }
    score.cap = cap(results);
    let capped = |value: f64| score.cap.as_ref().map_or(value, |cap| value.min(cap.limit));
    let uncapped = 100.0 * proven / weight;
    let upper = capped(100.0 * possible / weight);
    score.proven = Some(capped(uncapped));
    score.uncapped = Some(uncapped);
    score.upper = Some(upper);
    // What is accepted holds the score down no more; what is not does, here as everywhere.
    let left: Vec<ControlResult> = results.iter().filter(|r| !r.accepted).cloned().collect();
    let limit = cap(&left).map_or(100.0, |cap| cap.limit);
    score.with_accepted = (kept > 0.0).then(|| (100.0 * proven / kept).min(limit));
    score
}

/// The lowest cap that holds.
fn cap(results: &[ControlResult]) -> Option<Cap> {
    let failing = |wanted: &dyn Fn(&ControlResult) -> bool| {
        results.iter().filter(|r| r.state == ControlState::Fail && wanted(r)).map(|r| r.control.clone()).collect::<Vec<_>>()
    };
    let critical = failing(&|r| r.severity == Severity::Critical);
    if !critical.is_empty() {
        let sentence = format!("At most {CAP_CRITICAL:.0}: capped by {}.", critical.join(", "));
        return Some(Cap { limit: CAP_CRITICAL, controls: critical, sentence });
    }
    let personal = failing(&|r| r.severity == Severity::High && r.on_personal_data);
    if personal.is_empty() {
        return None;
    }
    let sentence = format!("At most {CAP_PERSONAL:.0}: capped by {}, which fails on personal data.", personal.join(", "));
    Some(Cap { limit: CAP_PERSONAL, controls: personal, sentence })
}

/// What stands behind the score of these results: of the whole catalogue, so that leaving a control out is seen.
#[must_use]
pub fn coverage(results: &[ControlResult]) -> Coverage {
    let count =
        |wanted: &dyn Fn(&ControlState) -> bool| u32::try_from(results.iter().filter(|r| wanted(&r.state)).count()).unwrap_or(u32::MAX);
    Coverage {
        total: u32::try_from(catalogue::ENTRIES.len()).unwrap_or(u32::MAX),
        assessed: count(&|s| matches!(s, ControlState::Pass | ControlState::Fail)),
        unknown: count(&|s| matches!(s, ControlState::Unknown { .. })),
        not_applicable: count(&|s| matches!(s, ControlState::NotApplicable { .. })),
        not_assessed: not_assessed().into_iter().filter(|n| !results.iter().any(|r| r.control == n.control)).collect(),
    }
}

/// The controls without a judge.
#[must_use]
pub fn not_assessed() -> Vec<NotAssessed> {
    let without = catalogue::ENTRIES.iter().filter(|e| registry::control(e.id).is_none());
    without
        .map(|e| NotAssessed {
            control: e.id.to_owned(),
            title: e.title.to_owned(),
            severity: e.severity,
            reason: e.unjudged().to_owned(),
            only_person: e.only_person(),
        })
        .collect()
}
