//! Size of each database: one `stat` per file, so it is read rarely.

use crate::{
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use std::collections::HashMap;
use tokio_postgres::types::Type;

static QUERY: Query = Query {
    marker: "database_sizes",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT d.oid,
       CASE WHEN has_database_privilege(d.oid, 'CONNECT') OR pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
            THEN pg_database_size(d.oid)::int8 END AS bytes
  FROM pg_catalog.pg_database d WHERE NOT d.datistemplate AND d.datname <> ALL ($1::text[])",
    }],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseSizes;

impl Ask for DatabaseSizes {
    type Out = HashMap<u32, i64>;
    const ABOUT: About = About {
        id: "database_sizes",
        title: "Database sizes",
        doc: "Bytes of each database on disk.",
        scope: Scope::Server,
        class: Class::Health,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Self::Out>, ProbeError> {
        let provider: Vec<&str> = crate::spec::PROVIDER_DATABASES.to_vec();
        let mut sizes = HashMap::new();
        let mut unreadable = 0_u32;
        for row in cx.rows(&QUERY, &[(&provider, Type::TEXT_ARRAY)]).await? {
            match row.try_get::<_, Option<i64>>("bytes")? {
                Some(bytes) => drop(sizes.insert(row.try_get("oid")?, bytes)),
                None => unreadable += 1,
            }
        }
        let missing = (unreadable > 0).then(|| crate::fault::needs_monitor(&format!("The size of {unreadable} databases"), cx.facts));
        Ok(Got { value: sizes, missing })
    }

    fn keep(&self, board: &mut Board, outcome: Result<Self::Out, String>, _: &Moment) {
        let Ok(sizes) = outcome else { return };
        // Counters of this round are already on the board when both were due.
        if let Some(timed) = &mut board.snapshot.databases.last {
            for database in &mut timed.value {
                database.size_bytes = sizes.get(&database.oid).copied();
            }
        }
        board.memory.database_sizes = sizes;
    }
}
