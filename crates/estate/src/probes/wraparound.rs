//! Distance to transaction id wraparound.

use crate::{
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_model::snapshot::Wraparound;

/// Templates count too: they age like the others.
static QUERY: Query = Query {
    marker: "wraparound",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT d.datname::text AS name, age(d.datfrozenxid)::int8 AS xid_age, max(mxid_age(d.datminmxid)) OVER ()::int8 AS mxid_age,
       current_setting('autovacuum_freeze_max_age')::int8 AS freeze_max_age
  FROM pg_catalog.pg_database d ORDER BY age(d.datfrozenxid) DESC, d.datname LIMIT 1",
    }],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct TransactionIds;

impl Ask for TransactionIds {
    type Out = Wraparound;
    const ABOUT: About = About {
        id: "wraparound",
        title: "Wraparound",
        doc: "Age of the oldest transaction id and multixact of all databases.",
        scope: Scope::Server,
        class: Class::Metrics,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Wraparound>, ProbeError> {
        let row = cx.row(&QUERY, &[]).await?;
        Ok(Got::all(Wraparound {
            oldest_xid_age: row.try_get("xid_age")?,
            oldest_xid_database: row.try_get("name")?,
            oldest_mxid_age: row.try_get("mxid_age")?,
            freeze_max_age: row.try_get("freeze_max_age")?,
        }))
    }

    fn keep(&self, board: &mut Board, outcome: Result<Wraparound, String>, moment: &Moment) {
        board.snapshot.wraparound.absorb(outcome, moment.at);
    }
}
