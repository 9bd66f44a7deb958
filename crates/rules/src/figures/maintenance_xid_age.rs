//! `maintenance.xid_age`

use super::read::{WRAPAROUND, count};
use super::{Direction, FigureDef, Limits};
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Age of the oldest unfrozen transaction id of any database, transactions.
pub const FIGURE: FigureDef = FigureDef {
    id: "maintenance.xid_age",
    title: "Oldest transaction id",
    group: FigureGroup::Maintenance,
    unit: Unit::Transactions,
    note: None,
    metric: "reeve_target_xid_age",
    help: "Age of the oldest unfrozen transaction id of any database, transactions.",
    source: Source::Wraparound,
    read: |s| s.wraparound.value().map(|w| count(w.oldest_xid_age)),
    absent: |_| "The ages of transaction ids have not been read yet.".into(),
    max: |_| Some(WRAPAROUND),
    limits: |_| Some(Limits { warn: 500e6, critical: Some(1.6e9), direction: Direction::Above }),
};
