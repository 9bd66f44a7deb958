//! `storage.databases`

use super::FigureDef;
use super::read::count_of;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Databases of the server.
pub const FIGURE: FigureDef = FigureDef {
    id: "storage.databases",
    title: "Databases",
    group: FigureGroup::Storage,
    unit: Unit::Count,
    note: None,
    metric: "reeve_target_databases",
    help: "Databases of the server.",
    source: Source::Databases,
    read: |s| s.databases.value().map(|d| count_of(d.len())),
    absent: |_| "The databases have not been read yet.".into(),
    max: |_| None,
    limits: |_| None,
};
