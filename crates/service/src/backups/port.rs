//! Backups as pages and routes call them.

use super::{Backups, Inner, Recent, ending, schedules};
use crate::health::no_such_target;
use async_trait::async_trait;
use reeve_access::{
    Grant,
    permission::{ApproveRestore, CancelBackup, RunBackup, ScheduleBackup, UnscheduleBackup, ViewBackup, ViewBackupJob, ViewBackups},
};
use reeve_model::{
    StoreState, TargetName, UnixMs,
    backup::{
        BackupAct, BackupDetail, BackupEntry, BackupHistory, BackupId, BackupJob, BackupKind, BackupQuery, BackupSchedule, BackupTrust,
        JobState, ScheduledWhat,
    },
};
use reeve_ports::{BackupsPort, PortError};
use reeve_store::{
    StoreError,
    backup_jobs::{Agreed, Asked, NewBackupJob},
};
use serde_json::json;
use std::{
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Jobs that a list shows.
const JOBS: i64 = 40;
/// Jobs that one backup's page shows.
const JOBS_OF_ONE: i64 = 20;
/// A page waits for the store at most this long; it shows backups without jobs then.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Jobs read so long ago are shown again.
const REUSE: Duration = Duration::from_millis(900);
/// The same while somebody asks for newer ones already.
const STALE: Duration = Duration::from_secs(3);
/// Tables that one backup may be limited to.
const MOST_TABLES: usize = 1_000;
/// PostgreSQL's longest name, bytes.
const NAME_LIMIT: usize = 63;
/// The longest key of an idempotent request, bytes.
const KEY_LIMIT: usize = 255;

const AWAY: &str = "Reeve's own database is away, so jobs can't be shown or begun. Backups that are there stay as they are.";
/// What is said where there is nothing to back up to.
const NO_REPOSITORY: &str = "No repository is configured, so there is nothing to back up to: name one under [backup] in reeve.toml.";

pub(super) fn trouble(error: StoreError) -> PortError {
    match error {
        StoreError::Invalid(sentence) => PortError::Invalid(sentence),
        other => {
            tracing::warn!(error = %other, "backup jobs could not be read or written");
            PortError::Unavailable(AWAY.to_owned())
        }
    }
}

fn no_such_backup(id: &BackupId) -> PortError {
    PortError::NotFound(format!("There is no backup {id}."))
}

fn no_such_job() -> PortError {
    PortError::NotFound("There is no such job.".to_owned())
}

/// Jobs, or in a sentence why there are none to show.
type Jobs = (Vec<BackupJob>, Option<String>);

impl Inner {
    /// The newest jobs and all schedules. Read once for all who look within a moment: a thousand viewers cost one.
    async fn newest(&self) -> (Recent, Option<String>) {
        let known = self.recent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // One asks again for all; the others go on with what was known a moment ago instead of asking, too.
        let asking = self.asking.try_lock();
        let lasts = if asking.is_ok() { REUSE } else { STALE };
        if let Some(known) = known.filter(|known| known.at.elapsed() < lasts) {
            let jobs = known.jobs.into_iter().map(|job| self.live(job)).collect();
            return (Recent { jobs, ..known }, None);
        }
        let (at, changes) = (Instant::now(), self.changes.load(Ordering::SeqCst));
        let (jobs, schedules) = tokio::join!(self.jobs(self.store.backup_jobs(JOBS)), self.read(self.store.backup_schedules()));
        self.remember(&jobs.0);
        let fault = jobs.1.or(schedules.1);
        let recent = Recent { at, jobs: jobs.0, schedules: schedules.0 };
        if fault.is_none() && self.changes.load(Ordering::SeqCst) == changes {
            *self.recent.lock().unwrap_or_else(PoisonError::into_inner) = Some(recent.clone());
        }
        (recent, fault)
    }

    async fn jobs(&self, asked: impl Future<Output = reeve_store::Result<Vec<BackupJob>>>) -> Jobs {
        let (jobs, fault) = self.read(asked).await;
        (jobs.into_iter().map(|job| self.live(job)).collect(), fault)
    }

    /// What the store has, or in a sentence why there is nothing to show.
    pub(super) async fn read<T>(&self, asked: impl Future<Output = reeve_store::Result<Vec<T>>>) -> (Vec<T>, Option<String>) {
        // A store that is known to be away must not hold up a page.
        if matches!(self.hub.store_state(), StoreState::Down { .. }) {
            return (Vec::new(), Some(AWAY.to_owned()));
        }
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(all)) => (all, None),
            Ok(Err(error)) => {
                tracing::debug!(%error, "backup jobs can't be read");
                (Vec::new(), Some(AWAY.to_owned()))
            }
            Err(_) => (Vec::new(), Some(AWAY.to_owned())),
        }
    }

    fn entry(&self, id: &BackupId) -> Option<BackupEntry> {
        self.repository().1.entries.iter().find(|e| e.backup.id == *id).cloned()
    }

    /// The database that what is asked for is about, when it can be done.
    pub(super) fn database(&self, target: &TargetName, act: &BackupAct) -> Result<String, PortError> {
        if self.works.is_none() {
            return Err(PortError::Unavailable(NO_REPOSITORY.to_owned()));
        }
        let known = self.hub.latest(target).is_some();
        let there = self.databases(target);
        let has = |name: &str| there.iter().any(|f| f.database == name);
        match act {
            BackupAct::Backup { database, tables } => {
                if !known {
                    return Err(no_such_target(target));
                }
                if !there.is_empty() && !has(database) {
                    return Err(PortError::Invalid(format!("{target} has no database {database:?}.")));
                }
                named(database, "database")?;
                if tables.len() > MOST_TABLES {
                    return Err(PortError::Invalid(format!("Name {MOST_TABLES} tables at most, or none for all of them.")));
                }
                if tables.iter().any(|t| t.is_empty() || t.len() > 2 * NAME_LIMIT + 1 || t.contains('\0')) {
                    return Err(PortError::Invalid("Write each table as schema.table.".to_owned()));
                }
                Ok(database.clone())
            }
            BackupAct::PutBack { backup, schema, table, .. } => {
                let entry = self.of(target, backup)?;
                if !known {
                    return Err(PortError::Invalid(format!(
                        "{target} is configured no more, so there is no server to put a table back into."
                    )));
                }
                if !entry.backup.tables.iter().any(|t| t.schema == *schema && t.name == *table) {
                    return Err(PortError::Invalid(format!("The backup {backup} holds no table {schema}.{table}.")));
                }
                Ok(entry.backup.database.name)
            }
            BackupAct::Verify { backup, .. } | BackupAct::Drill { backup } => Ok(self.of(target, backup)?.backup.database.name),
            BackupAct::Replace { backup, typed } => {
                let entry = self.of(target, backup)?;
                let name = &entry.backup.database.name;
                let invalid = |sentence: String| Err(PortError::Invalid(sentence));
                if !known || !has(name) {
                    return invalid(format!("{target} has no database {name:?} now, so there is none to replace: restore beside instead."));
                }
                if entry.trust() == BackupTrust::Failed {
                    return invalid(format!("A check of the backup {backup} failed: nothing is replaced by it. Choose another one."));
                }
                if !entry.backup.whole {
                    return invalid(format!("The backup {backup} holds the rows of some tables only: restore beside, and take them over."));
                }
                if typed != name {
                    return invalid(format!("To replace a database its name must be typed, and what was typed is not {name:?}."));
                }
                Ok(name.clone())
            }
            BackupAct::Restore { backup, into } => {
                let entry = self.of(target, backup)?;
                if !known {
                    let sentence =
                        format!("{target} is configured no more, so there is no server to restore into. Use `reeve backup restore`.");
                    return Err(PortError::Invalid(sentence));
                }
                if let Some(name) = into {
                    named(name, "new database")?;
                    if has(name) {
                        let sentence =
                            format!("{target} has a database {name:?} already. Choose another name: nothing is ever overwritten here.");
                        return Err(PortError::Invalid(sentence));
                    }
                }
                Ok(entry.backup.database.name)
            }
        }
    }

    /// A backup of this target; of another one it is not there.
    fn of(&self, target: &TargetName, id: &BackupId) -> Result<BackupEntry, PortError> {
        self.entry(id).filter(|e| e.backup.target == *target).ok_or_else(|| no_such_backup(id))
    }
}

pub(super) fn named(name: &str, what: &str) -> Result<(), PortError> {
    if (1..=NAME_LIMIT).contains(&name.len()) && !name.contains('\0') {
        return Ok(());
    }
    Err(PortError::Invalid(format!("Give the {what} a name of 1 to {NAME_LIMIT} bytes.")))
}

/// Whether a permission reaches a target, one that is configured no more included.
fn reaches<P: reeve_access::Permission>(grant: &Grant<P>, target: &TargetName) -> bool {
    grant.covers(target) || grant.covers_everything()
}

#[async_trait]
impl BackupsPort for Backups {
    async fn backup_history(&self, grant: Grant<ViewBackups>, query: BackupQuery) -> Result<BackupHistory, PortError> {
        if query.limit > 500 {
            return Err(PortError::Invalid("limit is 1 to 500.".to_owned()));
        }
        let inner = &self.inner;
        let limit = if query.limit == 0 { 50 } else { query.limit as usize };
        let (Recent { jobs, schedules, .. }, jobs_fault) = inner.newest().await;
        let now = UnixMs::now();
        let jobs: Vec<_> = jobs.into_iter().filter(|j| reaches(&grant, &j.target)).collect();
        let schedules: Vec<_> = schedules.into_iter().filter(|s| reaches(&grant, &s.target)).map(|s| schedules::shown(s, now)).collect();
        let (repository, held) = inner.repository();
        let mut databases = inner.cover(&held.entries, &jobs, |target| reaches(&grant, target));
        for cover in &mut databases {
            let of = |s: &&BackupSchedule| s.what == ScheduledWhat::Backup && s.target == cover.target && s.database == cover.database;
            cover.next_run = schedules.iter().find(of).and_then(|s| s.next_at);
        }
        let seen = || held.entries.iter().filter(|e| reaches(&grant, &e.backup.target));
        let matches = |e: &&BackupEntry| {
            query.target.as_ref().is_none_or(|t| *t == e.backup.target)
                && query.database.as_ref().is_none_or(|d| *d == e.backup.database.name)
                && query.trust.is_none_or(|t| t == e.trust())
        };
        // Listed by the moment of the snapshot, which an id tells to the second only, and that of the run's begin. Of a backup that is gone
        // by now nothing else is known.
        let at = query.cursor.as_ref().and_then(|cursor| held.entries.iter().find(|e| e.backup.id == *cursor));
        let after = |e: &&BackupEntry| match (at, &query.cursor) {
            (Some(at), _) => (e.backup.timestamp, &e.backup.id) < (at.backup.timestamp, &at.backup.id),
            (None, Some(cursor)) => e.backup.id < *cursor,
            (None, None) => true,
        };
        let mut items: Vec<BackupEntry> = seen().filter(matches).filter(after).take(limit + 1).cloned().collect();
        let more = items.len() > limit;
        items.truncate(limit);
        Ok(BackupHistory {
            at: now,
            repository,
            databases,
            copies: inner.copies(|target| reaches(&grant, target) && !inner.standby(target)),
            jobs,
            schedules,
            jobs_fault,
            next: items.last().filter(|_| more).map(|e| e.backup.id.clone()),
            items,
            matching: seen().filter(matches).count() as u64,
            total: seen().count() as u64,
            // Whose they are can't be told.
            damaged: if grant.covers_everything() { held.damaged.clone() } else { Vec::new() },
        })
    }

    async fn backup_detail(&self, grant: Grant<ViewBackup>) -> Result<BackupDetail, PortError> {
        let (inner, id) = (&self.inner, grant.resource());
        let entry = inner.entry(id).filter(|e| reaches(&grant, &e.backup.target)).ok_or_else(|| no_such_backup(id))?;
        let (jobs, jobs_fault) = inner.jobs(inner.store.backup_jobs_of(id, JOBS_OF_ONE)).await;
        // Again after the jobs: what a job that has ended found must not be missing beside it.
        let entry = inner.entry(id).unwrap_or(entry);
        let (missing, gone) = (inner.missing(&entry.backup), inner.gone(&entry.backup, &jobs));
        Ok(BackupDetail { at: UnixMs::now(), repository: inner.repository().0, entry, jobs, missing, gone, jobs_fault })
    }

    async fn backup_job(&self, grant: Grant<ViewBackupJob>) -> Result<BackupJob, PortError> {
        let id = Uuid::parse_str(grant.resource()).map_err(|_| no_such_job())?;
        let job = self.inner.store.backup_job(id).await.map_err(trouble)?;
        job.filter(|job| reaches(&grant, &job.target)).map(|job| self.inner.live(job)).ok_or_else(no_such_job)
    }

    async fn ask(&self, grant: Grant<RunBackup>, key: Option<String>) -> Result<BackupJob, PortError> {
        let (inner, principal, (target, act)) = (&self.inner, grant.principal(), grant.resource());
        if key.as_ref().is_some_and(|k| !(1..=KEY_LIMIT).contains(&k.len()) || !k.bytes().all(|b| (0x20..0x7f).contains(&b))) {
            return Err(PortError::Invalid(format!("Idempotency-Key is 1 to {KEY_LIMIT} printable characters of ASCII.")));
        }
        let database = inner.database(target, act)?;
        if let BackupAct::PutBack { backup, from, .. } = act {
            // Only from where this backup was restored to: no way to read databases that are none of its business.
            let jobs = inner.store.backup_jobs_of(backup, JOBS_OF_ONE).await.map_err(trouble)?;
            if !jobs.iter().filter_map(|job| job.restored.as_ref()).any(|r| r.database == *from) {
                let sentence = format!("The backup {backup} was not restored as {from:?} lately: restore it beside the original first.");
                return Err(PortError::Invalid(sentence));
            }
        }
        let id = Uuid::new_v4();
        let asked = json!({ "job": id.to_string(), "asked": act });
        let event = inner.trail.draft("request", "backup", &format!("{target}/{database}")).by(principal).after(&asked).finish();
        let new = NewBackupJob {
            id,
            target: target.clone(),
            database,
            act: act.clone(),
            kind: BackupKind::Manual,
            account: Uuid::parse_str(&principal.account).ok(),
            asked_by: principal.email.clone(),
            idempotency_key: key,
        };
        match inner.store.ask_backup_job(new, event).await.map_err(trouble)? {
            Asked::Queued(job) => {
                inner.trail.written();
                inner.forget();
                Ok(job)
            }
            Asked::Before(job) if job.target == *target && job.act == *act => Ok(inner.live(job)),
            Asked::Before(_) => {
                Err(PortError::Invalid("This Idempotency-Key was used for another request before; use a new one.".to_owned()))
            }
            Asked::Open(job) => {
                let database = &job.database;
                Err(PortError::Invalid(format!(
                    "The same is {} for {database} already, asked by {}: wait until it has ended, or cancel it.",
                    job.state.word(),
                    job.asked_by
                )))
            }
        }
    }

    async fn cancel(&self, grant: Grant<CancelBackup>) -> Result<BackupJob, PortError> {
        let (inner, principal, (target, id)) = (&self.inner, grant.principal(), grant.resource());
        let id = Uuid::parse_str(id).map_err(|_| no_such_job())?;
        let job = inner.store.backup_job(id).await.map_err(trouble)?.filter(|j| j.target == *target).ok_or_else(no_such_job)?;
        let after = json!({ "job": id.to_string(), "asked": job.act });
        let event = inner.trail.draft("cancel", "backup", &ending::resource(&job)).by(principal).after(&after).finish();
        let Some(job) = inner.store.cancel_backup_job(id, event).await.map_err(trouble)? else {
            return Err(PortError::Invalid(format!("This job is {} already; there is nothing to cancel.", job.state.word())));
        };
        inner.trail.written();
        inner.forget();
        if job.state == JobState::Running {
            inner.end(id);
        }
        Ok(inner.live(job))
    }

    async fn approve(&self, grant: Grant<ApproveRestore>) -> Result<BackupJob, PortError> {
        let (inner, principal, (target, id)) = (&self.inner, grant.principal(), grant.resource());
        let id = Uuid::parse_str(id).map_err(|_| no_such_job())?;
        let account = Uuid::parse_str(&principal.account).map_err(|_| PortError::NotFound("There is no such account.".to_owned()))?;
        let job = inner.store.backup_job(id).await.map_err(trouble)?.filter(|j| j.target == *target).ok_or_else(no_such_job)?;
        // What was right when it was asked for need not be any more.
        if job.state == JobState::Waiting {
            inner.database(target, &job.act)?;
        }
        let after = json!({ "job": id.to_string(), "asked": job.act, "asked_by": job.asked_by });
        let event = inner.trail.draft("approve", "restore", &ending::resource(&job)).by(principal).after(&after).finish();
        let invalid = |sentence: String| Err(PortError::Invalid(sentence));
        match inner.store.agree_backup_job(id, account, &principal.email, event).await.map_err(trouble)? {
            Agreed::Queued(job) => {
                inner.trail.written();
                inner.forget();
                Ok(inner.live(job))
            }
            Agreed::SamePerson => invalid("You asked for this yourself, so somebody else must agree to it.".to_owned()),
            Agreed::TooLate => {
                invalid("This was asked for more than 24 hours ago, and much may have changed: cancel it and ask again.".to_owned())
            }
            Agreed::Not(job) => invalid(format!("This job is {} and waits for nobody.", job.state.word())),
            Agreed::Missing => Err(no_such_job()),
        }
    }

    async fn backup_schedules(&self, grant: Grant<ViewBackups>) -> Result<Vec<BackupSchedule>, PortError> {
        let (Recent { schedules, .. }, fault) = self.inner.newest().await;
        if let Some(sentence) = fault {
            return Err(PortError::Unavailable(sentence));
        }
        let now = UnixMs::now();
        Ok(schedules.into_iter().filter(|s| reaches(&grant, &s.target)).map(|s| schedules::shown(s, now)).collect())
    }

    async fn set_schedule(&self, grant: Grant<ScheduleBackup>) -> Result<BackupSchedule, PortError> {
        let (target, wanted) = grant.resource();
        self.inner.set_schedule(grant.principal(), target, wanted).await
    }

    async fn remove_schedule(&self, grant: Grant<UnscheduleBackup>) -> Result<(), PortError> {
        let (target, id) = grant.resource();
        self.inner.remove_schedule(grant.principal(), target, id).await
    }
}
