//! `storage.total_bytes`

use super::FigureDef;
use super::read::total_bytes;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Sum of the sizes of the databases, bytes.
pub const FIGURE: FigureDef = FigureDef {
    id: "storage.total_bytes",
    title: "Storage",
    group: FigureGroup::Storage,
    unit: Unit::Bytes,
    note: Some(|_| "databases whose size may be read, templates left out; as of the newest health check".into()),
    metric: "reeve_target_storage_bytes",
    help: "Sum of the sizes of the databases, bytes.",
    source: Source::Databases,
    read: |s| s.databases.value().and_then(|d| total_bytes(d)),
    absent: |_| "No size of a database could be read.".into(),
    max: |_| None,
    limits: |_| None,
};
