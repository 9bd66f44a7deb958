//! `storage.disk_free_bytes`

use super::{Direction, FigureDef, Limits};
use crate::{
    disk::{Marks, worst},
    source::Source,
    words::float,
};
use reeve_model::{
    FigureGroup, Unit,
    snapshot::{Disk, TargetSnapshot},
};

/// Bytes free on the disk of the server that is nearest to its limits.
pub const FIGURE: FigureDef = FigureDef {
    id: "storage.disk_free_bytes",
    title: "Free on the fullest disk",
    group: FigureGroup::Storage,
    unit: Unit::Bytes,
    note: Some(which),
    metric: "reeve_target_disk_free_bytes",
    help: "Bytes free on the fullest disk of the server, where Reeve runs on its machine.",
    source: Source::Disk,
    read: |s| of(s).map(|d| float(d.free_bytes)),
    absent: |_| "No filesystem of this server tells its size.".into(),
    max: |s| of(s).map(|d| float(d.total_bytes)),
    limits: |s| {
        of(s).map(|d| {
            let (marks, total) = (Marks::of(d.total_bytes), float(d.total_bytes));
            Limits { warn: (1.0 - marks.warn) * total, critical: Some((1.0 - marks.critical) * total), direction: Direction::Below }
        })
    },
};

pub(super) fn of(snapshot: &TargetSnapshot) -> Option<&Disk> {
    snapshot.disks.value().and_then(|d| worst(d))
}

/// Which one it is.
pub(super) fn which(snapshot: &TargetSnapshot) -> String {
    of(snapshot).map_or_else(
        || "seen only where Reeve runs on the server's machine".to_owned(),
        |d| {
            let holds: Vec<String> = d.holds.iter().map(ToString::to_string).collect();
            format!("of {}: {}", crate::words::list(&holds), d.path)
        },
    )
}
