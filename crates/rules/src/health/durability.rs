//! Would a crash or a broken disk lose data, and is there room to write it?

use super::{Category, Facts, Finding, Input, Rule, Seen, disk};
use crate::{
    curve::Curve,
    source::Source,
    words::{self, float},
};

const ARCHIVE: &str = "durability.archive_failing";

/// Archiving that fails for this long is critical, seconds: WAL piles up, and no backup can reach the present.
const ARCHIVE_LONG_S: f64 = 3_600.0;

/// Checksums, fsync, archiving, room on the disks.
pub const CATEGORY: Category = Category {
    id: "durability",
    title: "Durability",
    weight: 6,
    inputs: &[
        Input {
            title: "fsync off (1) or full_page_writes off (0.5)",
            say: |v| if v > 0.0 { "a crash can corrupt data".into() } else { "fsync and full_page_writes on".into() },
            source: Source::Settings,
            read: unsafe_writes,
            curve: Curve(&[(0.0, 0.0), (1.0, 100.0)]),
        },
        Input {
            title: "failed data checksums",
            say: |n| format!("{} failed checksums", words::count(n)),
            source: Source::Databases,
            read: |f| Seen::or_not_here(checksums(f).map(float), "data checksums are off"),
            curve: Curve(&[(0.0, 0.0), (1.0, 100.0)]),
        },
        Input {
            title: "archiving fails",
            say: |v| if v > 0.0 { "archiving fails".into() } else { "archiving works".into() },
            source: Source::Wal,
            read: |f| {
                let on = f.snapshot.wal.value().filter(|w| w.archived.is_some() || w.archive_failing);
                Seen::or_not_here(on.map(|w| if w.archive_failing { 1.0 } else { 0.0 }), "archiving is off")
            },
            curve: Curve(&[(0.0, 0.0), (1.0, 60.0)]),
        },
        disk::INPUT,
    ],
    rules: &[
        Rule { id: "durability.fsync_off", when: "fsync is off: critical", source: Source::Settings, find: fsync_off },
        Rule {
            id: "durability.full_page_writes_off",
            when: "full_page_writes is off",
            source: Source::Settings,
            find: full_page_writes_off,
        },
        Rule {
            id: "durability.checksums",
            when: "a data checksum has failed: critical",
            source: Source::Databases,
            find: failed_checksums,
        },
        Rule { id: ARCHIVE, when: "the newest attempt to archive failed (for over 1 h: critical)", source: Source::Wal, find: archive },
        disk::RULE,
    ],
};

fn unsafe_writes(facts: &Facts<'_>) -> Seen {
    match (facts.switch("fsync"), facts.switch("full_page_writes")) {
        (Some(false), _) => Seen::Value(1.0),
        (Some(true), Some(false)) => Seen::Value(0.5),
        (Some(true), Some(true)) => Seen::Value(0.0),
        _ => Seen::Unknown("the settings fsync and full_page_writes were not read".into()),
    }
}

/// Failures of all databases; none where checksums are off.
fn checksums(facts: &Facts<'_>) -> Option<i64> {
    facts.snapshot.databases.value()?.iter().filter_map(|d| d.checksum_failures).reduce(i64::saturating_add)
}

fn fsync_off(facts: &Facts<'_>) -> Option<Finding> {
    (facts.switch("fsync") == Some(false)).then(|| {
        let sentence = "fsync is off: a crash of the machine can corrupt every database of this server beyond repair.".to_owned();
        Finding::critical(sentence, "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf(); then take a fresh backup.")
    })
}

fn full_page_writes_off(facts: &Facts<'_>) -> Option<Finding> {
    (facts.switch("full_page_writes") == Some(false)).then(|| {
        let sentence =
            "full_page_writes is off: a crash in the middle of writing a page leaves it torn, and recovery can't mend it.".to_owned();
        Finding::degraded(
            sentence,
            "ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf(); unless the file system is known to write pages whole.",
        )
    })
}

fn failed_checksums(facts: &Facts<'_>) -> Option<Finding> {
    let failures = checksums(facts).filter(|n| *n > 0)?;
    let names: Vec<String> =
        facts.snapshot.databases.value()?.iter().filter(|d| d.checksum_failures.is_some_and(|n| n > 0)).map(|d| d.name.clone()).collect();
    let sentence = format!(
        "{} in {}: pages on disk are not what was written, so data may be lost.",
        words::things(failures, "data checksum failed", "data checksums failed"),
        words::list(&names)
    );
    Some(Finding::critical(
        sentence,
        "Find the file in the server's log (\"page verification failed\"), check the disk, and keep old backups: restore the table beside the original and compare. pg_amcheck shows what else is damaged.",
    ))
}

fn archive(facts: &Facts<'_>) -> Option<Finding> {
    let wal = facts.archive_failing()?;
    let held = facts.held_s(ARCHIVE);
    let since = if held >= 60.0 { format!(" for {}", words::duration(held)) } else { String::new() };
    let failures = wal
        .archive_failures
        .map_or(String::new(), |n| format!(" ({} since the statistics were reset)", words::things(n, "failure", "failures")));
    let sentence =
        format!("Archiving of WAL has been failing{since}{failures}: a restore can't reach the present, and WAL piles up on the disk.");
    Some(Finding::graded(
        held > ARCHIVE_LONG_S,
        sentence,
        "Look in the server's log what archive_command answered, and whether its destination is full or away: SELECT last_failed_wal, last_failed_time FROM pg_stat_archiver;",
    ))
}
