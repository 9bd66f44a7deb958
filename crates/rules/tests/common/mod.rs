//! Snapshots to judge.
#![allow(dead_code, clippy::unwrap_used)]

use reeve_model::{
    Reach, Reading, TargetName, UnixMs,
    probe::{ProbeOutcome, ProbeRun},
    snapshot::*,
    table::{IndexStats, TableKind, TableStats},
};
use std::sync::Arc;

/// 2024-02-29 14:05:11 UTC.
pub const NOW: UnixMs = UnixMs(1_709_215_511_000);

pub fn name(text: &str) -> TargetName {
    TargetName::new(text).unwrap()
}

pub fn setting(name: &str, value: &str) -> Setting {
    Setting { name: name.into(), value: value.into(), unit: None, source: "default".into(), pending_restart: false }
}

pub fn database(name: &str) -> DatabaseCounters {
    DatabaseCounters {
        name: name.into(),
        oid: 5,
        size_bytes: Some(150_000_000),
        backends: 10,
        commits: 1_000,
        rollbacks: 2,
        blocks_read: 100,
        blocks_hit: 10_000,
        deadlocks: 0,
        temp_files: 0,
        temp_bytes: 0,
        conflicts: 0,
        checksum_failures: Some(0),
        xid_age: 1_000,
        mxid_age: 10,
        stats_reset: None,
    }
}

pub fn table(oid: u32, schema: &str, name: &str) -> TableStats {
    TableStats {
        oid,
        schema: schema.into(),
        name: name.into(),
        kind: TableKind::Table,
        parent: None,
        locked: false,
        rows_estimate: Some(5_000.0),
        heap_bytes: Some(1_000_000),
        index_bytes: Some(200_000),
        toast_bytes: Some(8_192),
        live_rows: 5_000,
        dead_rows: 10,
        modified_since_analyze: 0,
        inserted: 5_000,
        updated: 0,
        hot_updated: 0,
        deleted: 0,
        seq_scans: 3,
        seq_rows_read: 15_000,
        index_scans: 500,
        blocks_hit: 1_000,
        blocks_read: 10,
        last_vacuum: None,
        last_analyze: None,
        xid_age: Some(1_000),
        has_primary_key: true,
        autovacuum_off: false,
        bloat_estimate_ratio: Some(0.05),
    }
}

pub fn index(oid: u32, table_oid: u32, name: &str, signature: &str) -> IndexStats {
    IndexStats {
        oid,
        table_oid,
        name: name.into(),
        bytes: Some(200_000),
        scans: 50,
        unique: false,
        primary: false,
        constraint: false,
        valid: true,
        signature: signature.into(),
        columns: vec!["customer_id".into()],
    }
}

pub fn sequence(used_ratio: f64) -> SequenceUse {
    let max_value = 2_147_483_647;
    #[allow(clippy::cast_possible_truncation)]
    let last_value = Some((f64::from(max_value) * used_ratio) as i64);
    SequenceUse {
        database: "shop".into(),
        schema: "core".into(),
        name: "orders_id_seq".into(),
        last_value,
        max_value: i64::from(max_value),
        used_ratio,
        drain: Some(drain(5.0)),
        by_column: true,
    }
}

/// At the same rate all day.
pub fn drain(per_s: f64) -> Drain {
    Drain { watched_s: 86_400.0, per_s: Some(per_s), steady_per_s: Some(per_s) }
}

pub fn standby(bytes: i64, seconds: f64) -> Standby {
    Standby {
        name: "replica1".into(),
        state: "streaming".into(),
        sync_state: "async".into(),
        replay_lag_bytes: Some(bytes),
        replay_lag_s: Some(seconds),
    }
}

pub fn slot(status: &str, active: bool, retained: i64) -> Slot {
    Slot {
        name: "slot1".into(),
        kind: "physical".into(),
        active,
        retained_bytes: Some(retained),
        wal_status: Some(status.into()),
        safe_wal_bytes: None,
    }
}

pub fn subscription(worker: bool) -> Subscription {
    Subscription {
        name: "orders_in".into(),
        database: "shop".into(),
        enabled: true,
        worker,
        silent_s: worker.then_some(2.0),
        apply_errors: Some(7),
        sync_errors: Some(0),
        apply_errors_new: Some(0),
    }
}

pub fn probe(id: &str, every_ms: i64) -> ProbeRun {
    ProbeRun {
        id: id.into(),
        title: id.into(),
        database: None,
        at: NOW,
        wall_ms: 2.0,
        rows: 1,
        runs: 9,
        server_ms: Some(1.0),
        every_ms,
        outcome: ProbeOutcome::Ok,
    }
}

pub fn lock_wait(waited_s: f64) -> LockWait {
    LockWait {
        pid: 11,
        waited_s: Some(waited_s),
        mode: "AccessExclusiveLock".into(),
        relation: Some("core.orders".into()),
        blocked_by: vec![10],
        root_pid: Some(10),
        root_state: Some("idle in transaction".into()),
        database: Some("shop".into()),
    }
}

/// The disk of the data directory and WAL.
pub fn disk(total_bytes: i64, free_bytes: i64) -> Disk {
    Disk { holds: vec![DiskUse::Data, DiskUse::Wal], path: "/var/lib/postgresql".into(), total_bytes, free_bytes }
}

/// A primary with a standby on which every figure has a value and nothing is wrong.
pub fn healthy() -> TargetSnapshot {
    let mut s = TargetSnapshot::untried(name("findawise"), NOW);
    s.round = 12;
    s.round_ms = 40.0;
    s.reach = Reach::Up { since: NOW.plus_ms(-600_000) };
    s.server = Some(ServerIdentity {
        version_num: 150_018,
        version: "PostgreSQL 15.18".into(),
        standby: false,
        started_at: NOW.plus_ms(-86_400_000),
        user: "reeve".into(),
        tls: false,
        pooled: false,
        system: None,
        timeline: None,
    });
    s.activity = Reading::known(
        Activity {
            max: 100,
            reserved: 3,
            total: 20,
            active: 3,
            idle: 16,
            idle_in_transaction: 1,
            waiting: 0,
            own: 1,
            longest_transaction_s: Some(0.5),
            longest_query_s: Some(0.2),
            longest_query_by: Some(SessionRef { pid: 4711, user: "shop_app".into(), application: "checkout".into() }),
            longest_idle_in_transaction_by: Some(SessionRef { pid: 4712, user: "shop_app".into(), application: String::new() }),
            longest_transaction_by: None,
            longest_idle_in_transaction_s: Some(0.1),
            oldest_xmin_age: Some(40),
            hidden: 0,
        },
        NOW,
    );
    s.databases = Reading::known(vec![database("shop"), database("postgres")], NOW);
    s.rates = Reading::known(
        Rates {
            window_s: 10.0,
            commits: Some(120.0),
            rollbacks: Some(1.0),
            cache_hit_ratio: Some(0.99),
            block_accesses: Some(80_000.0),
            deadlocks: Some(0.0),
            temp_bytes: Some(0.0),
            wal_bytes: Some(30_000.0),
            rollback_ratio: Some(1.0 / 121.0),
        },
        NOW,
    );
    s.statements = Reading::known(
        Statements {
            extension_version: "1.10".into(),
            window_s: 10.0,
            calls_per_s: Some(300.0),
            mean_ms: Some(2.0),
            p95_of_means_ms: Some(8.0),
            p99_of_means_ms: Some(20.0),
            evicted: Some(0),
            top: Vec::new(),
        },
        NOW,
    );
    s.wal = Reading::known(
        Wal {
            position_bytes: 1_000_000,
            full_page_images: Some(100),
            archived: Some(3),
            archive_failures: Some(0),
            archive_failing: false,
        },
        NOW,
    );
    s.checkpoints = Reading::known(Checkpoints { timed: 20, requested: 1, write_ms: 10.0, sync_ms: 1.0, buffers_written: 100 }, NOW);
    s.replication = Reading::known(
        Replication {
            standbys: vec![standby(1_000, 0.1)],
            slots: vec![slot("reserved", true, 1_000)],
            receiving: None,
            newest_transaction_s: None,
            no_primary: None,
            replay_paused: None,
            replay_backlog_bytes: Some(0),
            replay_delay_s: Some(0.0),
        },
        NOW,
    );
    s.subscriptions = Reading::known(Vec::new(), NOW);
    s.wraparound = Reading::known(
        Wraparound {
            oldest_xid_age: 1_000_000,
            oldest_xid_database: "shop".into(),
            oldest_mxid_age: 5,
            freeze_max_age: 200_000_000,
            xids: Some(drain(120.0)),
            mxids: Some(drain(2.0)),
        },
        NOW,
    );
    s.locks = Reading::known(Locks::default(), NOW);
    s.sequences = Reading::known(vec![sequence(0.1)], NOW);
    s.disks = Reading::known(vec![disk(100 << 30, 60 << 30)], NOW);
    s.settings =
        Reading::known(["autovacuum", "track_counts", "fsync", "full_page_writes"].into_iter().map(|n| setting(n, "on")).collect(), NOW);
    let mut orders = table(1, "core", "orders");
    orders.heap_bytes = Some(20_000_000);
    let tables = DatabaseTables { tables: vec![orders, table(2, "core", "customers")], indexes: Vec::new(), foreign_keys: Vec::new() };
    s.tables.insert("shop".into(), Reading::known(Arc::new(tables), NOW));
    s
}

pub fn with_tables(s: &mut TargetSnapshot, tables: Vec<TableStats>) {
    s.tables.insert("shop".into(), Reading::known(Arc::new(DatabaseTables { tables, ..DatabaseTables::default() }), NOW));
}

/// Changes the last value of a reading.
pub fn edit<T>(reading: &mut Reading<T>, change: impl FnOnce(&mut T)) {
    change(&mut reading.last.as_mut().unwrap().value);
}
