//! Loads the estate: schemas, rows over a few connections, keys, faults, statistics, and last of all the marker.
//!
//! The marker is the database's comment. It is set when everything is there, so a load that was killed midway, or one
//! of another generation, is recognised by its absence: the next load drops the eight schemas and starts over.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio_postgres::{Client, Config};

use crate::connect::{OWNER, open, parse};
use crate::ddl;
use crate::dsl::Table;
use crate::error::DemoError;
use crate::estate::Estate;
use crate::faults::{Kind, is_planted};
use crate::plant::{self, plant_all};
use crate::rows;
use crate::vocabulary::quoted;

/// Connections that fill tables at the same time.
const LOADERS: usize = 3;
/// Any number, the same in all programs that load: two loads of one database must not meet.
const LOAD_LOCK: i64 = 0x4649_4e44;

/// What a load is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Removing what an earlier, incomplete load left.
    Clearing,
    /// Creating schemas and empty tables.
    Tables,
    /// Rows, keys and indexes.
    Rows,
    /// Foreign keys.
    ForeignKeys,
    /// Planting the faults.
    Faults,
    /// Vacuum and analyze.
    Statistics,
}

/// One step of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Steps of this stage that are done.
    pub done: usize,
    /// Steps of this stage.
    pub total: usize,
    /// The schema, table or fault that was just done.
    pub object: String,
}

/// What a load found or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadReport {
    /// The estate was complete already and nothing was done.
    pub already_loaded: bool,
    /// Tables in the eight schemas.
    pub tables: u64,
    /// Foreign keys in them.
    pub foreign_keys: u64,
    /// Indexes in them, planted ones included.
    pub indexes: u64,
    /// Rows that were loaded.
    pub rows: u64,
    /// Size of the whole database in bytes.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// Loads the estate into the database of `url`, unless it is there completely.
///
/// `url` is the superuser's or the owner's; [`crate::prepare`] must have run. `progress` is called after each step.
///
/// # Errors
/// A server that can't be reached, a statement that fails, or schemas of the same names that belong to somebody else.
/// After an error the database is as incomplete as after a crash: call again.
pub async fn load(url: &str, progress: impl FnMut(Progress) + Send) -> Result<LoadReport, DemoError> {
    let begun = Instant::now();
    let estate = Estate::findawise()?;
    let config = parse(url, "the sample estate's owner")?;
    let client = owner_session(&config).await?;
    let lock = "SELECT pg_advisory_lock($1)";
    client.execute(lock, &[&LOAD_LOCK]).await.map_err(DemoError::sql("Waiting for another load to finish"))?;
    if marker(&client).await?.as_deref() == Some(&estate.marker()) {
        return report(&client, &estate, true, begun).await;
    }
    let steps = Steps { tell: Mutex::new(progress) };
    clear(&client, &estate, &steps).await?;
    create_tables(&client, &estate, &steps).await?;

    let mut loaders = Vec::new();
    for _ in 0..LOADERS {
        loaders.push(owner_session(&config).await?);
    }
    fill(&loaders, &estate, &steps).await?;
    add_foreign_keys(&client, &estate, &steps).await?;
    let mut planted = 0;
    let total = crate::faults::PLANTED.len();
    plant_all(&client, &estate, |id| {
        planted += 1;
        steps.done(Stage::Faults, planted, total, id);
    })
    .await?;
    for session in loaders.iter().chain([&client]) {
        flush_statistics(session).await?;
    }
    vacuum(&loaders, &estate, &steps).await?;
    set_marker(&client, Some(&estate.marker())).await?;
    report(&client, &estate, false, begun).await
}

/// Plants the bloated tables anew, after all tables were vacuumed. `url` is the superuser's or the owner's.
///
/// # Errors
/// As [`load`].
pub async fn bloat_again(url: &str) -> Result<(), DemoError> {
    let client = owner_session(&parse(url, "the sample estate's owner")?).await?;
    plant::bloat_again(&client, &Estate::findawise()?).await
}

/// Tells of steps, from whichever loader has just finished one.
struct Steps<F> {
    tell: Mutex<F>,
}

impl<F: FnMut(Progress)> Steps<F> {
    fn done(&self, stage: Stage, done: usize, total: usize, object: &str) {
        // A listener that panicked once is asked again; the load doesn't depend on it.
        let mut tell = self.tell.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tell(Progress { stage, done, total, object: object.to_owned() });
    }
}

/// A session that acts as the owner. A crash may cost the last transactions, and then the marker is missing too.
async fn owner_session(config: &Config) -> Result<Client, DemoError> {
    let (client, _connection) = open(config, "findawise load").await?;
    let settings = format!(
        "SET ROLE {OWNER}; SET synchronous_commit = off; SET maintenance_work_mem = '64MB'; SET lock_timeout = '60s'; \
         SET client_min_messages = warning; SET statement_timeout = 0;"
    );
    client.batch_execute(&settings).await.map_err(DemoError::sql(format!("Acting as {OWNER}")))?;
    Ok(client)
}

async fn marker(client: &Client) -> Result<Option<String>, DemoError> {
    let sql = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()";
    let row = client.query_one(sql, &[]).await.map_err(DemoError::sql("Reading the database's comment"))?;
    row.try_get(0).map_err(DemoError::sql("Reading the database's comment"))
}

async fn set_marker(client: &Client, text: Option<&str>) -> Result<(), DemoError> {
    // COMMENT ON DATABASE takes no parameters; format() quotes the name as the server would.
    let doing = || DemoError::sql("Setting the database's comment");
    let sql = "SELECT format('COMMENT ON DATABASE %I IS %L', current_database(), $1::text)";
    let statement: String = client.query_one(sql, &[&text]).await.and_then(|row| row.try_get(0)).map_err(doing())?;
    client.batch_execute(&statement).await.map_err(doing())
}

/// Drops what an earlier load left, one schema at a time so that no transaction holds thousands of locks.
async fn clear<F: FnMut(Progress)>(client: &Client, estate: &Estate, steps: &Steps<F>) -> Result<(), DemoError> {
    let names: Vec<&str> = estate.schemas.iter().map(|schema| schema.name.as_str()).collect();
    let sql = "SELECT nspname, pg_get_userbyid(nspowner)::text, current_database()::text FROM pg_namespace \
               WHERE nspname = ANY($1) ORDER BY nspname";
    let doing = || DemoError::sql("Looking for schemas of an earlier load");
    let found = client.query(sql, &[&names]).await.map_err(doing())?;
    let mut ours = Vec::new();
    for row in &found {
        let schema: String = row.try_get(0).map_err(doing())?;
        let owner: String = row.try_get(1).map_err(doing())?;
        if owner != OWNER {
            return Err(DemoError::NotOurs { database: row.try_get(2).map_err(doing())?, schema, owner });
        }
        ours.push(schema);
    }
    set_marker(client, None).await?;
    for (index, schema) in ours.iter().enumerate() {
        let drop = format!("DROP SCHEMA {schema} CASCADE");
        client.batch_execute(&drop).await.map_err(DemoError::sql(format!("Dropping the incomplete schema {schema}")))?;
        steps.done(Stage::Clearing, index + 1, ours.len(), schema);
    }
    Ok(())
}

async fn create_tables<F: FnMut(Progress)>(client: &Client, estate: &Estate, steps: &Steps<F>) -> Result<(), DemoError> {
    for (index, schema) in estate.schemas.iter().enumerate() {
        let mut sql = format!("BEGIN; CREATE SCHEMA {};\n", schema.name);
        sql.extend(schema.tables.iter().map(ddl::create_table));
        sql.push_str("COMMIT;");
        client.batch_execute(&sql).await.map_err(DemoError::sql(format!("Creating the tables of {}", schema.name)))?;
        steps.done(Stage::Tables, index + 1, estate.schemas.len(), &schema.name);
    }
    Ok(())
}

/// Fills the tables, the biggest first so that no loader is left with a long one at the end.
async fn fill<F: FnMut(Progress)>(loaders: &[Client], estate: &Estate, steps: &Steps<F>) -> Result<(), DemoError> {
    let row_counts = estate.row_counts();
    let mut queue: Vec<&Table> = estate.tables().collect();
    queue.sort_by_key(|table| std::cmp::Reverse(table.rows));
    let batch = |table: &Table| format!("BEGIN;\n{}{}COMMIT;", rows::insert(table, &row_counts), ddl::finish_table(table));
    in_parallel(loaders, &queue, Stage::Rows, "Filling", steps, batch).await
}

/// One at a time: each foreign key locks two tables, and two loaders would lock each other out.
async fn add_foreign_keys<F: FnMut(Progress)>(client: &Client, estate: &Estate, steps: &Steps<F>) -> Result<(), DemoError> {
    for (index, schema) in estate.schemas.iter().enumerate() {
        let keys: String = schema.tables.iter().filter_map(ddl::foreign_keys).collect();
        let sql = format!("BEGIN;\n{keys}COMMIT;");
        client.batch_execute(&sql).await.map_err(DemoError::sql(format!("Adding the foreign keys of {}", schema.name)))?;
        steps.done(Stage::ForeignKeys, index + 1, estate.schemas.len(), &schema.name);
    }
    Ok(())
}

/// Makes a session report the rows it has written before others analyse them: what it reports later would be counted
/// twice. PostgreSQL 13 and 14 have no such function and report within half a second by themselves.
async fn flush_statistics(session: &Client) -> Result<(), DemoError> {
    let sql = "DO $$ BEGIN IF to_regproc('pg_stat_force_next_flush') IS NOT NULL THEN PERFORM pg_stat_force_next_flush(); END IF; END $$";
    session.batch_execute(sql).await.map_err(DemoError::sql("Reporting statistics"))
}

/// Leaves true statistics everywhere; a bloated table keeps its dead rows.
async fn vacuum<F: FnMut(Progress)>(loaders: &[Client], estate: &Estate, steps: &Steps<F>) -> Result<(), DemoError> {
    let queue: Vec<&Table> = estate.tables().collect();
    let statement = |table: &Table| {
        let name = table.full_name();
        if is_planted(Kind::BloatedTable, &name) { format!("ANALYZE {name}") } else { format!("VACUUM (ANALYZE) {name}") }
    };
    in_parallel(loaders, &queue, Stage::Statistics, "Analysing", steps, statement).await
}

/// Runs one batch per table; each loader takes the next table of the queue when it is free.
async fn in_parallel<F: FnMut(Progress)>(
    loaders: &[Client],
    queue: &[&Table],
    stage: Stage,
    doing: &str,
    steps: &Steps<F>,
    batch: impl Fn(&Table) -> String,
) -> Result<(), DemoError> {
    let (next, done, batch) = (AtomicUsize::new(0), AtomicUsize::new(0), &batch);
    try_join_all(loaders.iter().map(async |client| {
        while let Some(table) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = table.full_name();
            client.batch_execute(&batch(table)).await.map_err(DemoError::sql(format!("{doing} {name}")))?;
            steps.done(stage, done.fetch_add(1, Ordering::Relaxed) + 1, queue.len(), &name);
        }
        Ok(())
    }))
    .await
    .map(|_| ())
}

async fn report(client: &Client, estate: &Estate, already_loaded: bool, begun: Instant) -> Result<LoadReport, DemoError> {
    let names: Vec<String> = estate.schemas.iter().map(|schema| quoted(&schema.name)).collect();
    let sql = format!(
        "SELECT count(*) FILTER (WHERE relkind = 'r'), count(*) FILTER (WHERE relkind = 'i'),
                (SELECT count(*) FROM pg_constraint c JOIN pg_namespace s ON s.oid = c.connamespace
                  WHERE c.contype = 'f' AND s.nspname IN ({list})),
                pg_database_size(current_database())
           FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace WHERE n.nspname IN ({list})",
        list = names.join(", ")
    );
    let doing = || DemoError::sql("Counting what was loaded");
    let row = client.query_one(&sql, &[]).await.map_err(doing())?;
    let figure = |column: usize| row.try_get::<_, i64>(column).map(|value| value.max(0).unsigned_abs()).map_err(doing());
    Ok(LoadReport {
        already_loaded,
        tables: figure(0)?,
        indexes: figure(1)?,
        foreign_keys: figure(2)?,
        bytes: figure(3)?,
        rows: estate.tables().map(|table| table.rows).sum(),
        elapsed: begun.elapsed(),
    })
}
