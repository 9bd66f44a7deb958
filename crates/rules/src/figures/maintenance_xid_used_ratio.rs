//! `maintenance.xid_used_ratio`

use super::FigureDef;
use super::read::{WRAPAROUND, count};
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Age of the oldest transaction id as a share of the 2^31 after which the server refuses writes.
pub const FIGURE: FigureDef = FigureDef {
    id: "maintenance.xid_used_ratio",
    title: "Way to wraparound",
    group: FigureGroup::Maintenance,
    unit: Unit::Ratio,
    note: None,
    metric: "reeve_target_xid_used_ratio",
    help: "Age of the oldest transaction id as a share of the 2^31 after which the server refuses writes.",
    source: Source::Wraparound,
    read: |s| s.wraparound.value().map(|w| count(w.oldest_xid_age) / WRAPAROUND),
    absent: |_| "The ages of transaction ids have not been read yet.".into(),
    max: |_| Some(1.0),
    limits: |_| None,
};
