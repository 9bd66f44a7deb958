//! An estate made up for tests and for looking at pages: every number here is invented.
#![allow(dead_code, clippy::cast_precision_loss, clippy::cast_possible_wrap)]

pub mod accounts;
pub mod audit;
pub mod backups;
pub mod changes;
pub mod compliance;
pub mod detail;
pub mod ports;
pub mod registry;
pub mod sessions;
pub mod tables;

use reeve_access::{Principal, Via, principal::resolve};
use reeve_model::{
    Binding, Environment, Figure, FigureGroup, HealthOverview, Origin, Reach, Reason, Status, StoreState, TargetInfo, TargetKind,
    TargetName, TargetSummary, Unit, UnixMs, Verdict,
    health::Over,
    pool::{Circuit, PoolFigures, PoolReport, RoleState, StoreRole},
    series::Point,
    status::CategoryScore,
};

/// A name that tries to be markup.
pub const HOSTILE: &str = "\"><script>alert(1)</script>'\n&amp;";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scenario {
    /// One target, all fine.
    Calm,
    /// Three targets: one with troubles, one that does not answer, one not asked yet; the store is away.
    Trouble,
    /// Nothing registered.
    Empty,
}

pub fn name(n: &str) -> TargetName {
    TargetName::new(n).expect("a good name")
}

/// A wave that looks like load, the same at each call.
pub fn wave(now: UnixMs, n: usize, step_s: i64, base: f64, swing: f64, seed: u64) -> Vec<Point> {
    (0..n)
        .map(|i| {
            let x = i as f64;
            let noise = ((i as u64 * 2_654_435_761 + seed * 97_003) % 1000) as f64 / 1000.0 - 0.5;
            let value = base + swing * ((x / 9.0 + seed as f64).sin() * 0.5 + (x / 23.0).cos() * 0.3 + noise * 0.5);
            Point { at: now.plus_ms(-((n - i) as i64) * step_s * 1000), value: value.max(0.0) }
        })
        .collect()
}

pub fn figure(id: &str, title: &str, group: FigureGroup, unit: Unit, trend: Vec<Point>) -> Figure {
    let last = trend.last().copied();
    Figure {
        id: id.into(),
        title: title.into(),
        group,
        unit,
        value: last.map(|p| p.value),
        at: last.map(|p| p.at),
        stale: false,
        why: None,
        note: None,
        status: None,
        max: None,
        trend,
    }
}

pub fn headline(now: UnixMs, seed: u64, stale: bool) -> Vec<Figure> {
    use FigureGroup::{Connections, Performance, Replication, Storage, Writes};
    let w = |base, swing, s| wave(now.plus_ms(if stale { -740_000 } else { -3000 }), 60, 10, base, swing, seed + s);
    let rounded = |p: Vec<Point>| p.into_iter().map(|p| Point { value: p.value.round(), ..p }).collect();
    let mut list = vec![
        figure("connections.total", "Connections", Connections, Unit::Count, rounded(w(34.0, 18.0, 1))),
        figure("statements.mean", "Query time", Performance, Unit::Milliseconds, w(2.4, 1.8, 2)),
        figure("transactions", "Transactions", Performance, Unit::PerSecond, w(412.0, 210.0, 3)),
        figure("cache.hit", "Cache hit", Performance, Unit::Ratio, w(0.962, 0.03, 4)),
        figure("wal.rate", "WAL", Writes, Unit::BytesPerSecond, w(620_000.0, 500_000.0, 5)),
        figure("storage.total", "Storage", Storage, Unit::Bytes, w(214e6, 3e6, 6)),
        figure("replication.lag", "Replica lag", Replication, Unit::Bytes, vec![]),
    ];
    list[0].max = Some(100.0);
    list[6].why = Some("No standby streams from this server.".into());
    for f in &mut list {
        f.stale = stale && f.value.is_some();
    }
    list
}

fn category(id: &str, title: &str, weight: f64, score: Option<f64>, detail: &str) -> CategoryScore {
    CategoryScore { id: id.into(), title: title.into(), weight, score, detail: detail.into() }
}

pub fn verdict(now: UnixMs, status: Status, reasons: Vec<Reason>) -> Verdict {
    Verdict {
        status,
        since: now.plus_ms(-760_000),
        score: match status {
            Status::Healthy => Some(96.4),
            Status::Degraded => Some(71.9),
            Status::Critical => Some(30.0),
            Status::Unknown => None,
        },
        measured_ratio: if status == Status::Unknown { 0.0 } else { 0.93 },
        reasons,
        categories: vec![
            category("connections", "Connections", 0.2, Some(91.0), "34 of 97 usable connections are in use."),
            category("queries", "Query time", 0.2, Some(84.0), "Mean 2.4 ms; 99 % of calls belong to statements with a mean under 41 ms."),
            category("cache", "Cache", 0.1, Some(62.0), "96.2 % of 1.4 M block reads were served from shared buffers."),
            category("replication", "Replication", 0.07, None, "No standby streams from this server."),
            category("wraparound", "Wraparound", 0.18, Some(99.0), "The oldest transaction is 18 M of 2.1 G old."),
            category("storage", "Storage and tables", 0.25, Some(48.0), "14 tables have index faults, 1 index is invalid."),
        ],
        cap: (status == Status::Critical).then(|| "A target that does not answer scores 30 at most.".into()),
        at: now,
        formula: 1,
        held: Vec::new(),
    }
}

pub fn reason(now: UnixMs, id: &str, severity: Status, sentence: &str, next: &str, ago_s: i64) -> Reason {
    Reason { id: id.into(), severity, sentence: sentence.into(), next: next.into(), since: Some(now.plus_ms(-ago_s * 1000)) }
}

fn info(n: &str, environment: Environment) -> TargetInfo {
    TargetInfo {
        name: name(n),
        kind: TargetKind::Postgres,
        environment,
        address: format!("{n}.internal:5432"),
        tags: vec!["sample".into()],
        region: None,
        owner: None,
    }
}

fn troubles(now: UnixMs) -> Vec<Reason> {
    vec![
        reason(
            now,
            "locks.waiting",
            Status::Degraded,
            "4 sessions wait for a lock, the longest for 48 s; process 11 (idle in transaction) stands at the root: whatever queues behind waits as well.",
            "See what it does: SELECT * FROM pg_stat_activity WHERE pid = 11; if it may go: SELECT pg_terminate_backend(11);",
            48,
        ),
        reason(
            now,
            "sequence.use",
            Status::Degraded,
            "Sequence core.event_log_id_seq has used 94.1 % of what its integer column can hold, so inserts will fail in about 3 weeks.",
            "Change core.event_log.id to bigint before it runs out.",
            8200,
        ),
        reason(
            now,
            "wraparound.age",
            Status::Degraded,
            "The oldest transaction id is 1.2 billion old, 56 % of the way to wraparound: then the server refuses writes.",
            "End what holds it back, then VACUUM (FREEZE).",
            9300,
        ),
    ]
}

/// What was wrong with it and no longer is, newest first.
fn overs(now: UnixMs) -> Vec<Over> {
    let one = |n: i64| Over {
        id: format!("rule.{n}"),
        severity: Status::Degraded,
        sentence: format!("{n} sessions wait for a lock."),
        since: now.plus_ms(-n * 100_000 - 42_000),
        until: now.plus_ms(-n * 100_000),
    };
    (2..6).map(one).collect()
}

pub fn overview(now: UnixMs, scenario: Scenario) -> HealthOverview {
    let up = Reach::Up { since: now.plus_ms(-7_900_000) };
    let target = |n: &str, environment, reach, v: Verdict, figures, last: Option<i64>| TargetSummary {
        info: info(n, environment),
        reach,
        version: last.map(|_| "PostgreSQL 15.18".into()),
        verdict: v,
        figures,
        last_round: last.map(|s| now.plus_ms(-s * 1000)),
        every_ms: 10_000,
        over: Vec::new(),
    };
    match scenario {
        Scenario::Empty => HealthOverview { at: now, estate: Verdict::not_yet(now.plus_ms(-9000)), targets: vec![], store: StoreState::Up },
        Scenario::Calm => {
            let t = target("findawise", Environment::Dev, up, verdict(now, Status::Healthy, vec![]), headline(now, 1, false), Some(3));
            HealthOverview { at: now, estate: verdict(now, Status::Healthy, vec![]), targets: vec![t], store: StoreState::Up }
        }
        Scenario::Trouble => {
            let dead = reason(
                now,
                "reach.down",
                Status::Critical,
                "ledger-prod has not answered for 12 min: connection refused by ledger-prod.internal:5432.",
                "Check that the server runs and that its port is open from here; `reeve check ledger-prod` tries each step.",
                740,
            );
            let down = Reach::Down {
                since: now.plus_ms(-740_000),
                sentence: "The server refuses connections on ledger-prod.internal:5432.".into(),
                last_up: Some(now.plus_ms(-744_000)),
                refusal: None,
            };
            // Of each target the first, as the estate's verdict has it.
            let first = |n: &str, r: Reason| Reason { id: format!("target.{n}"), ..r };
            let all = vec![first("ledger-prod", dead.clone()), first("findawise", troubles(now).remove(0))];
            let mut degraded = headline(now, 3, false);
            degraded[0].status = Some(Status::Degraded);
            HealthOverview {
                at: now,
                estate: verdict(now, Status::Critical, all),
                targets: vec![
                    target(
                        "ledger-prod",
                        Environment::Prod,
                        down,
                        verdict(now, Status::Critical, vec![dead]),
                        headline(now, 5, true),
                        Some(744),
                    ),
                    TargetSummary {
                        over: overs(now),
                        ..target("findawise", Environment::Dev, up, verdict(now, Status::Degraded, troubles(now)), degraded, Some(3))
                    },
                    target("newcomer", Environment::Staging, Reach::Untried, Verdict::not_yet(now.plus_ms(-4000)), vec![], None),
                ],
                store: StoreState::Down {
                    since: now.plus_ms(-65_000),
                    sentence: "Reeve's own database does not answer; it is being restarted.".into(),
                },
            }
        }
    }
}

pub fn pools(now: UnixMs, scenario: Scenario) -> PoolReport {
    let trouble = scenario == Scenario::Trouble;
    let role = |role, configured, served_by, reduced: Option<&str>| RoleState {
        role,
        configured,
        answers: true,
        served_by,
        reduced: reduced.map(Into::into),
    };
    let pool = |role: StoreRole, total, idle, waiting| PoolFigures {
        role,
        total,
        idle,
        waiting,
        max: role.default_max(),
        acquire_timeout_s: role.default_acquire_timeout_s(),
        circuit: Circuit::Closed,
        failing_since: None,
        failure: None,
        acquire_p50_ms: Some(0.04),
        acquire_p99_ms: Some(1.72),
    };
    let mut analytics = pool(StoreRole::Analytics, 0, 0, 0);
    analytics.circuit = Circuit::Open;
    analytics.failing_since = Some(now.plus_ms(-65_000));
    analytics.acquire_p50_ms = None;
    analytics.acquire_p99_ms = None;
    PoolReport {
        at: now,
        roles: vec![
            role(StoreRole::Main, true, StoreRole::Main, None),
            role(
                StoreRole::Analytics,
                trouble,
                StoreRole::Main,
                trouble.then_some("The analytics database is away: samples go to main, and history before 14:02 can't be read."),
            ),
            role(StoreRole::Documents, false, StoreRole::Main, None),
            role(StoreRole::Compliance, false, StoreRole::Main, None),
            role(StoreRole::ReadReplica, false, StoreRole::Main, None),
        ],
        pools: if trouble { vec![pool(StoreRole::Main, 20, 0, 3), analytics] } else { vec![pool(StoreRole::Main, 4, 3, 0)] },
        warning: trouble.then(|| "The pools may open 100 connections together, and the server allows 97.".into()),
    }
}

/// An admin of everything.
pub fn principal(now: UnixMs) -> Principal {
    caller(now, &["admin"])
}

/// Somebody who holds these roles over the estate in trouble, which holds all targets of all scenarios.
pub fn caller(now: UnixMs, bindings: &[&str]) -> Principal {
    let bindings: Vec<_> = bindings.iter().map(|b| Binding::try_from((*b).to_owned()).expect("a binding")).collect();
    let estate = overview(now, Scenario::Trouble);
    Principal {
        account: "1".into(),
        email: "admin@example.org".into(),
        org: "default".into(),
        session: "s".into(),
        rights: resolve(&bindings, estate.targets.iter().map(|t| &t.info)),
        bindings,
        only: None,
        via: Via::Session,
        origin: Origin::default(),
        confirmed_at: now,
        may_change: true,
    }
}
