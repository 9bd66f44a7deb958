//! Jobs about backups: what was asked, what is at work, what came of it.

use crate::{
    audit,
    error::{Result, StoreError, unix_ms},
    queue,
};
use reeve_model::{
    TargetName,
    audit::AuditEvent,
    backup::{BackupAct, BackupId, BackupJob, BackupKind, JobProgress, JobState, RestoreReport},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// What a new job needs.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBackupJob {
    /// Id, made by the caller so that a retry makes no second one.
    pub id: Uuid,
    /// The target.
    pub target: TargetName,
    /// Its database.
    pub database: String,
    /// What is asked.
    pub act: BackupAct,
    /// What caused it.
    pub kind: BackupKind,
    /// Who asked; none for Reeve itself.
    pub account: Option<Uuid>,
    /// Their e-mail.
    pub asked_by: String,
    /// What makes asking again the same as asking once, 1 to 255 bytes.
    pub idempotency_key: Option<String>,
}

/// What became of asking.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// It is written down.
    Queued(BackupJob),
    /// This account asked with this key before, and this came of it.
    Before(BackupJob),
    /// The same is open already.
    Open(BackupJob),
}

/// What became of agreeing.
#[derive(Debug, Clone, PartialEq)]
pub enum Agreed {
    /// It is queued now.
    Queued(BackupJob),
    /// Who asked can't be the one who agrees.
    SamePerson,
    /// It was asked for so long ago that nobody may agree any more.
    TooLate,
    /// It waits for nobody: as it stands now.
    Not(BackupJob),
    /// There is no such job.
    Missing,
}

/// What became of beginning a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// It is at work from now on.
    Job(Box<BackupJob>),
    /// Another one of its database is still at work; the queue gives it out again in a moment.
    Busy,
    /// It is no longer queued: it was cancelled.
    Over,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Done, failed or cancelled.
    pub state: JobState,
    /// One sentence for a person.
    pub sentence: String,
    /// The backup that was made; none keeps the one the job is about.
    pub backup: Option<BackupId>,
    /// How far it was.
    pub progress: Option<JobProgress>,
    /// What a restore did.
    pub restored: Option<RestoreReport>,
}

struct Row {
    id: Uuid,
    target: String,
    database: String,
    kind: String,
    act: Value,
    state: String,
    backup_id: Option<String>,
    cancelling: bool,
    progress: Option<Value>,
    sentence: Option<String>,
    restored: Option<Value>,
    asked_by: String,
    asked_at: OffsetDateTime,
    started_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
    agreed_by: Option<String>,
    agreed_at: Option<OffsetDateTime>,
}

impl Row {
    fn job(self) -> Result<BackupJob> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("The stored job {} has {what} that this program does not know.", self.id));
        Ok(BackupJob {
            id: self.id.to_string(),
            kind: BackupKind::from_word(&self.kind).ok_or_else(|| corrupt("a cause"))?,
            state: JobState::from_word(&self.state).ok_or_else(|| corrupt("a state"))?,
            target: TargetName::new(self.target).map_err(StoreError::Corrupt)?,
            database: self.database,
            act: read(self.act)?,
            backup: self.backup_id.map(BackupId::new).transpose().map_err(StoreError::Corrupt)?,
            progress: self.progress.map(read).transpose()?,
            sentence: self.sentence,
            restored: self.restored.map(read).transpose()?,
            cancelling: self.cancelling,
            asked_by: self.asked_by,
            asked_at: unix_ms(self.asked_at),
            started_at: self.started_at.map(unix_ms),
            ended_at: self.ended_at.map(unix_ms),
            agreed: self.agreed_by.zip(self.agreed_at.map(unix_ms)),
        })
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| StoreError::Corrupt(format!("A stored job can't be read: {error}.")))
}

fn written<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| StoreError::Invalid(format!("A job can't be stored: {error}.")))
}

/// The jobs that a condition names, with its arguments.
macro_rules! jobs {
    ($which:tt; $($given:expr),*) => {
        sqlx::query_as!(
            Row,
            "SELECT id, target, database, kind, act, state, backup_id, cancelling, progress, sentence, restored, asked_by, asked_at,
               started_at, ended_at, agreed_by, agreed_at FROM main.backup_job WHERE " + $which,
            $($given),*
        )
    };
}

/// Writes a job down, and its event, as the same transaction: a durable intent before anything is done. Repeated with the same id it
/// changes nothing.
///
/// # Errors
/// The database's own.
pub async fn ask(connection: &mut PgConnection, org: Uuid, new: &NewBackupJob, event: &AuditEvent) -> Result<Asked> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let made = sqlx::query!(
        "INSERT INTO main.backup_job
             (id, org_id, target, database, what, kind, act, backup_id, account_id, asked_by, idempotency_key, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
        new.id,
        org,
        new.target.as_str(),
        new.database,
        new.act.what().word(),
        new.kind.word(),
        written(&new.act)?,
        new.act.backup().map(BackupId::as_str),
        new.account,
        new.asked_by,
        new.idempotency_key,
        if new.act.takes_two() { JobState::Waiting } else { JobState::Queued }.word()
    )
    .execute(&mut *step)
    .await?;
    if made.rows_affected() == 1 {
        let job = jobs!("org_id = $1 AND id = $2"; org, new.id).fetch_one(&mut *step).await?.job()?;
        if job.state == JobState::Queued {
            queue::add(&mut step, new.id, new.target.as_str(), &new.database).await?;
        }
        audit::write(&mut step, event).await?;
        step.commit().await?;
        return Ok(Asked::Queued(job));
    }
    // The answer to a former try was lost on its way.
    if let Some(row) = jobs!("org_id = $1 AND id = $2"; org, new.id).fetch_optional(&mut *step).await? {
        return Ok(Asked::Queued(row.job()?));
    }
    if let (Some(account), Some(key)) = (new.account, &new.idempotency_key) {
        let before = jobs!("org_id = $1 AND account_id = $2 AND idempotency_key = $3"; org, account, key);
        if let Some(row) = before.fetch_optional(&mut *step).await? {
            return Ok(Asked::Before(row.job()?));
        }
    }
    let open = jobs!(
        "org_id = $1 AND target = $2 AND database = $3 AND what = $4 AND coalesce(backup_id, '') = $5 AND ended_at IS NULL";
        org,
        new.target.as_str(),
        new.database,
        new.act.what().word(),
        new.act.backup().map_or("", BackupId::as_str)
    );
    match open.fetch_optional(&mut *step).await? {
        Some(row) => Ok(Asked::Open(row.job()?)),
        // It ended between the two looks.
        None => Err(StoreError::Invalid("Another job of this database has just ended; ask again.".to_owned())),
    }
}

/// Begins a job that the queue gave out.
///
/// # Errors
/// The database's own.
pub async fn begin(connection: &mut PgConnection, org: Uuid, id: Uuid) -> Result<Begun> {
    let begun = sqlx::query!(
        "UPDATE main.backup_job j SET state = 'running', started_at = clock_timestamp()
         WHERE j.org_id = $1 AND j.id = $2 AND j.state = 'queued' AND NOT EXISTS (
           SELECT FROM main.backup_job r WHERE r.org_id = $1 AND r.target = j.target AND r.database = j.database AND r.state = 'running')",
        org,
        id
    )
    .execute(&mut *connection)
    .await;
    match begun {
        // The unique index `backup_job_running`: one at a time per database, also when two look at the same moment.
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {}
        other => {
            other?;
        }
    }
    let row = jobs!("org_id = $1 AND id = $2"; org, id).fetch_optional(&mut *connection).await?;
    Ok(match row.map(Row::job).transpose()? {
        // The answer to a former try may have been lost on its way; the queue gives a job to nobody else meanwhile.
        Some(job) if job.state == JobState::Running => Begun::Job(Box::new(job)),
        Some(job) if job.state == JobState::Queued => {
            queue::add_later(connection, id, job.target.as_str(), &job.database).await?;
            Begun::Busy
        }
        _ => Begun::Over,
    })
}

/// Writes how a running job ended, with its event. Answers false, and writes nothing, when it was not running.
///
/// # Errors
/// The database's own.
pub async fn finish(connection: &mut PgConnection, org: Uuid, id: Uuid, ending: &Ending, event: &AuditEvent) -> Result<bool> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let done = sqlx::query!(
        "UPDATE main.backup_job SET state = $3, sentence = $4, backup_id = coalesce($5, backup_id), progress = $6, restored = $7,
           ended_at = clock_timestamp() WHERE org_id = $1 AND id = $2 AND state = 'running'",
        org,
        id,
        ending.state.word(),
        ending.sentence,
        ending.backup.as_ref().map(BackupId::as_str),
        ending.progress.as_ref().map(written).transpose()?,
        ending.restored.as_ref().map(written).transpose()?
    )
    .execute(&mut *step)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::write(&mut step, event).await?;
    step.commit().await?;
    Ok(true)
}

/// Ends a job that waits; marks one that is at work, which its worker then ends. Answers the job as it is then, and none when there is no
/// open one of that id. Asked again it changes nothing.
///
/// # Errors
/// The database's own.
pub async fn cancel(connection: &mut PgConnection, org: Uuid, id: Uuid, event: &AuditEvent) -> Result<Option<BackupJob>> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let done = sqlx::query!(
        "UPDATE main.backup_job SET cancelling = true,
           ended_at = CASE WHEN state <> 'running' THEN clock_timestamp() END,
           sentence = CASE WHEN state <> 'running' THEN 'It was cancelled before it began.' END,
           state = CASE WHEN state <> 'running' THEN 'cancelled' ELSE state END
         WHERE org_id = $1 AND id = $2 AND ended_at IS NULL AND NOT cancelling",
        org,
        id
    )
    .execute(&mut *step)
    .await?;
    let row = jobs!("org_id = $1 AND id = $2 AND cancelling"; org, id).fetch_optional(&mut *step).await?;
    if done.rows_affected() > 0 {
        if row.as_ref().is_some_and(|r| r.ended_at.is_some()) {
            queue::remove(&mut step, id).await?;
        }
        audit::write(&mut step, event).await?;
        step.commit().await?;
    }
    row.map(Row::job).transpose()
}

/// Queues a job that waits for a second person, and writes the event. Agreed to again by the same person it changes nothing.
///
/// # Errors
/// The database's own.
pub async fn agree(connection: &mut PgConnection, org: Uuid, id: Uuid, (account, by): (Uuid, &str), event: &AuditEvent) -> Result<Agreed> {
    let mut step = sqlx::Connection::begin(connection).await?;
    let done = sqlx::query!(
        "UPDATE main.backup_job SET state = 'queued', agreed_account = $3, agreed_by = $4, agreed_at = clock_timestamp()
         WHERE org_id = $1 AND id = $2 AND state = 'waiting' AND account_id <> $3 AND asked_at > clock_timestamp() - interval '24 hours'",
        org,
        id,
        account,
        by
    )
    .execute(&mut *step)
    .await?;
    let Some(row) = jobs!("org_id = $1 AND id = $2"; org, id).fetch_optional(&mut *step).await? else { return Ok(Agreed::Missing) };
    let job = row.job()?;
    if done.rows_affected() == 1 {
        queue::add(&mut step, id, job.target.as_str(), &job.database).await?;
        audit::write(&mut step, event).await?;
        step.commit().await?;
        return Ok(Agreed::Queued(job));
    }
    if job.state != JobState::Waiting {
        // The answer to a former try was lost on its way.
        let before = job.agreed.as_ref().is_some_and(|(who, _)| who == by);
        return Ok(if before { Agreed::Queued(job) } else { Agreed::Not(job) });
    }
    let own =
        sqlx::query_scalar!(r#"SELECT account_id = $3 AS "own!" FROM main.backup_job WHERE org_id = $1 AND id = $2"#, org, id, account);
    Ok(if own.fetch_one(&mut *step).await? { Agreed::SamePerson } else { Agreed::TooLate })
}

/// Jobs: those that are open first, then the newest, at most so many.
///
/// # Errors
/// [`StoreError::Corrupt`] for words this program does not know; the database's own.
pub async fn newest(connection: &mut PgConnection, org: Uuid, most: i64) -> Result<Vec<BackupJob>> {
    let rows = jobs!("org_id = $1 ORDER BY (ended_at IS NULL) DESC, asked_at DESC, id LIMIT $2"; org, most).fetch_all(connection).await?;
    rows.into_iter().map(Row::job).collect()
}

/// Jobs about a backup, newest first, at most so many.
///
/// # Errors
/// As [`newest`].
pub async fn of_backup(connection: &mut PgConnection, org: Uuid, backup: &BackupId, most: i64) -> Result<Vec<BackupJob>> {
    let rows = jobs!("org_id = $1 AND backup_id = $2 ORDER BY asked_at DESC, id LIMIT $3"; org, backup.as_str(), most);
    rows.fetch_all(connection).await?.into_iter().map(Row::job).collect()
}

/// Jobs that are at work, or were when Reeve ended.
///
/// # Errors
/// As [`newest`].
pub async fn running(connection: &mut PgConnection, org: Uuid) -> Result<Vec<BackupJob>> {
    let rows = jobs!("org_id = $1 AND state = 'running' ORDER BY started_at"; org).fetch_all(connection).await?;
    rows.into_iter().map(Row::job).collect()
}

/// One job.
///
/// # Errors
/// As [`newest`].
pub async fn one(connection: &mut PgConnection, org: Uuid, id: Uuid) -> Result<Option<BackupJob>> {
    jobs!("org_id = $1 AND id = $2"; org, id).fetch_optional(connection).await?.map(Row::job).transpose()
}
