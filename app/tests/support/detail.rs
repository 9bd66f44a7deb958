//! One target in detail.

use super::{Scenario, figure, overview, wave};
use reeve_model::{
    Figure, FigureGroup, Reading, Status, TargetDetail, TargetName, Unit, UnixMs,
    health::Chart,
    probe::{ProbeOutcome, ProbeRun},
    series::Trend,
    snapshot::{DatabaseCounters, Drain, LockWait, Locks, Replication, SequenceUse, Setting, StatementRow, Statements},
};

fn all_figures(now: UnixMs) -> Vec<Figure> {
    use FigureGroup::{Connections, Maintenance, Performance, Replication, Storage, Writes};
    let w = |base, swing, s| wave(now.plus_ms(-3000), 60, 10, base, swing, s);
    let mut list = vec![
        figure("connections.total", "Client sessions", Connections, Unit::Count, w(34.0, 10.0, 1)),
        figure("connections.active", "Active", Connections, Unit::Count, w(6.0, 4.0, 2)),
        figure("connections.idle", "Idle", Connections, Unit::Count, w(24.0, 4.0, 3)),
        figure("connections.idle_in_transaction", "Idle in transaction", Connections, Unit::Count, w(3.0, 2.0, 4)),
        figure("connections.waiting", "Waiting for a lock", Connections, Unit::Count, w(2.0, 3.0, 5)),
        figure("longest.transaction", "Longest transaction", Connections, Unit::Seconds, w(48.0, 2.0, 6)),
        figure("statements.mean", "Query time, mean", Performance, Unit::Milliseconds, w(2.4, 1.8, 7)),
        figure("statements.p95", "p95 of means", Performance, Unit::Milliseconds, w(14.0, 6.0, 8)),
        figure("statements.p99", "p99 of means", Performance, Unit::Milliseconds, w(41.0, 20.0, 9)),
        figure("statements.rate", "Statements", Performance, Unit::PerSecond, w(1840.0, 700.0, 10)),
        figure("transactions", "Commits", Performance, Unit::PerSecond, w(412.0, 210.0, 11)),
        figure("cache.hit", "Cache hit", Performance, Unit::Ratio, w(0.962, 0.02, 12)),
        figure("storage.total", "Total", Storage, Unit::Bytes, w(214e6, 3e6, 13)),
        figure("storage.growth", "Growth", Storage, Unit::BytesPerSecond, w(900.0, 200.0, 14)),
        figure("tables.count", "Tables", Storage, Unit::Count, vec![]),
        figure("wal.rate", "WAL", Writes, Unit::BytesPerSecond, w(620_000.0, 500_000.0, 15)),
        figure("checkpoints.requested", "Checkpoints on demand", Writes, Unit::Ratio, w(0.08, 0.05, 16)),
        figure("temp.bytes", "Temp files", Writes, Unit::BytesPerSecond, w(0.0, 0.0, 17)),
        figure("replication.lag", "Replica lag", Replication, Unit::Bytes, vec![]),
        figure("wraparound.xid", "Oldest xid", Maintenance, Unit::Transactions, w(18_230_000.0, 1000.0, 18)),
        figure("sequences.fullest", "Fullest sequence", Maintenance, Unit::Ratio, w(0.941, 0.0, 19)),
    ];
    for f in &mut list {
        if f.unit == Unit::Count {
            f.value = f.value.map(f64::round);
        }
    }
    list[0].max = Some(97.0);
    list[4].status = Some(Status::Degraded);
    list[7].note = Some("weighted by calls over the statements' means".into());
    list[14].value = Some(299.0);
    list[14].at = Some(now.plus_ms(-3000));
    list[18].why = Some("No standby streams from this server.".into());
    list[20].status = Some(Status::Degraded);
    list
}

fn chart(now: UnixMs, id: &str, title: &str, unit: Unit, lines: &[(&str, f64, f64)]) -> Chart {
    let line = |(n, (title, base, swing)): (usize, &(&str, f64, f64))| Trend {
        title: (*title).into(),
        points: wave(now, 180, 20, *base, *swing, n as u64 + 3)
            .into_iter()
            .enumerate()
            .filter(|(i, _)| !(100..112).contains(i))
            .map(|(_, p)| p)
            .collect(),
    };
    Chart { id: id.into(), title: title.into(), unit, lines: lines.iter().enumerate().map(line).collect() }
}

fn probe(now: UnixMs, id: &str, title: &str, database: Option<&str>, wall_ms: f64, outcome: ProbeOutcome) -> ProbeRun {
    ProbeRun {
        id: id.into(),
        title: title.into(),
        database: database.map(Into::into),
        at: now.plus_ms(-3000),
        wall_ms,
        rows: 299,
        runs: 790,
        server_ms: Some(wall_ms * 0.6),
        every_ms: 10_000,
        outcome,
    }
}

pub fn detail(now: UnixMs, scenario: Scenario, target: &TargetName) -> Option<TargetDetail> {
    let mut summary = overview(now, scenario).targets.into_iter().find(|t| t.info.name == *target)?;
    let known = summary.last_round.is_some();
    if !known {
        return Some(TargetDetail {
            at: now,
            summary,
            pooled: false,
            charts: vec![],
            databases: Reading::default(),
            statements: Reading::default(),
            locks: Reading::default(),
            replication: Reading::default(),
            subscriptions: Reading::default(),
            sequences: Reading::default(),
            sequences_hidden: None,
            settings: Reading::default(),
            probes: vec![],
        });
    }
    let down = target.as_str() == "ledger-prod";
    let at = now.plus_ms(if down { -744_000 } else { -3000 });
    summary.figures = all_figures(at);
    if down {
        summary.figures.iter_mut().for_each(|f| f.stale = f.value.is_some());
    }
    fn read<T>(value: T, at: UnixMs, down: bool) -> Reading<T> {
        let mut r = Reading::known(value, at);
        if down {
            r.absorb(Err("The server refuses connections.".into()), at.plus_ms(4000));
        }
        r
    }
    let database = |name: &str, size: Option<i64>| DatabaseCounters {
        name: name.into(),
        oid: 5,
        size_bytes: size,
        backends: 33,
        commits: 3_214_887,
        rollbacks: 1204,
        blocks_read: 420_331,
        blocks_hit: 91_224_018,
        deadlocks: 2,
        temp_files: 14,
        temp_bytes: 88_000_000,
        conflicts: 0,
        checksum_failures: Some(0),
        xid_age: 18_230_117,
        mxid_age: 1,
        stats_reset: Some(at.plus_ms(-90_000_000)),
    };
    let statement = |query_id, total_ms, calls: i64, text: Option<&str>| StatementRow {
        query_id,
        database: "findawise".into(),
        user: "app".into(),
        calls,
        total_ms,
        mean_ms: total_ms / calls as f64,
        rows: calls * 3,
        text: text.map(Into::into),
    };
    let statements = Statements {
        extension_version: "1.10".into(),
        window_s: 10.0,
        calls_per_s: Some(1840.0),
        mean_ms: Some(2.4),
        p95_of_means_ms: Some(14.2),
        p99_of_means_ms: Some(41.8),
        evicted: Some(12),
        top: vec![
            statement(
                1,
                18_230.4,
                412,
                Some(
                    "SELECT b.id, b.starts_at, t.title FROM travel.bookings b JOIN travel.trips t ON t.id = b.trip_id WHERE b.customer_id = $1 ORDER BY b.starts_at DESC LIMIT $2",
                ),
            ),
            statement(2, 9120.0, 12_044, Some("UPDATE core.sessions SET last_seen_at = now() WHERE id = $1")),
            statement(3, 4400.0, 88, None),
            statement(4, 12.0, 40, Some("SELECT 1")),
        ],
    };
    let wait = |pid, waited_s, by: i32| LockWait {
        pid,
        waited_s: Some(waited_s),
        mode: "ShareLock".into(),
        relation: Some("core.accounts".into()),
        blocked_by: vec![by],
        root_pid: Some(21_733),
        root_state: Some("idle in transaction".into()),
        database: Some("findawise".into()),
    };
    let waits = if scenario == Scenario::Calm { vec![] } else { vec![wait(21_801, 48.2, 21_733), wait(21_812, 31.0, 21_801)] };
    let sequence = |name: &str, used: f64| SequenceUse {
        database: "findawise".into(),
        schema: "core".into(),
        name: name.into(),
        last_value: Some((used * 2_147_483_647.0) as i64),
        max_value: 2_147_483_647,
        used_ratio: used,
        drain: Some(Drain { watched_s: 10_800.0, per_s: Some(used), steady_per_s: None }),
        by_column: true,
    };
    let setting = |name: &str, value: &str, unit: Option<&str>, pending_restart| Setting {
        name: name.into(),
        value: value.into(),
        unit: unit.map(Into::into),
        source: "configuration file".into(),
        pending_restart,
    };
    Some(TargetDetail {
        at: now,
        summary,
        pooled: down,
        charts: vec![
            chart(
                at,
                "connections",
                "Connections",
                Unit::Count,
                &[("active", 8.0, 6.0), ("idle", 24.0, 6.0), ("idle in transaction", 3.0, 3.0)],
            ),
            chart(at, "query-time", "Query time, mean", Unit::Milliseconds, &[("mean", 2.4, 1.8)]),
            chart(at, "transactions", "Transactions", Unit::PerSecond, &[("commits", 412.0, 210.0), ("rollbacks", 4.0, 4.0)]),
            chart(at, "wal", "WAL", Unit::BytesPerSecond, &[("written", 620_000.0, 500_000.0)]),
        ],
        databases: read(vec![database("findawise", Some(214_000_000)), database("postgres", None)], at, down),
        statements: read(statements, at, down),
        locks: read(Locks { waiting: waits.len() as i64, waits, exclusive_relations: 0 }, at, down),
        replication: read(Replication::default(), at, down),
        subscriptions: read(vec![], at, down),
        sequences: read(vec![sequence("event_log_id_seq", 0.941), sequence("accounts_id_seq", 0.0002)], at, down),
        sequences_hidden: down
            .then(|| "3 sequences can't be read by role reeve; run GRANT SELECT ON ALL SEQUENCES IN SCHEMA \"core\" TO \"reeve\";".into()),
        settings: read(
            vec![setting("shared_buffers", "16384", Some("8kB"), false), setting("max_connections", "100", None, true)],
            at,
            down,
        ),
        probes: vec![
            probe(at, "activity", "Activity", None, 0.8, ProbeOutcome::Ok),
            probe(
                at,
                "tables",
                "Tables and indexes",
                Some("findawise"),
                6.4,
                ProbeOutcome::Partial { sentence: "core.ledger is locked: its size is the last known.".into() },
            ),
            probe(at, "statements", "Statements", None, 4.1, ProbeOutcome::Ok),
            probe(at, "io", "I/O", None, 0.0, ProbeOutcome::Unavailable { sentence: "pg_stat_io begins with PostgreSQL 16.".into() }),
        ],
    })
}
