//! Replication from and to this server.

use crate::{
    fault::{ProbeError, needs_monitor},
    probe::{About, Ask, Board, Class, Cx, Got, Keyed, Moment, Query, Scope, Variant},
};
use reeve_model::snapshot::{Replication, Slot, Standby};

/// Position of this server: on a standby what it has received (its own standbys follow that).
macro_rules! here {
    () => {
        "CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END"
    };
}

static STANDBYS: Query = Query {
    marker: "replication/standbys",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: concat!(
            "
SELECT r.application_name AS name, r.state, r.sync_state, (",
            here!(),
            " - r.replay_lsn)::int8 AS lag_bytes,
       extract(epoch FROM r.replay_lag)::float8 AS lag_s
  FROM pg_catalog.pg_stat_replication r ORDER BY r.application_name, r.pid"
        ),
    }],
};

static SLOTS: Query = Query {
    marker: "replication/slots",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: concat!(
            "
SELECT s.slot_name::text AS name, s.slot_type AS kind, s.active, (",
            here!(),
            " - s.restart_lsn)::int8 AS retained_bytes,
       s.wal_status, s.safe_wal_size::int8 AS safe_wal_bytes
  FROM pg_catalog.pg_replication_slots s ORDER BY s.slot_name"
        ),
    }],
};

/// On a standby that has replayed all it received there is no delay, however long ago the last transaction was. One that never received
/// (it reads an archive) has no backlog that could be told, and one that replayed no transaction since its start no delay: `greatest`
/// passes over nulls and would call both 0.
static STANDBY: Query = Query {
    marker: "replication/standby",
    keyed: Keyed::Server,
    variants: &[Variant {
        since: 13,
        sql: "
SELECT pg_is_in_recovery() AS standby,
       EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver w WHERE w.pid IS NOT NULL) AS receiving,
       CASE WHEN pg_last_wal_receive_lsn() IS NOT NULL
            THEN greatest(pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn(), 0)::int8 END AS backlog_bytes,
       CASE WHEN pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn() AND pg_last_xact_replay_timestamp() IS NOT NULL
            THEN greatest(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8 END AS delay_s,
       greatest(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8 AS newest_s,
       CASE WHEN pg_is_in_recovery() AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver w WHERE w.pid IS NOT NULL)
            THEN (SELECT s.setting = '' FROM pg_catalog.pg_settings s WHERE s.name = 'primary_conninfo') END AS no_primary,
       CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END AS paused",
    }],
};

/// The probe.
#[derive(Debug, Clone, Copy)]
pub struct Replicas;

impl Ask for Replicas {
    type Out = Replication;
    const ABOUT: About = About {
        id: "replication",
        title: "Replication",
        doc: "Standbys with their lag, slots with the WAL kept for them, and on a standby its own delay.",
        scope: Scope::Server,
        class: Class::Critical,
        queries: &[&STANDBYS, &SLOTS, &STANDBY],
    };

    async fn read(&self, cx: &Cx<'_>) -> Result<Got<Replication>, ProbeError> {
        let (standbys, slots, own) = futures::try_join!(cx.rows(&STANDBYS, &[]), cx.rows(&SLOTS, &[]), cx.row(&STANDBY, &[]))?;
        let mut value = Replication::default();
        let mut hidden = false;
        for row in &standbys {
            let state: Option<String> = row.try_get("state")?;
            hidden |= state.is_none();
            value.standbys.push(Standby {
                name: row.try_get::<_, Option<String>>("name")?.unwrap_or_default(),
                state: state.unwrap_or_default(),
                sync_state: row.try_get::<_, Option<String>>("sync_state")?.unwrap_or_default(),
                replay_lag_bytes: row.try_get::<_, Option<i64>>("lag_bytes")?.map(|b| b.max(0)),
                replay_lag_s: row.try_get("lag_s")?,
            });
        }
        for row in &slots {
            value.slots.push(Slot {
                name: row.try_get("name")?,
                kind: row.try_get("kind")?,
                active: row.try_get("active")?,
                retained_bytes: row.try_get::<_, Option<i64>>("retained_bytes")?.map(|b| b.max(0)),
                wal_status: row.try_get("wal_status")?,
                safe_wal_bytes: row.try_get("safe_wal_bytes")?,
            });
        }
        if own.try_get("standby")? {
            value.receiving = Some(own.try_get("receiving")?);
            value.replay_backlog_bytes = own.try_get("backlog_bytes")?;
            value.replay_delay_s = own.try_get("delay_s")?;
            value.no_primary = own.try_get("no_primary")?;
            value.replay_paused = own.try_get("paused")?;
            // `greatest` passes over a null: where no transaction was replayed since the start there is none to tell of.
            value.newest_transaction_s = own.try_get::<_, Option<f64>>("newest_s")?.filter(|s| *s > 0.0);
        }
        let missing = hidden.then(|| needs_monitor("The state of the standbys", cx.facts));
        Ok(Got { value, missing })
    }

    fn keep(&self, board: &mut Board, outcome: Result<Replication, String>, moment: &Moment) {
        board.snapshot.replication.absorb(outcome, moment.at);
    }
}
