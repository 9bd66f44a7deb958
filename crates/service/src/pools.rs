//! Reeve's own pools.

use async_trait::async_trait;
use reeve_access::{Grant, permission::ViewPools};
use reeve_adapter::RolePools;
use reeve_model::pool::PoolReport;
use reeve_ports::{PoolsPort, PortError};

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
    async fn pool_stats(&self, _grant: Grant<ViewPools>) -> Result<PoolReport, PortError> {
        Ok(self.pools.report())
    }
}
