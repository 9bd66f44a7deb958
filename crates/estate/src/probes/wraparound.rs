//! Distance to transaction id wraparound, and how fast it shrinks.

use crate::{
    drain::{Look, unrolled},
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_model::snapshot::Wraparound;

/// Templates count too: they age like the others. Looking uses no id. `mxid_age` counts from its argument to the next multixact id, in 32
/// bits and live; what the control file says of it moves with checkpoints only.
static QUERY: Query = Query {
    marker: "wraparound",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT d.datname::text AS name, age(d.datfrozenxid)::int8 AS xid_age, max(mxid_age(d.datminmxid)) OVER ()::int8 AS mxid_age,
       current_setting('autovacuum_freeze_max_age')::int8 AS freeze_max_age,
       pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS next_xid, mxid_age('1'::xid) AS mxids_since_first,
       (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS now_ms
  FROM pg_catalog.pg_database d ORDER BY age(d.datfrozenxid) DESC, d.datname LIMIT 1",
    }],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct TransactionIds;

/// One look: what is shown, and the counters behind the rates.
pub struct Looked {
    ages: Wraparound,
    xid: i64,
    mxid: u32,
    now_ms: i64,
}

impl Ask for TransactionIds {
    type Out = Looked;
    const ABOUT: About = About {
        id: "wraparound",
        title: "Wraparound",
        doc: "Age of the oldest transaction id and multixact of all databases, and how fast ids are used up.",
        scope: Scope::Server,
        class: Class::Metrics,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Looked>, ProbeError> {
        let row = cx.row(&QUERY, &[]).await?;
        let ages = Wraparound {
            oldest_xid_age: row.try_get("xid_age")?,
            oldest_xid_database: row.try_get("name")?,
            oldest_mxid_age: row.try_get("mxid_age")?,
            freeze_max_age: row.try_get("freeze_max_age")?,
            ..Wraparound::default()
        };
        let mxids: i32 = row.try_get("mxids_since_first")?;
        let mxid = mxids.cast_unsigned();
        Ok(Got::all(Looked { ages, xid: row.try_get("next_xid")?, mxid, now_ms: row.try_get("now_ms")? }))
    }

    fn keep(&self, board: &mut Board, outcome: Result<Looked, String>, moment: &Moment) {
        let outcome = outcome.map(|looked| {
            let look = Look::of(board, moment, looked.now_ms);
            let memory = &mut board.memory;
            let (watch, before) = &mut memory.mxids;
            let mxid = before.map_or_else(|| i64::from(looked.mxid), |before| unrolled(before, looked.mxid));
            *before = Some(mxid);
            Wraparound {
                xids: Some(memory.xids.look(look, looked.xid, memory.settled)),
                mxids: Some(watch.look(look, mxid, memory.settled)),
                ..looked.ages
            }
        });
        board.snapshot.wraparound.absorb(outcome, moment.at);
    }
}
