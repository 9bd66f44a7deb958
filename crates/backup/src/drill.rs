//! A drill: a backup really restored, into a private server that is thrown away.

use crate::{
    BackupError, Engine, Progress,
    cancel::unless,
    fetch::stored_bytes,
    load::Loading,
    manifest::Manifest,
    properties::create_database,
    repository::records::Record,
    scratch::Scratch,
    source::Source,
    tools::{self, Login},
};
use reeve_adapter::Endpoint;
use reeve_cluster::{Cluster, ClusterConfig, binaries::Installation};
use reeve_model::{
    UnixMs,
    backup::{AmcheckOutcome, BackupId, Drill, DrillOutcome, DrillTarget, JobPhase},
};
use secrecy::ExposeSecret;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// The database that a drill restores into.
const DATABASE: &str = "reeve_drill";
/// Enough to build indexes at a decent speed, little enough to run beside others.
const SETTINGS: &[(&str, &str)] = &[
    ("shared_buffers", "128MB"),
    ("maintenance_work_mem", "128MB"),
    ("max_wal_size", "2GB"),
    ("autovacuum", "off"),
    ("max_connections", "40"),
];

/// What to try.
#[derive(Debug, Clone)]
pub struct DrillRequest {
    /// Which backup.
    pub id: BackupId,
    /// How long a restore may take.
    pub rto_target: Duration,
}

impl DrillRequest {
    /// Within 15 minutes.
    #[must_use]
    pub fn new(id: BackupId) -> Self {
        Self { id, rto_target: Duration::from_secs(15 * 60) }
    }
}

impl Engine {
    /// Restores a backup into a private server, compares, and keeps a record. That the backup can't be restored is a failed drill in the
    /// answer, not an error.
    ///
    /// # Errors
    /// There is no such backup, it was cancelled, or the record could not be kept.
    pub async fn drill(&self, request: &DrillRequest, progress: &Progress, cancel: &CancellationToken) -> Result<Drill, BackupError> {
        let (lease, manifest) = unless(cancel, self.repository.lease(&request.id)).await?;
        let started = Instant::now();
        let mut drill = Drill {
            backup: request.id.clone(),
            at: UnixMs::now(),
            outcome: DrillOutcome::Failed,
            failure: None,
            rto: None,
            duration_ms: 0,
            server_version: None,
            tables_compared: 0,
            rows_compared: 0,
            differences: Vec::new(),
            amcheck: AmcheckOutcome::Skipped { sentence: "The drill did not come that far.".to_owned() },
            notes: Vec::new(),
        };
        let work = self.attempt(&manifest, request, &mut drill, progress, cancel).await;
        let released = lease.release().await;
        match work {
            Err(BackupError::Cancelled) => return Err(BackupError::Cancelled),
            Err(error) => drill.failure = Some(error.to_string()),
            Ok(()) => judge(&mut drill),
        }
        released?;
        drill.at = UnixMs::now();
        drill.duration_ms = millis(started.elapsed());
        self.repository.record(&Record::Drill(drill.clone())).await?;
        Ok(drill)
    }

    async fn attempt(
        &self,
        manifest: &Manifest,
        request: &DrillRequest,
        drill: &mut Drill,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(), BackupError> {
        let clock = Instant::now();
        let installation = tools::pick(&self.config.installations, manifest.backup.tool_major, "initdb")?;
        let scratch = Scratch::open(&self.config.scratch)?;
        let meter = progress.phase(JobPhase::Read, Some(stored_bytes(&manifest.objects)));
        let fetched = self.fetch(manifest, &scratch, &meter, cancel).await?;
        progress.phase(JobPhase::Load, None);
        let config = ClusterConfig {
            dir: scratch.dir().join("server"),
            settings: SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            label: "drill".to_owned(),
            major: Some(installation.major),
        };
        let cluster = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(BackupError::Cancelled),
            cluster = Cluster::start(config) => cluster?,
        };
        drill.server_version = Some(installation.version.clone());
        let work = async {
            let server = endpoint(&cluster, "postgres")?;
            let private = scratch.private();
            make_roles(&server, &installation, &fetched.globals, private, drill, cancel).await?;
            create_database(&Source::connect(&server).await?, DATABASE, &manifest.backup.database).await?;
            let database = endpoint(&cluster, DATABASE)?;
            let whole = manifest.backup.whole;
            if !whole {
                drill.notes.push("It holds the rows of chosen tables only: foreign keys were left out.".to_owned());
            }
            let loading = Loading {
                installation: &installation,
                fetched: &fetched,
                jobs: self.config.jobs,
                tables: None,
                foreign_keys: whole,
                tablespaces: false,
            };
            loading.load(&database, private, cancel).await?;
            let source = Source::connect(&database).await?;
            drill.rto = Some(DrillTarget { measured_ms: millis(clock.elapsed()), target_ms: millis(request.rto_target) });
            progress.phase(JobPhase::Compare, None);
            let compared = source.compare(&manifest.backup.tables, cancel).await?;
            drill.tables_compared = compared.tables;
            drill.rows_compared = compared.rows;
            drill.differences = compared.differences;
            drill.amcheck = self.amcheck(&source, &database, &installation, private, cancel).await?;
            Ok(())
        };
        let done = work.await;
        cluster.stop().await;
        done
    }

    /// Every heap row against every index entry, and every B-tree from its root.
    async fn amcheck(
        &self,
        source: &Source,
        database: &Endpoint,
        installation: &Installation,
        private: &Path,
        cancel: &CancellationToken,
    ) -> Result<AmcheckOutcome, BackupError> {
        let skipped = |sentence: &str| Ok(AmcheckOutcome::Skipped { sentence: sentence.to_owned() });
        if !installation.program("pg_amcheck").is_file() {
            return skipped("This PostgreSQL has no pg_amcheck (it comes with version 14).");
        }
        if source.rows("SELECT FROM pg_available_extensions WHERE name = 'amcheck'").await?.is_empty() {
            return skipped("The extension amcheck is not installed here: install the contrib package.");
        }
        source.execute("CREATE EXTENSION IF NOT EXISTS amcheck WITH SCHEMA pg_catalog").await?;
        let login = Login::prepare(database, private, installation.major)?;
        let check = login
            .tool(installation, "pg_amcheck", private)
            .args(["--heapallindexed", "--parent-check", "--no-password"])
            .arg(format!("--jobs={}", self.config.jobs.max(1)))
            .arg(format!("--database={DATABASE}"))
            .output_to(&private.join("amcheck.out"))?;
        let (good, said) = check.outcome(cancel).await?;
        if good {
            return Ok(AmcheckOutcome::Passed);
        }
        // What it finds stands in its output, what keeps it from looking on its standard error.
        let found = std::fs::read_to_string(private.join("amcheck.out")).unwrap_or_default();
        let first = found.lines().next().map_or(said, str::to_owned);
        Ok(AmcheckOutcome::Failed { said: first })
    }
}

/// Roles first: what is restored belongs to them. Tablespaces would point into the original's directories.
async fn make_roles(
    server: &Endpoint,
    installation: &Installation,
    globals: &Path,
    private: &Path,
    drill: &mut Drill,
    cancel: &CancellationToken,
) -> Result<(), BackupError> {
    let text = std::fs::read(globals).map_err(|e| BackupError::io(globals, &e))?;
    let text = String::from_utf8_lossy(&text);
    let (kept, left): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| !speaks_of_tablespace(line));
    if !left.is_empty() {
        drill.notes.push("Tablespaces were left out: everything was restored into the default one.".to_owned());
    }
    let file = private.join("roles.sql");
    std::fs::write(&file, kept.join("\n")).map_err(|e| BackupError::io(&file, &e))?;
    let login = Login::prepare(server, private, installation.major)?;
    let script = format!("--file={}", file.display());
    let psql = login.tool(installation, "psql", private).args(["--no-psqlrc", "--quiet", "--no-password"]).arg(script);
    let (_, said) = psql.outcome(cancel).await?;
    // The server's own superuser is there already.
    if said.contains("ERROR:") && !said.split("; ").all(|line| line.contains("already exists")) {
        drill.notes.push(format!("Not all roles could be made: {said}"));
    }
    Ok(())
}

fn speaks_of_tablespace(line: &str) -> bool {
    ["CREATE TABLESPACE ", "ALTER TABLESPACE ", "COMMENT ON TABLESPACE "].iter().any(|word| line.starts_with(word))
        || ((line.starts_with("GRANT ") || line.starts_with("REVOKE ")) && line.contains(" ON TABLESPACE "))
}

fn judge(drill: &mut Drill) {
    let corrupt = matches!(drill.amcheck, AmcheckOutcome::Failed { .. });
    let in_time = drill.rto.is_some_and(DrillTarget::met);
    drill.outcome = match (drill.differences.first(), corrupt, in_time) {
        (Some(first), ..) => {
            let count = drill.differences.len();
            drill.failure = Some(format!("{count} tables did not come back as they were, the first {}.{}", first.schema, first.name));
            DrillOutcome::Failed
        }
        (None, true, _) => {
            drill.failure = Some("pg_amcheck found corruption in what was restored".to_owned());
            DrillOutcome::Failed
        }
        (None, false, false) => DrillOutcome::Late,
        (None, false, true) => DrillOutcome::Passed,
    };
}

fn endpoint(cluster: &Cluster, database: &str) -> Result<Endpoint, BackupError> {
    Endpoint::parse(cluster.superuser_url(database).expose_secret()).map_err(|e| BackupError::system("reaching the private server", e))
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d5_tablespaces_of_the_original_are_never_touched() {
        for line in [
            "CREATE TABLESPACE fast OWNER postgres LOCATION '/srv/fast';",
            "ALTER TABLESPACE fast SET (random_page_cost=1.1);",
            "GRANT ALL ON TABLESPACE fast TO app;",
        ] {
            assert!(speaks_of_tablespace(line), "{line}");
        }
        assert!(!speaks_of_tablespace("CREATE ROLE tablespace;"));
    }
}
