//! `storage.disk_used_ratio`

use super::{
    Direction, FigureDef, Limits,
    storage_disk_free_bytes::{of, which},
};
use crate::{disk::Marks, source::Source};
use reeve_model::{FigureGroup, Unit};

/// How full the disk of the server is that is nearest to its limits.
pub const FIGURE: FigureDef = FigureDef {
    id: "storage.disk_used_ratio",
    title: "Fullest disk",
    group: FigureGroup::Storage,
    unit: Unit::Ratio,
    note: Some(which),
    metric: "reeve_target_disk_used_ratio",
    help: "How full the fullest disk of the server is, where Reeve runs on its machine.",
    source: Source::Disk,
    read: |s| of(s)?.used_ratio(),
    absent: |_| "No filesystem of this server tells its size.".into(),
    max: |_| Some(1.0),
    limits: |s| {
        of(s).map(|d| {
            let marks = Marks::of(d.total_bytes);
            Limits { warn: marks.warn, critical: Some(marks.critical), direction: Direction::Above }
        })
    },
};
