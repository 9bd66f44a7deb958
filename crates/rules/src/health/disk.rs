//! Is there room on the disks? Part of [`super::durability`]: where Reeve can't see them, which is nearly everywhere, nothing changes.

use super::{Facts, Finding, Input, Rule, Seen};
use crate::{
    curve::Curve,
    disk::{nearness, status, worst},
    source::Source,
    words::{self, float, ident},
};
use reeve_model::{
    Status,
    snapshot::{Disk, DiskUse},
};

/// So little is left that what extends a table by several pages finds none, bytes.
const NOTHING: i64 = 1_048_576;

pub const INPUT: Input = Input {
    title: "how near the fullest disk is to its limits (0.33 where it is nearly full, 1 where it is full)",
    say: |v| if v > 0.0 { format!("{} of the way to a full disk", words::percent(v)) } else { "room on the disks".into() },
    // It answers itself for what was never seen.
    source: Source::Round,
    read: full,
    curve: Curve(&[(0.0, 0.0), (1.0, 100.0)]),
};

pub const RULE: Rule = Rule {
    id: "durability.disk_full",
    when: "a filesystem of the server is at least 90 % used and has less than 10 GB free (97 % and less than 1 GB, or less than 64 MB: critical; under 1 GB in all: by its share alone)",
    source: Source::Disk,
    find: find_full,
};

/// Most servers run elsewhere, where nobody sees their disks. One that was seen and isn't any more is unknown.
fn full(facts: &Facts<'_>) -> Seen {
    let Some(disks) = facts.snapshot.disks.value() else { return Seen::NotHere("Reeve does not see the disks of this server") };
    match Source::Disk.missing(facts.snapshot, facts.now) {
        Some(why) => Seen::Unknown(why),
        None => Seen::or_not_here(worst(disks).map(nearness), "no filesystem of this server tells its size"),
    }
}

fn find_full(facts: &Facts<'_>) -> Option<Finding> {
    let disks = facts.snapshot.disks.value()?;
    let worst = worst(disks)?;
    let severity = status(worst);
    if severity == Status::Healthy {
        return None;
    }
    let others = match disks.iter().filter(|d| status(d) > Status::Healthy).count() - 1 {
        0 => String::new(),
        1 => " Another filesystem is nearly full, too.".to_owned(),
        n => format!(" {n} other filesystems are nearly full, too."),
    };
    let holds: Vec<String> = worst.holds.iter().map(name).collect();
    let stops = if worst.holds.contains(&DiskUse::Wal) { ", and the server stops" } else { "" };
    let (free, total) = (words::bytes(float(worst.free_bytes)), words::bytes(float(worst.total_bytes)));
    let state = if worst.free_bytes < NOTHING {
        format!("full: {free} of {total} are free; what writes there fails{stops}")
    } else {
        let used = words::percent(worst.used_ratio().unwrap_or(0.0));
        format!("{used} full: {free} of {total} are free; when they are gone, what writes there fails{stops}")
    };
    let sentence = format!("The filesystem of {} ({}) is {state}.{others}", words::list(&holds), worst.path);
    Some(Finding::graded(severity == Status::Critical, sentence, next(worst)))
}

fn name(holds: &DiskUse) -> String {
    match holds {
        DiskUse::Tablespace(name) => format!("tablespace {}", ident(name)),
        other => other.to_string(),
    }
}

fn next(disk: &Disk) -> String {
    let largest = |only: &str| {
        format!(
            "SELECT oid::regclass, pg_size_pretty(pg_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'i', 'm', 't'){only} ORDER BY pg_relation_size(oid) DESC LIMIT 10;"
        )
    };
    match disk.holds.first() {
        Some(DiskUse::Tablespace(name)) => {
            let only = format!(" AND reltablespace = (SELECT oid FROM pg_tablespace WHERE spcname = '{}')", name.replace('\'', "''"));
            format!("Free space on it or extend it. In each database this shows the largest relations there: {}", largest(&only))
        }
        _ => format!(
            "Free space on it or extend it; never delete files of pg_wal by hand. A slot that holds WAL back: SELECT slot_name, pg_current_wal_lsn() - restart_lsn AS bytes FROM pg_replication_slots ORDER BY 2 DESC; the largest relations of a database: {}",
            largest("")
        ),
    }
}
