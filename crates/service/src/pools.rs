//! Reeve's own pools.

use async_trait::async_trait;
use reeve_access::{Grant, permission::ViewPools};
use reeve_adapter::RolePools;
use reeve_model::pool::{PoolReport, StoreRole};
use reeve_ports::{PoolsPort, PortError};
use std::{collections::BTreeMap, time::Duration};

/// How long the roles are asked whether they answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers from the live pools.
pub struct Pools {
    pools: RolePools,
}

impl Pools {
    /// Over these pools.
    #[must_use]
    pub fn new(pools: RolePools) -> Self {
        Self { pools }
    }
}

#[async_trait]
impl PoolsPort for Pools {
    async fn databases(&self, _grant: Grant<ViewPools>) -> Result<BTreeMap<StoreRole, bool>, PortError> {
        // Asked of each server, so bounded: one that hangs is one that doesn't answer.
        let known: BTreeMap<StoreRole, bool> = StoreRole::ALL.into_iter().map(|role| (role, false)).collect();
        Ok(tokio::time::timeout(PATIENCE, self.pools.health()).await.unwrap_or(known))
    }

    async fn pool_stats(&self, _grant: Grant<ViewPools>) -> Result<PoolReport, PortError> {
        Ok(self.pools.report())
    }
}
