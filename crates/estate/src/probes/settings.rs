//! Settings that a verdict or a person needs.

use crate::{
    fault::{ProbeError, needs_monitor},
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_adapter::Param;
use reeve_model::snapshot::Setting;
use tokio_postgres::types::Type;

/// The settings that are read as the server shows them.
pub const NAMES: &[&str] = &[
    "archive_command",
    "archive_library",
    "archive_mode",
    "autovacuum",
    "autovacuum_freeze_max_age",
    "autovacuum_max_workers",
    "autovacuum_multixact_freeze_max_age",
    "autovacuum_naptime",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_vacuum_scale_factor",
    "checkpoint_completion_target",
    "checkpoint_timeout",
    "data_checksums",
    "effective_cache_size",
    "fsync",
    "full_page_writes",
    "hot_standby_feedback",
    "huge_pages",
    "log_autovacuum_min_duration",
    "log_checkpoints",
    "log_lock_waits",
    "log_min_duration_statement",
    "maintenance_work_mem",
    "max_connections",
    "max_replication_slots",
    "max_slot_wal_keep_size",
    "max_wal_senders",
    "max_wal_size",
    "max_worker_processes",
    "password_encryption",
    "pg_stat_statements.max",
    "pg_stat_statements.track",
    "random_page_cost",
    "reserved_connections",
    "shared_buffers",
    "shared_preload_libraries",
    "ssl",
    "superuser_reserved_connections",
    "synchronous_commit",
    "synchronous_standby_names",
    "temp_file_limit",
    "track_activities",
    "track_counts",
    "track_io_timing",
    "wal_compression",
    "wal_keep_size",
    "wal_level",
    "work_mem",
];

/// Settings that Reeve's own connection overrides, so that the server shows Reeve's values; what other sessions get
/// stands in the catalogue or the files, or else is 0: no limit.
const OVERRIDDEN: [&str; 3] = ["idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"];

static QUERY: Query = Query {
    marker: "settings",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT s.name, s.setting AS value, s.unit, s.source, s.pending_restart
  FROM pg_catalog.pg_settings s WHERE s.name = ANY ($1::text[]) ORDER BY s.name",
    }],
};

/// What is set for everybody or for this database beside the files. `pg_file_settings` needs more than `pg_monitor`, so
/// it is asked only where it may be.
static OVERRIDES: Query = Query {
    marker: "settings/overridden",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT DISTINCT ON (o.name) o.name, o.value, o.source FROM (
  SELECT split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value, 'database' AS source, 1 AS rank
    FROM pg_catalog.pg_db_role_setting r, unnest(r.setconfig) c
   WHERE r.setrole = 0 AND r.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()))
) o WHERE o.name = ANY ($1::text[]) ORDER BY o.name, o.rank",
    }],
};

/// The same from the files, where Reeve may read them.
static FILES: Query = Query {
    marker: "settings/files",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT f.name, f.setting AS value, 'configuration file' AS source
  FROM pg_catalog.pg_file_settings f WHERE f.applied AND f.name = ANY ($1::text[])",
    }],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct ChosenSettings;

impl Ask for ChosenSettings {
    type Out = Vec<Setting>;
    const ABOUT: About = About {
        id: "settings",
        title: "Settings",
        doc: "The settings that matter to health, durability and tuning.",
        scope: Scope::Server,
        class: Class::Health,
        queries: &[&QUERY, &OVERRIDES, &FILES],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Vec<Setting>>, ProbeError> {
        let names = NAMES.to_vec();
        let own = OVERRIDDEN.to_vec();
        let (all, few): ([Param<'_>; 1], [Param<'_>; 1]) = ([(&names, Type::TEXT_ARRAY)], [(&own, Type::TEXT_ARRAY)]);
        let (rows, overrides) = futures::try_join!(cx.rows(&QUERY, &all), cx.rows(&OVERRIDES, &few))?;
        let mut value = Vec::with_capacity(rows.len() + own.len());
        for row in &rows {
            value.push(Setting {
                name: row.try_get("name")?,
                value: row.try_get("value")?,
                unit: row.try_get("unit")?,
                source: row.try_get("source")?,
                pending_restart: row.try_get("pending_restart")?,
            });
        }
        // Without the right to read the files a limit that is not in the catalogue may still be set: it is left out.
        let files = if cx.facts.read_files { Some(cx.rows(&FILES, &few).await?) } else { None };
        for name in OVERRIDDEN {
            let known = overrides.iter().chain(files.iter().flatten()).find(|row| row.try_get::<_, &str>("name").is_ok_and(|n| n == name));
            let (text, source) = match (known, &files) {
                (Some(row), _) => (row.try_get("value")?, row.try_get("source")?),
                (None, Some(_)) => ("0".to_owned(), "default".to_owned()),
                (None, None) => continue,
            };
            let unit = text.parse::<i64>().is_ok().then(|| "ms".to_owned());
            value.push(Setting { name: name.to_owned(), value: text, unit, source, pending_restart: false });
        }
        value.sort_by(|a, b| a.name.cmp(&b.name));
        let missing = (!cx.facts.read_all_settings).then(|| needs_monitor("Some settings", cx.facts));
        Ok(Got { value, missing })
    }

    fn keep(&self, board: &mut Board, outcome: Result<Vec<Setting>, String>, moment: &Moment) {
        board.snapshot.settings.absorb(outcome, moment.at);
    }
}
