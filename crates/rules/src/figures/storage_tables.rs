//! `storage.tables`

use super::FigureDef;
use super::read::table_count;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Tables of all databases, partitions counted with their parent.
pub const FIGURE: FigureDef = FigureDef {
    id: "storage.tables",
    title: "Tables",
    group: FigureGroup::Storage,
    unit: Unit::Count,
    note: Some(|_| "partitions count with their parent; materialised views and system schemas left out".into()),
    metric: "reeve_target_tables",
    help: "Tables of all databases, partitions counted with their parent.",
    source: Source::Tables,
    read: table_count,
    absent: |_| "The tables have not been read yet.".into(),
    max: |_| None,
    limits: |_| None,
};
