//! The engine of backups as the service's jobs call it: opened when it is first needed, with a login for each target.

use crate::config::Config;
use async_trait::async_trait;
use reeve_adapter::Endpoint;
use reeve_backup::{
    BackupError, DrillRequest, Engine, EngineConfig, Location, Over, Progress, PutBackRequest, RestoreRequest, RunRequest, TableName,
};
use reeve_model::{
    TargetName,
    backup::{BackupAct, BackupJob},
};
use reeve_service::{
    backups::{Came, Held, Stopped, Tell, Works},
    registry::Registry,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::OnceCell};
use tokio_util::sync::CancellationToken;

/// The engine as configured; without a word about a repository it is in the data directory.
pub fn engine_config(config: &Config) -> EngineConfig {
    let said = &config.backup;
    let location = said.repository.clone().unwrap_or_else(|| Location::Directory(config.data_dir.join("backups")));
    let scratch = said.scratch.clone().unwrap_or_else(|| config.data_dir.join("scratch"));
    EngineConfig {
        s3: said.s3.clone(),
        keys: said.keys.clone(),
        jobs: said.jobs,
        compression: said.compression,
        ..EngineConfig::new(location, scratch)
    }
}

/// One repository and the servers that are backed up to it.
pub struct Storage {
    inner: Arc<Inner>,
}

struct Inner {
    config: EngineConfig,
    rto_target: Duration,
    /// The logins for backups that the configuration names.
    logins: BTreeMap<TargetName, Endpoint>,
    registry: Registry,
    engine: OnceCell<Engine>,
}

impl Storage {
    /// As configured. A target is reached by its login for backups where there is one. Opens nothing.
    pub fn new(config: &Config, registry: Registry) -> Self {
        let own = config.targets.iter().filter_map(|t| Some((t.info.name.clone(), t.backup.clone()?)));
        let inner = Inner {
            config: engine_config(config),
            rto_target: Duration::from_secs(u64::from(config.backup.rto_minutes) * 60),
            logins: own.collect(),
            registry,
            engine: OnceCell::new(),
        };
        Self { inner: Arc::new(inner) }
    }
}

impl Inner {
    /// The engine. One that could not be opened is tried again at the next call: a disk may come back.
    async fn engine(&self) -> Result<&Engine, BackupError> {
        self.engine.get_or_try_init(|| Engine::open(self.config.clone())).await
    }

    /// Asked when a job begins: one at work goes on with the address it began with.
    fn login(&self, target: &TargetName) -> Result<Endpoint, BackupError> {
        let own = self.logins.get(target).cloned();
        own.or_else(|| self.registry.get(target).map(|spec| spec.endpoint.clone()))
            .ok_or_else(|| BackupError::Refused(format!("the target {target} is not there any more: add it again")))
    }

    async fn act(&self, job: &BackupJob, progress: &Progress, cancel: &CancellationToken) -> Result<Came, BackupError> {
        let engine = self.engine().await?;
        match &job.act {
            BackupAct::Backup { database, tables } => {
                let tables = (!tables.is_empty()).then(|| tables.iter().map(|text| TableName::parse(text)).collect());
                let endpoint = self.login(&job.target)?.with_database(database);
                let request = RunRequest { target: job.target.clone(), endpoint, kind: job.kind, tables };
                Ok(Came::Backup(Box::new(engine.run(request, progress, cancel).await?)))
            }
            BackupAct::Verify { backup, level } => Ok(Came::Verified(engine.verify(backup, *level, progress, cancel).await?)),
            BackupAct::Drill { backup } => {
                let request = DrillRequest { rto_target: self.rto_target, ..DrillRequest::new(backup.clone()) };
                Ok(Came::Drilled(Box::new(engine.drill(&request, progress, cancel).await?)))
            }
            BackupAct::Restore { backup, into } => {
                let server = self.login(&job.target)?;
                let request = RestoreRequest { id: backup.clone(), server, database: into.clone(), tables: None, over: None };
                Ok(Came::Restored(engine.restore(&request, progress, cancel).await?))
            }
            BackupAct::Replace { backup, typed } => {
                let over = Some(Over { database: job.database.clone(), typed: typed.clone() });
                // A database can't be renamed from within.
                let login = self.login(&job.target)?;
                let server = if login.database() == job.database { login.with_database("postgres") } else { login };
                let request = RestoreRequest { id: backup.clone(), server, database: None, tables: None, over };
                Ok(Came::Replaced(engine.restore(&request, progress, cancel).await?))
            }
            BackupAct::PutBack { backup, from, schema, table } => {
                let (id, server, from) = (backup.clone(), self.login(&job.target)?, from.clone());
                let name = TableName { schema: schema.clone(), name: table.clone() };
                let report = engine.put_back(&PutBackRequest { id, server, from, table: name }, progress, cancel).await?;
                let difference = report.difference.map(|d| d.sentence);
                Ok(Came::PutBack {
                    database: report.database,
                    table: format!("{schema}.{table}"),
                    rows: report.rows,
                    difference,
                    keys: report.keys,
                    keys_missing: report.keys_missing,
                    views_missing: report.views_missing,
                })
            }
        }
    }
}

#[async_trait]
impl Works for Storage {
    fn location(&self) -> String {
        self.inner.config.location.to_string()
    }

    async fn held(&self) -> Result<Held, String> {
        let found = async { self.inner.engine().await?.list().await };
        let catalogue = found.await.map_err(|error| error.to_string())?;
        Ok(Held { entries: catalogue.entries, damaged: catalogue.damaged })
    }

    async fn work(&self, job: &BackupJob, tell: Tell, cancel: &CancellationToken) -> Result<Came, Stopped> {
        let progress = Progress::new(move |now| tell(now));
        let (inner, job, cancel, runtime) = (Arc::clone(&self.inner), job.clone(), cancel.clone(), Handle::current());
        // On a thread of its own: it packs, encrypts and digests, and pages must not wait for that. Nor may it be dropped half-way: told
        // to end, it clears away what it did.
        let work = tokio::task::spawn_blocking(move || runtime.block_on(inner.act(&job, &progress, &cancel)));
        match work.await {
            Ok(came) => came.map_err(|error| match error {
                BackupError::Cancelled => Stopped::Cancelled,
                other => Stopped::Failed(other.to_string()),
            }),
            Err(_) => Err(Stopped::Failed("It broke because of a fault of Reeve's own; Reeve's log says where.".to_owned())),
        }
    }
}
