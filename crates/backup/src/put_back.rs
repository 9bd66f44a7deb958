//! Putting a table back: from a database that was restored beside the original into the original, where it is missing.

use crate::{
    BackupError, Engine, Progress,
    load::conninfo,
    restore::wanted,
    run::TableName,
    scratch::Scratch,
    source::{Source, get, literal, quoted},
    tools::{self, Login},
};
use reeve_adapter::Endpoint;
use reeve_model::backup::{BackupId, JobPhase, TableDifference};
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
    /// Those that don't, a sentence each with the SQL to try.
    pub keys_missing: Vec<String>,
}

impl Engine {
    /// Copies a table, with its indexes, constraints, defaults, owned sequences, triggers, policies and rights, in one transaction. Nothing
    /// that is there is touched: a table of this name in the original refuses it. Then the foreign keys of other tables that pointed to it
    /// are added again, one by one.
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
        login
            .tool(&installation, "pg_restore", private)
            .args(["--format=custom", "--no-password", "--single-transaction", "--exit-on-error"])
            .arg(format!("--dbname={}", conninfo(&database)))
            .arg(&file)
            .run(cancel)
            .await
            .map_err(|error| missing_first(error, &request.table))?;
        progress.phase(JobPhase::Compare, None);
        let compared = target.compare(&expected, cancel).await?;
        // The table is there: whatever becomes of the keys is told beside it.
        let (keys, keys_missing) = point_back(&source, &target, schema, name, cancel).await;
        let difference = compared.differences.into_iter().next();
        Ok(PutBackReport { database, rows: compared.rows, difference, keys, keys_missing })
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
        match key_back(target, row, schema, name).await {
            Ok(added) => keys += u64::from(added),
            Err(sentence) => missing.push(sentence),
        }
    }
    (keys, missing)
}

/// Adds one of them where it is missing; answers whether it did.
async fn key_back(target: &Source, row: &tokio_postgres::Row, schema: &str, name: &str) -> Result<bool, String> {
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
    let table = format!("{}.{}", quoted(&of), quoted(&of_table));
    let add = format!("ALTER TABLE {table} ADD CONSTRAINT {} {definition}", quoted(&key));
    // What was not proven before need not be now. A partitioned table takes no key unproven before version 18.
    let unproven = definition.ends_with(" NOT VALID");
    let first = if unproven || partitioned { add.clone() } else { format!("{add} NOT VALID") };
    target.execute(&first).await.map_err(|error| format!("{title}: {first}; failed ({error})"))?;
    if !unproven && !partitioned {
        let prove = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", quoted(&key));
        target.execute(&prove).await.map_err(|error| {
            let why = if error.to_string().contains("SQLSTATE 23503") { "rows of it break it" } else { "it is not proven" };
            format!("{of}.{of_table} has {key} again, but {why}: {prove}; failed ({error})")
        })?;
    }
    Ok(true)
}

/// Definitions as the catalogue prints them with an empty search path: all names with their schemas.
const KEYS: &str = "
    SELECT n.nspname::text, c.relname::text, k.conname::text, pg_get_constraintdef(k.oid), c.relkind::text
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid <> k.confrelid AND k.confrelid = to_regclass({table}) ORDER BY 1, 2, 3";

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
