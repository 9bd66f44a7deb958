//! How safe each database is: what its backups prove, and since when.

mod schedule;

pub use schedule::Schedule;

use reeve_model::{
    TargetName, UnixMs,
    backup::{BackupEntry, BackupJob, BackupTrust, Cover, DatabaseCover, DrillOutcome, JobState},
};
use std::collections::BTreeMap;

/// A database that a target has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its target.
    pub target: TargetName,
    /// Its name.
    pub database: String,
    /// Its size on the server's disk; none: not known.
    pub size_bytes: Option<i64>,
    /// It holds no table, as far as is known: without a backup nothing is lost.
    pub empty: bool,
    /// It is on a standby whose primary is watched too: what it holds is backed up there.
    pub copied_here: bool,
}

/// Each database that is there or has backups, the least safe first. Left out is what has no backups and needs none: a database without
/// tables, and a standby's of a watched primary.
///
/// Only whole backups count: the rows of chosen tables are not the database.
#[must_use]
pub fn cover<'e>(found: &[Found], entries: impl IntoIterator<Item = &'e BackupEntry>, jobs: &[BackupJob]) -> Vec<DatabaseCover> {
    let mut of: BTreeMap<(&TargetName, &str), Vec<&BackupEntry>> = BTreeMap::new();
    for entry in entries {
        of.entry((&entry.backup.target, &entry.backup.database.name)).or_default().push(entry);
    }
    for one in found.iter().filter(|f| !f.empty && !f.copied_here) {
        of.entry((&one.target, &one.database)).or_default();
    }
    let judged = of.into_iter().map(|((target, database), entries)| {
        let there = found.iter().find(|f| f.target == *target && f.database == database);
        let job = jobs.iter().filter(|j| j.state.open() && j.target == *target && j.database == database);
        DatabaseCover {
            there: there.is_some(),
            size_bytes: there.and_then(|f| f.size_bytes),
            job: job.max_by_key(|j| (j.state == JobState::Running, std::cmp::Reverse(j.asked_at))).cloned(),
            ..judge(target.clone(), database.to_owned(), &entries)
        }
    });
    let mut all: Vec<_> = judged.collect();
    all.sort_by(|a, b| (a.cover, &a.target, &a.database).cmp(&(b.cover, &b.target, &b.database)));
    all
}

fn judge(target: TargetName, database: String, entries: &[&BackupEntry]) -> DatabaseCover {
    let whole = || entries.iter().filter(|e| e.backup.whole);
    let newest = whole().max_by_key(|e| e.backup.timestamp);
    let good = whole().filter(|e| e.trust() != BackupTrust::Failed).max_by_key(|e| e.backup.timestamp);
    let drills = || entries.iter().filter_map(|e| e.drill.as_ref());
    let passed = whole().filter(|e| e.trust() != BackupTrust::Failed).filter_map(|e| e.drill.as_ref());
    let proven = passed.filter(|d| d.outcome != DrillOutcome::Failed).max_by_key(|d| d.at);
    let cover = match (newest, good) {
        (None, _) => Cover::Missing,
        (Some(_), None) => Cover::Damaged,
        (Some(newest), Some(_)) if newest.trust() == BackupTrust::Failed => Cover::Damaged,
        _ if proven.is_some() => Cover::Proven,
        _ => Cover::Unproven,
    };
    DatabaseCover {
        target,
        database,
        there: false,
        size_bytes: None,
        cover,
        backups: entries.len() as u64,
        last_good: good.map(|e| e.backup.id.clone()),
        last_good_at: good.map(|e| e.backup.timestamp),
        proven_at: proven.map(|d| d.at),
        proven: proven.map(|d| d.backup.clone()),
        last_drill: drills().max_by_key(|d| d.at).map(|d| d.outcome),
        job: None,
        next_run: None,
    }
}

/// What would be lost if the database were lost now, seconds; none without a good backup.
#[must_use]
pub fn at_risk_s(cover: &DatabaseCover, now: UnixMs) -> Option<f64> {
    cover.last_good_at.map(|at| now.seconds_since(at))
}

#[cfg(test)]
mod tests;
