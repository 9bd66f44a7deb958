//! One role's pool of connections.
//!
//! sqlx's own pool can't tell how many wait, and it retries a refused connection until the time is over; this one
//! counts truly, fails at once and with a sorted reason, and opens nothing before the first use.

use super::{circuit, circuit::Circuit, times::AcquireTimes};
use crate::{AdapterError, Endpoint};
use futures::future::BoxFuture;
use reeve_model::pool::StoreRole;
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// A connection is closed when it gets this old, so that nothing the server keeps for it grows without end.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// An unused connection is closed after this.
const IDLE_LIMIT: Duration = Duration::from_secs(10 * 60);
/// How often idle connections are looked after: too old ones closed, one of them asked whether its server lives.
const CARE: Duration = Duration::from_secs(5);
/// Connections that callers may be opening at the same time: a server that has just come back is not stormed, and each has the machine
/// to itself enough to be done in time.
const OPENING: usize = 4;
/// How long a returned connection may take to become ready before it is given up.
const RETURN_LIMIT: Duration = Duration::from_secs(2);

/// The pool of one role.
pub(crate) struct RolePool {
    pub(crate) role: StoreRole,
    pub(crate) endpoint: Endpoint,
    pub(crate) server: String,
    pub(crate) max: u32,
    pub(crate) acquire_timeout: Duration,
    pub(crate) region: Option<String>,
    pub(crate) circuit: Circuit,
    options: PgConnectOptions,
    connect_timeout: Duration,
    permits: Arc<Semaphore>,
    opening: Semaphore,
    idle: Mutex<Vec<Live>>,
    total: Arc<AtomicU32>,
    waiting: Arc<AtomicU32>,
    times: Mutex<AcquireTimes>,
    facts: Mutex<Option<ServerFacts>>,
    last_good: Mutex<Option<Instant>>,
    cared_for: AtomicBool,
}

/// What is learned about a server at the first connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerFacts {
    /// The same for all that reach the same server, by whatever name.
    pub(crate) identity: String,
    /// Connections that ordinary logins may have together.
    pub(crate) allows: u32,
}

/// An open connection. It counts while it lives.
pub(crate) struct Live {
    pub(crate) conn: PgConnection,
    born: Instant,
    rested: Instant,
    _counted: Counted,
}

/// One in a counter for as long as this lives.
struct Counted(Arc<AtomicU32>);

impl Counted {
    fn new(counter: &Arc<AtomicU32>) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(counter.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The figures of a moment.
pub(crate) struct Counts {
    pub(crate) total: u32,
    pub(crate) idle: u32,
    pub(crate) waiting: u32,
}

impl RolePool {
    pub(crate) fn new(role: StoreRole, settings: super::RoleSettings, config: &super::RoleConfig) -> Result<Arc<Self>, AdapterError> {
        let endpoint = settings.endpoint;
        let options = endpoint.to_sqlx(&format!("reeve/{}", role.word()))?.disable_statement_logging();
        Ok(Arc::new(Self {
            role,
            server: endpoint.redacted(),
            connect_timeout: endpoint.connect_timeout_s.map_or(config.connect_timeout, Duration::from_secs),
            endpoint,
            options,
            max: settings.max.max(1),
            acquire_timeout: settings.acquire_timeout,
            region: settings.region,
            circuit: Circuit::new(config.circuit_threshold),
            permits: Arc::new(Semaphore::new(settings.max.max(1) as usize)),
            opening: Semaphore::new(OPENING),
            idle: Mutex::default(),
            total: Arc::default(),
            waiting: Arc::default(),
            times: Mutex::new(AcquireTimes::new(Instant::now())),
            facts: Mutex::default(),
            last_good: Mutex::default(),
            cared_for: AtomicBool::new(false),
        }))
    }

    /// Waits for a place, then for a connection that works.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Result<(Live, OwnedSemaphorePermit), AdapterError> {
        self.circuit.check(&self.server)?;
        let asked = Instant::now();
        let permit = self.permit().await?;
        // It may have opened while this one waited.
        self.circuit.check(&self.server)?;
        let loan = match self.rested().await {
            Some(live) => (live, permit),
            None => self.opened(permit).await?,
        };
        lock(&self.times).record(Instant::now(), asked.elapsed());
        Ok(loan)
    }

    /// A new connection, opened to its end whether or not the caller still waits: one who gives up after a moment would else leave nothing, and
    /// so would the next, as long as opening takes longer than they wait. What nobody waits for rests.
    async fn opened(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Result<(Live, OwnedSemaphorePermit), AdapterError> {
        let (give, take) = tokio::sync::oneshot::channel();
        let pool = self.clone();
        tokio::spawn(async move {
            let loan = pool.open().await.map(|live| (live, permit));
            // The permit goes after the connection rests: never are there more than may be.
            if let Err(Ok((live, _permit))) = give.send(loan)
                && !pool.permits.is_closed()
            {
                lock(&pool.idle).push(live);
            }
        });
        take.await.unwrap_or(Err(AdapterError::Closed))
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, AdapterError> {
        match self.permits.clone().try_acquire_owned() {
            Ok(permit) => return Ok(permit),
            Err(TryAcquireError::Closed) => return Err(AdapterError::Closed),
            Err(TryAcquireError::NoPermits) => {}
        }
        // Counts also those whose future is dropped meanwhile, until it is.
        let _waits = Counted::new(&self.waiting);
        match tokio::time::timeout(self.acquire_timeout, self.permits.clone().acquire_owned()).await {
            Ok(permit) => permit.map_err(|_| AdapterError::Closed),
            Err(_) => Err(AdapterError::PoolTimeout {
                role: self.role.word().to_owned(),
                max: self.max,
                after_ms: u64::try_from(self.acquire_timeout.as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }

    /// An idle connection that answers, else a new one. The caller holds a permit.
    async fn live(self: &Arc<Self>) -> Result<Live, AdapterError> {
        match self.rested().await {
            Some(live) => Ok(live),
            None => self.open().await,
        }
    }

    /// An idle connection that answers; none when there is none.
    async fn rested(self: &Arc<Self>) -> Option<Live> {
        while let Some(mut live) = self.pop() {
            match tokio::time::timeout(self.connect_timeout, live.conn.ping()).await {
                Ok(Ok(())) => {
                    self.good();
                    return Some(live);
                }
                Ok(Err(_)) => drop(live),
                Err(_) => {
                    // A server that hangs hangs for all of them.
                    drop(live);
                    self.forget_idle();
                }
            }
        }
        None
    }

    /// A new one, when it is this one's turn. A failure counts against the server.
    async fn open(self: &Arc<Self>) -> Result<Live, AdapterError> {
        let _turn = self.opening.acquire().await.map_err(|_| AdapterError::Closed)?;
        // The one before may have found that nobody answers.
        self.circuit.check(&self.server)?;
        match self.connect().await {
            Ok(live) => Ok(live),
            Err(error) => {
                self.bad(&error);
                Err(error)
            }
        }
    }

    async fn connect(self: &Arc<Self>) -> Result<Live, AdapterError> {
        let attempt = async {
            if self.endpoint.root_cert.is_some() {
                // sqlx reports a file it can't read as if the server were missing.
                crate::tls::connector(&self.endpoint)?;
            }
            let mut conn = self.options.connect().await.map_err(|e| AdapterError::from_sqlx(&self.server, &e))?;
            if lock(&self.facts).is_none() {
                let facts = ServerFacts::read(&mut conn).await.map_err(|e| AdapterError::from_sqlx(&self.server, &e))?;
                *lock(&self.facts) = Some(facts);
            }
            Ok::<_, AdapterError>(conn)
        };
        let conn = match tokio::time::timeout(self.connect_timeout, attempt).await {
            Ok(result) => result?,
            Err(_) => return Err(AdapterError::timed_out(&self.server, "to the connection attempt", self.connect_timeout)),
        };
        if self.permits.is_closed() {
            return Err(AdapterError::Closed);
        }
        self.good();
        let now = Instant::now();
        if !self.cared_for.swap(true, Ordering::SeqCst) {
            tokio::spawn(care(Arc::downgrade(self)));
        }
        Ok(Live { conn, born: now, rested: now, _counted: Counted::new(&self.total) })
    }

    /// Takes a connection back. What its last user left running or open is ended first.
    pub(crate) fn give_back(self: Arc<Self>, mut live: Live, permit: OwnedSemaphorePermit) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let _permit = permit;
            // Sends a pending ROLLBACK and waits until the server is ready. A statement whose future was dropped may
            // still run: it isn't waited for long, and closing the connection ends it.
            let ready = tokio::time::timeout(RETURN_LIMIT, live.conn.ping()).await;
            live.rested = Instant::now();
            if matches!(ready, Ok(Ok(()))) && live.born.elapsed() < LIFETIME && !self.permits.is_closed() {
                lock(&self.idle).push(live);
            }
        });
    }

    /// Whether the role's own database answers: known from the last seconds, else asked.
    pub(crate) async fn answers(self: &Arc<Self>, limit: Duration) -> bool {
        if self.circuit.check(&self.server).is_err() {
            return false;
        }
        let failing = self.circuit.now().1.is_some();
        if !failing && lock(&self.last_good).is_some_and(|at| at.elapsed() < CARE) {
            return true;
        }
        // All in use: they were good when they were handed out, and the circuit is closed.
        let Ok(permit) = self.permits.clone().try_acquire_owned() else { return !self.permits.is_closed() };
        // Who stands in a queue for this long has learned nothing of the server.
        let queued = self.opening.available_permits() == 0;
        match tokio::time::timeout(limit, self.live()).await {
            Ok(Ok(live)) => {
                self.clone().give_back(live, permit);
                true
            }
            Ok(Err(_)) => false,
            Err(_) => {
                if !queued {
                    self.bad(&AdapterError::timed_out(&self.server, "to a health check", limit));
                }
                false
            }
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let idle = u32::try_from(lock(&self.idle).len()).unwrap_or(u32::MAX);
        Counts { total: self.total.load(Ordering::SeqCst), idle, waiting: self.waiting.load(Ordering::SeqCst) }
    }

    pub(crate) fn percentiles_ms(&self) -> (Option<f64>, Option<f64>) {
        let (mut times, now) = (lock(&self.times), Instant::now());
        (times.percentile_ms(now, 0.5), times.percentile_ms(now, 0.99))
    }

    pub(crate) fn facts(&self) -> Option<ServerFacts> {
        lock(&self.facts).clone()
    }

    /// Lets nobody in any more and closes what is idle; what is in use closes when it comes back.
    pub(crate) async fn close(&self) {
        self.permits.close();
        let idle = std::mem::take(&mut *lock(&self.idle));
        let goodbyes = idle.into_iter().map(|live| tokio::time::timeout(RETURN_LIMIT, live.conn.close()));
        futures::future::join_all(goodbyes).await;
    }

    fn pop(&self) -> Option<Live> {
        let mut idle = lock(&self.idle);
        // The last one used: the others may then rest until they are closed.
        while let Some(live) = idle.pop() {
            if live.born.elapsed() < LIFETIME {
                return Some(live);
            }
        }
        None
    }

    fn forget_idle(&self) {
        lock(&self.idle).clear();
    }

    fn good(&self) {
        *lock(&self.last_good) = Some(Instant::now());
        if self.circuit.succeeded() {
            tracing::info!(role = self.role.word(), server = %self.server, "the database answers again");
        }
    }

    fn bad(self: &Arc<Self>, error: &AdapterError) {
        if self.circuit.failed(error) {
            tracing::warn!(role = self.role.word(), %error, "the circuit opens");
            self.forget_idle();
            tokio::spawn(heal(Arc::downgrade(self)));
        }
    }
}

/// Looks after a dead server until it answers, with growing pauses. One such task per open circuit. (Boxed, like
/// `care`: connecting starts it and it connects.)
fn heal(pool: Weak<RolePool>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        for attempt in 0.. {
            tokio::time::sleep(circuit::pause(attempt)).await;
            let Some(pool) = pool.upgrade().filter(|p| !p.permits.is_closed()) else { return };
            pool.circuit.half_open();
            // Without a place for it the new connection has proved what it should and is closed.
            let place = pool.permits.clone().try_acquire_owned();
            match pool.connect().await {
                Ok(live) => {
                    if place.is_ok() {
                        lock(&pool.idle).push(live);
                    }
                    return;
                }
                Err(error) => {
                    pool.circuit.failed(&error);
                }
            }
        }
    })
}

/// Closes connections that are too old or rested too long, and asks one whether its server still lives, so that a
/// death is noticed without a caller. Ends with its pool.
fn care(pool: Weak<RolePool>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        loop {
            tokio::time::sleep(CARE).await;
            let Some(pool) = pool.upgrade().filter(|p| !p.permits.is_closed()) else { return };
            lock(&pool.idle).retain(|l| l.born.elapsed() < LIFETIME && l.rested.elapsed() < IDLE_LIMIT);
            // One that began to fail is looked at until it heals or its circuit opens, caller or not.
            let worth_a_look = !lock(&pool.idle).is_empty() || pool.circuit.now().1.is_some();
            if worth_a_look
                && pool.circuit.check(&pool.server).is_ok()
                && let Ok(permit) = pool.permits.clone().try_acquire_owned()
                && let Ok(live) = pool.live().await
            {
                // Back without a new rest: else the last one would never be closed.
                lock(&pool.idle).push(live);
                drop(permit);
            }
        }
    })
}

impl ServerFacts {
    async fn read(conn: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let row: (String, i32) = sqlx::query_as(
            "select extract(epoch from pg_postmaster_start_time())::text || ' ' || coalesce(inet_server_port()::text, current_setting('port')), \
             current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int \
             - coalesce(nullif(current_setting('reserved_connections', true), '')::int, 0)",
        )
        .fetch_one(conn)
        .await?;
        Ok(Self { identity: row.0, allows: u32::try_from(row.1).unwrap_or(0) })
    }
}

/// Nothing under these locks can panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
