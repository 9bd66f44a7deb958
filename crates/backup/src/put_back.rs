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
}

impl Engine {
    /// Copies a table, with its indexes, constraints, defaults, owned sequences, triggers, policies and rights, in one transaction. Nothing
    /// that is there is touched: a table of this name in the original refuses it.
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
            let sentence = format!("{database} has a {schema}.{name} already, and nothing that is there is touched: rename that one first");
            return refused(sentence);
        }
        if !get::<bool>(&target.row(&format!("SELECT to_regnamespace({}) IS NOT NULL", literal(&quoted(schema)))).await?, 0)? {
            return refused(format!("{database} has no schema {schema} any more: make it first, with CREATE SCHEMA {}", quoted(schema)));
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
            .await?;
        progress.phase(JobPhase::Compare, None);
        let compared = target.compare(&expected, cancel).await?;
        Ok(PutBackReport { database, rows: compared.rows, difference: compared.differences.into_iter().next() })
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
