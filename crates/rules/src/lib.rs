//! Pure judgement: a snapshot goes in, figures, verdicts and faults come out. No I/O, no clock, no async.
//!
//! - [`mod@figures`]: the registry of single numbers (SPEC B2) and how each is read from a snapshot.
//! - [`verdict`]: healthy, degraded or critical, with reasons and a score (SPEC B1). `docs/HEALTH.md` explains it.
//! - [`tables`]: what is wrong with a table's indexes and keys (SPEC C1).
//! - [`backups`]: how safe each database is (SPEC D1, D5).
//! - [`compliance`]: controls over evidence, scores, framework views, findings (SPEC E1 to E3). `docs/COMPLIANCE.md` explains it.
//! - [`disk`]: how full a disk may be.
//! - [`drain`]: how soon something ends, in words.
//! - [`order`]: filter, sort and page through tables.
//! - [`words`]: numbers as a sentence says them.

pub mod backups;
pub mod compliance;
pub mod curve;
pub mod disk;
pub mod drain;
pub mod figures;
pub mod health;
pub mod order;
pub mod over;
pub mod source;
pub mod tables;
pub mod verdict;
pub mod words;

pub use figures::{FIGURES, FigureDef, HEADLINE, figures};
pub use source::Source;
pub use verdict::{FORMULA, estate, judge};
