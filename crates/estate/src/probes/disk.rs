//! Room on the server's filesystems. No SQL tells it, so Reeve looks itself where it runs on the same machine.

use crate::{
    disks::{self, ELSEWHERE, Places},
    fault::{ProbeError, needs_monitor},
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_model::snapshot::Disk;
use std::path::PathBuf;

/// Where the server keeps what: its data directory first, then each tablespace that lies elsewhere.
static QUERY: Query = Query {
    marker: "disk",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT NULL::text AS tablespace, current_setting('data_directory') AS path
 UNION ALL
SELECT t.spcname::text, pg_tablespace_location(t.oid) FROM pg_catalog.pg_tablespace t WHERE t.spcname NOT IN ('pg_default', 'pg_global')
 ORDER BY 1 NULLS FIRST",
    }],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct Disks;

impl Ask for Disks {
    type Out = Vec<Disk>;
    const ABOUT: About = About {
        id: "disk",
        title: "Disks",
        doc: "Room left on the filesystems of the data directory, WAL and tablespaces, where Reeve runs on the server's machine.",
        scope: Scope::Server,
        class: Class::Critical,
        queries: &[&QUERY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Vec<Disk>>, ProbeError> {
        if !cx.session.is_local() {
            return Err(ProbeError::Unavailable(ELSEWHERE.to_owned()));
        }
        if !cx.facts.read_all_settings {
            return Err(ProbeError::Rights(needs_monitor("Where the server's files lie", cx.facts)));
        }
        let (mut data, mut tablespaces) = (None, Vec::new());
        for row in cx.rows(&QUERY, &[]).await? {
            let (name, path): (Option<String>, String) = (row.try_get("tablespace")?, row.try_get("path")?);
            match name {
                None => data = Some(PathBuf::from(path)),
                Some(name) => tablespaces.push((name, PathBuf::from(path))),
            }
        }
        let data = data.ok_or_else(|| ProbeError::Shape("The server did not say where its data directory is.".to_owned()))?;
        disks::look(&cx.memory.disks, Places { data, tablespaces }, cx.facts.started_at).await
    }

    fn keep(&self, board: &mut Board, outcome: Result<Vec<Disk>, String>, moment: &Moment) {
        board.snapshot.disks.absorb(outcome, moment.at);
    }
}
