//! Schedules of backups: what is asked for again and again, and up to which moment that is done.

use crate::{
    audit,
    backup_jobs::{self, Asked, NewBackupJob},
    error::{Result, StoreError, moment, unix_ms},
};
use reeve_model::{
    TargetName, UnixMs,
    audit::AuditEvent,
    backup::{BackupJob, JobState, ScheduledRun, ScheduledWhat},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A schedule as somebody wants it, read and found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStoredSchedule {
    /// Id, made by the caller; one that is there already keeps its own.
    pub id: Uuid,
    /// The target.
    pub target: TargetName,
    /// Its database.
    pub database: String,
    /// What is done.
    pub what: ScheduledWhat,
    /// Five fields of cron.
    pub cron: String,
    /// The name of a time zone.
    pub time_zone: String,
    /// Whether it asks for anything.
    pub enabled: bool,
    /// E-mail of who wants it.
    pub set_by: String,
    /// When: moments before it are none of its business.
    pub set_at: UnixMs,
}

/// A schedule as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSchedule {
    /// Id.
    pub id: Uuid,
    /// The target.
    pub target: TargetName,
    /// Its database.
    pub database: String,
    /// What is done.
    pub what: ScheduledWhat,
    /// Five fields of cron.
    pub cron: String,
    /// The name of a time zone.
    pub time_zone: String,
    /// Whether it asks for anything.
    pub enabled: bool,
    /// E-mail of who set it as it is.
    pub set_by: String,
    /// When.
    pub set_at: UnixMs,
    /// Due moments up to this one are done with.
    pub last_due: UnixMs,
    /// Why the last due moment asked for nothing.
    pub last_note: Option<String>,
    /// The newest job that it asked for.
    pub last: Option<ScheduledRun>,
}

/// What a due moment asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum DueJob {
    /// This job, with the event that tells of it.
    Ask(Box<(NewBackupJob, AuditEvent)>),
    /// Nothing: why, in one sentence.
    Nothing(String),
}

/// What became of a due moment.
#[derive(Debug, Clone, PartialEq)]
pub enum Due {
    /// Its job is written down.
    Asked(Box<BackupJob>),
    /// The same was open already, so it was passed over.
    Open(Box<BackupJob>),
    /// There was nothing to ask for.
    Nothing,
    /// Another Reeve had it, or the schedule was changed meanwhile.
    Taken,
}

struct Row {
    id: Uuid,
    target: String,
    database: String,
    what: String,
    cron: String,
    time_zone: String,
    enabled: bool,
    set_by: String,
    set_at: OffsetDateTime,
    last_due: OffsetDateTime,
    last_note: Option<String>,
    job: Option<Uuid>,
    state: Option<String>,
    sentence: Option<String>,
    asked_at: Option<OffsetDateTime>,
}

impl Row {
    fn schedule(self) -> Result<StoredSchedule> {
        let corrupt =
            |what: &str| StoreError::Corrupt(format!("The stored schedule {} has {what} that this program does not know.", self.id));
        let state = self.state.as_deref().map(|word| JobState::from_word(word).ok_or_else(|| corrupt("a state"))).transpose()?;
        let last = self.job.zip(state).zip(self.asked_at).map(|((job, state), at)| ScheduledRun {
            job: job.to_string(),
            at: unix_ms(at),
            state,
            sentence: self.sentence.clone(),
        });
        Ok(StoredSchedule {
            id: self.id,
            what: ScheduledWhat::from_word(&self.what).ok_or_else(|| corrupt("a deed"))?,
            target: TargetName::new(self.target).map_err(StoreError::Corrupt)?,
            database: self.database,
            cron: self.cron,
            time_zone: self.time_zone,
            enabled: self.enabled,
            set_by: self.set_by,
            set_at: unix_ms(self.set_at),
            last_due: unix_ms(self.last_due),
            last_note: self.last_note,
            last,
        })
    }
}

/// All schedules, by target, database and deed.
///
/// # Errors
/// [`StoreError::Corrupt`] for words this program does not know; the database's own.
pub async fn all(connection: &mut PgConnection, org: Uuid) -> Result<Vec<StoredSchedule>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.id, s.target, s.database, s.what, s.cron, s.time_zone, s.enabled, s.set_by, s.set_at, s.last_due, s.last_note,
             j.id AS "job?", j.state AS "state?", j.sentence, j.asked_at AS "asked_at?"
           FROM main.backup_schedule s LEFT JOIN main.backup_job j ON j.id = s.last_job
           WHERE s.org_id = $1 ORDER BY s.target, s.database, s.what"#,
        org
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Row::schedule).collect()
}

/// Sets a schedule, in the place of one for the same database and deed if there is one, and writes the event of it.
///
/// # Errors
/// The database's own.
pub async fn set(connection: &mut PgConnection, org: Uuid, new: &NewStoredSchedule, event: &AuditEvent) -> Result<()> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let set_at = moment(new.set_at)?;
    sqlx::query!(
        "INSERT INTO main.backup_schedule (id, org_id, target, database, what, cron, time_zone, enabled, set_by, set_at, last_due)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
         ON CONFLICT (org_id, target, database, what) DO UPDATE SET cron = excluded.cron, time_zone = excluded.time_zone,
           enabled = excluded.enabled, set_by = excluded.set_by, set_at = excluded.set_at, last_due = excluded.last_due, last_note = NULL",
        new.id,
        org,
        new.target.as_str(),
        new.database,
        new.what.word(),
        new.cron,
        new.time_zone,
        new.enabled,
        new.set_by,
        set_at
    )
    .execute(&mut *step)
    .await?;
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(())
}

/// Removes a schedule and writes the event of it. Answers false, and writes nothing, when it is not there.
///
/// # Errors
/// The database's own.
pub async fn remove(connection: &mut PgConnection, org: Uuid, id: Uuid, event: &AuditEvent) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let gone = sqlx::query!("DELETE FROM main.backup_schedule WHERE org_id = $1 AND id = $2", org, id).execute(&mut *step).await?;
    if gone.rows_affected() == 0 {
        return Ok(false);
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// Takes a due moment of a schedule and asks for its job, as one transaction: whoever comes second, and whoever read a schedule that was
/// changed meanwhile, finds it taken.
///
/// # Errors
/// The database's own.
pub async fn take(connection: &mut PgConnection, org: Uuid, seen: &StoredSchedule, due: UnixMs, job: &DueJob) -> Result<Due> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let taken = sqlx::query_scalar!(
        "UPDATE main.backup_schedule SET last_due = $3, last_note = NULL
         WHERE org_id = $1 AND id = $2 AND last_due < $3 AND enabled AND cron = $4 AND time_zone = $5 RETURNING id",
        org,
        seen.id,
        moment(due)?,
        seen.cron,
        seen.time_zone
    )
    .fetch_optional(&mut *step)
    .await?;
    if taken.is_none() {
        return Ok(Due::Taken);
    }
    let (came, job, note) = match job {
        DueJob::Nothing(why) => (Due::Nothing, None, Some(why.clone())),
        DueJob::Ask(asked) => match backup_jobs::ask(&mut step, org, &asked.0, &asked.1).await? {
            Asked::Queued(job) | Asked::Before(job) => (Due::Asked(Box::new(job)), Some(asked.0.id), None),
            Asked::Open(job) => {
                let note = format!("The same was {} already, asked by {}.", job.state.word(), job.asked_by);
                (Due::Open(Box::new(job)), None, Some(note))
            }
        },
    };
    sqlx::query!(
        "UPDATE main.backup_schedule SET last_job = coalesce($3, last_job), last_note = $4 WHERE org_id = $1 AND id = $2",
        org,
        seen.id,
        job,
        note
    )
    .execute(&mut *step)
    .await?;
    step.commit().await?;
    Ok(came)
}
