//! What persons vouch for: results of controls that no database can show, and marks on clauses. It moves no score.

use super::{catalogue, context::Context};
use reeve_model::{
    TargetName, UnixMs,
    compliance::{Attestation, ControlResult, ControlState, FrameworkView, Subject},
};

/// The controls that only a person can show and that somebody vouches for on this target.
pub(super) fn results(target: &TargetName, context: &Context) -> Vec<ControlResult> {
    let word_for = |id: &str| {
        let of = |a: &&Attestation| {
            a.holds(context.now) && matches!(&a.subject, Subject::Control { target: t, control } if t == target && control == id)
        };
        context.attested.iter().find(of)
    };
    let entries = catalogue::ENTRIES.iter().filter(|e| e.only_person());
    entries
        .filter_map(|e| {
            let word = word_for(e.id)?;
            Some(ControlResult {
                control: e.id.to_owned(),
                title: e.title.to_owned(),
                severity: e.severity,
                state: ControlState::Attested { by: word.by.clone(), at: word.at, expires: word.expires },
                population: 0,
                offenders: Vec::new(),
                notes: Vec::new(),
                whole: true,
                credit: 0.0,
                accepted: false,
                on_personal_data: false,
                evidence: Vec::new(),
                lock: String::new(),
                clauses: e.clauses.clone(),
            })
        })
        .collect()
}

/// Marks the clauses that somebody vouches for. Their states stay: what is met is met by evidence.
pub fn vouch(views: &mut [FrameworkView], attested: &[Attestation], now: UnixMs) {
    for view in views {
        for clause in &mut view.clauses {
            let of = |a: &&Attestation| {
                a.holds(now)
                    && matches!(&a.subject, Subject::Clause { framework, clause: key } if *framework == view.framework && *key == clause.key)
            };
            clause.attested = attested.iter().find(of).cloned();
            clause.attestation_missing &= clause.attested.is_none();
        }
        view.attested = u32::try_from(view.clauses.iter().filter(|c| c.attested.is_some()).count()).unwrap_or(u32::MAX);
    }
}
