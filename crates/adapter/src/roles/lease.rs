//! A connection on loan.

use super::pool::{Live, RolePool};
use crate::AdapterError;
use reeve_model::pool::StoreRole;
use sqlx::PgConnection;
use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};
use tokio::sync::OwnedSemaphorePermit;

/// A connection on loan; derefs to [`PgConnection`]. Dropping it gives it back; an open transaction is rolled back.
pub struct Lease {
    // An option only so that `drop` can move it out.
    loan: Option<(Live, OwnedSemaphorePermit)>,
    pool: Arc<RolePool>,
}

impl Lease {
    pub(crate) fn new(pool: Arc<RolePool>, loan: (Live, OwnedSemaphorePermit)) -> Self {
        Self { loan: Some(loan), pool }
    }

    /// The role whose pool serves it: main when the asked one is not set or away.
    #[must_use]
    pub fn served_by(&self) -> StoreRole {
        self.pool.role
    }

    /// `host:port/database`.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.pool.server
    }

    /// Sorts an error of this connection.
    #[must_use]
    pub fn sort(&self, error: &sqlx::Error) -> AdapterError {
        AdapterError::from_sqlx(&self.pool.server, error)
    }
}

#[allow(clippy::expect_used)]
impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.loan.as_ref().expect("a lease holds its connection until it is dropped").0.conn
    }
}

#[allow(clippy::expect_used)]
impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.loan.as_mut().expect("a lease holds its connection until it is dropped").0.conn
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some((live, permit)) = self.loan.take() {
            self.pool.clone().give_back(live, permit);
        }
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lease(by {})", self.served_by().word())
    }
}
