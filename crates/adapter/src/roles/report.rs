//! What the pools say about themselves.

use super::{Connections, RolePools, pool::RolePool};
use reeve_model::{
    UnixMs,
    pool::{Circuit, PoolFigures, PoolReport, RoleState, StoreRole},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How long a health check may take.
const HEALTH_LIMIT: Duration = Duration::from_secs(2);

impl RolePools {
    /// The live figures of all pools and roles. Answers from memory.
    #[must_use]
    pub fn report(&self) -> PoolReport {
        PoolReport {
            at: UnixMs::now(),
            roles: StoreRole::ALL.into_iter().map(|role| self.role_state(role)).collect(),
            pools: self.pools().map(figures).collect(),
            warning: self.warning(),
        }
    }

    /// SPEC A5: whether calls for each role are answered. A role that isn't set answers what main answers; the read
    /// replica is false then. Asks servers that weren't heard of in the last seconds, two seconds at most.
    pub async fn health(&self) -> BTreeMap<StoreRole, bool> {
        let asked = self.pools().map(|pool| async move { (pool.role, pool.answers(HEALTH_LIMIT).await) });
        let own: BTreeMap<_, _> = futures::future::join_all(asked).await.into_iter().collect();
        let main = own.get(&StoreRole::Main).copied().unwrap_or(false);
        let answer = |role| match own.get(&role) {
            Some(own) => *own,
            None => main && role != StoreRole::ReadReplica,
        };
        StoreRole::ALL.into_iter().map(|role| (role, answer(role))).collect()
    }

    /// SPEC A5: the connections of the pools that exist.
    #[must_use]
    pub fn connections(&self) -> BTreeMap<StoreRole, Connections> {
        let counts = self.pools().map(|pool| {
            let c = pool.counts();
            (pool.role, Connections { total: c.total, idle: c.idle, waiting: c.waiting })
        });
        counts.collect()
    }

    fn role_state(&self, role: StoreRole) -> RoleState {
        let main_answers = self.pool(StoreRole::Main).is_some_and(|p| is_good(p));
        let own = self.pool(role);
        let own_answers = own.is_some_and(|p| is_good(p));
        let served_by = if own_answers { role } else { StoreRole::Main };
        let failing = own.filter(|_| role != StoreRole::Main).and_then(|p| p.circuit.now().1);
        let reduced = failing.map(|f| match role {
            StoreRole::ReadReplica => format!("Reads go to main: {}", f.sentence),
            _ => format!("What belongs to {} is read from and written to main: {}", role.word(), f.sentence),
        });
        let reduced = reduced.or_else(|| self.replica_trouble(role));
        let served_by = if reduced.is_some() { StoreRole::Main } else { served_by };
        RoleState { role, configured: own.is_some(), answers: own_answers || main_answers, served_by, reduced }
    }

    /// The sum of what pools on one server may open, against what it allows; known after the first connection.
    fn warning(&self) -> Option<String> {
        let identity_of: BTreeMap<String, String> = self.pools().filter_map(|p| Some((p.endpoint.server(), p.facts()?.identity))).collect();
        let mut servers: BTreeMap<String, Vec<&Arc<RolePool>>> = BTreeMap::new();
        for pool in self.pools() {
            let name = pool.endpoint.server();
            servers.entry(identity_of.get(&name).cloned().unwrap_or(name)).or_default().push(pool);
        }
        let too_much = servers.into_values().filter_map(|pools| {
            let allows = pools.iter().find_map(|p| p.facts())?.allows;
            let sum: u32 = pools.iter().map(|p| p.max).sum();
            let names = pools.iter().map(|p| p.role.word()).collect::<Vec<_>>().join(", ");
            let server = pools.first()?.endpoint.server();
            (sum > allows).then(|| {
                format!(
                    "The pools on {server} ({names}) may open {sum} connections together, but it allows {allows}: lower their limits or raise its max_connections."
                )
            })
        });
        let sentences: Vec<_> = too_much.collect();
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }
}

fn is_good(pool: &RolePool) -> bool {
    let (circuit, failing) = pool.circuit.now();
    circuit == Circuit::Closed && failing.is_none()
}

fn figures(pool: &Arc<RolePool>) -> PoolFigures {
    let (counts, (circuit, failing), (p50, p99)) = (pool.counts(), pool.circuit.now(), pool.percentiles_ms());
    let (failing_since, failure) = failing.map_or((None, None), |f| (Some(f.since), Some(f.sentence)));
    PoolFigures {
        role: pool.role,
        total: counts.total,
        idle: counts.idle,
        waiting: counts.waiting,
        max: pool.max,
        acquire_timeout_s: pool.acquire_timeout.as_secs(),
        circuit,
        failing_since,
        failure,
        acquire_p50_ms: p50,
        acquire_p99_ms: p99,
    }
}
