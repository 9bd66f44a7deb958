//! Compliance: evidence in, results, scores, framework views and findings out (SPEC E1 to E3).
//!
//! A control is one entry in a file of `controls/` (why, advice, judge) and one line in [`registry::CONTROLS`]; its title, severity and
//! clauses stand in `controls.tsv`, the catalogue of all controls, judged or not. Every number on every surface comes from
//! [`score::score`] over the same results. `docs/COMPLIANCE.md` explains the method.

mod attest;
pub mod catalogue;
pub mod context;
pub mod control;
mod controls;
mod framework;
mod hba;
mod life;
mod look;
pub mod registry;
mod report;
pub mod score;
mod sql;

pub use attest::vouch;
pub use context::{Context, Policy};
pub use framework::frameworks;
pub use life::{changes, diff, findings, fingerprint, outcome};
pub use report::report;

use reeve_model::compliance::{EvidenceSet, Scan};

/// Version of the method of scoring; a change in weights, caps or credit raises it.
pub const FORMULA: u32 = 1;

/// Whether a control rests on Reeve's own list of backups alone, for which no server was asked.
#[must_use]
pub fn is_of_reeve_itself(control: &str) -> bool {
    registry::CONTROLS.iter().any(|c| c.id == control && c.evidence == ["backups"])
}

/// Judges one look at one target.
#[must_use]
pub fn judge(set: &EvidenceSet, context: &Context) -> Scan {
    let mut results: Vec<_> = registry::CONTROLS.iter().map(|control| control::result(control, set, context)).collect();
    results.extend(attest::results(&set.target, context));
    Scan {
        target: set.target.clone(),
        at: context.now,
        catalogue: catalogue::EDITION,
        version: set.version.clone(),
        role: set.role.clone(),
        score: score::score(&results),
        coverage: score::coverage(&results),
        frameworks: frameworks(&results),
        results,
        databases: set.databases.clone(),
    }
}
