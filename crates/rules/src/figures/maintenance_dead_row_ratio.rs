//! `maintenance.dead_row_ratio`

use super::FigureDef;
use super::read::dead_ratio;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Share of the rows of all tables that are dead.
pub const FIGURE: FigureDef = FigureDef {
    id: "maintenance.dead_row_ratio",
    title: "Dead rows",
    group: FigureGroup::Maintenance,
    unit: Unit::Ratio,
    note: Some(|_| "by the server's statistics, all tables together".into()),
    metric: "reeve_target_dead_row_ratio",
    help: "Share of the rows of all tables that are dead.",
    source: Source::Tables,
    read: dead_ratio,
    absent: |_| "There are no rows, or no table has been read yet.".into(),
    max: |_| None,
    limits: |_| None,
};
