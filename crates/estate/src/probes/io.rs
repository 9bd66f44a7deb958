//! I/O by backend type and object, from 16 on.

use crate::{
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_model::snapshot::IoRow;

static QUERY: Query = Query {
    marker: "io",
    keyed: Keyed::Server,
    variants: &[
        Variant {
            since: 16,
            sql: "
SELECT i.backend_type AS backend, i.object,
       coalesce(sum(i.reads * i.op_bytes), 0)::int8 AS read_bytes, coalesce(sum(i.writes * i.op_bytes), 0)::int8 AS write_bytes,
       coalesce(sum(i.extends * i.op_bytes), 0)::int8 AS extend_bytes, coalesce(sum(i.evictions), 0)::int8 AS evictions
  FROM pg_catalog.pg_stat_io i GROUP BY i.backend_type, i.object ORDER BY i.backend_type, i.object",
        },
        // 18 counts bytes itself and adds rows for WAL.
        Variant {
            since: 18,
            sql: "
SELECT i.backend_type AS backend, i.object,
       coalesce(sum(i.read_bytes), 0)::int8 AS read_bytes, coalesce(sum(i.write_bytes), 0)::int8 AS write_bytes,
       coalesce(sum(i.extend_bytes), 0)::int8 AS extend_bytes, coalesce(sum(i.evictions), 0)::int8 AS evictions
  FROM pg_catalog.pg_stat_io i GROUP BY i.backend_type, i.object ORDER BY i.backend_type, i.object",
        },
    ],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct InputOutput;

impl Ask for InputOutput {
    type Out = Vec<IoRow>;
    const ABOUT: About = About {
        id: "io",
        title: "Input and output",
        doc: "Bytes read, written and extended by kind of process (PostgreSQL 16 and newer).",
        scope: Scope::Server,
        class: Class::Metrics,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Vec<IoRow>>, ProbeError> {
        let rows = cx.rows(&QUERY, &[]).await?;
        let read = rows.iter().map(|row| {
            Ok(IoRow {
                backend: row.try_get("backend")?,
                object: row.try_get("object")?,
                read_bytes: row.try_get("read_bytes")?,
                write_bytes: row.try_get("write_bytes")?,
                extend_bytes: row.try_get("extend_bytes")?,
                evictions: row.try_get("evictions")?,
            })
        });
        Ok(Got::all(read.collect::<Result<_, ProbeError>>()?))
    }

    fn keep(&self, board: &mut Board, outcome: Result<Vec<IoRow>, String>, moment: &Moment) {
        board.snapshot.io.absorb(outcome, moment.at);
    }
}
