//! `writes.full_page_images`

use super::FigureDef;
use super::read::count;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Full page images in the write-ahead log since the last reset.
pub const FIGURE: FigureDef = FigureDef {
    id: "writes.full_page_images",
    title: "Full page images",
    group: FigureGroup::Writes,
    unit: Unit::Count,
    note: Some(|_| "since the last reset of the statistics".into()),
    metric: "reeve_target_wal_full_page_images",
    help: "Full page images in the write-ahead log since the last reset.",
    source: Source::Wal,
    read: |s| s.wal.value()?.full_page_images.map(count),
    absent: |s| match s.server.as_ref().map(|server| server.version_num) {
        Some(140_000..) => "This server has no pg_stat_wal that Reeve may read.".into(),
        _ => "Counted from PostgreSQL 14 on.".into(),
    },
    max: |_| None,
    limits: |_| None,
};
