//! Counters of each database.

use crate::{
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
    spec::PROVIDER_DATABASES,
};
use reeve_model::{UnixMs, snapshot::DatabaseCounters};

static QUERY: Query = Query {
    marker: "databases",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT d.oid, d.datname::text AS name, d.datallowconn AND has_database_privilege(d.oid, 'CONNECT') AS connectable,
       coalesce(s.numbackends, 0)::int8 AS backends, coalesce(s.xact_commit, 0)::int8 AS commits,
       coalesce(s.xact_rollback, 0)::int8 AS rollbacks, coalesce(s.blks_read, 0)::int8 AS blocks_read,
       coalesce(s.blks_hit, 0)::int8 AS blocks_hit, coalesce(s.deadlocks, 0)::int8 AS deadlocks,
       coalesce(s.temp_files, 0)::int8 AS temp_files, coalesce(s.temp_bytes, 0)::int8 AS temp_bytes,
       coalesce(s.conflicts, 0)::int8 AS conflicts, s.checksum_failures::int8,
       age(d.datfrozenxid)::int8 AS xid_age, mxid_age(d.datminmxid)::int8 AS mxid_age,
       (extract(epoch FROM s.stats_reset) * 1000)::int8 AS reset_ms
  FROM pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_stat_database s ON s.datid = d.oid
 WHERE NOT d.datistemplate
 ORDER BY d.datname",
    }],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct Databases;

impl Ask for Databases {
    type Out = Vec<(DatabaseCounters, bool)>;
    const ABOUT: About = About {
        id: "databases",
        title: "Databases",
        doc: "Counters and transaction ages of each database.",
        scope: Scope::Server,
        class: Class::Live,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Self::Out>, ProbeError> {
        let mut value = Vec::new();
        for row in cx.rows(&QUERY, &[]).await? {
            let name: String = row.try_get("name")?;
            if PROVIDER_DATABASES.contains(&name.as_str()) {
                continue;
            }
            let oid: u32 = row.try_get("oid")?;
            let counters = DatabaseCounters {
                name,
                oid,
                size_bytes: cx.memory.database_sizes.get(&oid).copied(),
                backends: row.try_get("backends")?,
                commits: row.try_get("commits")?,
                rollbacks: row.try_get("rollbacks")?,
                blocks_read: row.try_get("blocks_read")?,
                blocks_hit: row.try_get("blocks_hit")?,
                deadlocks: row.try_get("deadlocks")?,
                temp_files: row.try_get("temp_files")?,
                temp_bytes: row.try_get("temp_bytes")?,
                conflicts: row.try_get("conflicts")?,
                checksum_failures: row.try_get("checksum_failures")?,
                xid_age: row.try_get("xid_age")?,
                mxid_age: row.try_get("mxid_age")?,
                stats_reset: row.try_get::<_, Option<i64>>("reset_ms")?.map(UnixMs),
            };
            value.push((counters, row.try_get("connectable")?));
        }
        Ok(Got::all(value))
    }

    fn keep(&self, board: &mut Board, outcome: Result<Self::Out, String>, moment: &Moment) {
        if let Ok(found) = &outcome {
            board.memory.connectable = Some(found.iter().filter(|(_, may)| *may).map(|(d, _)| d.name.clone()).collect());
        }
        let counters = outcome.map(|found| found.into_iter().map(|(d, _)| d).collect());
        board.snapshot.databases.absorb(counters, moment.at);
    }
}
