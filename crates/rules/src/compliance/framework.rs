//! Framework views: what the results say about each clause. Counts of clauses, never a lone percentage.

use super::catalogue::{self, ClauseEntry};
use reeve_model::compliance::{
    Clause, ClauseState, ControlResult, ControlState, DISCLAIMER, Framework, FrameworkView, Human, Severity, Strength,
};

/// One view per framework, from the same results as the score.
#[must_use]
pub fn frameworks(results: &[ControlResult]) -> Vec<FrameworkView> {
    Framework::ALL.into_iter().map(|framework| view(framework, results)).collect()
}

fn view(framework: Framework, results: &[ControlResult]) -> FrameworkView {
    let clauses: Vec<Clause> = catalogue::CLAUSES.iter().filter(|c| c.framework == framework).map(|entry| clause(entry, results)).collect();
    let count = |wanted: &dyn Fn(&Clause) -> bool| u32::try_from(clauses.iter().filter(|c| wanted(c)).count()).unwrap_or(u32::MAX);
    FrameworkView {
        framework,
        title: framework.title().to_owned(),
        edition: format!("Reeve's mapping, edition {} of {}", catalogue::EDITION, catalogue::EDITION_DATE),
        total: count(&|_| true),
        met: count(&|c| c.state == ClauseState::Met),
        partly: count(&|c| c.state == ClauseState::Partly),
        unmet: count(&|c| c.state == ClauseState::Unmet),
        unknown: count(&|c| c.state == ClauseState::Unknown),
        no_evidence: count(&|c| c.state == ClauseState::NoEvidence),
        only_person: count(&|c| c.state == ClauseState::OnlyPerson),
        attested: 0,
        evidenced: count(&|c| !c.passing.is_empty() || !c.failing.is_empty()),
        clauses,
        disclaimer: DISCLAIMER.to_owned(),
    }
}

fn clause(entry: &ClauseEntry, results: &[ControlResult]) -> Clause {
    let mut clause = Clause {
        key: entry.key.to_owned(),
        citation: entry.framework.cite(entry.key),
        title: entry.title.to_owned(),
        human: entry.human,
        state: ClauseState::NoEvidence,
        attestation_missing: false,
        attested: None,
        passing: Vec::new(),
        failing: Vec::new(),
        unknown: Vec::new(),
        not_applicable: Vec::new(),
        not_assessed: Vec::new(),
        supporting: Vec::new(),
        supporting_failing: Vec::new(),
    };
    for control in catalogue::ENTRIES.iter() {
        let link = control.clauses.iter().find(|l| l.framework == entry.framework && l.clause == entry.key);
        let id = control.id.to_owned();
        match link.map(|l| l.strength) {
            None => {}
            Some(Strength::Supporting) => {
                if matches!(found(results, control.id), Some(ControlState::Fail)) {
                    clause.supporting_failing.push(id.clone());
                }
                clause.supporting.push(id);
            }
            Some(Strength::Direct) => match found(results, control.id) {
                None => clause.not_assessed.push(id),
                Some(ControlState::Pass | ControlState::Attested { .. }) => clause.passing.push(id),
                Some(ControlState::Fail) => clause.failing.push((id, control.severity)),
                Some(ControlState::Unknown { .. }) => clause.unknown.push(id),
                Some(ControlState::NotApplicable { .. }) => clause.not_applicable.push(id),
            },
        }
    }
    clause.state = state(&clause);
    clause.attestation_missing = clause.state == ClauseState::Met && entry.human == Human::Also;
    clause
}

fn found<'a>(results: &'a [ControlResult], control: &str) -> Option<&'a ControlState> {
    results.iter().find(|r| r.control == control).map(|r| &r.state)
}

/// Met needs every direct control that has something to judge, and at least one; supporting controls never count.
fn state(clause: &Clause) -> ClauseState {
    let open = clause.unknown.len() + clause.not_assessed.len();
    let none_direct = clause.passing.is_empty() && clause.failing.is_empty() && open == 0;
    if clause.human == Human::Only {
        ClauseState::OnlyPerson
    } else if none_direct {
        ClauseState::NoEvidence
    } else if clause.failing.iter().any(|(_, severity)| *severity == Severity::Critical) {
        ClauseState::Unmet
    } else if !clause.failing.is_empty() {
        if clause.passing.is_empty() { ClauseState::Unmet } else { ClauseState::Partly }
    } else if clause.passing.is_empty() {
        ClauseState::Unknown
    } else if open > 0 {
        ClauseState::Partly
    } else {
        ClauseState::Met
    }
}
