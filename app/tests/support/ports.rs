//! Ports over the made-up estate.

use super::{Scenario, detail, overview, pools, sessions, tables};
use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use reeve_access::{
    Grant, Principal, Via,
    permission::{
        ChangeRegistry, EndSession, ReadMetrics, ViewEstate, ViewPools, ViewRegistry, ViewSessions, ViewTable, ViewTables, ViewTarget,
    },
};
use reeve_model::{
    HealthOverview, Origin, TargetDetail, UnixMs,
    account::Jwk,
    activity::SessionsView,
    pool::{PoolReport, StoreRole},
    registration::RegistryView,
    series::{HistoryAnswer, HistoryQuery},
    table::{TableDetail, TablePage, TableQuery},
};
use reeve_ports::{
    Ended, HealthPort, IdentityPort, NewTarget, PoolsPort, PortError, Ports, RegistryPort, SessionsPort, SignedIn, TablesPort,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Answers from the made-up estate, and keeps which refusals it was told of.
pub struct Fake(pub Scenario, pub Mutex<Vec<String>>);

pub fn ports(scenario: Scenario) -> Ports {
    fake(scenario).0
}

/// The ports, and the fake behind them.
pub fn fake(scenario: Scenario) -> (Ports, Arc<Fake>) {
    let fake = Arc::new(Fake(scenario, Mutex::default()));
    let ports = Ports {
        health: fake.clone(),
        pools: fake.clone(),
        tables: fake.clone(),
        sessions: fake.clone(),
        registry: fake.clone(),
        identity: fake.clone(),
        accounts: fake.clone(),
        audit: fake.clone(),
        backups: fake.clone(),
        compliance: fake.clone(),
    };
    (ports, fake)
}

fn missing(what: &str) -> PortError {
    PortError::NotFound(format!("There is no {what} of this name."))
}

#[async_trait]
impl HealthPort for Fake {
    async fn health_overview(&self, grant: Grant<ViewEstate>) -> Result<Arc<HealthOverview>, PortError> {
        let mut overview = overview(UnixMs::now(), self.0);
        overview.targets.retain(|t| grant.covers(&t.info.name));
        if let [only] = &overview.targets[..] {
            overview.estate = only.verdict.clone();
        }
        Ok(Arc::new(overview))
    }
    async fn target_detail(&self, grant: Grant<ViewTarget>) -> Result<Arc<TargetDetail>, PortError> {
        detail::detail(UnixMs::now(), self.0, grant.resource()).map(Arc::new).ok_or_else(|| missing("target"))
    }
    fn changes(&self, _: Grant<ViewEstate>) -> BoxStream<'static, ()> {
        futures::stream::pending().boxed()
    }
    async fn history(&self, _: Grant<ReadMetrics>, q: HistoryQuery) -> Result<HistoryAnswer, PortError> {
        Ok(HistoryAnswer {
            target: q.target,
            metric: q.metric,
            object: q.object,
            from: q.from.unwrap_or_default(),
            to: q.to.unwrap_or_default(),
            points: vec![],
        })
    }
    async fn metrics(&self, _: Grant<ReadMetrics>) -> Result<String, PortError> {
        Ok(String::new())
    }
}

#[async_trait]
impl PoolsPort for Fake {
    async fn databases(&self, _: Grant<ViewPools>) -> Result<BTreeMap<StoreRole, bool>, PortError> {
        Ok(pools(UnixMs::now(), self.0).roles.iter().map(|r| (r.role, r.answers)).collect())
    }
    async fn pool_stats(&self, _: Grant<ViewPools>) -> Result<PoolReport, PortError> {
        Ok(pools(UnixMs::now(), self.0))
    }
}

#[async_trait]
impl TablesPort for Fake {
    async fn table_analytics(&self, grant: Grant<ViewTables>, query: TableQuery) -> Result<TablePage, PortError> {
        let now = UnixMs::now();
        if !overview(now, self.0).targets.iter().any(|t| t.info.name == *grant.resource()) {
            return Err(missing("target"));
        }
        if grant.resource().as_str() == "newcomer" {
            let mut page = tables::page(now, &TableQuery { search: Some("no such".into()), ..TableQuery::default() });
            (page.total, page.read, page.schemas, page.growth_window_s) = (0, reeve_model::Reading::default(), vec![], 0.0);
            return Ok(page);
        }
        Ok(tables::page(now, &query))
    }
    async fn table_detail(&self, grant: Grant<ViewTable>) -> Result<TableDetail, PortError> {
        tables::detail(UnixMs::now(), &grant.resource().1).ok_or_else(|| missing("table"))
    }
}

#[async_trait]
impl SessionsPort for Fake {
    async fn sessions(&self, grant: Grant<ViewSessions>) -> Result<Arc<SessionsView>, PortError> {
        let now = UnixMs::now();
        if !overview(now, self.0).targets.iter().any(|t| t.info.name == *grant.resource()) {
            return Err(missing("target"));
        }
        Ok(Arc::new(sessions::view(now, grant.resource().as_str() == "newcomer")))
    }
    async fn end(&self, grant: Grant<EndSession>) -> Result<String, PortError> {
        Ok(format!("The session of process {} is ended.", grant.resource().1.pid))
    }
}

#[async_trait]
impl RegistryPort for Fake {
    async fn registry(&self, _: Grant<ViewRegistry>) -> Result<RegistryView, PortError> {
        Ok(super::registry::view(UnixMs::now(), self.0))
    }
    async fn test(&self, _: Grant<ChangeRegistry>, _: NewTarget) -> Result<(), PortError> {
        Ok(())
    }
    async fn add(&self, _: Grant<ChangeRegistry>, _: bool) -> Result<String, PortError> {
        Ok("orders is registered; it is watched within seconds.".into())
    }
    async fn discard(&self, _: Grant<ChangeRegistry>) -> Result<(), PortError> {
        Ok(())
    }
    async fn remove(&self, _: Grant<ChangeRegistry>, name: &str, _: &str) -> Result<String, PortError> {
        Ok(format!("{name} is removed."))
    }
}

#[async_trait]
impl IdentityPort for Fake {
    async fn sign_in(&self, _: &str, _: &str, _: Via, _: &Origin) -> Result<SignedIn, PortError> {
        Err(PortError::Unauthenticated("E-mail or password is wrong.".into()))
    }
    async fn verify(&self, _: &str, _: Via, _: &Origin) -> Result<Principal, PortError> {
        Ok(super::principal(UnixMs::now()))
    }
    async fn renew(&self, _: &str, _: &Origin) -> Result<SignedIn, PortError> {
        Err(PortError::Unauthenticated("Sign in again.".into()))
    }
    async fn refresh(&self, _: &str, _: &Origin) -> Result<SignedIn, PortError> {
        Err(PortError::Unauthenticated("Sign in again.".into()))
    }
    async fn sign_out(&self, _: &Principal) -> Result<(), PortError> {
        Ok(())
    }
    async fn ended(&self, _: &Principal) -> Ended {
        std::future::pending().await
    }
    fn keys(&self) -> Vec<Jwk> {
        Vec::new()
    }
}
