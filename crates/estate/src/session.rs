//! One kept connection with its prepared statements.

use reeve_adapter::{AdapterError, Endpoint, WireClient, WireOptions, wire};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio_postgres::{Error, Row, Statement, error::SqlState, types::ToSql};

/// `application_name` of every connection that probes; activity leaves out all that begins with `reeve/`.
pub const APPLICATION: &str = "reeve/probe";

/// Time to connect and sign in.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After this the server ends a statement of a probe; the setting below says the same.
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(4);

/// Settings of every probing connection. PostgreSQL itself ends what takes too long, so that nothing is left running
/// there when Reeve gives up. `stats_fetch_consistency` is set after connecting, where the server knows it.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("lock_timeout", "100ms"),
    ("statement_timeout", "4s"),
    ("default_transaction_read_only", "on"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("jit", "off"),
    ("search_path", "pg_catalog"),
];

/// Connects under a name, with settings that the server keeps to from the first moment on.
pub(crate) async fn connect(
    endpoint: &Endpoint,
    database: Option<&str>,
    application_name: &str,
    settings: &[(&str, &str)],
) -> Result<WireClient, AdapterError> {
    let endpoint = database.map_or_else(|| endpoint.clone(), |name| endpoint.with_database(name));
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    wire::connect(&endpoint, WireOptions { application_name: application_name.to_owned(), connect_timeout: CONNECT_TIMEOUT, settings })
        .await
}

/// A connection and what was prepared on it.
pub(crate) struct Session {
    link: WireClient,
    prepared: Mutex<HashMap<String, Statement>>,
    /// Transactions of Reeve's own on this target, over all its connections.
    own: Arc<AtomicI64>,
    /// Its address names this machine.
    pub(crate) local: bool,
}

impl Session {
    /// Connects; `database` overrides the endpoint's. Each transaction is counted in `own`.
    pub(crate) async fn open(endpoint: &Endpoint, database: Option<&str>, own: &Arc<AtomicI64>) -> Result<Self, AdapterError> {
        let link = connect(endpoint, database, APPLICATION, SETTINGS).await?;
        Ok(Self { link, prepared: Mutex::default(), own: Arc::clone(own), local: endpoint.is_local() })
    }

    /// The connection is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    /// Sorts an error of this connection.
    pub(crate) fn sort(&self, error: &Error) -> AdapterError {
        self.link.sort(error)
    }

    /// Tells the server to drop what it still runs for this connection, which is given up. Bounded in time.
    pub(crate) async fn abandon(self) {
        if let Err(error) = self.link.cancel().await {
            tracing::debug!(%error, "a round could not be cancelled");
        }
    }

    /// Settings that only some versions know.
    pub(crate) async fn adjust(&self, version_num: u32) -> Result<(), Error> {
        if version_num >= 150_000 {
            // `cache` reads each relation's counters once for all the functions that ask for them: measured 10 to 17 %
            // cheaper than `none` at 300 tables. Every probe is its own transaction, so nothing grows old.
            self.link.batch_execute("SET stats_fetch_consistency = 'cache'").await?;
        }
        Ok(())
    }

    /// Runs a statement, preparing it the first time. Calls made at the same time share one round trip.
    pub(crate) async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        let statement = self.statement(sql).await?;
        self.own.fetch_add(1, Ordering::Relaxed);
        match self.link.query(&statement, params).await {
            Err(error) if outdated(&error) => {
                self.forget(sql);
                let statement = self.statement(sql).await?;
                self.link.query(&statement, params).await
            }
            other => other,
        }
    }

    async fn statement(&self, sql: &str) -> Result<Statement, Error> {
        let known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        // Preparing ends with a commit, too.
        self.own.fetch_add(1, Ordering::Relaxed);
        let statement = self.link.prepare(sql).await?;
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    fn forget(&self, sql: &str) {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).remove(sql);
    }
}

/// The prepared statement no longer fits: an extension was updated, or somebody discarded it.
fn outdated(error: &Error) -> bool {
    matches!(error.code(), Some(code) if *code == SqlState::FEATURE_NOT_SUPPORTED || *code == SqlState::INVALID_SQL_STATEMENT_NAME)
}
