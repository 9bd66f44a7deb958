//! Restoring a backup: beside the original, or in its place.

use crate::{
    BackupError, Engine, Progress,
    cancel::unless,
    drill::millis,
    fetch::stored_bytes,
    load::Loading,
    manifest::Manifest,
    properties::{create_database, drop_database},
    run::{TableName, moment},
    scratch::Scratch,
    source::{Source, get, literal, quoted},
    tools,
};
use reeve_adapter::Endpoint;
use reeve_model::{
    UnixMs,
    backup::{BackupId, BackupTable, JobPhase, RestoreReport},
};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// PostgreSQL's longest name, bytes.
const NAME_LIMIT: usize = 63;

/// How often whoever is still connected is sent away while a database is renamed; the server looks ten times a second whether they left.
const USHER: Duration = Duration::from_millis(200);
/// How often the renaming is tried; each waits five seconds for those who are connected.
const TRIES: u32 = 3;

/// Permission to put what is restored in the place of a database: its name, typed by a person.
#[derive(Debug, Clone)]
pub struct Over {
    /// The database to replace.
    pub database: String,
    /// What the person typed.
    pub typed: String,
}

/// What to restore, and where.
#[derive(Debug, Clone)]
pub struct RestoreRequest {
    /// Which backup.
    pub id: BackupId,
    /// The server and a login that may create databases there; its database is used to give the orders from.
    pub server: Endpoint,
    /// The new database's name; none: `<database>_restored_<time>`.
    pub database: Option<String>,
    /// Rows of these tables only; the structure is always whole. None: of all.
    pub tables: Option<Vec<TableName>>,
    /// Replaces a database. The one before is kept under another name.
    pub over: Option<Over>,
}

impl Engine {
    /// Restores into a new database and compares; then, if asked, puts it in the place of another one, which is kept. When something fails,
    /// what was made is removed and everything else is as it was.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn restore(
        &self,
        request: &RestoreRequest,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<RestoreReport, BackupError> {
        if let Some(over) = &request.over {
            require_typed(over)?;
        }
        let (lease, manifest) = unless(cancel, self.repository.lease(&request.id)).await?;
        let done = self.restore_leased(request, &manifest, progress, cancel).await;
        let released = lease.release().await;
        let report = done?;
        released?;
        Ok(report)
    }

    async fn restore_leased(
        &self,
        request: &RestoreRequest,
        manifest: &Manifest,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<RestoreReport, BackupError> {
        progress.phase(JobPhase::Preflight, None);
        let server = Source::connect(&request.server).await?;
        let wanted = wanted(manifest, request.tables.as_deref())?;
        let mut name = free_name(&server, request, manifest).await?;
        if let Some(over) = &request.over
            && !exists(&server, &over.database).await?
        {
            return Err(BackupError::Refused(format!("there is no database {} to replace: leave the replacing out", over.database)));
        }
        if server.major()? < manifest.backup.server_major {
            return Err(BackupError::Refused(format!(
                "the backup is of PostgreSQL {} and the server at {} is older ({}): restore into a server at least as new",
                manifest.backup.server_major,
                request.server.redacted(),
                server.version()
            )));
        }
        let installation = tools::pick(&self.config.installations, manifest.backup.tool_major.max(server.major()?), "pg_restore")?;
        let scratch = Scratch::open(&self.config.scratch)?;
        let clock = Instant::now();
        let meter = progress.phase(JobPhase::Read, Some(stored_bytes(&manifest.objects)));
        let fetched = self.fetch(manifest, &scratch, &meter, cancel).await?;
        progress.phase(JobPhase::Load, None);
        // A name that was free when it was looked for may have gone to another restore meanwhile.
        while let Err(error) = create_database(&server, &name, &manifest.backup.database).await {
            if request.database.is_some() || !error.is_taken() {
                return Err(error);
            }
            name = free_name(&server, request, manifest).await?;
        }
        let database = request.server.with_database(&name);
        let whole = manifest.backup.whole && request.tables.is_none();
        let work = async {
            let loading = Loading {
                installation: &installation,
                fetched: &fetched,
                jobs: self.config.jobs,
                tables: request.tables.as_deref(),
                foreign_keys: whole,
                tablespaces: true,
            };
            loading.load(&database, scratch.private(), cancel).await?;
            let duration_ms = millis(clock.elapsed());
            progress.phase(JobPhase::Compare, None);
            Ok::<_, BackupError>((duration_ms, Source::connect(&database).await?.compare(&wanted, cancel).await?))
        };
        let (duration_ms, compared) = match work.await {
            Ok(done) => done,
            Err(error) => {
                drop_database(&server, &name).await;
                return Err(error);
            }
        };
        let mut report = RestoreReport {
            backup: request.id.clone(),
            at: UnixMs::now(),
            database: name.clone(),
            kept_as: None,
            duration_ms,
            tables_compared: compared.tables,
            rows_compared: compared.rows,
            differences: compared.differences,
            notes: Vec::new(),
        };
        if !whole {
            report.notes.push("Foreign keys were left out: rows they point to may not be there.".to_owned());
        }
        report.notes.extend(server.put_properties(&name, &manifest.backup.database, scratch.private()).await);
        if let Some(over) = &request.over {
            if !report.differences.is_empty() {
                report.notes.push(format!("{} was not replaced, because what was restored is not what was backed up.", over.database));
                return Ok(report);
            }
            report.kept_as = Some(swap(&server, &request.server, &over.database, &name).await?);
            report.database.clone_from(&over.database);
        }
        Ok(report)
    }
}

fn require_typed(over: &Over) -> Result<(), BackupError> {
    if over.typed == over.database {
        return Ok(());
    }
    Err(BackupError::Refused(format!("to replace a database its name must be typed, and what was typed is not {:?}", over.database)))
}

/// The tables to compare afterwards.
pub(crate) fn wanted(manifest: &Manifest, tables: Option<&[TableName]>) -> Result<Vec<BackupTable>, BackupError> {
    let all = &manifest.backup.tables;
    let Some(tables) = tables else { return Ok(all.clone()) };
    let find = |wanted: &TableName| {
        let found = all.iter().find(|t| t.schema == wanted.schema && t.name == wanted.name).cloned();
        found.ok_or_else(|| {
            BackupError::Refused(format!(
                "the backup {} holds no rows of a table {}.{}: `reeve backup show` lists its tables",
                manifest.backup.id, wanted.schema, wanted.name
            ))
        })
    };
    tables.iter().map(find).collect()
}

/// The name of the new database, which must not be taken.
async fn free_name(server: &Source, request: &RestoreRequest, manifest: &Manifest) -> Result<String, BackupError> {
    let Some(name) = request.database.clone() else {
        return dated(server, &manifest.backup.database.name, "restored").await;
    };
    if name.is_empty() || name.len() > NAME_LIMIT {
        return Err(BackupError::Refused(format!("{name:?} is no name for a database: 1 to {NAME_LIMIT} bytes")));
    }
    if exists(server, &name).await? {
        return Err(BackupError::Refused(format!("there is a database {name} already: choose another name")));
    }
    Ok(name)
}

/// A name after this second that no database has; a second restore within it gets a number.
async fn dated(server: &Source, database: &str, what: &str) -> Result<String, BackupError> {
    let suffix = format!("_{what}_{}", moment(UnixMs::now())?);
    let (mut name, mut number) = (suffixed(database, &suffix), 1);
    while exists(server, &name).await? {
        number += 1;
        name = suffixed(database, &format!("{suffix}_{number}"));
    }
    Ok(name)
}

/// As much of `name` as fits before `suffix`.
fn suffixed(name: &str, suffix: &str) -> String {
    let room = NAME_LIMIT.saturating_sub(suffix.len());
    let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= room).last().unwrap_or(0);
    format!("{}{suffix}", &name[..end])
}

async fn exists(server: &Source, name: &str) -> Result<bool, BackupError> {
    let row = server.row(&format!("SELECT EXISTS (SELECT FROM pg_database WHERE datname = {})", literal(name))).await?;
    get(&row, 0)
}

/// Renames both databases in one transaction: everybody sees the one before or the one after, and whenever this ends, by an error or a
/// killed Reeve, one of the two is there and open as it was. Answers the name of the one before.
///
/// `RENAME` locks the database, so that whoever wants in waits, and then gives those who are in five seconds to leave. Meanwhile a second
/// session sends them away.
async fn swap(server: &Source, endpoint: &Endpoint, database: &str, restored: &str) -> Result<String, BackupError> {
    let at = |step: &str, error: BackupError| {
        BackupError::Refused(format!(
            "what was restored is complete in the database {restored}, but {step} ({error}): {database} is as it was"
        ))
    };
    let kept = dated(server, database, "before").await.map_err(|e| at("the server could not be asked", e))?;
    let row = server.row("SELECT current_database()::text").await.map_err(|e| at("the server could not be asked", e))?;
    if get::<String>(&row, 0)? == database {
        let sentence = format!(
            "the login's own database is {database}, which can't be renamed from within; give a login to another database, such as postgres"
        );
        return Err(at("it could not take the place", BackupError::Refused(sentence)));
    }
    let usher = Source::connect(endpoint).await.map_err(|e| at("the server could not be asked", e))?;
    // What the server itself does there, autovacuum above all, makes way by itself.
    let cut = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({}, {}) AND usesysid IS NOT NULL AND pid <> pg_backend_pid()",
        literal(database),
        literal(restored)
    );
    let rename = format!(
        "BEGIN; ALTER DATABASE {0} RENAME TO {1}; ALTER DATABASE {2} RENAME TO {0}; COMMIT",
        quoted(database),
        quoted(&kept),
        quoted(restored)
    );
    let mut tries = 0;
    loop {
        let renaming = server.execute(&rename);
        tokio::pin!(renaming);
        let renamed = loop {
            if let Err(error) = usher.execute(&cut).await {
                // The renaming says what became of that.
                tracing::warn!(%error, "sessions could not be ended");
            }
            tokio::select! {
                renamed = &mut renaming => break renamed,
                () = tokio::time::sleep(USHER) => {}
            }
        };
        let Err(error) = renamed else { return Ok(kept) };
        server.execute("ROLLBACK").await.ok();
        // An answer that was lost may have been a yes.
        let done = match Source::connect(endpoint).await {
            Ok(again) => exists(&again, &kept).await.unwrap_or(false),
            Err(_) => false,
        };
        if done {
            return Ok(kept);
        }
        tries += 1;
        if tries == TRIES || matches!(error, BackupError::Database(reeve_adapter::AdapterError::NoPrivilege { .. })) {
            return Err(at("it could not take the place", error));
        }
        tracing::info!(%error, "renaming is tried again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d3_names_stay_within_postgresqls_limit() {
        assert_eq!(suffixed("orders", "_x"), "orders_x");
        let long = suffixed(&"ü".repeat(40), "_restored_20261126T131845");
        assert!(long.len() <= NAME_LIMIT && long.ends_with("_restored_20261126T131845") && long.starts_with('ü'), "{long}");
    }

    #[test]
    fn d3_only_the_typed_name_replaces_a_database() {
        let over = |typed: &str| Over { database: "orders".into(), typed: typed.into() };
        assert!(require_typed(&over("orders")).is_ok());
        assert!(require_typed(&over("Orders")).is_err() && require_typed(&over("")).is_err());
    }
}
