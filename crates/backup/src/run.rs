//! Making a backup.

use crate::{
    BackupError, Engine, Progress,
    cancel::{all_or_none, unless},
    manifest::{FORMAT, Manifest, ObjectRecord, checksum},
    progress::Meter,
    properties,
    repository::{CLEANUP, marks::Stage},
    scratch::{Scratch, free_bytes},
    source::{FoundTable, Source, quoted},
    tools::{self, Login},
};
use reeve_adapter::Endpoint;
use reeve_cluster::binaries::Installation;
use reeve_model::{
    TargetName, UnixMs,
    backup::{Backup, BackupCopy, BackupDatabase, BackupId, BackupKind, BackupTable, JobPhase},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use time::{OffsetDateTime, macros::format_description};
use tokio_util::sync::CancellationToken;

/// How often the growing dump is measured; the tool tells nothing in bytes.
const LOOK: Duration = Duration::from_millis(500);
/// Left free beside what a job needs, bytes.
const RESERVE: u64 = 64 * 1024 * 1024;

/// A table by schema and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
}

impl TableName {
    /// Reads `schema.name`; without a dot the schema is `public`. The first dot divides.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (schema, name) = text.split_once('.').unwrap_or(("public", text));
        Self { schema: schema.to_owned(), name: name.to_owned() }
    }
}

/// What to back up.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The target's name, for the catalogue.
    pub target: TargetName,
    /// How to reach the database.
    pub endpoint: Endpoint,
    /// What caused it.
    pub kind: BackupKind,
    /// Only the rows of these tables; the structure is always whole. None: all.
    pub tables: Option<Vec<TableName>>,
}

/// What is known before anything is written.
struct Plan {
    version: String,
    major: u32,
    installation: Installation,
    database: BackupDatabase,
    chosen: Vec<FoundTable>,
    left_out: Vec<FoundTable>,
    notes: Vec<String>,
}

impl Plan {
    fn bytes(&self) -> u64 {
        self.chosen.iter().map(|t| t.bytes).sum()
    }
}

impl Engine {
    /// Makes a backup. It is listed when this answers Ok, and not before; cancelled or failed it leaves nothing.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn run(&self, request: RunRequest, progress: &Progress, cancel: &CancellationToken) -> Result<Backup, BackupError> {
        let started = (UnixMs::now(), Instant::now());
        progress.phase(JobPhase::Preflight, None);
        let source = Source::connect(&request.endpoint).await?;
        source.lock(request.endpoint.database()).await?;
        let plan = self.plan(&source, &request).await?;
        if let Err(error) = unless(cancel, self.repository.sweep()).await {
            if matches!(error, BackupError::Cancelled) {
                return Err(error);
            }
            tracing::warn!(%error, "abandoned backups were not cleared away");
        }
        let scratch = Scratch::open(&self.config.scratch)?;
        self.require_space(&plan)?;
        let id = new_id(started.0)?;
        let stage = unless(cancel, self.repository.stage(&id)).await?;
        let work = async {
            let dumped = self.dump(&source, &request, &plan, &scratch, progress, cancel).await?;
            Ok::<_, BackupError>((dumped, self.store(&id, &scratch, progress, cancel).await?))
        };
        let ((taken_at, tables), objects) = match work.await {
            Ok(done) => done,
            Err(error) => {
                source.stop().await;
                return Err(given_up(stage, error).await);
            }
        };
        let backup = self.describe(id, &request, plan, tables, &objects, taken_at, started);
        progress.phase(JobPhase::Commit, None);
        if cancel.is_cancelled() {
            return Err(given_up(stage, BackupError::Cancelled).await);
        }
        stage.commit(&Manifest { format: FORMAT, backup: backup.clone(), objects }).await?;
        Ok(backup)
    }

    async fn plan(&self, source: &Source, request: &RunRequest) -> Result<Plan, BackupError> {
        let major = source.major()?;
        let installation = tools::pick(&self.config.installations, major, "pg_dump")?;
        source.require_rights(request.endpoint.user()).await?;
        let found = source.tables().await?;
        let (chosen, left_out) = match &request.tables {
            None => (found, Vec::new()),
            Some(wanted) => {
                let wanted: BTreeSet<(&str, &str)> = wanted.iter().map(|t| (t.schema.as_str(), t.name.as_str())).collect();
                let is_there =
                    |(schema, name): &&(&str, &str)| found.iter().any(|t| (t.schema.as_str(), t.name.as_str()) == (*schema, *name));
                if let Some((schema, name)) = wanted.iter().find(|t| !is_there(t)) {
                    return Err(BackupError::Refused(format!(
                        "there is no table {schema}.{name} in the database {}: correct the name (of a partitioned table name the partitions)",
                        request.endpoint.database()
                    )));
                }
                found.into_iter().partition(|t| wanted.contains(&(t.schema.as_str(), t.name.as_str())))
            }
        };
        let mut notes = source.limits_of_comparison().await?;
        if !self.config.keys.encrypts() {
            notes.push("It is not encrypted: no recipients are configured.".to_owned());
        } else if !self.config.keys.can_open() {
            notes.push("No identity is configured here: that it can be opened was not tried.".to_owned());
        }
        if !left_out.is_empty() {
            notes.push(format!("The rows of {} tables were left out; their structure is in it.", left_out.len()));
        }
        Ok(Plan { version: source.version(), major, installation, database: source.database().await?, chosen, left_out, notes })
    }

    /// The dump is not larger than the tables on the server, mostly; compressed it is less than half of that.
    fn require_space(&self, plan: &Plan) -> Result<(), BackupError> {
        let mut needs: Vec<(&Path, u64)> = vec![(&self.config.scratch, plan.bytes())];
        needs.extend(self.repository.directory().map(|dir| (dir, plan.bytes() / 2)));
        for (index, (place, need)) in needs.iter().enumerate() {
            // On one file system both needs count together.
            let others = needs.iter().enumerate().filter(|(i, (other, _))| *i != index && same_device(place, other));
            let need = need + others.map(|(_, (_, need))| need).sum::<u64>() + RESERVE;
            if let Some(free) = free_bytes(place).filter(|free| *free < need) {
                return Err(BackupError::Refused(format!(
                    "{} has {} MB free and this backup needs about {} MB there: free some space, or configure another directory",
                    place.display(),
                    free / 1_000_000,
                    need / 1_000_000
                )));
            }
        }
        Ok(())
    }

    /// Dumps and counts in one snapshot, side by side. Answers its moment and the tables.
    async fn dump(
        &self,
        source: &Source,
        request: &RunRequest,
        plan: &Plan,
        scratch: &Scratch,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(UnixMs, Vec<BackupTable>), BackupError> {
        let meter = progress.phase(JobPhase::Dump, Some(plan.bytes()));
        source.write_private(scratch.private()).await?;
        let snapshot = source.export_snapshot().await?;
        let taken_at = UnixMs::now();
        let login = Login::prepare(&request.endpoint, scratch.private(), plan.installation.major)?;
        let dir = scratch.private().join("dump");
        let excluded = plan.left_out.iter().map(|t| format!("--exclude-table-data={}.{}", quoted(&t.schema), quoted(&t.name)));
        let dump = login
            .tool(&plan.installation, "pg_dump", scratch.private())
            .args(["--format=directory", "--compress=0", "--no-password", "--lock-wait-timeout=60000", "--quote-all-identifiers"])
            .arg(format!("--jobs={}", self.config.jobs.max(1)))
            .arg(format!("--snapshot={snapshot}"))
            .arg(format!("--file={}", dir.display()))
            .args(excluded)
            .run(cancel);
        let globals = login
            .tool(&plan.installation, "pg_dumpall", scratch.private())
            .args(["--globals-only", "--no-role-passwords", "--no-password", "--quote-all-identifiers"])
            .arg(format!("--database={}", request.endpoint.database()))
            .output_to(&scratch.private().join("globals.sql"))?
            .run(cancel);
        let work = async { tokio::try_join!(dump, globals, count(source, &plan.chosen, cancel)) };
        let ((), (), tables) = watched(work, &dir, &meter).await?;
        // From here on nothing needs the snapshot, and it must not hold back vacuum while the rest is done.
        source.execute("COMMIT").await?;
        Ok((taken_at, tables))
    }

    /// Stores each file and removes it, several at once.
    async fn store(
        &self,
        id: &BackupId,
        scratch: &Scratch,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Vec<ObjectRecord>, BackupError> {
        let files = files_of(scratch.private())?;
        let meter = progress.phase(JobPhase::Store, Some(files.iter().map(|(_, _, bytes)| bytes).sum()));
        let chain = self.chain();
        let stored = all_or_none(cancel, files, self.at_once(), async |(name, path, _), cancel| {
            let record = self.repository.store_file(id, &name, &path, &chain, &meter, &cancel).await?;
            tokio::fs::remove_file(&path).await.map_err(|e| BackupError::io(&path, &e))?;
            Ok::<_, BackupError>(record)
        });
        let mut objects = stored.await?;
        objects.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(objects)
    }

    #[allow(clippy::too_many_arguments)] // it only puts together what the steps found
    fn describe(
        &self,
        id: BackupId,
        request: &RunRequest,
        plan: Plan,
        tables: Vec<BackupTable>,
        objects: &[ObjectRecord],
        taken_at: UnixMs,
        started: (UnixMs, Instant),
    ) -> Backup {
        Backup {
            id,
            timestamp: taken_at,
            size_bytes: objects.iter().map(|o| o.stored_bytes).sum(),
            tables,
            kind: request.kind,
            checksum: checksum(objects),
            target: request.target.clone(),
            database: plan.database,
            whole: plan.left_out.is_empty(),
            server_version: plan.version,
            server_major: plan.major,
            tool_version: plan.installation.version,
            tool_major: plan.installation.major,
            started_at: started.0,
            duration_ms: u64::try_from(started.1.elapsed().as_millis()).unwrap_or(u64::MAX),
            plain_bytes: objects.iter().map(|o| o.plain_bytes).sum(),
            encrypted_to: self.config.keys.recipients(),
            // Each object was read back while it was stored.
            copies: vec![BackupCopy { location: self.repository.location().to_string(), verified_at: Some(UnixMs::now()) }],
            notes: plan.notes,
        }
    }
}

/// Throws away what was stored; the first reason is the one that is told.
async fn given_up(stage: Stage, error: BackupError) -> BackupError {
    match tokio::time::timeout(CLEANUP, stage.abandon()).await {
        Ok(Ok(())) => {}
        Ok(Err(second)) => tracing::warn!(error = %second, "what a failed backup stored was not cleared away; a later run does it"),
        Err(_) => tracing::warn!("the repository does not answer: what a failed backup stored is cleared away by a later run"),
    }
    error
}

async fn count(source: &Source, tables: &[FoundTable], cancel: &CancellationToken) -> Result<Vec<BackupTable>, BackupError> {
    let mut counted = Vec::with_capacity(tables.len());
    for table in tables {
        let (rows, digest) = source.count(&table.schema, &table.name, cancel).await?;
        counted.push(BackupTable { schema: table.schema.clone(), name: table.name.clone(), rows: Some(rows), digest: Some(digest) });
    }
    Ok(counted)
}

/// Tells how large the dump has grown while the work goes on.
async fn watched<T>(work: impl Future<Output = T>, dir: &Path, meter: &Meter) -> T {
    tokio::pin!(work);
    let mut ticks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => {
                let sizes = std::fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|e| e.metadata().ok());
                meter.at(sizes.map(|m| m.len()).sum());
            }
        }
    }
}

/// What a dump consists of: name in the backup, place, bytes.
fn files_of(private: &Path) -> Result<Vec<(String, PathBuf, u64)>, BackupError> {
    let dump = private.join("dump");
    let entries = std::fs::read_dir(&dump).map_err(|e| BackupError::io(&dump, &e))?;
    let mut found: Vec<(String, PathBuf)> =
        ["globals.sql", properties::FILE].iter().map(|name| ((*name).to_owned(), private.join(name))).collect();
    for entry in entries {
        let entry = entry.map_err(|e| BackupError::io(&dump, &e))?;
        let name =
            entry.file_name().into_string().map_err(|name| BackupError::system("reading the dump", format!("{name:?} is no text")))?;
        found.push((format!("dump/{name}"), entry.path()));
    }
    // The largest first: then none is left over at the end while the other jobs idle.
    let mut files = Vec::with_capacity(found.len());
    for (name, path) in found {
        let bytes = path.metadata().map_err(|e| BackupError::io(&path, &e))?.len();
        files.push((name, path, bytes));
    }
    files.sort_by_key(|(_, _, bytes)| std::cmp::Reverse(*bytes));
    Ok(files)
}

fn same_device(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    a.metadata().ok().zip(b.metadata().ok()).is_some_and(|(a, b)| a.dev() == b.dev())
}

fn new_id(now: UnixMs) -> Result<BackupId, BackupError> {
    let mut random = [0_u8; 4];
    getrandom::fill(&mut random).map_err(|e| BackupError::system("reading random bytes", e))?;
    let moment = moment(now)?;
    BackupId::new(format!("{moment}Z-{}", hex::encode(random))).map_err(|e| BackupError::system("making an id", e))
}

/// `20261126T131845`, UTC.
pub(crate) fn moment(at: UnixMs) -> Result<String, BackupError> {
    let time = OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1000)).map_err(|e| BackupError::system("reading the clock", e))?;
    let format = format_description!("[year][month][day]T[hour][minute][second]");
    time.format(format).map_err(|e| BackupError::system("reading the clock", e))
}
