//! Write-ahead log: how far it is, and whether it is archived.

use crate::{
    fault::ProbeError,
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_model::snapshot::Wal;

macro_rules! wal_sql {
    ($full_page_images:literal) => {
        concat!(
            "
SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::int8 AS position,
       ",
            $full_page_images,
            " AS full_page_images,
       current_setting('archive_mode') <> 'off' AS archiving,
       a.archived_count::int8 AS archived, a.failed_count::int8 AS failures,
       coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false) AS failing
  FROM pg_catalog.pg_stat_archiver a"
        )
    };
}

/// Where there is no `pg_stat_wal`, or Reeve may not read it.
static QUERY: Query = Query { marker: "wal", keyed: Keyed::Server, variants: &[Variant { since: 13, sql: wal_sql!("NULL::int8") }] };

static FULL: Query = Query {
    marker: "wal/full",
    keyed: Keyed::Server,
    variants: &[Variant { since: 14, sql: wal_sql!("(SELECT w.wal_fpi::int8 FROM pg_catalog.pg_stat_wal w)") }],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct WriteAheadLog;

impl Ask for WriteAheadLog {
    type Out = Wal;
    const ABOUT: About = About {
        id: "wal",
        title: "Write-ahead log",
        doc: "WAL position, full-page images and the archiver's state.",
        scope: Scope::Server,
        class: Class::Live,
        queries: &[&QUERY, &FULL],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Wal>, ProbeError> {
        let row = cx.row(if cx.facts.read_wal { &FULL } else { &QUERY }, &[]).await?;
        let archiving: bool = row.try_get("archiving")?;
        let position: Option<i64> = row.try_get("position")?;
        Ok(Got::all(Wal {
            position_bytes: position.ok_or_else(|| ProbeError::Shape("The standby has not replayed any WAL yet.".to_owned()))?,
            full_page_images: row.try_get("full_page_images")?,
            archived: if archiving { row.try_get("archived")? } else { None },
            archive_failures: if archiving { row.try_get("failures")? } else { None },
            archive_failing: archiving && row.try_get("failing")?,
        }))
    }

    fn keep(&self, board: &mut Board, outcome: Result<Wal, String>, moment: &Moment) {
        board.snapshot.wal.absorb(outcome, moment.at);
    }
}
