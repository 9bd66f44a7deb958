//! What can go wrong with the sample estate, in sentences for the person who started it.

use crate::dsl::DslError;

/// An error of the sample estate. No variant carries a password or a whole URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// A `.tables` file has a line that can't be read.
    #[error(transparent)]
    Dsl(#[from] DslError),
    /// The list of planted faults and the tables disagree.
    #[error("The planted fault {id} doesn't fit the tables: {reason}.")]
    Planted {
        /// The fault's id in [`crate::faults::PLANTED`].
        id: String,
        /// What doesn't fit.
        reason: String,
    },
    /// A connection URL can't be read.
    #[error("The connection URL for {whom} can't be read; check its form: postgresql://user:password@host:port/database.")]
    Url {
        /// Whose URL it is.
        whom: &'static str,
    },
    /// The server can't be reached or refuses the login.
    #[error("Can't connect to the sample estate's server as {whom}: {}. Check that the server runs and accepts this login.", cause(.source))]
    Connect {
        /// The login that tried.
        whom: String,
        /// What the driver said.
        source: tokio_postgres::Error,
    },
    /// A statement failed.
    #[error("{doing} failed: {}.", cause(.source))]
    Sql {
        /// What was being done, as the beginning of a sentence.
        doing: String,
        /// What the server said.
        source: tokio_postgres::Error,
    },
    /// The database holds schemas of the same names that somebody else made.
    #[error(
        "The database {database} already has a schema {schema} that belongs to {owner}; the sample estate won't touch it. Load it into a database of its own."
    )]
    NotOurs {
        /// The database that was to be loaded.
        database: String,
        /// The schema that is in the way.
        schema: String,
        /// Who owns it.
        owner: String,
    },
    /// The database of a sample system exists and somebody else made it.
    #[error("The database {database} belongs to {owner}; the sample estate won't touch it. Let it have a server of its own.")]
    DatabaseNotOurs {
        /// The database that was to be loaded.
        database: String,
        /// Who owns it.
        owner: String,
    },
    /// A statement of a workload file has no readable heading.
    #[error("The workload of {database} has a heading that can't be read: {line}.")]
    Heading {
        /// Whose workload it is.
        database: &'static str,
        /// The heading as it stands there.
        line: String,
    },
    /// The replica's server can't be had.
    #[error("The replica of the sample systems: {0}.")]
    Replica(#[from] reeve_cluster::ClusterError),
    /// The server let something succeed that had to fail for a fault to be planted.
    #[error("The fault {id} couldn't be planted: {reason}.")]
    NotPlanted {
        /// The fault's id.
        id: String,
        /// What happened instead.
        reason: String,
    },
}

impl DemoError {
    /// Turns a driver error into one that says what was being done.
    pub(crate) fn sql(doing: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Sql { doing, source }
    }
}

/// The server's own words where there are any: the driver's text is only "db error".
fn cause(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => db.message().trim_end_matches('.').to_owned(),
        None => {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(error);
            while let Some(inner) = source {
                let inner_text = inner.to_string();
                if !text.contains(&inner_text) {
                    text = format!("{text}: {inner_text}");
                }
                source = inner.source();
            }
            text
        }
    }
}
