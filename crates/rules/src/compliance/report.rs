//! The report over all targets that the API and the command line answer with.

use super::{frameworks, registry, score};
use reeve_model::{
    TargetName, UnixMs,
    compliance::{AuditReport, ControlResult, ControlState, DISCLAIMER, Finding, FindingState, Recommendation, Scan, Score, TargetScore},
};

/// Over all targets: a control passes only where it passes on each that it applies to, and fails where it fails on one. `failed` are
/// targets that could not be scanned, each with why; they make every control unknown that does not fail elsewhere.
#[must_use]
pub fn report(at: UnixMs, scans: &[Scan], failed: &[(TargetName, String)], findings: Vec<Finding>) -> AuditReport {
    let results = merge(scans, failed);
    let score = score::score(&results);
    let mut targets: Vec<TargetScore> =
        scans.iter().map(|s| TargetScore { target: s.target.clone(), score: Some(s.score.clone()), failure: None }).collect();
    targets.extend(failed.iter().map(|(target, why)| TargetScore { target: target.clone(), score: None, failure: Some(why.clone()) }));
    AuditReport {
        at,
        compliance: frameworks(&results),
        coverage: score::coverage(&results),
        recommendations: recommendations(&results, &score, &findings),
        vulnerabilities: findings,
        score,
        targets,
        disclaimer: DISCLAIMER.to_owned(),
    }
}

/// One result per control over all targets.
fn merge(scans: &[Scan], failed: &[(TargetName, String)]) -> Vec<ControlResult> {
    let Some(first) = scans.first() else { return Vec::new() };
    let mut merged = first.results.clone();
    for scan in &scans[1..] {
        // What a person vouches for on one target is not vouched for on another.
        merged.retain(|all| scan.result(&all.control).is_some());
        for all in &mut merged {
            let Some(one) = scan.result(&all.control) else { continue };
            all.offenders.extend(one.offenders.iter().cloned());
            all.population += one.population;
            all.accepted = match (&all.state, &one.state) {
                (ControlState::Fail, ControlState::Fail) => all.accepted && one.accepted,
                (_, ControlState::Fail) => one.accepted,
                _ => all.accepted,
            };
            all.on_personal_data |= one.on_personal_data;
            all.credit = match (&all.state, &one.state) {
                (_, ControlState::NotApplicable { .. }) => all.credit,
                (ControlState::NotApplicable { .. }, _) => one.credit,
                _ => all.credit.min(one.credit),
            };
            if let (ControlState::Attested { expires: all, .. }, ControlState::Attested { expires: one, .. }) = (&mut all.state, &one.state)
            {
                *all = (*all).min(*one);
            }
            if rank(&one.state) > rank(&all.state) {
                all.state = one.state.clone();
            }
        }
    }
    if let Some((_, why)) = failed.first() {
        merged.retain(|r| !matches!(r.state, ControlState::Attested { .. }));
        for result in merged.iter_mut().filter(|r| r.state != ControlState::Fail) {
            result.state = ControlState::Unknown { reason: why.clone() };
            result.credit = 0.0;
        }
    }
    merged
}

/// The worse of two states wins; what has nothing to judge says nothing.
fn rank(state: &ControlState) -> u8 {
    match state {
        ControlState::NotApplicable { .. } => 0,
        ControlState::Attested { .. } => 1,
        ControlState::Pass => 2,
        ControlState::Unknown { .. } => 3,
        ControlState::Fail => 4,
    }
}

/// One per failing control, the most useful first.
fn recommendations(results: &[ControlResult], score: &Score, findings: &[Finding]) -> Vec<Recommendation> {
    let failing = results.iter().filter(|r| r.state == ControlState::Fail && !r.accepted);
    let mut all: Vec<Recommendation> = failing
        .map(|r| {
            let open =
                findings.iter().filter(|f| f.control == r.control && matches!(f.state, FindingState::Open | FindingState::Regressed));
            let weight = f64::from(r.severity.weight());
            let gain = if score.weight == 0 { 0.0 } else { 100.0 * weight * (1.0 - r.credit) / f64::from(score.weight) };
            Recommendation {
                control: r.control.clone(),
                severity: r.severity,
                sentence: registry::control(&r.control).map_or_else(String::new, |c| c.advice.to_owned()),
                findings: u32::try_from(open.count()).unwrap_or(u32::MAX),
                gain,
            }
        })
        .collect();
    all.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| b.gain.total_cmp(&a.gain)).then_with(|| a.control.cmp(&b.control)));
    all
}
