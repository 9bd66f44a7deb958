//! A connection whose limits hold whichever way it goes.
//!
//! Straight to the server they are settings of the session, from the first moment on, and statements are prepared once. A pooler in
//! transaction mode (PgBouncer) gives each transaction whichever session is free: settings, prepared statements and whatever else a
//! session keeps would be met by strangers, or not be there. So through a pooler each statement is a transaction of its own that begins
//! with its limits, sent in one piece: still one round trip, and nothing stays behind.
//!
//! Which way it is shows by itself: a pooler refuses settings at sign-in, or they don't arrive.

use crate::{AdapterError, Endpoint, WireClient, WireOptions, way, wire};
use futures::{StreamExt, join};
use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};
use tokio_postgres::{
    Error, Row, RowStream, SimpleQueryMessage, Statement,
    error::SqlState,
    types::{ToSql, Type},
};

/// A value and what it is in SQL: an unprepared statement must be told.
pub type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// A setting that the server knows from a major version on.
pub type Newer = (u32, &'static str, &'static str);

/// Names of columns, and rows of texts.
pub type Texts = (Vec<String>, Vec<Vec<Option<String>>>);

/// A live connection with limits.
pub struct Guarded {
    link: WireClient,
    endpoint: Endpoint,
    pooled: AtomicBool,
    /// Begins each transaction through a pooler.
    opening: String,
    prepared: Mutex<HashMap<String, Statement>>,
    transactions: Arc<AtomicI64>,
}

/// Connects straight to a server, for what needs a session of its own.
///
/// # Errors
/// As [`wire::connect`]; [`AdapterError::Pooler`] when a pooler stands in the way.
pub async fn straight(endpoint: &Endpoint, options: WireOptions) -> Result<WireClient, AdapterError> {
    wire::limited(endpoint, &options, way::straight(endpoint, &options, |_| Vec::new())).await
}

impl Guarded {
    /// Connects; every transaction is counted in `transactions`.
    ///
    /// # Errors
    /// Sorted, one sentence each, without the password.
    pub async fn connect(
        endpoint: &Endpoint,
        options: WireOptions,
        newer: &[Newer],
        transactions: Arc<AtomicI64>,
    ) -> Result<Self, AdapterError> {
        let (link, pooled) = wire::limited(endpoint, &options, link(endpoint, &options, newer)).await?;
        // The question whether the settings arrived.
        transactions.fetch_add(i64::from(!pooled), Ordering::Relaxed);
        let mut settings = options.over(endpoint);
        settings.extend(known(newer, &link).map(|(name, value)| (name.to_owned(), value.to_owned())));
        // The session's name would stay with a pool's session; set for the transaction it says who works there, as long as it does.
        settings.push(("application_name".to_owned(), options.application_name));
        let opening = opening(&settings);
        Ok(Self { link, endpoint: endpoint.clone(), pooled: AtomicBool::new(pooled), opening, prepared: Mutex::default(), transactions })
    }

    /// The way leads through a pooler.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.pooled.load(Ordering::Relaxed)
    }

    /// Runs a statement. Calls made at the same time share one round trip, but for the first time straight to a server, when it is prepared.
    ///
    /// # Errors
    /// Those of the server and of the connection.
    pub async fn query(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Error> {
        self.each(sql, params, Ok).await
    }

    /// The same, with what `read` makes of each row as it arrives: of a long answer only that is kept in memory.
    ///
    /// # Errors
    /// Those of the server, of the connection, and the first one of `read`.
    pub async fn each<T, E: From<Error>>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut read: impl FnMut(Row) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let typed = || self.link.query_typed_raw(sql, params.iter().map(|(value, of)| (*value, of.clone())));
        if self.is_pooled() {
            return self.transaction(gather(typed(), &mut read)).await?;
        }
        let values = || params.iter().map(|(value, _)| *value);
        let statement = match self.statement(sql).await {
            Err(error) if self.strangers(&error) => return self.transaction(gather(typed(), &mut read)).await?,
            other => other?,
        };
        self.transactions.fetch_add(1, Ordering::Relaxed);
        // What is tried again below was refused before it had a row.
        match gather(self.link.query_raw(&statement, values()), &mut read).await {
            Err(error) if self.strangers(&error) => self.transaction(gather(typed(), &mut read)).await?,
            Err(error) if error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED) => {
                // An extension was updated, and the prepared statement no longer fits.
                self.prepared.lock().unwrap_or_else(PoisonError::into_inner).remove(sql);
                let statement = self.statement(sql).await?;
                gather(self.link.query_raw(&statement, values()), &mut read).await?
            }
            other => other?,
        }
    }

    /// The first row.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn first(&self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs a statement that answers texts, and has columns where it has no row.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn texts(&self, sql: &str) -> Result<Texts, Error> {
        if self.is_pooled() {
            return self.simple(sql).await;
        }
        let statement = match self.statement(sql).await {
            Err(error) if self.strangers(&error) => return self.simple(sql).await,
            other => other?,
        };
        let columns: Vec<String> = statement.columns().iter().map(|c| c.name().to_owned()).collect();
        let mut rows = Vec::new();
        self.transactions.fetch_add(1, Ordering::Relaxed);
        for row in self.link.query(&statement, &[]).await? {
            rows.push((0..columns.len()).map(|i| row.try_get(i)).collect::<Result<Vec<Option<String>>, _>>()?);
        }
        Ok((columns, rows))
    }

    async fn simple(&self, sql: &str) -> Result<Texts, Error> {
        let (mut columns, mut rows) = (Vec::new(), Vec::new());
        for message in self.transaction(self.link.simple_query(sql)).await? {
            match message {
                SimpleQueryMessage::RowDescription(found) => columns = found.iter().map(|c| c.name().to_owned()).collect(),
                SimpleQueryMessage::Row(row) => rows.push((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect()),
                _ => {}
            }
        }
        Ok((columns, rows))
    }

    /// One transaction with its limits. All of it is handed over at the first poll, before any answer: no other statement comes in
    /// between, and whoever gives up waiting leaves no transaction open.
    async fn transaction<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.transactions.fetch_add(1, Ordering::Relaxed);
        // `futures::join` polls in this order; a macro that takes turns would not do.
        let (opened, done, ended) = join!(self.link.batch_execute(&self.opening), work, self.link.batch_execute("COMMIT"));
        opened?;
        let done = done?;
        ended?;
        Ok(done)
    }

    /// Prepared statements that vanish, or are there already, are those of strangers: a pooler passed the settings on and shares
    /// sessions all the same.
    fn strangers(&self, error: &Error) -> bool {
        let strange = matches!(error.code(), Some(c) if *c == SqlState::INVALID_SQL_STATEMENT_NAME || *c == SqlState::DUPLICATE_PSTATEMENT);
        if strange {
            self.endpoint.way.learn(true);
            self.pooled.store(true, Ordering::Relaxed);
        }
        strange
    }

    async fn statement(&self, sql: &str) -> Result<Statement, Error> {
        let known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        // Preparing ends with a commit, too.
        self.transactions.fetch_add(1, Ordering::Relaxed);
        let statement = self.link.prepare(sql).await?;
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Its address names this machine; behind a pooler the server may be on another all the same.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.endpoint.is_local()
    }

    /// The connection is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    /// Whether the line is encrypted, to the pooler where there is one.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.link.is_encrypted()
    }

    /// `host:port/database`.
    #[must_use]
    pub fn server(&self) -> &str {
        self.link.server()
    }

    /// The server's major version, unless a pooler hides it.
    #[must_use]
    pub fn major(&self) -> Option<u32> {
        self.link.major()
    }

    /// Sorts an error of this connection.
    #[must_use]
    pub fn sort(&self, error: &Error) -> AdapterError {
        self.link.sort(error)
    }

    /// Asks the server to cancel what this connection runs. Bounded in time.
    ///
    /// # Errors
    /// The server could not be reached for that.
    pub async fn cancel(&self) -> Result<(), AdapterError> {
        self.link.cancel().await
    }
}

/// What `read` makes of the rows: outside what the server and the connection say, inside what `read` does.
async fn gather<T, E>(
    rows: impl Future<Output = Result<RowStream, Error>>,
    read: &mut impl FnMut(Row) -> Result<T, E>,
) -> Result<Result<Vec<T>, E>, Error> {
    let mut rows = pin!(rows.await?);
    let mut all = Vec::new();
    while let Some(row) = rows.next().await {
        match read(row?) {
            Ok(value) => all.push(value),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(all))
}

async fn link(endpoint: &Endpoint, options: &WireOptions, newer: &[Newer]) -> Result<(WireClient, bool), AdapterError> {
    if !endpoint.way.is_pooled() {
        let more = |link: &WireClient| {
            let set = |(name, value)| format!("pg_catalog.set_config({}, {}, false)", literal(name), literal(value));
            known(newer, link).map(set).collect()
        };
        match way::straight(endpoint, options, more).await {
            Err(AdapterError::Pooler { .. }) => {}
            other => return Ok((other?, false)),
        }
    }
    let bare = Endpoint { settings: Vec::new(), ..endpoint.clone() };
    Ok((wire::attempt(&bare, &WireOptions { settings: Vec::new(), ..WireOptions::new("") }).await?, true))
}

/// The settings that this server knows.
fn known<'a>(newer: &'a [Newer], link: &WireClient) -> impl Iterator<Item = (&'static str, &'static str)> + 'a {
    let major = link.major().unwrap_or(0);
    newer.iter().filter(move |(since, ..)| major >= *since).map(|(_, name, value)| (*name, *value))
}

/// Begins a transaction whose settings end with it. In one statement that is Reeve's to see, rather than in one for each.
fn opening(settings: &[(String, String)]) -> String {
    let (mut begin, mut calls) = ("BEGIN", Vec::new());
    for (name, value) in settings {
        // It would be too late for the transaction that has begun.
        if name == "default_transaction_read_only" {
            begin = if value == "off" { "BEGIN READ WRITE" } else { "BEGIN READ ONLY" };
        } else {
            calls.push(format!("pg_catalog.set_config({}, {}, true)", literal(name), literal(value)));
        }
    }
    format!("{begin}; /* reeve:limits */ SELECT /* reeve:limits */ {}", calls.join(", "))
}

/// Right whatever `standard_conforming_strings` is.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guarded({:?}, pooled: {})", self.link, self.is_pooled())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_begins_with_its_limits() {
        let settings = [("lock_timeout", "1s"), ("default_transaction_read_only", "on"), ("x.y", "it's \\")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let sql = opening(&settings);
        let limits = "pg_catalog.set_config(E'lock_timeout', E'1s', true), pg_catalog.set_config(E'x.y', E'it''s \\\\', true)";
        assert_eq!(sql, format!("BEGIN READ ONLY; /* reeve:limits */ SELECT /* reeve:limits */ {limits}"));
    }
}
