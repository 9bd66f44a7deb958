//! A made-up registry: one configured, one registered with a hostile owner, one whose address is gone, and what was tested.

use super::{Scenario, name};
use reeve_model::{
    Environment, TargetInfo, TargetKind, UnixMs,
    registration::{Candidate, Gap, RegistryRow, RegistryView, Trial},
};

fn row(of: &str, place: Option<&str>, now: UnixMs) -> RegistryRow {
    RegistryRow {
        info: TargetInfo {
            name: name(of),
            kind: TargetKind::Postgres,
            environment: Environment::Prod,
            address: format!("{of}.internal:5432"),
            tags: vec!["eu".into(), "shop".into()],
            region: Some("eu-central-1".into()),
            owner: Some("<script>alert(1)</script>".into()),
        },
        databases: Vec::new(),
        place: place.map(str::to_owned),
        changed_at: place.is_none().then(|| now.plus_ms(-90_000)),
        fault: None,
    }
}

/// Calm: what was tested is good. Trouble: it does not answer. Empty: nothing was tested, and there is none.
pub fn view(now: UnixMs, scenario: Scenario) -> RegistryView {
    let good = scenario == Scenario::Calm;
    let trial = Trial {
        latency_ms: good.then_some(3.2),
        version: good.then(|| "PostgreSQL 15.18".into()),
        user: good.then(|| "reeve_monitor".into()),
        standby: false,
        tls: false,
        pooled: good.then(|| "It is reached through a pooler.".into()),
        missing: vec![Gap {
            because: "Statistics can't be read.".into(),
            remedy: Some("GRANT pg_monitor TO \"reeve_monitor\";".into()),
            without: vec!["“Sessions”".into(), "control AUTH-01".into()],
        }],
        sql: vec!["GRANT pg_monitor TO \"reeve_monitor\";".into()],
        fault: (!good).then(|| "orders.internal:5432 refuses the login: correct user and password".into()),
    };
    if scenario == Scenario::Empty {
        return RegistryView { rows: Vec::new(), candidate: None };
    }
    let gone = RegistryRow { fault: Some("The address of the registered target lost is gone.".into()), ..row("lost", None, now) };
    let candidate = Candidate {
        name: name("orders"),
        known: false,
        environment: Environment::Prod,
        address: "orders.internal:5432".into(),
        at: now.plus_ms(-2_000),
        trial,
    };
    RegistryView {
        rows: vec![row("ledger", Some("reeve.toml, [[target]] 1"), now), row("warehouse", None, now), gone],
        candidate: Some(candidate),
    }
}
