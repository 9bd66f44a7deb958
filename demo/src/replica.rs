//! A streaming replica of the systems' server that looks after itself: made from a base backup, and made anew when it can't go on, because
//! its slot is lost or gone, or because it does not stream although nothing keeps it from it.

use std::time::{Duration, Instant};

use reeve_cluster::{Cluster, ClusterConfig, Upstream};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_postgres::{Client, Config};

use crate::connect::{REPLICATOR, open, parse, url_for};
use crate::error::DemoError;

/// What the primary calls the replica.
pub const REPLICA: &str = "systems-replica";
/// The slot it streams from.
pub const SLOT: &str = "systems_replica";

/// How often it is looked whether the replica can go on; a server doesn't tell when a slot is lost.
const LOOK: Duration = Duration::from_secs(5);
/// A replica that answers and doesn't stream for this long is made anew. Longer than any pause between two attempts of its own.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running replica. Dropping it shuts its server down without waiting; [`Replica::stop`] waits.
#[derive(Debug)]
pub struct Replica {
    server: Config,
    stop: oneshot::Sender<()>,
    keeper: JoinSet<()>,
}

impl Replica {
    /// Starts the replica of `primary` in `config.dir`, and makes it first when it is missing or can't go on from where it was.
    /// [`crate::systems::load`] must have made its login there.
    ///
    /// # Errors
    /// A primary that doesn't answer, a base backup that fails, a server that doesn't start.
    pub async fn start(config: ClusterConfig, primary: &Cluster, password: SecretString) -> Result<Self, DemoError> {
        let ends = Ends {
            config,
            upstream: Upstream::of(primary, REPLICATOR, password, SLOT, REPLICA),
            primary: parse(primary.superuser_url("postgres").expose_secret(), "the superuser")?,
        };
        let good = Cluster::is_standby(&ends.config.dir) && ends.slot().await? != Slot::Gone;
        let started = if good { ends.start(false).await } else { ends.make().await };
        let cluster = match started {
            // What kept it from starting lies in its data directory, and that is only a copy.
            Err(error) if good => {
                tracing::warn!(%error, "the replica of the sample systems does not start and is made anew");
                ends.make().await?
            }
            other => other?,
        };
        let (stop, stopped) = oneshot::channel();
        let server = parse(cluster.superuser_url("postgres").expose_secret(), "the superuser")?;
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(ends, server.clone(), cluster, stopped));
        Ok(Self { server, stop, keeper })
    }

    /// The URL of a login that the primary has, for a database of the replica.
    ///
    /// # Errors
    /// None that a running replica has.
    pub fn url(&self, login: &str, password: &SecretString, database: &str) -> Result<SecretString, DemoError> {
        url_for(&self.server, login, password, database)
    }

    /// Stops it and waits until its server is gone.
    pub async fn stop(mut self) {
        // A keeper that has ended has stopped the server already.
        self.stop.send(()).ok();
        while self.keeper.join_next().await.is_some() {}
    }
}

/// How the slot stands at the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// There is none, or the WAL it kept is gone: what streamed from it must be made anew.
    Gone,
    /// Nobody streams from it.
    Idle,
    /// The replica streams.
    Read,
}

/// The two ends of the stream.
#[derive(Debug)]
struct Ends {
    config: ClusterConfig,
    upstream: Upstream,
    /// The superuser at the primary.
    primary: Config,
}

impl Ends {
    async fn at_primary(&self) -> Result<Client, DemoError> {
        open(&self.primary, "replica keeper").await.map(|(client, _connection)| client)
    }

    async fn slot(&self) -> Result<Slot, DemoError> {
        let sql = "SELECT active FROM pg_replication_slots WHERE slot_name = $1 AND restart_lsn IS NOT NULL AND wal_status <> 'lost'";
        let doing = || DemoError::sql("Looking for the replica's slot");
        match self.at_primary().await?.query_opt(sql, &[&SLOT]).await.map_err(doing())? {
            None => Ok(Slot::Gone),
            Some(row) => Ok(if row.try_get(0).map_err(doing())? { Slot::Read } else { Slot::Idle }),
        }
    }

    async fn start(&self, anew: bool) -> Result<Cluster, DemoError> {
        Ok(Cluster::start_standby(self.config.clone(), &self.upstream, anew).await?)
    }

    /// Makes it from a base backup, with a slot that keeps the WAL from there on.
    async fn make(&self) -> Result<Cluster, DemoError> {
        let primary = self.at_primary().await?;
        // What an earlier replica still holds would keep the slot from being dropped.
        let sql = format!(
            "DO $$ BEGIN
                 PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '{SLOT}' AND active;
                 FOR attempt IN 1..100 LOOP
                     EXIT WHEN NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{SLOT}' AND active);
                     PERFORM pg_sleep(0.05);
                 END LOOP;
                 PERFORM pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{SLOT}';
                 PERFORM pg_create_physical_replication_slot('{SLOT}', true);
             END $$"
        );
        primary.batch_execute(&sql).await.map_err(DemoError::sql("Making the replica's slot"))?;
        self.start(true).await
    }
}

/// Makes the replica anew when it can't go on, until told to stop.
async fn keep(ends: Ends, server: Config, cluster: Cluster, mut stopped: oneshot::Receiver<()>) {
    let mut running = Some(cluster);
    while until(&mut stopped, lost(&ends, &server, running.is_none())).await.is_some() {
        tracing::warn!("the replica of the sample systems can't go on from where it was and is made anew");
        if let Some(cluster) = running.take() {
            cluster.stop().await;
        }
        match until(&mut stopped, ends.make()).await {
            None => return,
            Some(Ok(cluster)) => running = Some(cluster),
            Some(Err(error)) => tracing::warn!(%error, "the replica of the sample systems could not be made; it is tried again"),
        }
    }
    if let Some(cluster) = running {
        cluster.stop().await;
    }
}

/// Does the work; nothing when told to stop before it is done.
async fn until<T>(stopped: &mut oneshot::Receiver<()>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        _ = stopped => None,
        done = work => Some(done),
    }
}

/// Returns when the replica must be made anew. `missing`: there is none now, which is to be tried again after a while.
async fn lost(ends: &Ends, server: &Config, missing: bool) {
    let mut idle_since: Option<Instant> = None;
    loop {
        tokio::time::sleep(LOOK).await;
        idle_since = match ends.slot().await {
            _ if missing => return,
            Ok(Slot::Gone) => return,
            Ok(Slot::Idle) if could_stream(server).await => idle_since.or_else(|| Some(Instant::now())),
            // Without its primary nothing can be said of it.
            Ok(_) | Err(_) => None,
        };
        if idle_since.is_some_and(|since| since.elapsed() > PATIENCE) {
            return;
        }
    }
}

/// Whether the replica answers and was not told to keep away from its primary.
async fn could_stream(server: &Config) -> bool {
    let Ok((client, _connection)) = open(server, "replica keeper").await else { return false };
    let told = client.query_one("SELECT current_setting('primary_conninfo') <> ''", &[]).await;
    told.and_then(|row| row.try_get(0)).unwrap_or(false)
}
