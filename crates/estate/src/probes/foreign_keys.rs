//! Foreign keys, to tell which have no index on their referencing columns.

use crate::{
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use tokio_postgres::types::Oid;

/// Keys of partitions are copies of their parent's.
static QUERY: Query = Query {
    marker: "foreign_keys",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT k.conrelid AS table_oid, k.conname::text AS name, k.conkey AS numbers,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(number, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) AS columns
  FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0",
    }],
};

/// One foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The referencing table.
    pub(crate) table_oid: Oid,
    /// Constraint name.
    pub(crate) name: String,
    /// Referencing columns by number.
    pub(crate) numbers: Vec<i16>,
    /// By name.
    pub(crate) columns: Vec<String>,
}

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct ForeignKeys;

impl Ask for ForeignKeys {
    type Out = Vec<Key>;
    const ABOUT: About = About {
        id: "foreign_keys",
        title: "Foreign keys",
        doc: "Foreign keys and their referencing columns.",
        scope: Scope::Database,
        class: Class::Health,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Vec<Key>>, ProbeError> {
        let rows = cx.rows(&QUERY, &[]).await?;
        let read = rows.iter().map(|row| {
            Ok(Key {
                table_oid: row.try_get("table_oid")?,
                name: row.try_get("name")?,
                numbers: row.try_get("numbers")?,
                columns: row.try_get("columns")?,
            })
        });
        Ok(Got::all(read.collect::<Result<_, ProbeError>>()?))
    }

    fn keep(&self, board: &mut Board, outcome: Result<Vec<Key>, String>, moment: &Moment) {
        if let Ok(found) = outcome {
            let memory = board.memory.tables.entry(moment.database.clone()).or_default();
            memory.foreign_keys = found;
            memory.dirty = true;
        }
    }
}
