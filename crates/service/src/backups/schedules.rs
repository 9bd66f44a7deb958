//! Schedules: set, removed, shown, and asked for when they are due.
//!
//! A due moment is taken and its job written down in one transaction, so two Reeves, or one that starts again, never run it twice. What was
//! missed while Reeve was down is made up for once, however often it was missed.

use super::{
    Inner,
    port::{named, trouble},
};
use crate::audit::{Draft, Trail};
use reeve_access::Principal;
use reeve_model::{
    TargetName, UnixMs,
    backup::{BackupAct, BackupEntry, BackupKind, BackupSchedule, BackupTrust, NewSchedule, ScheduledWhat},
};
use reeve_ports::PortError;
use reeve_rules::backups::Schedule;
use reeve_store::{
    Store,
    backup_jobs::NewBackupJob,
    backup_schedules::{Due, DueJob, NewStoredSchedule, StoredSchedule},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Schedules are read again at the latest after this: the wall clock may have been set, and another Reeve may have changed them.
const EVERY: Duration = Duration::from_secs(60);
/// The pause before the store or the repository is tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// Who asks for what a schedule brings about.
const ASKER: &str = "schedule";
/// A moment done with that lies so far ahead comes of a clock that was wrong once; it must not silence a schedule for ever.
const ASTRAY_MS: i64 = 86_400_000;

/// Waits for due moments until told to stop.
pub(super) async fn keep(inner: Arc<Inner>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let wait = tokio::select! {
            () = stop.cancelled() => break,
            wait = round(&inner) => wait,
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = inner.plans.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Asks for all that is due, and answers how long to wait for what is due next.
async fn round(inner: &Inner) -> Duration {
    let all = match inner.store.backup_schedules().await {
        Ok(all) => all,
        Err(error) => {
            tracing::debug!(%error, "schedules of backups can't be read");
            return AGAIN;
        }
    };
    let mut wait = EVERY;
    for stored in all.into_iter().filter(|s| s.enabled) {
        let Some(schedule) = read(&stored) else { continue };
        let now = UnixMs::now();
        if let Some(due) = schedule.latest(done(&stored, now), now)
            && !inner.take(&stored, due).await
        {
            wait = wait.min(AGAIN);
        }
        if let Some(next) = schedule.next(now) {
            let left = u64::try_from(next.ms_since(UnixMs::now())).unwrap_or(0);
            wait = wait.min(Duration::from_millis(left));
        }
    }
    wait
}

/// Up to when a schedule is done with.
fn done(stored: &StoredSchedule, now: UnixMs) -> UnixMs {
    if stored.last_due.ms_since(now) > ASTRAY_MS { now } else { stored.last_due }
}

/// What is stored was found good when it was set; a later Reeve may know zones no more.
fn read(stored: &StoredSchedule) -> Option<Schedule> {
    let read = Schedule::parse(&stored.cron, &stored.time_zone);
    read.inspect_err(|sentence| tracing::warn!(target = %stored.target, database = %stored.database, %sentence, "a schedule can't be read"))
        .ok()
}

/// A schedule as pages and programs see it.
pub(super) fn shown(stored: StoredSchedule, now: UnixMs) -> BackupSchedule {
    let schedule = read(&stored);
    let next_at = schedule.as_ref().filter(|_| stored.enabled).and_then(|s| s.next(now));
    BackupSchedule {
        id: stored.id.to_string(),
        target: stored.target,
        database: stored.database,
        what: stored.what,
        words: schedule.as_ref().map_or_else(|| "at times that can't be read".to_owned(), Schedule::words),
        cron: stored.cron,
        time_zone: stored.time_zone,
        enabled: stored.enabled,
        set_by: stored.set_by,
        set_at: stored.set_at,
        next_at,
        next_local: next_at.zip(schedule).map(|(at, s)| s.local(at)),
        last: stored.last,
        note: stored.last_note,
    }
}

/// A schedule as the audit trail has it.
fn told(id: &str, what: ScheduledWhat, cron: &str, time_zone: &str, enabled: bool) -> Value {
    json!({ "schedule": id, "what": what, "cron": cron, "time_zone": time_zone, "enabled": enabled })
}

fn no_such_schedule() -> PortError {
    PortError::NotFound("There is no such schedule.".to_owned())
}

/// Who changes schedules.
#[derive(Clone, Copy)]
pub(super) enum Author<'a> {
    /// An account.
    Account(&'a Principal),
    /// Whoever has the machine, by the name of its user.
    Local(&'a str),
}

impl Author<'_> {
    fn sign(self, draft: Draft) -> Draft {
        match self {
            Self::Account(principal) => draft.by(principal),
            Self::Local(user) => draft.by_local(user),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Account(principal) => principal.email.clone(),
            Self::Local(user) => format!("{user} (command line)"),
        }
    }
}

/// Sets a schedule, with its event; answers it as it stands then.
pub(super) async fn set(
    store: &Store,
    trail: &Trail,
    author: Author<'_>,
    target: &TargetName,
    wanted: &NewSchedule,
) -> Result<BackupSchedule, PortError> {
    let database = &wanted.database;
    named(database, "database")?;
    let schedule = Schedule::parse(&wanted.when, &wanted.time_zone).map_err(PortError::Invalid)?;
    let all = store.backup_schedules().await.map_err(trouble)?;
    let same = |s: &&StoredSchedule| s.target == *target && s.database == *database && s.what == wanted.what;
    let before = all.iter().find(same);
    let id = before.map_or_else(Uuid::new_v4, |s| s.id);
    let after = told(&id.to_string(), wanted.what, schedule.cron(), schedule.zone(), wanted.enabled);
    let mut draft = author.sign(trail.draft("schedule", "backup", &format!("{target}/{database}")));
    if let Some(s) = before {
        draft = draft.before(&told(&s.id.to_string(), s.what, &s.cron, &s.time_zone, s.enabled));
    }
    let new = NewStoredSchedule {
        id,
        target: target.clone(),
        database: database.clone(),
        what: wanted.what,
        cron: schedule.cron().to_owned(),
        time_zone: schedule.zone().to_owned(),
        enabled: wanted.enabled,
        set_by: author.name(),
        set_at: UnixMs::now(),
    };
    store.set_backup_schedule(new, draft.after(&after).finish()).await.map_err(trouble)?;
    let all = store.backup_schedules().await.map_err(trouble)?;
    let set = all.into_iter().find(|s| same(&s)).ok_or_else(no_such_schedule)?;
    Ok(shown(set, UnixMs::now()))
}

/// Removes the schedule that is meant, with its event.
pub(super) async fn remove(
    store: &Store,
    trail: &Trail,
    author: Author<'_>,
    meant: impl Fn(&StoredSchedule) -> bool,
) -> Result<(), PortError> {
    let all = store.backup_schedules().await.map_err(trouble)?;
    let found = all.into_iter().find(|s| meant(s)).ok_or_else(no_such_schedule)?;
    let before = told(&found.id.to_string(), found.what, &found.cron, &found.time_zone, found.enabled);
    let draft = trail.draft("unschedule", "backup", &format!("{}/{}", found.target, found.database));
    let event = author.sign(draft).before(&before).finish();
    if store.remove_backup_schedule(found.id, event).await.map_err(trouble)? { Ok(()) } else { Err(no_such_schedule()) }
}

impl Inner {
    /// Takes a due moment. Answers false when that could not be done and is to be tried again.
    async fn take(&self, stored: &StoredSchedule, due: UnixMs) -> bool {
        let (target, database, what) = (&stored.target, &stored.database, stored.what.word());
        let Some(job) = self.due_job(stored, due) else { return false };
        let nothing = if let DueJob::Nothing(why) = &job { why.clone() } else { String::new() };
        match self.store.take_due_backup(stored.clone(), due, job).await {
            Ok(Due::Asked(job)) => {
                tracing::info!(job = %job.id, what, %target, database, "a schedule asked for a job");
                self.trail.written();
            }
            Ok(Due::Open(job)) => {
                let state = job.state.word();
                tracing::warn!(job = %job.id, what, %target, database, state, "a schedule was passed over: the same was open already");
            }
            Ok(Due::Nothing) => tracing::warn!(what, %target, database, sentence = nothing, "a schedule was passed over"),
            Ok(Due::Taken) => tracing::debug!(what, %target, database, "a due moment was taken already"),
            Err(error) => {
                tracing::warn!(%error, what, %target, database, "a schedule is due, and its job can't be written down yet");
                return false;
            }
        }
        self.forget();
        true
    }

    /// What a due moment asks for; none while the repository was never read, so that it is not known which backup is to be drilled.
    fn due_job(&self, stored: &StoredSchedule, due: UnixMs) -> Option<DueJob> {
        let act = match stored.what {
            ScheduledWhat::Backup => BackupAct::Backup { database: stored.database.clone(), tables: Vec::new() },
            ScheduledWhat::Drill => {
                let (state, held) = self.repository();
                let good = |e: &&BackupEntry| {
                    let b = &e.backup;
                    b.target == stored.target && b.database.name == stored.database && b.whole && e.trust() != BackupTrust::Failed
                };
                match held.entries.iter().filter(good).max_by_key(|e| e.backup.timestamp) {
                    Some(newest) => BackupAct::Drill { backup: newest.backup.id.clone() },
                    None if state.known() => return Some(DueJob::Nothing("There was no good backup to drill.".to_owned())),
                    None => return None,
                }
            }
        };
        let id = Uuid::new_v4();
        let after = json!({ "job": id.to_string(), "asked": act, "schedule": stored.id.to_string(), "due": due });
        let event = self.trail.draft("request", "backup", &format!("{}/{}", stored.target, stored.database)).after(&after).finish();
        let new = NewBackupJob {
            id,
            target: stored.target.clone(),
            database: stored.database.clone(),
            act,
            kind: BackupKind::Scheduled,
            account: None,
            asked_by: ASKER.to_owned(),
            idempotency_key: None,
        };
        Some(DueJob::Ask(Box::new((new, event))))
    }

    pub(super) async fn set_schedule(
        &self,
        who: &Principal,
        target: &TargetName,
        wanted: &NewSchedule,
    ) -> Result<BackupSchedule, PortError> {
        let act = BackupAct::Backup { database: wanted.database.clone(), tables: Vec::new() };
        self.database(target, &act)?;
        let set = set(&self.store, &self.trail, Author::Account(who), target, wanted).await?;
        self.changed();
        Ok(set)
    }

    pub(super) async fn remove_schedule(&self, who: &Principal, target: &TargetName, id: &str) -> Result<(), PortError> {
        remove(&self.store, &self.trail, Author::Account(who), |s| s.target == *target && s.id.to_string() == id).await?;
        self.changed();
        Ok(())
    }

    fn changed(&self) {
        self.trail.written();
        self.forget();
        self.plans.notify_one();
    }
}
