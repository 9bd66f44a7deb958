//! The database that is backed up, or that was restored: a session, its facts, its tables, its rows counted.

use crate::BackupError;
use reeve_adapter::{AdapterError, Endpoint, WireClient, WireOptions, guarded};
use reeve_model::backup::{BackupDatabase, BackupTable, TableDifference};
use tokio_postgres::Row;
use tokio_util::sync::CancellationToken;

/// Locked under this key while a backup of the database runs; by every Reeve alike.
const LOCK: (i32, i32) = (0x5245_4556, 0x424b_5550);
/// Differences are named up to so many.
const NAMED: usize = 100;

/// Rows must look the same whatever the server's, the database's and the login's settings are.
const SETTINGS: &[(&str, &str)] = &[
    ("search_path", "pg_catalog"),
    ("datestyle", "ISO, MDY"),
    ("intervalstyle", "postgres"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("timezone", "UTC"),
    ("lc_monetary", "C"),
    ("row_security", "off"),
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("lock_timeout", "60s"),
];

/// Every user's table whose rows `pg_dump` dumps: not those of extensions, not temporary ones.
const TABLES: &str = "
    SELECT n.nspname, c.relname, pg_table_size(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname";

/// What the login may not read, or would read only in part.
const UNREADABLE: &str = "
    SELECT format('%I.%I', n.nspname, c.relname),
           NOT (has_schema_privilege(n.oid, 'USAGE')
                AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') ELSE has_table_privilege(c.oid, 'SELECT') END)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      AND (NOT has_schema_privilege(n.oid, 'USAGE')
           OR NOT CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') ELSE has_table_privilege(c.oid, 'SELECT') END
           OR row_security_active(c.oid))
    ORDER BY 1";

/// A table as the catalogue shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundTable {
    pub(crate) schema: String,
    pub(crate) name: String,
    /// Heap and TOAST, bytes.
    pub(crate) bytes: u64,
}

/// A session in the database.
pub(crate) struct Source {
    client: WireClient,
}

impl Source {
    pub(crate) async fn connect(endpoint: &Endpoint) -> Result<Self, BackupError> {
        let options = SETTINGS.iter().fold(WireOptions::new("reeve/backup"), |options, (name, value)| options.set(name, value));
        match guarded::straight(endpoint, options).await {
            Ok(client) => Ok(Self { client }),
            // The lock, the snapshot and what pg_dump sets for itself belong to one session. In a pool they would stay behind for strangers.
            Err(AdapterError::Pooler { server, .. }) => Err(BackupError::Refused(format!(
                "{server} is a connection pooler, and a backup or restore needs a session of its own: give the server's own address, for a target in backup_url_file"
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// The server's major version.
    pub(crate) fn major(&self) -> Result<u32, BackupError> {
        self.client.major().ok_or_else(|| BackupError::system("asking the server for its version", "it said none"))
    }

    /// The server's version as it says it.
    pub(crate) fn version(&self) -> String {
        self.client.version().unwrap_or_default().to_owned()
    }

    pub(crate) async fn rows(&self, sql: &str) -> Result<Vec<Row>, BackupError> {
        Ok(self.client.query(sql, &[]).await.map_err(|e| self.client.sort(&e))?)
    }

    pub(crate) async fn row(&self, sql: &str) -> Result<Row, BackupError> {
        Ok(self.client.query_one(sql, &[]).await.map_err(|e| self.client.sort(&e))?)
    }

    pub(crate) async fn execute(&self, sql: &str) -> Result<(), BackupError> {
        Ok(self.client.batch_execute(sql).await.map_err(|e| self.client.sort(&e))?)
    }

    /// Takes the lock of this database; it ends with the session.
    pub(crate) async fn lock(&self, database: &str) -> Result<(), BackupError> {
        let row = self.row(&format!("SELECT pg_try_advisory_lock({}, {})", LOCK.0, LOCK.1)).await?;
        if get::<bool>(&row, 0)? { Ok(()) } else { Err(BackupError::Busy { database: database.to_owned() }) }
    }

    pub(crate) async fn database(&self) -> Result<BackupDatabase, BackupError> {
        let sql = "SELECT datname::text, pg_encoding_to_char(encoding)::text, datcollate::text, datctype::text, pg_database_size(oid)
                   FROM pg_database WHERE datname = current_database()";
        let row = self.row(sql).await?;
        Ok(BackupDatabase {
            name: get(&row, 0)?,
            encoding: get(&row, 1)?,
            collate: get(&row, 2)?,
            ctype: get(&row, 3)?,
            size_bytes: bytes(get(&row, 4)?),
            properties: Some(self.properties().await?),
        })
    }

    pub(crate) async fn tables(&self) -> Result<Vec<FoundTable>, BackupError> {
        let rows = self.rows(TABLES).await?;
        rows.iter().map(|row| Ok(FoundTable { schema: get(row, 0)?, name: get(row, 1)?, bytes: bytes(get(row, 2)?) })).collect()
    }

    /// Refuses a login that would see less than everything.
    pub(crate) async fn require_rights(&self, user: &str) -> Result<(), BackupError> {
        let rows = self.rows(UNREADABLE).await?;
        let mut denied = Vec::new();
        let mut filtered = Vec::new();
        for row in &rows {
            let name: String = get(row, 0)?;
            if get::<bool>(row, 1)? { denied.push(name) } else { filtered.push(name) }
        }
        if let Some(names) = some_of(&denied) {
            return Err(BackupError::Refused(format!(
                "the login {user} may not read {names}: GRANT pg_read_all_data TO it (PostgreSQL 14 and newer), or give another login for backups"
            )));
        }
        if let Some(names) = some_of(&filtered) {
            return Err(BackupError::Refused(format!(
                "row security would hide rows of {names} from the login {user}: ALTER ROLE … BYPASSRLS, or give another login for backups"
            )));
        }
        Ok(())
    }

    /// What can't be compared after a restore, as sentences.
    pub(crate) async fn limits_of_comparison(&self) -> Result<Vec<String>, BackupError> {
        let sql = "SELECT (SELECT count(*) FROM pg_largeobject_metadata),
                          (SELECT count(*) FROM pg_class WHERE relkind = 'm'),
                          (SELECT count(*) FROM pg_class WHERE relkind = 'f')";
        let row = self.row(sql).await?;
        let mut notes = Vec::new();
        let mut note = |count: i64, what: &str| {
            if count > 0 {
                notes.push(format!("{count} {what}"));
            }
        };
        note(get(&row, 0)?, "large objects are in the backup, but are not counted and not compared.");
        note(get(&row, 1)?, "materialized views are made anew by a restore, and are not compared.");
        note(get(&row, 2)?, "foreign tables have their rows elsewhere: only their definition is in the backup.");
        Ok(notes)
    }

    /// Begins a transaction that sees one moment, and lets others see the same. Answers the snapshot's name.
    pub(crate) async fn export_snapshot(&self) -> Result<String, BackupError> {
        self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
        get(&self.row("SELECT pg_export_snapshot()").await?, 0)
    }

    /// Counts rows and sums a hash over each row's text. Reads every row: for the server it is as much work as the dump itself.
    pub(crate) async fn count(&self, schema: &str, name: &str, cancel: &CancellationToken) -> Result<(u64, String), BackupError> {
        let sql = count_sql(schema, name);
        let query = self.row(&sql);
        tokio::pin!(query);
        let row = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                self.stop().await;
                return Err(BackupError::Cancelled);
            }
            row = &mut query => row?,
        };
        Ok((bytes(get(&row, 0)?), get(&row, 1)?))
    }

    /// Asks the server to end what this session runs: nothing should go on there for nobody.
    pub(crate) async fn stop(&self) {
        if let Err(error) = self.client.cancel().await {
            tracing::debug!(%error, "a cancellation was not delivered");
        }
    }

    /// Counts tables anew and tells what is not as it was. Answers tables, rows and differences.
    pub(crate) async fn compare(&self, expected: &[BackupTable], cancel: &CancellationToken) -> Result<Comparison, BackupError> {
        let mut outcome = Comparison::default();
        let there = self.tables().await?;
        for table in expected {
            let Some((rows, digest)) = table.rows.zip(table.digest.as_ref()) else { continue };
            let differs = |sentence: String| TableDifference { schema: table.schema.clone(), name: table.name.clone(), sentence };
            outcome.tables += 1;
            if !there.iter().any(|t| t.schema == table.schema && t.name == table.name) {
                outcome.differences.push(differs("It is not there.".to_owned()));
                continue;
            }
            let (found, sum) = self.count(&table.schema, &table.name, cancel).await?;
            outcome.rows += found;
            if found != rows {
                outcome.differences.push(differs(format!("It has {found} rows and should have {rows}.")));
            } else if sum != *digest {
                outcome.differences.push(differs(format!("It has {rows} rows, as it should, but not the same ones.")));
            }
        }
        outcome.differences.truncate(NAMED);
        Ok(outcome)
    }
}

/// The query that counts a table's rows and sums a hash over each: what `rows` and `digest` of a backup's table are. Its answer depends on
/// the session's settings of how values look.
#[must_use]
pub fn count_sql(schema: &str, name: &str) -> String {
    format!(
        "SELECT count(*), coalesce(sum(hashtextextended((ROW(r.*))::text COLLATE \"C\", 0)::numeric), 0)::text FROM ONLY {}.{} AS r",
        quoted(schema),
        quoted(name)
    )
}

/// What a comparison found.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) tables: u64,
    pub(crate) rows: u64,
    pub(crate) differences: Vec<TableDifference>,
}

/// An identifier in quotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in quotes.
pub(crate) fn literal(text: &str) -> String {
    if text.contains('\\') {
        return format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    }
    format!("'{}'", text.replace('\'', "''"))
}

pub(crate) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, BackupError> {
    row.try_get(index).map_err(|e| BackupError::system("reading the server's answer", e))
}

fn bytes(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// "a, b, c and 7 more"; none of none.
fn some_of(names: &[String]) -> Option<String> {
    let shown = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => None,
        1..=3 => Some(shown),
        more => Some(format!("{shown} and {} more", more - 3)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_quoted() {
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!((literal("it's").as_str(), literal("a\\b").as_str()), ("'it''s'", "E'a\\\\b'"));
        let names: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        assert_eq!(some_of(&names).as_deref(), Some("a, b, c and 2 more"));
    }
}
