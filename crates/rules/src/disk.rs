//! How full a disk may be. One set of limits serves the rule, the score and the figures.

use crate::words::float;
use reeve_model::{Status, snapshot::Disk};

const GIB: f64 = 1_073_741_824.0;
const MIB: f64 = 1_048_576.0;

/// The used shares from which on a disk of a size is nearly full, and full.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marks {
    /// 90 %, or on a large disk the share that leaves 10 GiB.
    pub warn: f64,
    /// 97 %, or on a large disk the share that leaves 1 GiB; on a small one never less than 64 MiB.
    pub critical: f64,
}

impl Marks {
    /// Those of a disk. One under 1 GiB is judged by its share alone: it is meant to be small.
    #[must_use]
    pub fn of(total_bytes: i64) -> Self {
        let total = float(total_bytes);
        if total < GIB {
            return Self { warn: 0.90, critical: 0.97 };
        }
        let leaves = |bytes: f64| 1.0 - bytes / total;
        Self { warn: leaves(10.0 * GIB).max(0.90), critical: leaves(GIB).max(0.97).min(leaves(64.0 * MIB)) }
    }
}

/// What a disk alone makes of the status.
#[must_use]
pub fn status(disk: &Disk) -> Status {
    let marks = Marks::of(disk.total_bytes);
    match disk.used_ratio() {
        Some(used) if used >= marks.critical => Status::Critical,
        Some(used) if used >= marks.warn => Status::Degraded,
        _ => Status::Healthy,
    }
}

/// How near it is to its limits: 0 up to shortly before the first, a third there, 1 at the second.
#[must_use]
pub fn nearness(disk: &Disk) -> f64 {
    let marks = Marks::of(disk.total_bytes);
    let between = marks.critical - marks.warn;
    let begins = marks.warn - between / 2.0;
    disk.used_ratio().map_or(0.0, |used| ((used - begins) / (between * 1.5)).clamp(0.0, 1.0))
}

/// The one nearest to its limits; of those that are far from them the fullest.
#[must_use]
pub fn worst(disks: &[Disk]) -> Option<&Disk> {
    let key = |d: &Disk| (nearness(d), d.used_ratio().unwrap_or(0.0));
    disks.iter().filter(|d| d.used_ratio().is_some()).max_by(|a, b| {
        let (a, b) = (key(a), key(b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    })
}
