//! One connection for probes, through tokio-postgres: several queries polled together travel in one round trip.

use crate::{AdapterError, Endpoint, TlsMode, endpoint::startup_options, tls};
use std::{future::Future, ops::Deref, time::Duration};
use tokio::task::AbortHandle;
use tokio_postgres::{CancelToken, Client, Connection, NoTls, config::SslMode, tls::TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long the server is given to obey a cancellation before the connection is given up.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);
/// How long a dropped connection may take to end in order.
const GOODBYE: Duration = Duration::from_secs(1);

/// How to connect.
#[derive(Debug, Clone)]
pub struct WireOptions {
    /// What `pg_stat_activity` shows.
    pub application_name: String,
    /// For all of it: name, network, TLS, login. A `connect_timeout` in the URL wins.
    pub connect_timeout: Duration,
    /// Server settings from the first moment on, such as `lock_timeout`, `statement_timeout`,
    /// `default_transaction_read_only`. They win over `options` in the URL.
    pub settings: Vec<(String, String)>,
}

impl WireOptions {
    /// 5 s to connect, no settings.
    #[must_use]
    pub fn new(application_name: impl Into<String>) -> Self {
        Self { application_name: application_name.into(), connect_timeout: Duration::from_secs(5), settings: Vec::new() }
    }

    /// One more server setting.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// All settings, those that win last.
    pub(crate) fn over(&self, endpoint: &Endpoint) -> Vec<(String, String)> {
        [endpoint.settings.as_slice(), self.settings.as_slice()].concat()
    }
}

/// A live connection; derefs to [`Client`]. Dropping it closes the connection.
pub struct WireClient {
    client: Client,
    server: String,
    connection: AbortHandle,
    closed: CancellationToken,
    cancel: CancelToken,
    // For the cancelling connection, which needs its own handshake; none: not encrypted.
    tls: Option<MakeRustlsConnect>,
    version: Option<String>,
    _dropped: DropGuard,
}

/// Connects.
///
/// # Errors
/// Sorted, one sentence each, without the password.
pub async fn connect(endpoint: &Endpoint, options: WireOptions) -> Result<WireClient, AdapterError> {
    limited(endpoint, &options, attempt(endpoint, &options)).await
}

/// The time that connecting may take in all.
pub(crate) async fn limited<T>(
    endpoint: &Endpoint,
    options: &WireOptions,
    work: impl Future<Output = Result<T, AdapterError>>,
) -> Result<T, AdapterError> {
    let limit = endpoint.connect_timeout_s.map_or(options.connect_timeout, Duration::from_secs);
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(AdapterError::timed_out(&endpoint.redacted(), "to the connection attempt", limit)))
}

/// Connects in whatever time it takes.
pub(crate) async fn attempt(endpoint: &Endpoint, options: &WireOptions) -> Result<WireClient, AdapterError> {
    let mut config = endpoint.to_tokio_postgres();
    if !options.application_name.is_empty() {
        config.application_name(&options.application_name);
    }
    let settings = options.over(endpoint);
    if let Some(startup) = startup_options(&settings) {
        config.options(startup);
    }
    let server = endpoint.redacted();
    if endpoint.tls == TlsMode::Disable {
        return plain(config, server).await;
    }
    let connector = tls::connector(endpoint)?;
    config.ssl_mode(SslMode::Require);
    match config.connect(connector.clone()).await {
        Ok((client, connection)) => Ok(WireClient::new(client, connection, server, Some(connector))),
        Err(error) => match AdapterError::from_wire(&server, &error) {
            // `prefer` takes what it gets, as libpq does.
            AdapterError::TlsNotOffered { .. } | AdapterError::Certificate { .. } if endpoint.tls == TlsMode::Prefer => {
                plain(config, server).await
            }
            sorted => Err(sorted),
        },
    }
}

async fn plain(mut config: tokio_postgres::Config, server: String) -> Result<WireClient, AdapterError> {
    config.ssl_mode(SslMode::Disable);
    let (client, connection) = config.connect(NoTls).await.map_err(|e| AdapterError::from_wire(&server, &e))?;
    Ok(WireClient::new(client, connection, server, None))
}

impl WireClient {
    fn new<T>(client: Client, connection: Connection<tokio_postgres::Socket, T>, server: String, tls: Option<MakeRustlsConnect>) -> Self
    where
        T: TlsStream + Unpin + Send + 'static,
    {
        let version = connection.parameter("server_version").map(str::to_owned);
        let cancel = client.cancel_token();
        let closed = CancellationToken::new();
        let ended = closed.clone().drop_guard();
        let at = server.clone();
        let dropped = CancellationToken::new();
        let let_go = dropped.clone();
        let task = tokio::spawn(async move {
            // Held here so that an abort tells the waiters too.
            let _ended = ended;
            let mut connection = connection;
            let result = tokio::select! {
                result = &mut connection => result,
                // The client is gone: time enough to say goodbye, but a query that hangs isn't waited for.
                () = let_go.cancelled() => tokio::time::timeout(GOODBYE, &mut connection).await.unwrap_or(Ok(())),
            };
            if let Err(error) = result {
                tracing::debug!(server = %at, error = %AdapterError::from_wire(&at, &error), "connection ended");
            }
        });
        Self { client, server, connection: task.abort_handle(), closed, cancel, tls, version, _dropped: dropped.drop_guard() }
    }

    /// Whether the line is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// `host:port/database`.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The server's version as it says it, such as `15.18 (Debian 15.18-0+deb12u1)`.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The server's major version.
    #[must_use]
    pub fn major(&self) -> Option<u32> {
        self.version()?.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
    }

    /// Resolves when the connection has ended, for whatever reason.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Sorts an error of this connection.
    #[must_use]
    pub fn sort(&self, error: &tokio_postgres::Error) -> AdapterError {
        AdapterError::from_wire(&self.server, error)
    }

    /// Asks the server to cancel what this connection runs. Bounded in time.
    ///
    /// # Errors
    /// The server could not be reached for that.
    pub async fn cancel(&self) -> Result<(), AdapterError> {
        let asked = async {
            match &self.tls {
                Some(tls) => self.cancel.cancel_query(tls.clone()).await,
                None => self.cancel.cancel_query(NoTls).await,
            }
        };
        match tokio::time::timeout(CANCEL_PATIENCE, asked).await {
            Ok(result) => result.map_err(|e| self.sort(&e)),
            Err(_) => Err(AdapterError::timed_out(&self.server, "to a cancellation", CANCEL_PATIENCE)),
        }
    }

    /// Runs queries of this client under a limit of time. When it passes, the server is told to cancel and given two
    /// seconds to obey, so that nothing goes on running there; does it not obey, the connection is closed.
    ///
    /// # Errors
    /// Those of the work, sorted, and [`AdapterError::TimedOut`].
    pub async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, AdapterError> {
        tokio::pin!(work);
        if let Ok(done) = tokio::time::timeout(limit, &mut work).await {
            return done.map_err(|e| self.sort(&e));
        }
        let ending = async {
            if let Err(error) = self.cancel().await {
                tracing::debug!(server = %self.server, %error, "cancellation not delivered");
            }
            (&mut work).await
        };
        match tokio::time::timeout(CANCEL_PATIENCE, ending).await {
            // It ended before the cancellation arrived.
            Ok(Ok(late)) => return Ok(late),
            Ok(Err(_)) => {}
            Err(_) => self.connection.abort(),
        }
        Err(AdapterError::timed_out(&self.server, "the query", limit))
    }
}

impl Deref for WireClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl std::fmt::Debug for WireClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WireClient({}, encrypted: {})", self.server, self.is_encrypted())
    }
}
