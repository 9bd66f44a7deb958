//! Copies that restores left beside their originals: they are no part of what is to be backed up, and somebody should drop them some day.

use super::Inner;
use reeve_model::{
    TargetName,
    backup::{BackupJob, DatabaseCopy, RestoreReport, copy_of},
};
use reeve_rules::backups::Found;
use std::{collections::HashMap, sync::PoisonError};

/// Names of copies up to this length, bytes, hold their original's whole name.
const LONGEST_UNCUT: usize = 59;
/// How many of the newest jobs are looked through for restores, once after the start.
const LOOKED_THROUGH: i64 = 1_000;

/// Databases that restores made, by target and name, with what each is a copy of.
pub(super) type Made = HashMap<(TargetName, String), String>;

impl Inner {
    /// Copies that Reeve made and nobody dropped yet. One whose original is gone, or that is backed up itself, has become the real one.
    pub(super) fn copies(&self, covers: impl Fn(&TargetName) -> bool) -> Vec<DatabaseCopy> {
        let held = self.repository().1;
        let backed_up = |f: &Found| held.entries.iter().any(|e| e.backup.target == f.target && e.backup.database.name == f.database);
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let targets = self.hub.targets();
        let covered = targets.iter().filter(|info| covers(&info.name));
        covered.flat_map(|info| among(&self.databases(&info.name), &made, backed_up)).collect()
    }

    /// Whether a target is a standby, as far as is known: what it holds comes from its primary, and nothing can be dropped there.
    pub(super) fn standby(&self, target: &TargetName) -> bool {
        self.hub.latest(target).is_some_and(|latest| latest.snapshot.server.as_ref().is_some_and(|server| server.standby))
    }

    /// Looks through the newest jobs for restores. False while they can't be read.
    pub(super) async fn learn_copies(&self) -> bool {
        let (jobs, fault) = self.read(self.store.backup_jobs(LOOKED_THROUGH)).await;
        self.remember(&jobs);
        fault.is_none()
    }

    /// Notes what restores made: a copy whose name a person chose is told by its job alone.
    pub(super) fn remember(&self, jobs: &[BackupJob]) {
        let restores = jobs.iter().filter_map(|job| Some((job, job.restored.as_ref()?)));
        let beside: Vec<_> = restores.filter_map(|(job, report)| copied(job, report)).collect();
        if !beside.is_empty() {
            self.made.lock().unwrap_or_else(PoisonError::into_inner).extend(beside);
        }
    }

    /// The same of a job that has just ended.
    pub(super) fn remember_one(&self, job: &BackupJob, report: &RestoreReport) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).extend(copied(job, report));
    }
}

/// What a restore made; none: it took the place of its original.
fn copied(job: &BackupJob, report: &RestoreReport) -> Option<((TargetName, String), String)> {
    let beside = report.kept_as.is_none() && report.database != job.database;
    beside.then(|| ((job.target.clone(), report.database.clone()), job.database.clone()))
}

/// Which databases of a target are copies of others of it.
fn among(there: &[Found], made: &Made, backed_up: impl Fn(&Found) -> bool) -> Vec<DatabaseCopy> {
    let noted = |f: &Found| made.get(&(f.target.clone(), f.database.clone()));
    let one = |f: &Found| {
        let named = copy_of(&f.database);
        let of = named.map(str::to_owned).or_else(|| noted(f).cloned())?;
        // A name that was cut to make room ends where its time begins.
        let cut = named.is_some() && f.database.len() > LONGEST_UNCUT;
        let original = |o: &Found| copy_of(&o.database).is_none() && (o.database == of || (cut && o.database.starts_with(&of)));
        there.iter().any(original).then(|| DatabaseCopy {
            target: f.target.clone(),
            database: f.database.clone(),
            of: of.clone(),
            size_bytes: f.size_bytes,
        })
    };
    there.iter().filter(|f| !backed_up(f)).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_model::{
        UnixMs,
        backup::{BackupAct, BackupId, BackupKind, JobState},
    };

    fn shop() -> TargetName {
        TargetName::new("shop").expect("a name")
    }

    fn found(names: &[&str]) -> Vec<Found> {
        let one =
            |name: &&str| Found { target: shop(), database: (*name).to_owned(), size_bytes: Some(7), copied_here: false, empty: false };
        names.iter().map(one).collect()
    }

    fn restored(into: &str, kept_as: Option<&str>) -> Option<((TargetName, String), String)> {
        let backup = BackupId::new("20261126T131845Z-7f3a9c01").expect("an id");
        let report = RestoreReport {
            backup: backup.clone(),
            at: UnixMs(0),
            database: into.to_owned(),
            kept_as: kept_as.map(str::to_owned),
            duration_ms: 1,
            tables_compared: 1,
            rows_compared: 1,
            differences: Vec::new(),
            notes: Vec::new(),
        };
        let job = BackupJob {
            id: String::new(),
            target: shop(),
            database: "orders".to_owned(),
            backup: Some(backup.clone()),
            act: BackupAct::Restore { backup, into: Some(into.to_owned()) },
            kind: BackupKind::Manual,
            state: JobState::Done,
            progress: None,
            sentence: None,
            restored: None,
            cancelling: false,
            asked_by: String::new(),
            asked_at: UnixMs(0),
            agreed: None,
            started_at: None,
            ended_at: None,
        };
        copied(&job, &report)
    }

    fn names(there: &[&str], made: &Made, backed_up: &[&str]) -> Vec<String> {
        among(&found(there), made, |f| backed_up.contains(&f.database.as_str())).into_iter().map(|c| c.database).collect()
    }

    #[test]
    fn d3_a_copy_is_known_by_its_name_or_by_the_job_that_made_it() {
        let made: Made = restored("tuesday", None).into_iter().collect();
        let there = ["orders", "tuesday", "orders_restored_20261126T131845", "other"];
        assert_eq!(names(&there, &made, &[]), ["tuesday", "orders_restored_20261126T131845"]);
        assert_eq!(names(&there, &Made::new(), &[]), ["orders_restored_20261126T131845"], "no job says so");
        assert_eq!(names(&there, &made, &["tuesday"]), ["orders_restored_20261126T131845"], "backed up, it is one of its own");
        assert_eq!(names(&["tuesday", "other"], &made, &[]), Vec::<String>::new(), "without its original it is the real one");
        let long = format!("{}_restored_20261126T131845", "o".repeat(38));
        assert_eq!(names(&[&"o".repeat(50), &long], &Made::new(), &[]), [long.as_str()], "a name that was cut");
        assert_eq!(names(&["tuesday_market", "tuesday"], &made, &[]), Vec::<String>::new());
    }

    #[test]
    fn d3_what_took_the_place_of_its_original_is_no_copy() {
        assert_eq!(restored("orders", Some("orders_before_20261126T131845")), None);
        assert_eq!(restored("orders", None), None);
    }
}
