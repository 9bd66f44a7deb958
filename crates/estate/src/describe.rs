//! The definition of one table, on demand: columns, keys, indexes.
//!
//! The functions that print types and expressions open the relation, so this runs on a short connection of its own,
//! never on the collector's, and not at all while somebody holds or wants ACCESS EXCLUSIVE on the table.

use crate::{session, spec::TargetSpec};
use reeve_adapter::{AdapterError, Guarded, Param};
use reeve_model::table::{Column, ForeignKey, TableDefinition, TableRef};
use std::time::Duration;
use tokio_postgres::{Row, types::Type};

const APPLICATION: &str = "reeve/describe";
/// Longest time for all of it.
const LIMIT: Duration = Duration::from_secs(6);
const SETTINGS: &[(&str, &str)] = &[
    ("lock_timeout", "200ms"),
    ("statement_timeout", "4s"),
    ("default_transaction_read_only", "on"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("jit", "off"),
    ("search_path", "pg_catalog"),
];

const FIND: &str = "/* reeve:describe */
SELECT c.oid, EXISTS (SELECT FROM pg_catalog.pg_locks l
   WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.relation = c.oid
     AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())) AS locked
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p', 'm')";

const COLUMNS: &str = "/* reeve:describe/columns */
SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS data_type, NOT a.attnotnull AS nullable,
       pg_get_expr(d.adbin, d.adrelid) AS default,
       EXISTS (SELECT FROM pg_catalog.pg_index x WHERE x.indrelid = a.attrelid AND x.indisprimary AND a.attnum = ANY (x.indkey)) AS primary
  FROM pg_catalog.pg_attribute a
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const KEYS: &str = "/* reeve:describe/foreign_keys */
SELECT k.conname::text AS name, k.conrelid = $1::oid AS outgoing,
       (SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = CASE WHEN k.conrelid = $1::oid THEN k.confrelid ELSE k.conrelid END) AS other_table,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(number, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(number, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place) AS referenced,
       EXISTS (SELECT FROM pg_catalog.pg_index x
                WHERE x.indrelid = k.conrelid AND x.indisvalid AND x.indpred IS NULL
                  AND x.indnkeyatts >= cardinality(k.conkey)
                  AND k.conkey <@ (string_to_array(x.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)]) AS indexed
  FROM pg_catalog.pg_constraint k
 WHERE k.contype = 'f' AND k.conparentid = 0 AND (k.conrelid = $1::oid OR k.confrelid = $1::oid)
 ORDER BY outgoing DESC, k.conname";

const INDEXES: &str = "/* reeve:describe/indexes */
SELECT c.relname::text AS name, pg_get_indexdef(x.indexrelid) AS definition
  FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid WHERE x.indrelid = $1::oid ORDER BY c.relname";

/// Reads the definition of one table.
///
/// # Errors
/// When the server can't be reached, the table is not there, or it is locked: [`AdapterError::LockTimeout`].
pub async fn describe_table(spec: &TargetSpec, table: &TableRef) -> Result<TableDefinition, AdapterError> {
    let read = async {
        let client = session::connect(&spec.endpoint, Some(&table.database), APPLICATION, SETTINGS).await?;
        read(&client, table).await
    };
    let server = || spec.endpoint.with_database(&table.database).redacted();
    tokio::time::timeout(LIMIT, read).await.unwrap_or_else(|_| {
        let after_ms = u64::try_from(LIMIT.as_millis()).unwrap_or(u64::MAX);
        Err(AdapterError::TimedOut { server: server(), what: "to a question about a table".to_owned(), after_ms })
    })
}

async fn read(client: &Guarded, table: &TableRef) -> Result<TableDefinition, AdapterError> {
    let sort = |error: tokio_postgres::Error| client.sort(&error);
    let found = client.first(FIND, &[(&table.schema, Type::TEXT), (&table.table, Type::TEXT)]).await.map_err(sort)?;
    let Some(found) = found else {
        let message = "there is no such table any more".to_owned();
        return Err(AdapterError::Other { server: client.server().to_owned(), message });
    };
    if found.try_get("locked").map_err(sort)? {
        return Err(AdapterError::LockTimeout { server: client.server().to_owned() });
    }
    let oid: u32 = found.try_get("oid").map_err(sort)?;
    let params: [Param<'_>; 1] = [(&oid, Type::OID)];
    let (columns, keys, indexes) =
        futures::try_join!(client.query(COLUMNS, &params), client.query(KEYS, &params), client.query(INDEXES, &params)).map_err(sort)?;
    definition(&columns, &keys, &indexes).map_err(sort)
}

fn definition(columns: &[Row], keys: &[Row], indexes: &[Row]) -> Result<TableDefinition, tokio_postgres::Error> {
    let mut definition = TableDefinition::default();
    for row in columns {
        definition.columns.push(Column {
            name: row.try_get("name")?,
            data_type: row.try_get("data_type")?,
            nullable: row.try_get("nullable")?,
            default: row.try_get("default")?,
            primary: row.try_get("primary")?,
        });
    }
    for row in keys {
        definition.foreign_keys.push(ForeignKey {
            name: row.try_get("name")?,
            columns: row.try_get("columns")?,
            other_table: row.try_get("other_table")?,
            referenced_columns: row.try_get("referenced")?,
            outgoing: row.try_get("outgoing")?,
            indexed: row.try_get("indexed")?,
        });
    }
    for row in indexes {
        definition.index_definitions.push((row.try_get("name")?, row.try_get("definition")?));
    }
    Ok(definition)
}
