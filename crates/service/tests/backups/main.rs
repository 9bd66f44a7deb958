//! Backups on a real store, with an engine that does as it is told.
#![allow(clippy::unwrap_used)]

mod jobs;
mod schedules;

use async_trait::async_trait;
use reeve_access::{
    Principal, Via, authorize,
    permission::{RunBackup, ViewBackupJob, ViewBackups},
    principal::resolve,
};
use reeve_adapter::{Endpoint, RoleConfig, RolePools, RoleSettings};
use reeve_cluster::testing::TestCluster;
use reeve_model::{
    Binding, Environment, Origin, Role, Scope, TargetInfo, TargetKind, TargetName, UnixMs,
    audit::AuditEvent,
    backup::{Backup, BackupAct, BackupDatabase, BackupEntry, BackupHistory, BackupId, BackupJob, BackupQuery, JobPhase, JobProgress},
    pool::StoreRole,
};
use reeve_ports::{BackupsPort, PortError};
use reeve_service::{
    Hub,
    audit::{Draft, Trail},
    backups::{Backups, Came, Held, Stopped, Tell, Works},
};
use reeve_store::{
    Domain, Store,
    accounts::{self, DEFAULT_ORG, NewAccount},
    migrate,
};
use sqlx::{Connection, PgConnection};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);
const ACCOUNT: Uuid = Uuid::from_u128(7);

/// Makes a backup for each permit that it is given, and counts how many it was asked for at the same time.
struct Scripted {
    go: Semaphore,
    now: AtomicUsize,
    most: AtomicUsize,
    made: Mutex<Vec<BackupEntry>>,
    away: Mutex<Option<String>>,
    outcome: Mutex<Result<(), Stopped>>,
}

impl Scripted {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            go: Semaphore::new(0),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            made: Mutex::default(),
            away: Mutex::default(),
            outcome: Mutex::new(Ok(())),
        })
    }
}

fn backup(job: &BackupJob) -> Backup {
    let digits = &job.id.replace('-', "")[..8];
    Backup {
        id: BackupId::new(format!("20261126T131845Z-{digits}")).unwrap(),
        timestamp: UnixMs::now(),
        size_bytes: 1_000,
        tables: Vec::new(),
        kind: job.kind,
        checksum: String::new(),
        target: job.target.clone(),
        database: BackupDatabase {
            name: job.database.clone(),
            encoding: "UTF8".into(),
            collate: "C".into(),
            ctype: "C".into(),
            size_bytes: 1,
            properties: None,
        },
        whole: true,
        server_version: "15".into(),
        server_major: 15,
        tool_version: "15".into(),
        tool_major: 15,
        started_at: UnixMs::now(),
        duration_ms: 1,
        plain_bytes: 1,
        encrypted_to: Vec::new(),
        copies: Vec::new(),
        notes: Vec::new(),
    }
}

#[async_trait]
impl Works for Scripted {
    fn location(&self) -> String {
        "/made/up".to_owned()
    }
    async fn held(&self) -> Result<Held, String> {
        match &*self.away.lock().unwrap() {
            Some(sentence) => Err(sentence.clone()),
            None => Ok(Held { entries: self.made.lock().unwrap().clone(), damaged: Vec::new() }),
        }
    }
    async fn work(&self, job: &BackupJob, tell: Tell, cancel: &CancellationToken) -> Result<Came, Stopped> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tell(JobProgress {
            phase: JobPhase::Dump,
            done_bytes: 5,
            total_bytes: Some(10),
            rate_bytes_per_s: None,
            left_s: None,
            at: UnixMs::now(),
        });
        let outcome = tokio::select! {
            () = cancel.cancelled() => Err(Stopped::Cancelled),
            permit = self.go.acquire() => {
                permit.unwrap().forget();
                self.outcome.lock().unwrap().clone()
            }
        };
        self.now.fetch_sub(1, Ordering::SeqCst);
        outcome?;
        let made = backup(job);
        self.made.lock().unwrap().insert(0, BackupEntry { backup: made.clone(), verification: None, drill: None });
        Ok(Came::Backup(Box::new(made)))
    }
}

struct Bench {
    cluster: TestCluster,
    store: Store,
}

impl Bench {
    async fn start() -> Self {
        let cluster = TestCluster::start(&[]).await.unwrap();
        let mut root = PgConnection::connect(&cluster.url("postgres")).await.unwrap();
        sqlx::raw_sql("CREATE ROLE reeve_run LOGIN PASSWORD 'r'").execute(&mut root).await.unwrap();
        for domain in Domain::ALL {
            migrate::up(&mut root, domain, "reeve_run").await.unwrap();
        }
        migrate::install_queue(&mut root, cluster.url("postgres").parse().unwrap(), "reeve_run").await.unwrap();
        let account = NewAccount {
            id: ACCOUNT,
            org: DEFAULT_ORG,
            email: "bo@example.org".to_owned(),
            display_name: "Bo".to_owned(),
            password_hash: "$argon2id$x".to_owned(),
            bindings: vec![Binding::everywhere(Role::Operator)],
        };
        let made = Draft::new(DEFAULT_ORG, "create", "account", "bo@example.org").finish();
        accounts::create(&mut root, &account, &made).await.unwrap();
        let endpoint = Endpoint::parse(&cluster.url_for("reeve_run", "r", "postgres")).unwrap();
        let settings = RoleSettings::with_defaults(StoreRole::Main, endpoint);
        let pools = RolePools::new(RoleConfig::new([(StoreRole::Main, settings)].into_iter().collect())).unwrap();
        Self { cluster, store: Store::new(pools, DEFAULT_ORG) }
    }

    fn backups(&self, works: Option<Arc<Scripted>>) -> Backups {
        let hub = Hub::new(vec![(info("shop"), 1_000), (info("ledger"), 1_000)], UnixMs::now());
        let works = works.map(|w| w as Arc<dyn Works>);
        Backups::new(self.store.clone(), Arc::new(hub), Trail::new(self.store.clone(), None), works)
    }

    async fn events(&self) -> Vec<AuditEvent> {
        let mut root = PgConnection::connect(&self.cluster.url("postgres")).await.unwrap();
        let rows: Vec<serde_json::Value> =
            sqlx::query_scalar("SELECT body FROM main.audit_outbox ORDER BY id").fetch_all(&mut root).await.unwrap();
        rows.into_iter().map(|body| serde_json::from_value(body).unwrap()).collect()
    }
}

fn name(text: &str) -> TargetName {
    TargetName::new(text).unwrap()
}

fn info(text: &str) -> TargetInfo {
    TargetInfo {
        name: name(text),
        kind: TargetKind::Postgres,
        environment: Environment::Dev,
        address: String::new(),
        tags: Vec::new(),
        region: None,
        owner: None,
    }
}

fn caller(role: Role, scope: Scope) -> Principal {
    let bindings = vec![Binding { role, scope }];
    let estate = [info("shop"), info("ledger")];
    Principal {
        account: ACCOUNT.to_string(),
        email: "bo@example.org".into(),
        org: DEFAULT_ORG.to_string(),
        session: "s".into(),
        rights: resolve(&bindings, estate.iter()),
        bindings,
        only: None,
        via: Via::Bearer,
        origin: Origin::default(),
        confirmed_at: UnixMs::now(),
        may_change: true,
    }
}

fn operator() -> Principal {
    caller(Role::Operator, Scope::Everything)
}

async fn ask(backups: &Backups, target: &str, database: &str) -> Result<BackupJob, PortError> {
    let act = BackupAct::Backup { database: database.to_owned(), tables: Vec::new() };
    backups.ask(authorize::<RunBackup>(&operator(), (name(target), act)).unwrap(), None).await
}

async fn history(backups: &Backups, who: &Principal) -> BackupHistory {
    let begun = std::time::Instant::now();
    loop {
        let found = backups.backup_history(authorize::<ViewBackups>(who, ()).unwrap(), BackupQuery::default()).await.unwrap();
        // On a busy machine the store can be late once; jobs are then left out, and the answer says so.
        if found.jobs_fault.is_none() || begun.elapsed() > PATIENCE {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

async fn job(backups: &Backups, id: &str) -> BackupJob {
    backups.backup_job(authorize::<ViewBackupJob>(&operator(), id.to_owned()).unwrap()).await.unwrap()
}

async fn until(backups: &Backups, id: &str, wanted: impl Fn(&BackupJob) -> bool) -> BackupJob {
    let begun = tokio::time::Instant::now();
    loop {
        let now = job(backups, id).await;
        if wanted(&now) {
            return now;
        }
        assert!(begun.elapsed() < PATIENCE, "{now:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
