//! What plain SQL says of each figure at the same moment, and how far apart the two may be.

use reeve_adapter::WireClient;
use reeve_model::snapshot::{Drain, TargetSnapshot};
use std::{collections::HashMap, process::Command};

/// How a figure is found out without Reeve.
pub enum Truth {
    /// A query that answers the figure (float8, null: there is none), and how much it moves meanwhile.
    Now(&'static str, f64),
    /// A query that answers a counter; the figure times its window is what was counted in between.
    Growth(&'static str, f64),
    /// Growth of the first divided by growth of the first and the second.
    Share(&'static str, &'static str, f64),
    /// From the statements' counters before and after, see [`Statements`].
    Statements(fn(&Statements, f64) -> Option<f64>, f64),
    /// A counter since Reeve's first look, by the seconds that Reeve watched it; what is left of it, for a figure that says how long that
    /// lasts; and how much may happen between Reeve's looks and these.
    Drained(&'static str, Option<&'static str>, fn(&TargetSnapshot) -> Option<Drain>, f64),
    /// What `df` of the server's machine makes of the bytes taken and free on the disk of the data directory: no SQL tells it.
    Machine(fn(f64, f64) -> f64, f64),
    /// Reeve's own clock; nobody else knows.
    Own,
}
use Truth::{Drained, Growth, Machine, Now, Own, Share};

const XIDS: &str = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::float8";
const MXIDS: &str = "SELECT mxid_age('1'::xid)::float8";
const NUMBERS: &str = "SELECT last_value::float8 FROM counted_id_seq";
const XIDS_LEFT: &str = "SELECT 2147483648 - 3000000 - max(age(datfrozenxid))::float8 FROM pg_database";
const MXIDS_LEFT: &str = "SELECT 2147483648 - 3000000 - max(mxid_age(datminmxid))::float8 FROM pg_database";
const NUMBERS_LEFT: &str = "SELECT 32767 - last_value::float8 FROM counted_id_seq";

fn numbers(snapshot: &TargetSnapshot) -> Option<Drain> {
    snapshot.sequences.value()?.iter().find(|s| s.name == "counted_id_seq")?.drain
}

const CLIENTS: &str = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name NOT LIKE 'reeve/%'";

/// Databases that Reeve looks into.
const WATCHED: &str = "FROM pg_stat_database s JOIN pg_database d ON d.oid = s.datid WHERE d.datallowconn AND NOT d.datistemplate";
/// Each statement of somebody else is a transaction of its own here. `pg_stat_database` counts Reeve's, too, and late.
const FOREIGN_COMMITS: &str =
    "SELECT sum(calls)::float8 FROM pg_stat_statements JOIN pg_roles r ON r.oid = userid WHERE rolname <> 'reeve'";

/// The truth of a figure; `new`: this major counts checkpoints apart (17 and newer).
pub fn of(id: &str, new: bool) -> Truth {
    match id {
        "connections.active" => Now("SELECT count(*)::float8 {clients} AND state = 'active'", 0.0),
        "connections.idle" => Now("SELECT count(*)::float8 {clients} AND state = 'idle'", 0.0),
        "connections.idle_in_transaction" => Now("SELECT count(*)::float8 {clients} AND state LIKE 'idle in transaction%'", 0.0),
        "connections.waiting" => Now("SELECT count(*)::float8 {clients} AND wait_event_type = 'Lock'", 0.0),
        "connections.total" => Now("SELECT count(*)::float8 {clients}", 0.0),
        // Reeve's own connections are taken ones, too; the truth's own session is one that Reeve counts as its own.
        "connections.used_ratio" => Now(
            "SELECT count(*)::float8 / (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                - coalesce(current_setting('reserved_connections', true)::int, 0)) FROM pg_stat_activity WHERE backend_type = 'client backend'",
            0.011,
        ),
        "connections.longest_transaction_s" => Now("SELECT extract(epoch FROM clock_timestamp() - min(xact_start))::float8 {clients}", 4.0),
        "connections.longest_query_s" => Now(
            "SELECT extract(epoch FROM clock_timestamp() - min(query_start))::float8 {clients} AND state = 'active'
                AND wait_event_type IS DISTINCT FROM 'Lock'",
            4.0,
        ),
        "performance.commits_per_s" => Growth(FOREIGN_COMMITS, 80.0),
        "performance.rollbacks_per_s" => Growth("SELECT sum(xact_rollback)::float8 {watched}", 3.0),
        "performance.rollback_ratio" => {
            Share("SELECT sum(xact_rollback)::float8 {watched}", FOREIGN_COMMITS, 0.03)
        }
        "performance.statements_per_s" => Truth::Statements(|s, window| Some(s.calls() / window), 0.02),
        "performance.mean_query_ms" => Truth::Statements(|s, _| s.mean(), 0.02),
        "performance.p95_of_means_ms" => Truth::Statements(|s, _| s.percentile(0.95), 0.02),
        "performance.p99_of_means_ms" => Truth::Statements(|s, _| s.percentile(0.99), 0.02),
        "performance.cache_hit_ratio" => {
            Share("SELECT sum(blks_hit)::float8 {watched}", "SELECT sum(blks_read)::float8 {watched}", 0.03)
        }
        "performance.temp_bytes_per_s" => Growth("SELECT sum(temp_bytes)::float8 {watched}", 0.0),
        "performance.deadlocks_per_s" => Growth("SELECT sum(deadlocks)::float8 {watched}", 0.0),
        "storage.total_bytes" => {
            Now("SELECT sum(pg_database_size(oid))::float8 FROM pg_database WHERE datallowconn AND NOT datistemplate", 200_000.0)
        }
        "storage.tables" => Now(
            "SELECT count(*)::float8 FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT relispartition
                AND relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')",
            0.0,
        ),
        "storage.databases" => Now("SELECT count(*)::float8 FROM pg_database WHERE datallowconn AND NOT datistemplate", 0.0),
        // Whatever else runs here writes meanwhile, too.
        "storage.disk_free_bytes" => Machine(|_, free| free, 2e9),
        "storage.disk_used_ratio" => Machine(|taken, free| taken / (taken + free), 0.02),
        "writes.wal_bytes_per_s" => Growth("SELECT ({position} - '0/0')::float8", 60_000.0),
        "writes.checkpoints_requested_ratio" if new => {
            Now("SELECT num_requested::float8 / nullif(num_timed + num_requested, 0) FROM pg_stat_checkpointer", 0.0)
        }
        "writes.checkpoints_requested_ratio" => {
            Now("SELECT checkpoints_req::float8 / nullif(checkpoints_timed + checkpoints_req, 0) FROM pg_stat_bgwriter", 0.0)
        }
        "writes.full_page_images" => Now("SELECT wal_fpi::float8 FROM pg_stat_wal", 20.0),
        "replication.lag_bytes" => Now("SELECT max({position} - replay_lsn)::float8 FROM pg_stat_replication", 60_000.0),
        "replication.lag_s" => Now("SELECT max(extract(epoch FROM replay_lag))::float8 FROM pg_stat_replication", 4.0),
        "replication.slot_retained_bytes" => Now("SELECT max({position} - restart_lsn)::float8 FROM pg_replication_slots", 60_000.0),
        "replication.replay_backlog_bytes" => Now(
            "SELECT CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn())::float8 END",
            60_000.0,
        ),
        "replication.replay_delay_s" => Now(
            "SELECT CASE WHEN pg_is_in_recovery() AND pg_last_wal_receive_lsn() <> pg_last_wal_replay_lsn()
                THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END",
            4.0,
        ),
        "maintenance.xid_age" => Now("SELECT max(age(datfrozenxid))::float8 FROM pg_database", 5.0),
        "maintenance.xid_used_ratio" => Now("SELECT max(age(datfrozenxid))::float8 / 2147483648 FROM pg_database", 1e-7),
        "maintenance.xids_per_s" => Drained(XIDS, None, |s| s.wraparound.value()?.xids, 15.0),
        "maintenance.xid_left_s" => Drained(XIDS, Some(XIDS_LEFT), |s| s.wraparound.value()?.xids, 15.0),
        "maintenance.mxid_left_s" => Drained(MXIDS, Some(MXIDS_LEFT), |s| s.wraparound.value()?.mxids, 0.5),
        "maintenance.sequence_left_s" => Drained(NUMBERS, Some(NUMBERS_LEFT), numbers, 0.0),
        "maintenance.mxid_age" => Now("SELECT max(mxid_age(datminmxid))::float8 FROM pg_database", 5.0),
        "maintenance.sequence_used_ratio" => Now("SELECT max(last_value::float8 / 32767) FROM pg_sequences", 0.001),
        "maintenance.dead_row_ratio" => Now(
            "SELECT sum(n_dead_tup)::float8 / nullif(sum(greatest(n_dead_tup + n_live_tup, c.reltuples)), 0)
                FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid WHERE c.relkind <> 'p'",
            0.01,
        ),
        "maintenance.oldest_xmin_age" => Now(
            "SELECT greatest((SELECT max(greatest(age(backend_xmin), age(backend_xid))) FROM pg_stat_activity WHERE application_name NOT LIKE 'reeve/%'),
                (SELECT max(greatest(age(xmin), age(catalog_xmin))) FROM pg_replication_slots),
                (SELECT max(age(transaction)) FROM pg_prepared_xacts))::float8",
            5.0,
        ),
        "collector.round_ms" => Own,
        other => panic!("the figure {other} has no truth yet: add a line here"),
    }
}

/// Asks one of the queries above.
pub async fn ask(client: &WireClient, sql: &str, standby: bool) -> Result<Option<f64>, String> {
    let position = if standby { "pg_last_wal_replay_lsn()" } else { "pg_current_wal_lsn()" };
    let sql = sql.replace("{clients}", CLIENTS).replace("{position}", position).replace("{watched}", WATCHED);
    client
        .query_one(&sql, &[])
        .await
        .map(|row| row.get(0))
        .map_err(|e| e.as_db_error().map_or_else(|| e.to_string(), |db| db.message().to_owned()))
}

/// Bytes taken and free on the disk of the server's data directory.
pub async fn disk(client: &WireClient) -> (f64, f64) {
    let data: String = client.query_one("SELECT current_setting('data_directory')", &[]).await.unwrap().get(0);
    let said = Command::new("df").args(["-B1", "--output=used,avail", &data]).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let mut numbers = said.lines().nth(1).unwrap().split_whitespace().map(|n| n.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// The counters of statements by key: calls and milliseconds.
type Counters = HashMap<(u32, u32, i64), (f64, f64)>;

/// What statements other than Reeve's did between two looks.
pub struct Statements(Vec<(f64, f64)>);

impl Statements {
    pub async fn look(client: &WireClient) -> Counters {
        let sql = "SELECT userid, dbid, queryid, sum(calls)::float8, sum(total_exec_time)::float8 FROM pg_stat_statements
            WHERE userid NOT IN (SELECT oid FROM pg_roles WHERE rolname = 'reeve') AND queryid IS NOT NULL GROUP BY 1, 2, 3";
        let rows = client.query(sql, &[]).await.unwrap();
        rows.iter().map(|r| ((r.get(0), r.get(1), r.get(2)), (r.get(3), r.get(4)))).collect()
    }

    pub fn between(before: &Counters, after: &Counters) -> Self {
        let grown = after.iter().map(|(key, (calls, ms))| {
            let (were, spent) = before.get(key).copied().unwrap_or_default();
            (calls - were, ms - spent)
        });
        Self(grown.filter(|(calls, _)| *calls > 0.0).collect())
    }

    fn calls(&self) -> f64 {
        self.0.iter().map(|(calls, _)| calls).sum()
    }

    fn mean(&self) -> Option<f64> {
        (self.calls() > 0.0).then(|| self.0.iter().map(|(_, ms)| ms).sum::<f64>() / self.calls())
    }

    fn percentile(&self, share: f64) -> Option<f64> {
        let mut means: Vec<(f64, f64)> = self.0.iter().map(|(calls, ms)| (ms / calls, *calls)).collect();
        means.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (all, mut seen) = (self.calls(), 0.0);
        means.into_iter().find_map(|(mean, calls)| {
            seen += calls;
            (seen >= share * all).then_some(mean)
        })
    }
}
