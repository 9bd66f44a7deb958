//! What can go wrong in the store.

use reeve_adapter::AdapterError;
use reeve_model::UnixMs;
use time::OffsetDateTime;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database answered with an error, or not at all.
    #[error("Reeve's own database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database could not be asked, or failed after the retries.
    #[error("Reeve's own database: {0}")]
    Adapter(#[from] AdapterError),
    /// The queue of backup jobs stopped, which it does when the database goes away.
    #[error("The queue of backup jobs stopped: {0}")]
    Queue(String),
    /// What was given can't be stored. One sentence.
    #[error("{0}")]
    Invalid(String),
    /// The last enabled account that is admin for everything would be lost.
    #[error("This is the last account that is admin for everything: give another one that role first.")]
    LastAdmin,
    /// What was read is not what Reeve writes. One sentence.
    #[error("{0}")]
    Corrupt(String),
}

impl StoreError {
    /// Whether the database is away (rather than the request wrong): reading from memory goes on, changes must wait.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Database(error) => error.as_database_error().is_none() && !matches!(error, sqlx::Error::RowNotFound),
            Self::Adapter(error) => {
                error.is_transient()
                    || matches!(
                        error,
                        AdapterError::CircuitOpen { .. }
                            | AdapterError::PoolTimeout { .. }
                            | AdapterError::Closed
                            | AdapterError::DiskFull { .. }
                    )
            }
            Self::Queue(_) => true,
            Self::Invalid(_) | Self::LastAdmin | Self::Corrupt(_) => false,
        }
    }
}

/// What the database says to a change of rights; the trigger `last_admin` in one that may not be.
pub(crate) fn of_rights(error: sqlx::Error) -> StoreError {
    match error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) {
        Some("last_admin") => StoreError::LastAdmin,
        _ => error.into(),
    }
}

/// Result of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A moment as PostgreSQL knows it.
pub(crate) fn moment(at: UnixMs) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000)
        .map_err(|_| StoreError::Invalid(format!("{} ms since 1970 is no moment that can be stored.", at.0)))
}

/// A moment as the model knows it, in whole milliseconds (rounded down).
pub(crate) fn unix_ms(at: OffsetDateTime) -> UnixMs {
    UnixMs(i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX))
}
