//! An estimate of wasted space in tables, from the widths that analyze found.
//!
//! Expected pages = rows / (rows that fit a page); rows that fit = (block size - 24) x fill factor / (4 bytes of line
//! pointer + header of 24 bytes, more with nulls in wide tables + mean width of the columns, both rounded up to 8).
//! Bloat = 1 - expected pages / real pages, with rows and pages both as vacuum or analyze last left them. Padding
//! between columns is not known here, so a table with much of it seems a little more bloated than it is. Tables under
//! 8 pages, never analysed or with columns without statistics have no estimate.

use crate::{
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use std::collections::HashMap;
use tokio_postgres::types::Oid;

/// Smallest table with an estimate, pages.
const SMALLEST: i32 = 8;
/// What it would take where widths are hidden: more than an estimate is worth, so no grant is advised.
pub(crate) const ALL_ROWS: &str = "only the right to read all rows of all tables would show them.";

macro_rules! bloat_sql {
    ($widths:literal) => {
        concat!(
            "WITH widths AS MATERIALIZED (",
            $widths,
            "),
columns AS MATERIALIZED (
  SELECT a.attrelid AS oid, count(*) AS n FROM pg_catalog.pg_attribute a
   WHERE a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid)
SELECT c.oid, c.reltuples::float8 AS tuples, c.relpages, w.width::float8, w.nulls, k.n AS columns,
       coalesce((SELECT substr(o, 12)::int4 FROM unnest(c.reloptions) o WHERE o LIKE 'fillfactor=%' LIMIT 1), 100) AS fill
  FROM pg_catalog.pg_class c
  JOIN widths w ON w.oid = c.oid
  JOIN columns k ON k.oid = c.oid AND k.n = w.n
 WHERE c.relkind IN ('r', 'm') AND c.relpages >= 8 AND c.reltuples > 0"
        )
    };
}

static FROM_TABLE: Query = Query {
    marker: "bloat",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: bloat_sql!(
            "
  SELECT s.starelid AS oid, count(*) AS n, sum((1 - s.stanullfrac) * s.stawidth) AS width, bool_or(s.stanullfrac > 0) AS nulls
    FROM pg_catalog.pg_statistic s WHERE NOT s.stainherit GROUP BY s.starelid"
        ),
    }],
};

/// For roles that may not read the table: the view shows the columns that they may select. It asks that for each column,
/// which is dear, so it is not begun where not one table of the users' may be read.
static FROM_VIEW: Query = Query {
    marker: "bloat/view",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: bloat_sql!(
            "
  SELECT t.oid, count(*) AS n, sum((1 - s.null_frac) * s.avg_width) AS width, bool_or(s.null_frac > 0) AS nulls
    FROM pg_catalog.pg_stats s
    JOIN pg_catalog.pg_namespace m ON m.nspname = s.schemaname
    JOIN pg_catalog.pg_class t ON t.relnamespace = m.oid AND t.relname = s.tablename
   WHERE NOT s.inherited AND s.schemaname NOT IN ('pg_catalog', 'information_schema')
     AND (SELECT bool_or(has_any_column_privilege(r.oid, 'SELECT')) FROM pg_catalog.pg_class r
           WHERE r.relkind IN ('r', 'm') AND r.relpages >= 8 AND r.oid >= 16384)
   GROUP BY t.oid"
        ),
    }],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct Bloat;

impl Ask for Bloat {
    type Out = HashMap<Oid, f64>;
    const ABOUT: About = About {
        id: "bloat",
        title: "Bloat estimate",
        doc: "Estimated share of each table that a rewrite would give back.",
        scope: Scope::Database,
        class: Class::Health,
        queries: &[&FROM_TABLE, &FROM_VIEW],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Self::Out>, ProbeError> {
        let rows = cx.rows(if cx.facts.read_statistic { &FROM_TABLE } else { &FROM_VIEW }, &[]).await?;
        if rows.is_empty() && !cx.facts.read_statistic {
            return Err(ProbeError::Unavailable(format!(
                "The bloat estimate is not shown: it needs the widths of columns, which role {} may not see, and {ALL_ROWS}",
                cx.facts.user
            )));
        }
        let mut value = HashMap::new();
        for row in &rows {
            let pages: i32 = row.try_get("relpages")?;
            let columns: i64 = row.try_get("columns")?;
            let tuple = tuple_bytes(row.try_get("width")?, columns, row.try_get("nulls")?);
            let ratio = estimate(row.try_get("tuples")?, pages, tuple, row.try_get("fill")?, cx.facts.block_size);
            if pages >= SMALLEST {
                value.insert(row.try_get("oid")?, ratio);
            }
        }
        Ok(Got::all(value))
    }

    fn keep(&self, board: &mut Board, outcome: Result<Self::Out, String>, moment: &Moment) {
        if let Ok(found) = outcome {
            let memory = board.memory.tables.entry(moment.database.clone()).or_default();
            memory.bloat = found;
            memory.dirty = true;
        }
    }
}

/// Mean bytes of a row on its page, line pointer included.
#[allow(clippy::cast_precision_loss)]
fn tuple_bytes(width: f64, columns: i64, nulls: bool) -> f64 {
    let bitmap = if nulls { (columns + 7) / 8 } else { 0 };
    4.0 + align((23 + bitmap) as f64) + align(width)
}

fn align(bytes: f64) -> f64 {
    (bytes / 8.0).ceil() * 8.0
}

/// Share of the pages that the rows don't need, 0 to 1.
#[allow(clippy::cast_precision_loss)]
fn estimate(tuples: f64, pages: i32, tuple: f64, fill: i32, block: i64) -> f64 {
    let fits = ((block - 24) as f64 * f64::from(fill) / 100.0 / tuple).floor().max(1.0);
    let expected = (tuples / fits).ceil();
    (1.0 - expected / f64::from(pages)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c1_bloat_is_the_share_of_pages_the_rows_dont_need() {
        // 60 bytes a row: 136 rows a page.
        let tuple = tuple_bytes(29.0, 4, false);
        assert!((tuple - 60.0).abs() < 1e-9);
        assert!((estimate(13_600.0, 100, tuple, 100, 8192)).abs() < 1e-9);
        assert!((estimate(13_600.0, 200, tuple, 100, 8192) - 0.5).abs() < 1e-9);
        assert!(estimate(13_600.0, 50, tuple, 100, 8192).abs() < 1e-9);
    }
}
