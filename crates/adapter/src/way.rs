//! Whether the way to a server leads straight there or through a connection pooler, as far as it was seen.

use crate::{AdapterError, Endpoint, WireClient, WireOptions, wire};
use std::{
    fmt::Write,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Sent along with the settings of a session: where the server knows it, all of them arrived.
const MARK: (&str, &str) = ("reeve.way", "straight");
/// Asked before anything else. A pooler takes the session's name along all the same; it must not stay with the one that was lent.
const ARRIVED: &str = "/* reeve:way */ SELECT /* reeve:way */ pg_catalog.current_setting('reeve.way', true) IS NOT DISTINCT FROM 'straight',
    CASE WHEN pg_catalog.current_setting('reeve.way', true) IS DISTINCT FROM 'straight' THEN pg_catalog.set_config('application_name', '', false) END";
/// A pooler may be taken away; after this time it is looked again.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// What was learned of the way to a server.
#[derive(Debug, Default)]
pub(crate) struct Way {
    pooled: Mutex<Option<Instant>>,
}

impl Way {
    /// A pooler was met here not long ago.
    pub(crate) fn is_pooled(&self) -> bool {
        self.pooled.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() < REMEMBERED)
    }

    /// A pooler was met, or none was.
    pub(crate) fn learn(&self, pooled: bool) {
        *self.pooled.lock().unwrap_or_else(PoisonError::into_inner) = pooled.then(Instant::now);
    }
}

/// Connects with settings that hold for the whole session, and makes sure that they do. `more` is a list of expressions that are
/// evaluated only when they do.
///
/// # Errors
/// As [`wire::connect`]; [`AdapterError::Pooler`] when something stands in the way that does not pass settings on.
pub(crate) async fn straight(
    endpoint: &Endpoint,
    options: &WireOptions,
    more: impl Fn(&WireClient) -> Vec<String>,
) -> Result<WireClient, AdapterError> {
    let marked = options.clone().set(MARK.0, MARK.1);
    let client = wire::attempt(endpoint, &marked).await.inspect_err(|error| {
        if matches!(error, AdapterError::Pooler { .. }) {
            endpoint.way.learn(true);
        }
    })?;
    let mut sql = ARRIVED.to_owned();
    for expression in more(&client) {
        write!(sql, ", CASE WHEN pg_catalog.current_setting('reeve.way', true) = 'straight' THEN {expression} END").ok();
    }
    // Not prepared: behind a pooler the next statement may meet another session.
    let arrived: bool = client.query_typed_one(&sql, &[]).await.and_then(|row| row.try_get(0)).map_err(|e| client.sort(&e))?;
    endpoint.way.learn(!arrived);
    if arrived {
        Ok(client)
    } else {
        Err(AdapterError::Pooler { server: client.server().to_owned(), why: "settings are not passed on".to_owned() })
    }
}
