//! Definitions of indexes from the catalogue's raw columns: the functions that print definitions wait for locks.

use crate::{
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use std::collections::HashMap;
use tokio_postgres::types::Oid;

/// Expressions are stored as trees that remember where they stood in the command that made them; without that two
/// indexes with equal expressions have equal trees.
static QUERY: Query = Query {
    marker: "indexes",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT x.indexrelid AS oid, x.indkey::text AS keys, x.indnkeyatts::int4 AS key_count,
       concat_ws('|', m.amname, x.indnkeyatts, x.indkey::text, x.indclass::text, x.indcollation::text, x.indoption::text,
         coalesce(md5(regexp_replace(x.indexprs::text, ':location -?[0-9]+', '', 'g')), '-'),
         coalesce(md5(regexp_replace(x.indpred::text, ':location -?[0-9]+', '', 'g')), '-')) AS signature,
       x.indpred IS NOT NULL AS partial,
       EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x')
               AND k.conrelid = x.indrelid) AS is_constraint,
       ARRAY(SELECT CASE WHEN p.attnum IS NULL THEN '(' || a.attname || ')' ELSE p.attname::text END
               FROM pg_catalog.pg_attribute a
               LEFT JOIN pg_catalog.pg_attribute p ON p.attrelid = x.indrelid AND p.attnum = x.indkey[a.attnum - 1] AND p.attnum <> 0
              WHERE a.attrelid = x.indexrelid AND a.attnum BETWEEN 1 AND x.indnkeyatts ORDER BY a.attnum) AS columns
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_am m ON m.oid = c.relam
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relpersistence <> 't'",
    }],
};

/// What an index is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Equal for indexes that do the same work on the same table.
    pub(crate) signature: String,
    /// Names of the key columns; an expression shows as its index column's name in parentheses.
    pub(crate) columns: Vec<String>,
    /// Numbers of the key columns; 0 is an expression.
    pub(crate) keys: Vec<i16>,
    /// Covers only some rows.
    pub(crate) partial: bool,
    /// Backs a constraint.
    pub(crate) constraint: bool,
}

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct IndexDefinitions;

impl Ask for IndexDefinitions {
    type Out = HashMap<Oid, Definition>;
    const ABOUT: About = About {
        id: "indexes",
        title: "Index definitions",
        doc: "Columns and signature of each index, to find duplicates and foreign keys without one.",
        scope: Scope::Database,
        class: Class::Health,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Self::Out>, ProbeError> {
        let mut value = HashMap::new();
        for row in cx.rows(&QUERY, &[]).await? {
            let keys: &str = row.try_get("keys")?;
            let count = usize::try_from(row.try_get::<_, i32>("key_count")?).unwrap_or(0);
            let definition = Definition {
                signature: row.try_get("signature")?,
                columns: row.try_get("columns")?,
                keys: keys.split(' ').take(count).filter_map(|k| k.parse().ok()).collect(),
                partial: row.try_get("partial")?,
                constraint: row.try_get("is_constraint")?,
            };
            value.insert(row.try_get("oid")?, definition);
        }
        Ok(Got::all(value))
    }

    fn keep(&self, board: &mut Board, outcome: Result<Self::Out, String>, moment: &Moment) {
        if let Ok(found) = outcome {
            let memory = board.memory.tables.entry(moment.database.clone()).or_default();
            memory.definitions = Some(found);
            memory.dirty = true;
        }
    }
}
