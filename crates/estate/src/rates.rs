//! What happened per second between two readings of the counters.

use reeve_model::{
    UnixMs,
    snapshot::{DatabaseCounters, Rates, ServerIdentity, TargetSnapshot},
};
use std::collections::HashMap;
use tokio::time::Instant;

/// Shortest window that says anything, seconds: sessions report their counters at most once a second.
const SHORTEST_S: f64 = 0.5;

/// The counters of an earlier round.
pub(crate) struct Previous {
    at: Instant,
    started_at: UnixMs,
    standby: bool,
    databases: HashMap<u32, DatabaseCounters>,
    wal: i64,
    own: i64,
}

/// The rates since `previous`, which is replaced by the counters of this round. None: there is no earlier round, or it
/// was only a moment ago. All fields none: the server restarted or its counters were reset. `own` counts Reeve's own
/// transactions so far: they are taken out of the commits.
pub(crate) fn advance(previous: &mut Option<Previous>, snapshot: &TargetSnapshot, own: i64, at: Instant) -> Option<Rates> {
    let (databases, wal, server) = (snapshot.databases.value()?, snapshot.wal.value()?, snapshot.server.as_ref()?);
    let window_s = previous.as_ref().map(|p| at.duration_since(p.at).as_secs_f64());
    if window_s.is_some_and(|w| w < SHORTEST_S) {
        return None;
    }
    let next = Previous {
        at,
        started_at: server.started_at,
        standby: server.standby,
        databases: databases.iter().map(|d| (d.oid, d.clone())).collect(),
        wal: wal.position_bytes,
        own,
    };
    let was = previous.replace(next)?;
    let window_s = window_s.filter(|w| *w > 0.0)?;
    Some(between(&was, databases, wal.position_bytes, own, server, window_s))
}

#[allow(clippy::cast_precision_loss)]
fn between(was: &Previous, now: &[DatabaseCounters], wal: i64, own: i64, server: &ServerIdentity, window_s: f64) -> Rates {
    let nothing = Rates { window_s, ..Rates::default() };
    if was.started_at != server.started_at {
        return nothing;
    }
    let mut sum = [0_i64; 6];
    for database in now {
        // A database made in between began at zero within the window; one that is gone took its counters with it.
        let zero = DatabaseCounters { stats_reset: database.stats_reset, ..empty() };
        let old = was.databases.get(&database.oid).unwrap_or(&zero);
        let grown: Vec<i64> = counters(database).iter().zip(counters(old)).map(|(n, o)| n - o).collect();
        if old.stats_reset != database.stats_reset || grown.iter().any(|g| *g < 0) {
            return nothing;
        }
        for (total, g) in sum.iter_mut().zip(grown) {
            *total += g;
        }
    }
    let [commits, rollbacks, hit, read, deadlocks, temp] = sum.map(|n| n as f64);
    // Sessions report within a second, so the server may not have counted the newest of ours yet.
    let commits = (commits - (own - was.own) as f64).max(0.0);
    let wal_grown = wal - was.wal;
    Rates {
        window_s,
        commits: Some(commits / window_s),
        rollbacks: Some(rollbacks / window_s),
        cache_hit_ratio: (hit + read > 0.0).then(|| hit / (hit + read)),
        block_accesses: Some(hit + read),
        deadlocks: Some(deadlocks / window_s),
        temp_bytes: Some(temp / window_s),
        wal_bytes: (wal_grown >= 0 && was.standby == server.standby).then(|| wal_grown as f64 / window_s),
        rollback_ratio: (commits + rollbacks > 0.0).then(|| rollbacks / (commits + rollbacks)),
    }
}

fn counters(d: &DatabaseCounters) -> [i64; 6] {
    [d.commits, d.rollbacks, d.blocks_hit, d.blocks_read, d.deadlocks, d.temp_bytes]
}

fn empty() -> DatabaseCounters {
    DatabaseCounters {
        name: String::new(),
        oid: 0,
        size_bytes: None,
        backends: 0,
        commits: 0,
        rollbacks: 0,
        blocks_read: 0,
        blocks_hit: 0,
        deadlocks: 0,
        temp_files: 0,
        temp_bytes: 0,
        conflicts: 0,
        checksum_failures: None,
        xid_age: 0,
        mxid_age: 0,
        stats_reset: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> ServerIdentity {
        ServerIdentity {
            version_num: 150_000,
            version: String::new(),
            standby: false,
            started_at: UnixMs(1),
            user: String::new(),
            tls: false,
            pooled: false,
            system: None,
            timeline: None,
        }
    }

    fn database(commits: i64, reset: i64) -> DatabaseCounters {
        DatabaseCounters { oid: 5, commits, blocks_hit: commits * 9, blocks_read: commits, stats_reset: Some(UnixMs(reset)), ..empty() }
    }

    fn was(commits: i64) -> Previous {
        let databases = HashMap::from([(5, database(commits, 0))]);
        Previous { at: Instant::now(), started_at: UnixMs(1), standby: false, databases, wal: 1_000, own: 7 }
    }

    #[test]
    fn b2_rates_are_growth_per_second() {
        let rates = between(&was(100), &[database(150, 0)], 3_000, 7, &server(), 10.0);
        assert_eq!(rates.commits, Some(5.0));
        assert_eq!(rates.cache_hit_ratio, Some(0.9));
        assert_eq!(rates.wal_bytes, Some(200.0));
    }

    #[test]
    fn b2_own_transactions_are_taken_out() {
        let own = |n: i64| between(&was(100), &[database(150, 0)], 3_000, 7 + n, &server(), 10.0).commits;
        assert_eq!((own(20), own(1_000)), (Some(3.0), Some(0.0)));
    }

    #[test]
    fn b2_a_reset_or_a_restart_yields_no_rates() {
        for (now, server) in [
            (database(150, 1), server()),
            (database(20, 0), server()),
            (database(150, 0), ServerIdentity { started_at: UnixMs(2), ..server() }),
        ] {
            assert_eq!(between(&was(100), &[now], 3_000, 7, &server, 10.0), Rates { window_s: 10.0, ..Rates::default() });
        }
    }

    #[test]
    fn b2_an_idle_server_has_no_hit_ratio() {
        let rates = between(&was(100), &[database(100, 0)], 1_000, 7, &server(), 10.0);
        assert_eq!((rates.cache_hit_ratio, rates.rollback_ratio, rates.commits), (None, None, Some(0.0)));
    }
}
