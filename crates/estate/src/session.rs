//! The connections to a target, and their limits.

use reeve_adapter::{AdapterError, Endpoint, Guarded, WireOptions, guarded::Newer};
use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

/// `application_name` of every connection that probes; activity leaves out all that begins with `reeve/`.
pub const APPLICATION: &str = "reeve/probe";

/// Time to connect and sign in.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After this the server ends a statement of a probe; the setting below says the same.
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(4);

/// Settings of every probing connection. PostgreSQL itself ends what takes too long, so that nothing is left running
/// there when Reeve gives up.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("lock_timeout", "100ms"),
    ("statement_timeout", "4s"),
    ("default_transaction_read_only", "on"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("jit", "off"),
    ("search_path", "pg_catalog"),
];

/// `cache` reads each relation's counters once for all the functions that ask for them: measured 10 to 17 % cheaper than `none` at 300
/// tables. Every probe is its own transaction, so nothing grows old.
const NEWER: &[Newer] = &[(15, "stats_fetch_consistency", "cache")];

/// Connects under a name, with limits that the server keeps to from the first moment on.
pub(crate) async fn connect(
    endpoint: &Endpoint,
    database: Option<&str>,
    application_name: &str,
    settings: &[(&str, &str)],
) -> Result<Guarded, AdapterError> {
    open(endpoint, database, options(application_name, settings), &[], &Arc::default()).await
}

/// Connects for probes; `database` overrides the endpoint's. Each transaction is counted in `own`.
pub(crate) async fn probing(endpoint: &Endpoint, database: Option<&str>, own: &Arc<AtomicI64>) -> Result<Guarded, AdapterError> {
    open(endpoint, database, options(APPLICATION, SETTINGS), NEWER, own).await
}

fn options(application_name: &str, settings: &[(&str, &str)]) -> WireOptions {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    WireOptions { application_name: application_name.to_owned(), connect_timeout: CONNECT_TIMEOUT, settings }
}

async fn open(
    endpoint: &Endpoint,
    database: Option<&str>,
    options: WireOptions,
    newer: &[Newer],
    own: &Arc<AtomicI64>,
) -> Result<Guarded, AdapterError> {
    let endpoint = database.map_or_else(|| endpoint.clone(), |name| endpoint.with_database(name));
    Guarded::connect(&endpoint, options, newer, Arc::clone(own)).await
}

/// Tells the server to drop what it still runs for a connection that is given up. Bounded in time.
pub(crate) async fn abandon(session: Arc<Guarded>) {
    if let Err(error) = session.cancel().await {
        tracing::debug!(%error, "a round could not be cancelled");
    }
}
