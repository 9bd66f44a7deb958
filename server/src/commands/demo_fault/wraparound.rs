//! Transaction ids that run out: a forgotten replication slot keeps the catalogues from being frozen, and the server is set forward to where a
//! year of that would have brought it.
//!
//! The order of the steps leaves a server that starts at any of them: the slot first, then the mark with the id to jump to, then the jump
//! while the server is kept from running. `pg_resetwal` writes the control file before the new WAL; killed between the two it leaves a server
//! without any, which [`mend`] gives it.

use super::{
    Fault, server,
    sessions::{Sessions, execute},
};
use crate::{commands::demo, config::Config, run::output::say};
use reeve_adapter::WireClient;
use reeve_cluster::Offline;
use secrecy::ExposeSecret;
use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// What holds everything back, as a subscriber does that was taken away without its slot.
pub(super) const SLOT: &str = "demo_fault_wraparound";
/// How old the oldest id is made: 100 million beyond the critical limit, 444 million before the server refuses writes.
const AGE: i64 = 1_700_000_000;
/// Older than this nothing gets in the sample estate by itself.
const OLD: i64 = 500_000_000;
/// Ids of one file of `pg_xact`. The server makes the next file by itself when it comes to its first id, so it is set to that.
const SEGMENT: i64 = 1_048_576;
/// While this file is there the jump may not be done; it holds the id to jump to.
const MARK: &str = "fault.wraparound";

fn data(config: &Config) -> PathBuf {
    demo::dir(config).join("pgdata")
}

/// Causes it; it stays over restarts until `reeve demo heal`.
pub(super) async fn cause(config: &Config) -> Result<ExitCode, String> {
    mend(config).await?;
    let data = data(config);
    if server::dies(&data) || server::hangs(&data) {
        return Err("The server is being killed, or hangs: say `reeve demo heal` first.".to_owned());
    }
    let sessions = Sessions::of(config).await?;
    let client = sessions.open(&Fault::Wraparound.word()).await?;
    let target = prepare(&sessions, &client).await?;
    let mark = data.with_file_name(MARK);
    let written = File::create(&mark).and_then(|mut f| write!(f, "{target}").and_then(|()| f.sync_all()));
    written.map_err(|e| format!("{} can't be written ({e}).", mark.display()))?;
    drop(client);
    // When it fails the mark stays: the jump may be half done.
    jump(config, target).await?;
    std::fs::remove_file(&mark).map_err(|e| format!("{} can't be removed ({e}).", mark.display()))?;
    let age = age(&Sessions::of(config).await?.open("wraparound").await?).await?;
    say(format!(
        "The oldest transaction id is {age} old, and replication slot {SLOT}, which nobody reads, keeps it so. `reeve demo heal` drops the slot and freezes what is old."
    ));
    Ok(ExitCode::SUCCESS)
}

/// Makes the slot. Answers the id to jump to.
async fn prepare(sessions: &Sessions, client: &WireClient) -> Result<i64, String> {
    let row = client.query_one(
        "SELECT max(age(datfrozenxid))::int8, current_setting('wal_level') = 'logical',
            pg_is_in_recovery() OR EXISTS (SELECT FROM pg_stat_replication) OR EXISTS (SELECT FROM pg_replication_slots WHERE slot_type = 'physical')
           FROM pg_database",
        &[],
    );
    let row = row.await.map_err(|e| format!("{}.", client.sort(&e)))?;
    let (age, logical, copied): (i64, bool, bool) = (row.get(0), row.get(1), row.get(2));
    if age > OLD {
        return Err(format!("The oldest transaction id is {age} old already; `reeve demo heal` makes it young."));
    }
    if copied {
        return Err("The server has a standby, or is one: a jump would cut it off for ever.".to_owned());
    }
    if !logical {
        return Err("The sample estate runs without wal_level = logical: stop `reeve demo` and start it anew.".to_owned());
    }
    // One that is left open would have the next start write gigabytes of pg_subtrans, from its id to the new one.
    let prepared =
        client.query("SELECT gid, database::text FROM pg_prepared_xacts", &[]).await.map_err(|e| format!("{}.", client.sort(&e)))?;
    for row in prepared {
        let (gid, database): (String, String) = (row.get(0), row.get(1));
        let there = sessions.open_in(&database, &Fault::Wraparound.word()).await?;
        execute(&there, &format!("ROLLBACK PREPARED '{}'", gid.replace('\'', "''"))).await?;
    }
    // It waits for transactions that are open; one that stays open is another fault's.
    execute(client, "SET statement_timeout = '20s'").await?;
    let sql = format!(
        "SELECT pg_create_logical_replication_slot('{SLOT}', 'pgoutput')
            WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{SLOT}')"
    );
    execute(client, &sql).await?;
    execute(client, "CHECKPOINT").await?;
    let sql = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 - max(age(datfrozenxid)) FROM pg_database";
    let oldest: i64 = client.query_one(sql, &[]).await.map_err(|e| format!("{}.", client.sort(&e)))?.get(0);
    Ok(at_file(oldest + AGE))
}

/// The first id, from this one on, that begins a file.
fn at_file(id: i64) -> i64 {
    (id + SEGMENT - 1).div_euclid(SEGMENT) * SEGMENT
}

/// Sets the next id of the server, which is stopped for it.
async fn jump(config: &Config, target: i64) -> Result<(), String> {
    let offline = Offline::begin(&demo::cluster(config)).await.map_err(|e| format!("{e}."))?;
    let (epoch, id) = ((target >> 32).to_string(), (target & 0xffff_ffff).to_string());
    offline.run("pg_resetwal", &["-e", &epoch, "-x", &id]).await.map(drop).map_err(|e| format!("{e}."))
}

/// Finishes a jump that was cut off, if there was one: a control file that names the new id, of a server that was not started since, may be
/// without its WAL. Answers whether there was one.
///
/// # Errors
/// One sentence.
pub async fn mend(config: &Config) -> Result<bool, String> {
    let data = data(config);
    let mark = data.with_file_name(MARK);
    let Ok(target) = std::fs::read_to_string(&mark) else { return Ok(false) };
    if !ready(&data) {
        let offline = Offline::begin(&demo::cluster(config)).await.map_err(|e| format!("{e}."))?;
        let control = offline.run("pg_controldata", &[]).await.map_err(|e| format!("{e}."))?;
        if begun(&control, target.trim()) {
            offline.run("pg_resetwal", &[]).await.map_err(|e| format!("{e}."))?;
        }
    }
    std::fs::remove_file(&mark).map_err(|e| format!("{} can't be removed ({e}).", mark.display()))?;
    Ok(true)
}

/// Whether the control file is as `pg_resetwal` wrote it, and nothing was done since.
fn begun(control: &str, target: &str) -> bool {
    let said = |name: &str| control.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let next = said("Latest checkpoint's NextXID").and_then(|next| {
        let (epoch, id) = next.split_once(':')?;
        Some((epoch.parse::<i64>().ok()? << 32) + id.parse::<i64>().ok()?)
    });
    said("Database cluster state") == Some("shut down") && next.is_some() && next == target.parse().ok()
}

/// Whether the server says that it is ready.
fn ready(data: &Path) -> bool {
    let said = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let pid = said.lines().next().and_then(|line| line.trim().parse().ok());
    pid.is_some_and(|pid: i32| reeve_cluster::working_in(data).contains(&pid)) && said.lines().nth(7).is_some_and(|s| s.trim() == "ready")
}

/// Drops the slot and freezes everything that is old. Answers what was done.
pub(super) async fn heal(config: &Config) -> Result<Vec<String>, String> {
    let sessions = Sessions::of(config).await?;
    let client = sessions.open("heal").await?;
    let mut done = Vec::new();
    let sql = format!("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{SLOT}'");
    if !client.query(&sql, &[]).await.map_err(|e| format!("{}.", client.sort(&e)))?.is_empty() {
        done.push(format!("replication slot {SLOT} is dropped"));
    }
    let old = age(&client).await? > OLD;
    let frozen = if old { freeze(&sessions, &client).await } else { Ok(()) };
    // Also what a heal that was killed left open.
    let sql = "SELECT count(*) > 0 FROM pg_database WHERE datname = 'template0' AND datallowconn";
    if client.query_one(sql, &[]).await.map_err(|e| format!("{}.", client.sort(&e)))?.get(0) {
        execute(&client, "ALTER DATABASE template0 ALLOW_CONNECTIONS false").await?;
    }
    frozen?;
    let age = age(&client).await?;
    if age > OLD {
        return Err(format!("The oldest transaction id is still {age} old: something else holds it back. Say `reeve demo heal` again."));
    }
    if old {
        done.push(format!("all databases are frozen, the oldest transaction id is {age} old"));
    }
    Ok(done)
}

async fn freeze(sessions: &Sessions, client: &WireClient) -> Result<(), String> {
    // Nobody may enter it, but its ids age like the others'.
    execute(client, "ALTER DATABASE template0 ALLOW_CONNECTIONS true").await?;
    let names = client.query("SELECT datname::text FROM pg_database WHERE datallowconn ORDER BY 1", &[]).await;
    for row in names.map_err(|e| format!("{}.", client.sort(&e)))? {
        let there = sessions.open_in(row.get(0), "heal").await?;
        for sql in ["SET vacuum_cost_delay = 0", "VACUUM (FREEZE)"] {
            execute(&there, sql).await?;
        }
    }
    // What is planted to be found stays planted.
    reeve_demo::bloat_again(sessions.url.expose_secret()).await.map_err(|e| e.to_string())?;
    execute(client, "CHECKPOINT").await
}

async fn age(client: &WireClient) -> Result<i64, String> {
    let row = client.query_one("SELECT max(age(datfrozenxid))::int8 FROM pg_database", &[]).await;
    Ok(row.map_err(|e| format!("{}.", client.sort(&e)))?.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_a_jump_is_finished_only_where_nothing_ran_since() {
        let control = |state: &str, next: &str| {
            format!(
                "pg_control version number:            1300\nDatabase cluster state:               {state}\nLatest checkpoint's NextXID:          {next}\n"
            )
        };
        assert!(begun(&control("shut down", "0:1700790272"), "1700790272"));
        assert!(begun(&control("shut down", "1:1700790272"), "5995757568"));
        assert!(!begun(&control("shut down", "0:1700790273"), "1700790272"), "ids were used since");
        assert!(!begun(&control("shut down", "0:812"), "1700790272"), "it was not done");
        assert!(!begun(&control("in production", "0:1700790272"), "1700790272"), "the server ran");
        assert!(!begun("", "1700790272") && !begun(&control("shut down", "0:5"), ""));
        assert_eq!([1, 1_048_576, 1_048_577].map(at_file), [1_048_576, 1_048_576, 2_097_152]);
    }
}
