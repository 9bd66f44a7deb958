//! Putting a table back: from a database that was restored beside the original into the original, where it is missing.

use crate::{
    BackupError, Engine, Progress,
    load::{chosen, conninfo},
    restore::wanted,
    run::TableName,
    scratch::Scratch,
    source::{Source, get, literal, quoted},
    tools::{self, Login},
};
use reeve_adapter::{AdapterError, Endpoint};
use reeve_model::backup::{BackupId, JobPhase, TableDifference};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Which table, whence.
#[derive(Debug, Clone)]
pub struct PutBackRequest {
    /// The backup that was restored: it says which database is the original, and what its rows were.
    pub id: BackupId,
    /// The server of both databases, and a login that may make tables in the original as their owner.
    pub server: Endpoint,
    /// The database that was restored.
    pub from: String,
    /// The table.
    pub table: TableName,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBackReport {
    /// The original database.
    pub database: String,
    /// Rows that are in it now.
    pub rows: u64,
    /// What is not as it was backed up; none: all is.
    pub difference: Option<TableDifference>,
    /// Foreign keys of other tables that point to it again.
    pub keys: u64,
    /// Those that don't, and its own that are not there, a sentence each with the SQL to try.
    pub keys_missing: Vec<String>,
    /// Views over it that the restored database has and the original has not, as `schema.name`: they went with the table when it was
    /// dropped, and are not made again.
    pub views_missing: Vec<String>,
}

impl Engine {
    /// Copies a table, with its indexes, constraints, defaults, owned sequences, triggers, policies and rights, in one transaction. Nothing
    /// that is there is touched: a table of this name in the original refuses it. Then its own foreign keys and those of other tables that
    /// pointed to it are added, one by one and outside that transaction: each locks the other table too, and whoever waits for such a lock
    /// makes all writers wait behind it (see [`patiently`]).
    ///
    /// # Errors
    /// One sentence that says what to do; the original is as it was then.
    pub async fn put_back(
        &self,
        request: &PutBackRequest,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<PutBackReport, BackupError> {
        progress.phase(JobPhase::Preflight, None);
        let manifest = self.repository.manifest(&request.id).await?;
        let expected = wanted(&manifest, Some(std::slice::from_ref(&request.table)))?;
        let database = manifest.backup.database.name;
        let (from, to) = (request.server.with_database(&request.from), request.server.with_database(&database));
        let (source, target) = (Source::connect(&from).await?, Source::connect(&to).await?);
        let (schema, name) = (&request.table.schema, &request.table.name);
        let refused = |sentence: String| Err(BackupError::Refused(sentence));
        if !there(&source, schema, name).await? {
            return refused(format!("the database {} holds no table {schema}.{name}: restore the backup again", request.from));
        }
        if there(&target, schema, name).await? {
            let sentence = format!(
                "the database {database} has a {schema}.{name} already, and nothing that is there is touched: move it away first, with its indexes, by ALTER TABLE {schema}.{name} SET SCHEMA"
            );
            return refused(sentence);
        }
        if !get::<bool>(&target.row(&format!("SELECT to_regnamespace({}) IS NOT NULL", literal(&quoted(schema)))).await?, 0)? {
            return refused(format!(
                "the database {database} has no schema {schema} any more: make it first, with CREATE SCHEMA {}",
                quoted(schema)
            ));
        }
        let own = own_keys(&source, &target, &request.table).await?;
        let installation = tools::pick(&self.config.installations, target.major()?, "pg_dump")?;
        let scratch = Scratch::open(&self.config.scratch)?;
        let private = scratch.private();
        let file = private.join("table.dump");
        let login = Login::prepare(&to, private, installation.major)?;
        progress.phase(JobPhase::Dump, None);
        login
            .tool(&installation, "pg_dump", private)
            .args(["--format=custom", "--no-password"])
            .arg(format!("--dbname={}", conninfo(&request.from)))
            // In double quotes a pattern is a name.
            .arg(format!("--table={}.{}", quoted(schema), quoted(name)))
            .arg(format!("--file={}", file.display()))
            .run(cancel)
            .await?;
        progress.phase(JobPhase::Load, None);
        let (whole, list) = (private.join("contents.all"), private.join("contents.list"));
        let contents = login.tool(&installation, "pg_restore", private).args(["--format=custom", "--list"]).arg(&file);
        contents.output_to(&whole)?.run(cancel).await?;
        let text = std::fs::read_to_string(&whole).map_err(|e| BackupError::io(&whole, &e))?;
        std::fs::write(&list, chosen(&text, None, false)).map_err(|e| BackupError::io(&list, &e))?;
        login
            .tool(&installation, "pg_restore", private)
            .args(["--format=custom", "--no-password", "--single-transaction", "--exit-on-error"])
            .arg(format!("--dbname={}", conninfo(&database)))
            .arg(format!("--use-list={}", list.display()))
            .arg(&file)
            .run(cancel)
            .await
            .map_err(|error| missing_first(error, &request.table))?;
        progress.phase(JobPhase::Compare, None);
        let compared = target.compare(&expected, cancel).await?;
        // The table is there: whatever becomes of the keys is told beside it.
        let mut keys_missing = point_out(&target, &own, &request.table, cancel).await;
        let (keys, missing) = point_back(&source, &target, schema, name, cancel).await;
        keys_missing.extend(missing);
        let views_missing = views_missing(&source, &target, &request.table).await?;
        let difference = compared.differences.into_iter().next();
        Ok(PutBackReport { database, rows: compared.rows, difference, keys, keys_missing, views_missing })
    }
}

/// Views and materialized views over the table that are in the restored database alone.
async fn views_missing(source: &Source, target: &Source, table: &TableName) -> Result<Vec<String>, BackupError> {
    let mut missing = Vec::new();
    for row in source.rows(&VIEWS.replace("{table}", &table_literal(&table.schema, &table.name))).await? {
        let (schema, name): (String, String) = (get(&row, 0)?, get(&row, 1)?);
        if !there(target, &schema, &name).await? {
            missing.push(format!("{schema}.{name}"));
        }
    }
    Ok(missing)
}

/// A foreign key of the table itself, as the restored database has it.
struct OwnKey {
    name: String,
    definition: String,
    partitioned: bool,
}

/// The table's own foreign keys. One to a table that the original lacks refuses the whole: that one goes first.
async fn own_keys(source: &Source, target: &Source, table: &TableName) -> Result<Vec<OwnKey>, BackupError> {
    let mut keys = Vec::new();
    for row in source.rows(&OWN_KEYS.replace("{table}", &table_literal(&table.schema, &table.name))).await? {
        let (of, name): (String, String) = (get(&row, 0)?, get(&row, 1)?);
        let itself = (of.as_str(), name.as_str()) == (table.schema.as_str(), table.name.as_str());
        if !itself && !there(target, &of, &name).await? {
            return Err(BackupError::Refused(format!(
                "{}.{} points to {of}.{name}, which is not there: put {of}.{name} back first, then this one",
                table.schema, table.name
            )));
        }
        keys.push(OwnKey { name: get(&row, 2)?, definition: get(&row, 3)?, partitioned: get::<String>(&row, 4)? == "p" });
    }
    Ok(keys)
}

/// Adds the table's own foreign keys; answers what became of those that are not there.
async fn point_out(target: &Source, keys: &[OwnKey], table: &TableName, cancel: &CancellationToken) -> Vec<String> {
    let mut missing = Vec::new();
    for key in keys {
        if let Err(sentence) = add(target, &table.schema, &table.name, key, cancel).await {
            missing.push(sentence);
        }
    }
    missing
}

/// Adds a foreign key without a look at the rows, which locks for a moment only, and then proves it. What was not proven before need not
/// be now, and a partitioned table takes no key unproven before version 18.
async fn add(target: &Source, schema: &str, name: &str, key: &OwnKey, cancel: &CancellationToken) -> Result<(), String> {
    let table = format!("{}.{}", quoted(schema), quoted(name));
    let whole = format!("ALTER TABLE {table} ADD CONSTRAINT {} {}", quoted(&key.name), key.definition);
    let unproven = key.definition.ends_with(" NOT VALID");
    let at_once = unproven || key.partitioned;
    let first = if at_once { whole } else { format!("{whole} NOT VALID") };
    let added = patiently(target, &first, cancel).await;
    added.map_err(|error| format!("{schema}.{name} has no {}: {first}; failed ({error})", key.name))?;
    if !at_once {
        let prove = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", quoted(&key.name));
        patiently(target, &prove, cancel).await.map_err(|error| {
            let why = if error.to_string().contains("SQLSTATE 23503") { "rows of it break it" } else { "it is not proven" };
            format!("{schema}.{name} has {} again, but {why}: {prove}; failed ({error})", key.name)
        })?;
    }
    Ok(())
}

/// How long a statement may wait for a lock: all writers of the table wait behind it meanwhile.
const LOCK_WAIT: &str = "SET lock_timeout = '1s'";
/// How long writers have between two tries.
const BREATH: Duration = Duration::from_secs(2);
/// How often it is tried: about two minutes, in which most transactions end.
const TRIES: u32 = 40;

/// Runs a statement that needs a lock others may hold for long, in short tries, so that nobody queues behind it for more than a second.
async fn patiently(target: &Source, statement: &str, cancel: &CancellationToken) -> Result<(), BackupError> {
    target.execute(LOCK_WAIT).await?;
    let mut tries = 0;
    loop {
        tries += 1;
        match target.execute(statement).await {
            Err(BackupError::Database(AdapterError::LockTimeout { .. })) if tries < TRIES && !cancel.is_cancelled() => {
                tokio::select! {
                    () = tokio::time::sleep(BREATH) => {}
                    () = cancel.cancelled() => {}
                }
            }
            done => return done,
        }
    }
}

/// Foreign keys of other tables to this one, which went with it when it was dropped: those that the restored database has, the original
/// has not, and whose table is there. Each is added without a look at the rows, which locks for a moment only, and then proven. Answers how
/// many are there again, and what became of the others.
async fn point_back(source: &Source, target: &Source, schema: &str, name: &str, cancel: &CancellationToken) -> (u64, Vec<String>) {
    let (mut keys, mut missing) = (0, Vec::new());
    let found = match source.rows(KEYS.replace("{table}", &table_literal(schema, name)).as_str()).await {
        Ok(found) => found,
        Err(error) => return (0, vec![format!("which there were could not be read ({error})")]),
    };
    for (place, row) in found.iter().enumerate() {
        if cancel.is_cancelled() {
            missing.push(format!("it was cancelled before {} of them", found.len() - place));
            break;
        }
        match key_back(target, row, schema, name, cancel).await {
            Ok(added) => keys += u64::from(added),
            Err(sentence) => missing.push(sentence),
        }
    }
    (keys, missing)
}

/// Adds one of them where it is missing; answers whether it did.
async fn key_back(
    target: &Source,
    row: &tokio_postgres::Row,
    schema: &str,
    name: &str,
    cancel: &CancellationToken,
) -> Result<bool, String> {
    let text = |place: usize| get::<String>(row, place).map_err(|e| e.to_string());
    let (of, of_table, key, definition, partitioned) = (text(0)?, text(1)?, text(2)?, text(3)?, text(4)? == "p");
    let title = format!("{of}.{of_table} has no {key}");
    let unknown = |error: BackupError| format!("{title} as far as is known ({error})");
    if !there(target, &of, &of_table).await.map_err(unknown)? {
        return Ok(false);
    }
    let points = POINTS.replace("{table}", &table_literal(&of, &of_table)).replace("{key}", &literal(&key));
    if let Some(other) = target.rows(&points.replace("{to}", &table_literal(schema, name))).await.map_err(unknown)?.first() {
        let (here, elsewhere): (bool, String) = (get(other, 0).map_err(unknown)?, get(other, 1).map_err(unknown)?);
        return if here { Ok(false) } else { Err(format!("{of}.{of_table} has {key}, but it points to {elsewhere}")) };
    }
    add(target, &of, &of_table, &OwnKey { name: key, definition, partitioned }, cancel).await?;
    Ok(true)
}

/// Definitions as the catalogue prints them with an empty search path: all names with their schemas.
const KEYS: &str = "
    SELECT n.nspname::text, c.relname::text, k.conname::text, pg_get_constraintdef(k.oid), c.relkind::text
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid <> k.confrelid AND k.confrelid = to_regclass({table}) ORDER BY 1, 2, 3";

/// The same of the table itself: to which table, and how.
const OWN_KEYS: &str = "
    SELECT n.nspname::text, f.relname::text, k.conname::text, pg_get_constraintdef(k.oid), c.relkind::text
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
    JOIN pg_namespace n ON n.oid = f.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid = to_regclass({table}) ORDER BY 3";

const VIEWS: &str = "
    SELECT DISTINCT n.nspname::text, v.relname::text
    FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass({table})
      AND v.oid <> d.refobjid AND v.relkind IN ('v', 'm') ORDER BY 1, 2";

/// Whether a key of that name is there, and what it points to.
const POINTS: &str = "
    SELECT k.confrelid = to_regclass({to}), k.confrelid::regclass::text FROM pg_constraint k
    WHERE k.contype = 'f' AND k.conrelid = to_regclass({table}) AND k.conname = {key}";

fn table_literal(schema: &str, name: &str) -> String {
    literal(&format!("{}.{}", quoted(schema), quoted(name)))
}

/// The table that a refusal of `pg_restore` says is missing: one that this table points to.
fn missing_first(error: BackupError, table: &TableName) -> BackupError {
    let BackupError::Tool { said, .. } = &error else { return error };
    let named = said.split_once("relation \"").and_then(|(_, rest)| rest.split_once("\" does not exist"));
    match named.map(|(name, _)| name.replace('"', "")) {
        Some(needed) if needed != format!("{}.{}", table.schema, table.name) => BackupError::Refused(format!(
            "{}.{} points to {needed}, which is not there: put {needed} back first, then this one",
            table.schema, table.name
        )),
        _ => error,
    }
}

/// Whether a relation of this name is there, whatever it is.
async fn there(source: &Source, schema: &str, name: &str) -> Result<bool, BackupError> {
    let sql = format!(
        "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relname = {})",
        literal(schema),
        literal(name)
    );
    get(&source.row(&sql).await?, 0)
}
