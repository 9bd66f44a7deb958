//! Which backups to keep: grandfather, father, son. Pure.
//!
//! For each database of each target: the newest good backup of each of the last `daily` days, `weekly` weeks and `monthly` months that have
//! one; the newest of all; and the newest verified one. Backups whose check failed fill no place. While nothing is verified, nothing goes.

use reeve_model::{
    TargetName, UnixMs,
    backup::{BackupEntry, BackupId, BackupTrust, Keep},
};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;

const DAY_MS: i64 = 86_400_000;

/// What retention looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which backup.
    pub id: BackupId,
    /// What it is a backup of: they are judged apart. Backups of chosen tables are another group than whole ones.
    pub group: (TargetName, String, bool),
    /// The moment of its snapshot.
    pub at: UnixMs,
    /// How much is proven of it.
    pub trust: BackupTrust,
}

impl From<&BackupEntry> for Candidate {
    fn from(entry: &BackupEntry) -> Self {
        let backup = &entry.backup;
        let group = (backup.target.clone(), backup.database.name.clone(), backup.whole);
        Self { id: backup.id.clone(), group, at: backup.timestamp, trust: entry.trust() }
    }
}

/// The backups that may go.
#[must_use]
pub fn removable(candidates: &[Candidate], keep: Keep) -> BTreeSet<BackupId> {
    let mut groups: BTreeMap<_, Vec<&Candidate>> = BTreeMap::new();
    for candidate in candidates {
        groups.entry(&candidate.group).or_default().push(candidate);
    }
    groups.into_values().flat_map(|group| removable_of_one(group, keep)).collect()
}

/// In which day, week or month a moment lies, by a number.
type Period = fn(UnixMs) -> i64;

fn removable_of_one(mut group: Vec<&Candidate>, keep: Keep) -> Vec<BackupId> {
    // Newest first; ids settle what the clock leaves open.
    group.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    let Some(verified) = group.iter().find(|c| c.trust >= BackupTrust::Verified) else { return Vec::new() };
    let mut kept: BTreeSet<&BackupId> = group.first().map(|c| &c.id).into_iter().collect();
    kept.insert(&verified.id);
    let good: Vec<&&Candidate> = group.iter().filter(|c| c.trust != BackupTrust::Failed).collect();
    let periods: [(u32, Period); 3] = [(keep.daily, day), (keep.weekly, week), (keep.monthly, month)];
    for (count, period) in periods {
        let mut seen = BTreeSet::new();
        for candidate in &good {
            if seen.len() >= count as usize {
                break;
            }
            if seen.insert(period(candidate.at)) {
                kept.insert(&candidate.id);
            }
        }
    }
    group.iter().map(|c| &c.id).filter(|id| !kept.contains(id)).cloned().collect()
}

fn day(at: UnixMs) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// The first day of 1970 was a Thursday; weeks begin on Monday.
fn week(at: UnixMs) -> i64 {
    (day(at) + 3).div_euclid(7)
}

fn month(at: UnixMs) -> i64 {
    // Outside of the calendar (year 9999) every day is a month of its own: more is kept, not less.
    OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1000))
        .map_or_else(|_| i64::MAX - day(at).abs(), |time| i64::from(time.year()) * 12 + i64::from(u8::from(time.month())))
}

#[cfg(test)]
mod tests;
