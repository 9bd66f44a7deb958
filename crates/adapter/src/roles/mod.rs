//! Reeve's own databases: up to five roles, a lazy pool each (SPEC A1 to A5).
//!
//! A role that isn't set, or whose database is away, is served by main. Each pool has a circuit: after some failures
//! in a row callers are turned away (to main) at once, while one background task looks after the server and closes
//! the circuit when it answers again.

mod circuit;
mod lag;
mod lease;
mod pool;
mod report;
mod times;

use crate::{AdapterError, Endpoint};
use backon::{BackoffBuilder, ExponentialBuilder};
use futures::future::BoxFuture;
use lag::ReplicaLag;
pub use lease::Lease;
use pool::RolePool;
use reeve_model::pool::StoreRole;
use sqlx::{Connection, PgConnection};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// One role's database and limits.
#[derive(Debug, Clone)]
pub struct RoleSettings {
    /// Where.
    pub endpoint: Endpoint,
    /// At most this many connections.
    pub max: u32,
    /// How long a caller waits for a connection when all are in use.
    pub acquire_timeout: Duration,
    /// A label for where a replica stands.
    pub region: Option<String>,
}

impl RoleSettings {
    /// With the limits of SPEC A2.
    #[must_use]
    pub fn with_defaults(role: StoreRole, endpoint: Endpoint) -> Self {
        let acquire_timeout = Duration::from_secs(role.default_acquire_timeout_s());
        Self { endpoint, max: role.default_max(), acquire_timeout, region: None }
    }
}

/// All roles.
#[derive(Debug, Clone)]
pub struct RoleConfig {
    /// The roles that are set; main must be.
    pub roles: BTreeMap<StoreRole, RoleSettings>,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// A circuit opens after this many failures in a row.
    pub circuit_threshold: u32,
    /// Reads go to the replica while it is no further behind.
    pub max_replica_lag: Duration,
}

impl RoleConfig {
    /// One database for all, with the limits of SPEC A2.
    #[must_use]
    pub fn main_only(endpoint: Endpoint) -> Self {
        Self::new([(StoreRole::Main, RoleSettings::with_defaults(StoreRole::Main, endpoint))].into())
    }

    /// These roles: 5 s to connect, circuits open after 3 failures, the replica may be 10 s behind.
    #[must_use]
    pub fn new(roles: BTreeMap<StoreRole, RoleSettings>) -> Self {
        Self { roles, connect_timeout: Duration::from_secs(5), circuit_threshold: 3, max_replica_lag: Duration::from_secs(10) }
    }
}

/// How fresh a read must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// As fresh as a healthy replica is.
    Bounded,
    /// The reader just wrote and must see that.
    AfterWrite,
}

/// The connections of one pool at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Open.
    pub total: u32,
    /// Open and not in use.
    pub idle: u32,
    /// Callers waiting for one.
    pub waiting: u32,
}

/// The pools of all roles. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct RolePools {
    inner: Arc<Inner>,
}

struct Inner {
    pools: BTreeMap<StoreRole, Arc<RolePool>>,
    main: Arc<RolePool>,
    lag: ReplicaLag,
    max_replica_lag: Duration,
}

impl RolePools {
    /// Makes the pools; connects to nothing.
    ///
    /// # Errors
    /// Main isn't set, or the environment would change the connections ([`Endpoint::to_sqlx`]).
    pub fn new(config: RoleConfig) -> Result<Self, AdapterError> {
        let mut pools = BTreeMap::new();
        for (role, settings) in &config.roles {
            pools.insert(*role, RolePool::new(*role, settings.clone(), &config)?);
        }
        let main = pools.get(&StoreRole::Main).cloned().ok_or(AdapterError::MainMissing)?;
        let inner = Inner { pools, main, lag: ReplicaLag::default(), max_replica_lag: config.max_replica_lag };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A connection of the role, or of main when the role isn't set, its circuit is open or it can't be reached.
    ///
    /// # Errors
    /// Main can't be reached either, or all connections stayed in use for the acquire timeout.
    pub async fn acquire(&self, role: StoreRole) -> Result<Lease, AdapterError> {
        if let Some(own) = self.pool(role).filter(|_| role != StoreRole::Main) {
            match own.acquire().await {
                Ok(loan) => return Ok(Lease::new(own.clone(), loan)),
                // Saturated is not dead: main would only be pulled down too.
                Err(error @ (AdapterError::PoolTimeout { .. } | AdapterError::Closed)) => return Err(error),
                Err(error) => tracing::debug!(role = role.word(), %error, "main serves this role"),
            }
        }
        let main = &self.inner.main;
        Ok(Lease::new(main.clone(), main.acquire().await?))
    }

    /// A connection of the role's own database, or of main when the role isn't set. For what must not be split over two databases:
    /// main never stands in for one that is away.
    ///
    /// # Errors
    /// That database can't be reached, or all connections stayed in use for the acquire timeout.
    pub async fn acquire_own(&self, role: StoreRole) -> Result<Lease, AdapterError> {
        let own = self.pool(role).unwrap_or(&self.inner.main);
        Ok(Lease::new(own.clone(), own.acquire().await?))
    }

    /// A connection to read what belongs to `domain`. The replica follows main: it serves domains that have no
    /// database of their own, while it is healthy and not too far behind, and never a reader that just wrote.
    ///
    /// # Errors
    /// As [`RolePools::acquire`].
    pub async fn read(&self, domain: StoreRole, freshness: Freshness) -> Result<Lease, AdapterError> {
        let in_main = domain == StoreRole::Main || domain == StoreRole::ReadReplica || self.pool(domain).is_none();
        if in_main
            && freshness == Freshness::Bounded
            && let Some(replica) = self.pool(StoreRole::ReadReplica)
            && let Ok(loan) = replica.acquire().await
        {
            let mut lease = Lease::new(replica.clone(), loan);
            match self.inner.lag.now(&mut lease).await {
                Ok(seconds) if seconds <= self.inner.max_replica_lag.as_secs_f64() => return Ok(lease),
                Ok(seconds) => tracing::debug!(seconds, "the replica is too far behind"),
                Err(reason) => tracing::debug!(reason, "the replica is not used"),
            }
        }
        self.acquire(if domain == StoreRole::ReadReplica { StoreRole::Main } else { domain }).await
    }

    /// Runs work that may be done twice, and repeats it with growing pauses and full jitter when it fails in a way
    /// that may pass: five attempts within some seconds, each on a fresh loan.
    ///
    /// # Errors
    /// The last attempt's.
    pub async fn idempotent<T, F>(&self, role: StoreRole, work: F) -> Result<T, AdapterError>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, AdapterError>>,
    {
        self.repeat(role, || self.acquire(role), work).await
    }

    /// As [`RolePools::idempotent`], on what [`RolePools::acquire_own`] gives.
    ///
    /// # Errors
    /// The last attempt's.
    pub async fn idempotent_own<T, F>(&self, role: StoreRole, work: F) -> Result<T, AdapterError>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, AdapterError>>,
    {
        self.repeat(role, || self.acquire_own(role), work).await
    }

    async fn repeat<T, F, L>(&self, role: StoreRole, lend: impl Fn() -> L, work: F) -> Result<T, AdapterError>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, AdapterError>>,
        L: Future<Output = Result<Lease, AdapterError>>,
    {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(4);
        let mut pauses = pauses.build();
        loop {
            let attempt = async {
                let mut lease = lend().await?;
                work(&mut lease).await.map_err(|e| e.located(lease.server()))
            };
            let error = match attempt.await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            // An open circuit heals in the background; waiting a little for it is what a retry is for.
            let again = error.is_transient() || matches!(error, AdapterError::CircuitOpen { .. });
            let Some(pause) = pauses.next().filter(|_| again) else { return Err(error) };
            tracing::debug!(role = role.word(), %error, "trying again");
            tokio::time::sleep(pause.mul_f64(circuit::random_share())).await;
        }
    }

    /// Runs work in one transaction: all of it is kept, or nothing. Not repeated: a lost answer to the commit leaves
    /// open whether it was kept.
    ///
    /// # Errors
    /// The work's, after a rollback, or the commit's.
    pub async fn batch<T, F>(&self, role: StoreRole, work: F) -> Result<T, AdapterError>
    where
        F: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<T, AdapterError>>,
    {
        let mut lease = self.acquire(role).await?;
        let server = lease.server().to_owned();
        let mut transaction = lease.begin().await.map_err(|e| AdapterError::from_sqlx(&server, &e))?;
        // Dropped on an error, the transaction is rolled back when the loan returns.
        let done = work(&mut transaction).await.map_err(|e| e.located(&server))?;
        transaction.commit().await.map_err(|e| AdapterError::from_sqlx(&server, &e))?;
        Ok(done)
    }

    /// Whether a role has a database of its own.
    #[must_use]
    pub fn is_configured(&self, role: StoreRole) -> bool {
        self.pool(role).is_some()
    }

    /// A role's own database.
    #[must_use]
    pub fn endpoint(&self, role: StoreRole) -> Option<&Endpoint> {
        self.pool(role).map(|p| &p.endpoint)
    }

    /// The label of where a role's database stands.
    #[must_use]
    pub fn region(&self, role: StoreRole) -> Option<&str> {
        self.pool(role)?.region.as_deref()
    }

    /// Closes all pools: nobody gets a connection any more, idle ones are closed, others when they come back.
    pub async fn close(&self) {
        futures::future::join_all(self.pools().map(|p| p.close())).await;
    }

    fn pool(&self, role: StoreRole) -> Option<&Arc<RolePool>> {
        self.inner.pools.get(&role)
    }

    fn pools(&self) -> impl Iterator<Item = &Arc<RolePool>> {
        self.inner.pools.values()
    }

    /// Why the replica, though it answers, isn't read from.
    fn replica_trouble(&self, role: StoreRole) -> Option<String> {
        self.pool(role).filter(|_| role == StoreRole::ReadReplica)?;
        match self.inner.lag.last()?.1 {
            Err(reason) => Some(format!("Reads go to main: {reason}.")),
            Ok(seconds) if seconds > self.inner.max_replica_lag.as_secs_f64() => {
                Some(format!("Reads go to main: the replica is {seconds:.0} s behind."))
            }
            Ok(_) => None,
        }
    }
}
