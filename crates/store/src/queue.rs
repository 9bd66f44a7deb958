//! The queue of backup jobs: `graphile_worker`'s, in the schema `queue` of the main database.
//!
//! `main.backup_job` is the record of what was asked and what came of it; the queue decides what begins when. A job enters it in the
//! transaction that writes its record, one database's jobs follow each other, and each is given out once: what is cut off is told as
//! failed and never tried again by itself. Because the queue can be told anew from the records, [`mend`] does so whenever work begins.

use crate::error::{Result, StoreError};
use futures::future::BoxFuture;
use graphile_worker::{IntoTaskHandlerResult, JobComplete, JobFetch, TaskHandler, WorkerContext, WorkerOptions};
use reeve_adapter::Endpoint;
use serde::{Deserialize, Serialize};
use sqlx::{ConnectOptions, PgConnection, PgPool, postgres::PgPoolOptions};
use std::{fmt, future::Future, sync::Arc, time::Duration};
use time::OffsetDateTime;
use uuid::Uuid;

/// The schema that the queue's tables are in.
pub(crate) const SCHEMA: &str = "queue";
/// How long a job waits that found another one of its database at work.
const LATER: Duration = Duration::from_secs(2);
/// How long one look may wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Begins a job, and comes back when it has ended.
#[derive(Clone)]
pub struct Begin(Arc<dyn Fn(Uuid) -> BoxFuture<'static, ()> + Send + Sync>);

impl Begin {
    /// From what is to be done with a job's id.
    pub fn new<F>(begin: impl Fn(Uuid) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |id| Box::pin(begin(id))))
    }
}

impl fmt::Debug for Begin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begin")
    }
}

/// How jobs are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// At most so many at the same time.
    pub at_once: usize,
    /// How often the queue is looked at when nothing tells that there is something new, which PostgreSQL does.
    pub every: Duration,
    /// How long those at work may take to come back after the signal to stop.
    pub grace: Duration,
}

/// What the queue holds of a job; all else is in its record.
#[derive(Debug, Serialize, Deserialize)]
struct Backup {
    id: Uuid,
}

impl TaskHandler for Backup {
    const IDENTIFIER: &'static str = "backup";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        match context.get_ext::<Begin>() {
            Some(begin) => {
                (begin.0)(self.id).await;
                Ok(())
            }
            None => Err("nobody is there to begin it".to_owned()),
        }
    }
}

/// Puts a job in, behind those of its database.
pub(crate) async fn add(connection: &mut PgConnection, id: Uuid, target: &str, database: &str) -> Result<()> {
    put(connection, id, target, database, None, Duration::ZERO).await
}

/// The same, for one that must wait a little.
pub(crate) async fn add_later(connection: &mut PgConnection, id: Uuid, target: &str, database: &str) -> Result<()> {
    put(connection, id, target, database, None, LATER).await
}

/// The place in the order is that of `asked_at`, or the last one.
async fn put(
    connection: &mut PgConnection,
    id: Uuid,
    target: &str,
    database: &str,
    asked_at: Option<OffsetDateTime>,
    wait: Duration,
) -> Result<()> {
    // Tried once: after a crash a person must know.
    sqlx::query(
        "SELECT FROM queue.add_job(identifier => $1, payload => json_build_object('id', $2::text), queue_name => $3, max_attempts => 1,
           job_key => $2::text, run_at => coalesce($5, now()) + $4 * interval '1 second')",
    )
    .bind(Backup::IDENTIFIER)
    .bind(id.to_string())
    .bind(format!("{target}/{database}"))
    .bind(wait.as_secs_f64())
    .bind(asked_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a job out that has not begun.
pub(crate) async fn remove(connection: &mut PgConnection, id: Uuid) -> Result<()> {
    // Not by the library's `remove_job`: it takes away what was given out long ago, too, and with it what unlocks the others of its database.
    sqlx::query("DELETE FROM queue._private_jobs WHERE key = $1 AND locked_at IS NULL").bind(id.to_string()).execute(connection).await?;
    Ok(())
}

/// Makes the queue say what the records say: nothing is locked by a worker that is gone, what is no longer queued is out, and what is
/// queued is in. To be called while nobody works. `held` are the jobs that the caller has at work; any other one that is running was
/// given to a worker that never heard of it, and is queued again.
///
/// # Errors
/// The database's own.
pub async fn mend(connection: &mut PgConnection, org: Uuid, held: &[Uuid]) -> Result<()> {
    let mut step = sqlx::Connection::begin(connection).await?;
    // Somebody cancelled it before whoever was to begin it heard of it; the event was written then.
    sqlx::query!(
        "UPDATE main.backup_job SET state = 'cancelled', ended_at = clock_timestamp(), sentence = 'It was cancelled before it began.'
         WHERE org_id = $1 AND state = 'running' AND cancelling AND id <> ALL ($2)",
        org,
        held
    )
    .execute(&mut *step)
    .await?;
    sqlx::query!(
        "UPDATE main.backup_job SET state = 'queued', started_at = NULL WHERE org_id = $1 AND state = 'running' AND id <> ALL ($2)",
        org,
        held
    )
    .execute(&mut *step)
    .await?;
    sqlx::query(
        "SELECT queue.force_unlock_workers(array(
           SELECT locked_by FROM queue._private_jobs WHERE locked_by IS NOT NULL
           UNION SELECT locked_by FROM queue._private_job_queues WHERE locked_by IS NOT NULL))",
    )
    .execute(&mut *step)
    .await?;
    sqlx::query(
        "SELECT FROM queue.complete_jobs(array(
           SELECT q.id FROM queue._private_jobs q LEFT JOIN main.backup_job j ON j.id::text = q.key AND j.state = 'queued'
           WHERE j.id IS NULL OR q.attempts >= q.max_attempts))",
    )
    .execute(&mut *step)
    .await?;
    let missing: Vec<(Uuid, String, String, OffsetDateTime)> = sqlx::query_as(
        "SELECT j.id, j.target, j.database, j.asked_at FROM main.backup_job j
         WHERE j.org_id = $1 AND j.state = 'queued' AND NOT EXISTS (SELECT FROM queue._private_jobs q WHERE q.key = j.id::text)
         ORDER BY j.asked_at, j.id",
    )
    .bind(org)
    .fetch_all(&mut *step)
    .await?;
    for (id, target, database, asked_at) in missing {
        put(&mut step, id, &target, &database, Some(asked_at), Duration::ZERO).await?;
    }
    step.commit().await?;
    Ok(())
}

/// Gives jobs out until `stop` is there.
///
/// # Errors
/// [`StoreError::Queue`] when the database went away; the jobs at work are not ended by that.
pub(crate) async fn work(endpoint: &Endpoint, pace: Pace, begin: Begin, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    let options = endpoint.to_sqlx("reeve/queue")?.disable_statement_logging();
    // One listens, one is for each job that comes back.
    let most = u32::try_from(pace.at_once).unwrap_or(u32::MAX).saturating_add(1);
    let pool = PgPoolOptions::new().max_connections(most).acquire_timeout(CONNECT).connect_lazy_with(options);
    // The library looks once per place when something is put in, and two looks at once find one job. Whatever moves is a reason to look
    // again, or the next one would wait for the next round.
    let (fetched, completed) = (pool.clone(), pool.clone());
    let worker = WorkerOptions::default()
        .pg_pool(pool.clone())
        .schema(SCHEMA)
        .concurrency(pace.at_once)
        .poll_interval(pace.every)
        .listen_os_shutdown_signals(false)
        .shutdown_grace_period(pace.grace)
        .shutdown_interrupted_job_retry_delay(Duration::ZERO)
        .shutdown_signal(stop)
        .on(JobFetch, move |_| look_again(fetched.clone()))
        .on(JobComplete, move |_| look_again(completed.clone()))
        .add_extension(begin)
        .define_job::<Backup>()
        .init()
        .await;
    let ended = match worker {
        Ok(worker) => worker.run().await.map_err(|error| StoreError::Queue(error.to_string())),
        Err(error) => Err(StoreError::Queue(error.to_string())),
    };
    // A connection whose server vanished without a word would hold this up for as long as TCP tries.
    tokio::time::timeout(CONNECT, pool.close()).await.ok();
    ended
}

async fn look_again(pool: PgPool) {
    let told = tokio::time::timeout(CONNECT, sqlx::query("SELECT pg_notify('jobs:insert', '')").execute(&pool)).await;
    if !matches!(told, Ok(Ok(_))) {
        tracing::debug!("the queue of backup jobs is looked at with the next round");
    }
}
