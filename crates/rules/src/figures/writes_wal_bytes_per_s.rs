//! `writes.wal_bytes_per_s`

use super::FigureDef;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Write-ahead log bytes per second.
pub const FIGURE: FigureDef = FigureDef {
    id: "writes.wal_bytes_per_s",
    title: "WAL written",
    group: FigureGroup::Writes,
    unit: Unit::BytesPerSecond,
    note: None,
    metric: "reeve_target_wal_bytes_per_second",
    help: "Write-ahead log bytes per second.",
    source: Source::Rates,
    read: |s| s.rates.value()?.wal_bytes,
    absent: |_| "No rate yet: it takes two rounds without a reset of the statistics between them.".into(),
    max: |_| None,
    limits: |_| None,
};
