//! Checkpoints since the last reset.

use crate::{
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_model::snapshot::Checkpoints;

static QUERY: Query = Query {
    marker: "checkpoints",
    keyed: Keyed::Server,
    variants: &[
        Variant {
            since: 13,
            sql: "
SELECT b.checkpoints_timed::int8 AS timed, b.checkpoints_req::int8 AS requested, b.checkpoint_write_time::float8 AS write_ms,
       b.checkpoint_sync_time::float8 AS sync_ms, b.buffers_checkpoint::int8 AS buffers_written
  FROM pg_catalog.pg_stat_bgwriter b",
        },
        // 17 moved them to a view of their own.
        Variant {
            since: 17,
            sql: "
SELECT c.num_timed::int8 AS timed, c.num_requested::int8 AS requested, c.write_time::float8 AS write_ms,
       c.sync_time::float8 AS sync_ms, c.buffers_written::int8 AS buffers_written
  FROM pg_catalog.pg_stat_checkpointer c",
        },
    ],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct CheckpointCounters;

impl Ask for CheckpointCounters {
    type Out = Checkpoints;
    const ABOUT: About = About {
        id: "checkpoints",
        title: "Checkpoints",
        doc: "Checkpoints by time and by demand, their write and sync time.",
        scope: Scope::Server,
        class: Class::Metrics,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Checkpoints>, ProbeError> {
        let row = cx.row(&QUERY, &[]).await?;
        Ok(Got::all(Checkpoints {
            timed: row.try_get("timed")?,
            requested: row.try_get("requested")?,
            write_ms: row.try_get("write_ms")?,
            sync_ms: row.try_get("sync_ms")?,
            buffers_written: row.try_get("buffers_written")?,
        }))
    }

    fn keep(&self, board: &mut Board, outcome: Result<Checkpoints, String>, moment: &Moment) {
        board.snapshot.checkpoints.absorb(outcome, moment.at);
    }
}
