//! Who answers, and what Reeve may read there.

use crate::{
    facts::{Facts, StatementsExtension},
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_adapter::Guarded;
use reeve_model::UnixMs;
use tokio_postgres::Row;

/// Version, role in replication, Reeve's own role and rights. A role granted through others counts (`USAGE`).
pub(crate) static QUERY: Query = Query {
    marker: "identity",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT current_setting('server_version_num')::int8 AS version_num,
       current_setting('server_version') AS version,
       pg_is_in_recovery() AS standby,
       (extract(epoch FROM pg_postmaster_start_time()) * 1000)::int8 AS started_ms,
       current_user::text AS user_name,
       (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS user_oid,
       coalesce((SELECT s.ssl FROM pg_catalog.pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false) AS tls,
       current_setting('block_size')::int8 AS block_size,
       current_database()::text AS database,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS read_all_stats,
       pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') AS read_all_settings,
       has_table_privilege(current_user, 'pg_catalog.pg_statistic', 'SELECT') AS read_statistic,
       has_table_privilege(current_user, 'pg_catalog.pg_file_settings', 'SELECT')
         AND has_function_privilege(current_user, 'pg_catalog.pg_show_all_file_settings()', 'EXECUTE') AS read_files,
       coalesce(has_function_privilege(current_user, to_regprocedure('pg_catalog.pg_control_system()'), 'EXECUTE')
         AND has_function_privilege(current_user, to_regprocedure('pg_catalog.pg_control_checkpoint()'), 'EXECUTE'), false) AS read_control,
       coalesce(has_table_privilege(current_user, to_regclass('pg_catalog.pg_stat_wal')::oid, 'SELECT'), false) AS read_wal,
       (SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_stat_statements') AS statements_schema,
       (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_stat_statements') AS statements_version,
       CASE WHEN pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')
            THEN current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%' END AS statements_loaded",
    }],
};

/// Which cluster it is a copy of, and which of the histories that a cluster can have. A primary's timeline is that of the WAL it writes: the
/// checkpoint's lags behind after a promotion. A standby's is that of what it receives. A statement of its own: whoever may not call
/// these functions may not even have them in a branch that is never taken.
static CONTROL: Query = Query {
    marker: "identity/control",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT s.system_identifier::text AS system,
       CASE WHEN pg_is_in_recovery() THEN coalesce((SELECT w.received_tli FROM pg_catalog.pg_stat_wal_receiver w), c.timeline_id)
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int4 END AS timeline
  FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c",
    }],
};

/// Facts for choosing the statement above, before any are known: it is the same for every version.
pub(crate) fn before_contact() -> Facts {
    Facts::assumed(13, 0)
}

/// Reads the row of [`QUERY`].
pub(crate) fn facts(row: &Row, session: &Guarded) -> Result<Facts, ProbeError> {
    let version_num: i64 = row.try_get("version_num")?;
    let version: String = row.try_get("version")?;
    let schema: Option<String> = row.try_get("statements_schema")?;
    let shown: Option<String> = row.try_get("statements_version")?;
    let statements = schema.zip(shown).map(|(schema, shown)| StatementsExtension { schema, version: extension_version(&shown), shown });
    Ok(Facts {
        version_num: u32::try_from(version_num).unwrap_or(0),
        // The distribution's own suffix is noise to a reader: `15.18 (Debian 15.18-0+deb12u1)`.
        version: format!("PostgreSQL {}", version.split(' ').next().unwrap_or(&version)),
        standby: row.try_get("standby")?,
        started_at: UnixMs(row.try_get("started_ms")?),
        user: row.try_get("user_name")?,
        user_oid: row.try_get("user_oid")?,
        // Two lines where there is a pooler: what PostgreSQL says is of the second.
        tls: row.try_get::<_, bool>("tls")? && session.is_encrypted(),
        pooled: session.is_pooled(),
        block_size: row.try_get("block_size")?,
        database: row.try_get("database")?,
        read_all_stats: row.try_get("read_all_stats")?,
        read_all_settings: row.try_get("read_all_settings")?,
        read_statistic: row.try_get("read_statistic")?,
        read_files: row.try_get("read_files")?,
        system: None,
        timeline: None,
        read_control: row.try_get("read_control")?,
        read_wal: row.try_get("read_wal")?,
        statements,
        statements_loaded: row.try_get("statements_loaded")?,
    })
}

/// `1.10` as 110.
fn extension_version(shown: &str) -> u32 {
    let mut parts = shown.split('.').map(|p| p.parse::<u32>().unwrap_or(0));
    parts.next().unwrap_or(0) * 100 + parts.next().unwrap_or(0)
}

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct Identity;

impl Ask for Identity {
    type Out = Facts;
    const ABOUT: About = About {
        id: "identity",
        title: "Identity",
        doc: "Version, primary or standby, start time, Reeve's own role and rights.",
        scope: Scope::Server,
        class: Class::Critical,
        queries: &[&QUERY, &CONTROL],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Facts>, ProbeError> {
        let control = async {
            // As known from the round before; the newest answer comes at the same time.
            if !cx.facts.read_control {
                return Ok(None);
            }
            match cx.row(&CONTROL, &[]).await {
                // Without them it is a server like any other.
                Err(error) if !error.broken() => Ok(None),
                other => other.map(Some),
            }
        };
        let (row, control) = futures::try_join!(cx.row(&QUERY, &[]), control)?;
        let mut facts = facts(&row, cx.session)?;
        if let Some(row) = control {
            (facts.system, facts.timeline) = (row.try_get("system")?, row.try_get("timeline")?);
        }
        let missing = (!facts.read_all_stats).then(|| crate::fault::needs_monitor("The server's statistics", &facts));
        Ok(Got { value: facts, missing })
    }

    fn keep(&self, board: &mut Board, outcome: Result<Facts, String>, _: &Moment) {
        if let Ok(facts) = outcome {
            board.snapshot.server = Some(facts.identity());
            board.memory.facts = Some(facts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::extension_version;

    #[test]
    fn a7_extension_versions_compare_by_number() {
        assert_eq!(extension_version("1.10"), 110);
        assert!(extension_version("1.9") < extension_version("1.10"));
        assert_eq!(extension_version("odd"), 0);
    }
}
