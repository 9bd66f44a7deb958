//! What sessions do wrong: they run for ever, wait, idle, crowd, or leave dead rows behind.

use super::{Fault, disk::TABLESPACE, wraparound::SLOT};
use crate::{
    commands::demo,
    config::Config,
    run::{self, output::say},
};
use reeve_adapter::{Endpoint, WireClient, WireOptions, wire};
use reeve_cluster::{Cluster, Reached};
use secrecy::{ExposeSecret, SecretString};
use std::{process::ExitCode, time::Duration};

/// How all sessions of faults are called, before the fault's word.
const NAME: &str = "demo fault ";
/// The table that grows bloated; the sample estate has none of this name.
const BLOATED: &str = "public.demo_fault_bloat";
/// A busy row of the sample estate's.
const ROW: &str = "UPDATE core.users SET id = id WHERE id = (SELECT min(id) FROM core.users)";
/// Sessions that wait in a chain: one more than the number that alone counts as too many.
const WAITERS: usize = 6;
/// How long to wait for the sample estate's server: one that failed to start lately is tried again after half a minute at most.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether somebody ended the sessions; a client isn't told.
const LOOK: Duration = Duration::from_millis(250);

/// Sessions of the sample estate: as its superuser, and as its application, which anybody who may end sessions can end.
pub(super) struct Sessions {
    pub(super) url: SecretString,
    endpoint: Endpoint,
    app: Endpoint,
}

impl Sessions {
    pub(super) async fn of(config: &Config) -> Result<Self, String> {
        let url = match Cluster::start_or_attach(demo::cluster(config), PATIENCE).await.map_err(|e| e.to_string())? {
            Reached::Other(attached) => attached.superuser_url(reeve_demo::DATABASE),
            Reached::Own(cluster) => {
                cluster.stop().await;
                return Err("The sample estate does not run: start it with `reeve demo`, and say this beside it.".to_owned());
            }
        };
        let password = run::secrets::kept(&demo::dir(config), "app.password")?;
        let app = reeve_demo::app_url(url.expose_secret(), &password).map_err(|e| e.to_string())?;
        let parse = |url: &SecretString| Endpoint::parse(url.expose_secret()).map_err(|e| e.to_string());
        Ok(Self { endpoint: parse(&url)?, app: parse(&app)?, url })
    }

    async fn visit(&self, word: &str) -> Result<WireClient, String> {
        wire::connect(&self.app, WireOptions::new(format!("{NAME}{word}"))).await.map_err(|e| format!("{e}."))
    }

    pub(super) async fn open(&self, word: &str) -> Result<WireClient, String> {
        self.open_in(self.endpoint.database(), word).await
    }

    pub(super) async fn open_in(&self, database: &str, word: &str) -> Result<WireClient, String> {
        let endpoint = self.endpoint.with_database(database);
        wire::connect(&endpoint, WireOptions::new(format!("{NAME}{word}"))).await.map_err(|e| format!("{e}."))
    }
}

pub(super) async fn execute(client: &WireClient, sql: &str) -> Result<(), String> {
    client.batch_execute(sql).await.map_err(|e| format!("{}.", client.sort(&e)))
}

/// Causes it and holds it until Ctrl-C or `reeve demo heal`.
pub(super) async fn hold(config: &Config, fault: Fault) -> Result<ExitCode, String> {
    let mut signal = run::signals::Stop::listen()?;
    let (sessions, word) = (Sessions::of(config).await?, fault.word());
    let mut held = Vec::new();
    let sentence = match fault {
        Fault::SlowQuery => {
            held.push(busy(sessions.visit(&word).await?, "SELECT pg_sleep(86400)"));
            "A statement runs that does not end.".to_owned()
        }
        Fault::LockChain => {
            let root = sessions.visit(&word).await?;
            execute(&root, &format!("BEGIN; {ROW}")).await?;
            held.push(idle(root));
            for _ in 0..WAITERS {
                held.push(busy(sessions.visit(&word).await?, ROW));
            }
            format!("A transaction holds a row of core.users, and {WAITERS} sessions wait for it.")
        }
        Fault::IdleInTransaction => {
            let client = sessions.visit(&word).await?;
            execute(&client, &format!("BEGIN; {ROW}")).await?;
            held.push(idle(client));
            "A transaction is open and does nothing.".to_owned()
        }
        _ => {
            let first = sessions.open(&word).await?;
            let row = first.query_one(
                "SELECT (current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8) * 97 / 100
                    - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') + 1",
                &[],
            );
            let wanted: i64 = row.await.map_err(|e| format!("{}.", first.sort(&e)))?.get(0);
            held.push(idle(first));
            for _ in 1..wanted.max(1) {
                held.push(idle(sessions.open(&word).await?));
            }
            format!("{} sessions take nearly all connections.", held.len())
        }
    };
    say(format!("{sentence} It goes on until Ctrl-C or `reeve demo heal`."));
    let ended = async { futures::future::join_all(held).await };
    tokio::select! {
        () = signal.requested() => {}
        _ = ended => say("Somebody ended the sessions."),
    }
    // What is held ends with the process, and its statements are cancelled with it.
    end(&sessions, &word).await.ok();
    Ok(ExitCode::SUCCESS)
}

type Held = futures::future::BoxFuture<'static, ()>;

/// A session that runs a statement until one of the two ends.
fn busy(client: WireClient, sql: &'static str) -> Held {
    let work = tokio::spawn(async move {
        client.batch_execute(sql).await.ok();
    });
    Box::pin(async move {
        work.await.ok();
    })
}

/// A session that does nothing until the server ends it.
fn idle(client: WireClient) -> Held {
    Box::pin(async move {
        while !client.is_closed() {
            tokio::time::sleep(LOOK).await;
        }
    })
}

/// Leaves a table behind of which most rows are dead.
pub(super) async fn bloat(config: &Config) -> Result<ExitCode, String> {
    let sessions = Sessions::of(config).await?;
    let client = sessions.open(&Fault::Bloat.word()).await?;
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {BLOATED} (id int, body text) WITH (autovacuum_enabled = off);
         INSERT INTO {BLOATED} SELECT g, repeat('x', 200) FROM generate_series(1, 300000) g; ANALYZE {BLOATED};
         DELETE FROM {BLOATED} WHERE id % 10 <> 0"
    );
    execute(&client, &sql).await?;
    say(format!("Nine of ten rows of {BLOATED} are dead, and autovacuum passes it by. `reeve demo heal` drops it."));
    Ok(ExitCode::SUCCESS)
}

/// Ends the sessions of faults and drops what they left. Answers what was done.
pub(super) async fn heal(config: &Config) -> Result<Vec<String>, String> {
    let sessions = Sessions::of(config).await?;
    let mut done = Vec::new();
    let ended = end(&sessions, "").await?;
    if ended > 0 {
        done.push(if ended == 1 { "1 session is ended".to_owned() } else { format!("{ended} sessions are ended") });
    }
    let client = sessions.open("heal").await?;
    let row = client.query_one("SELECT to_regclass($1) IS NOT NULL", &[&BLOATED]).await.map_err(|e| format!("{}.", client.sort(&e)))?;
    if row.get(0) {
        execute(&client, &format!("DROP TABLE {BLOATED}")).await?;
        done.push(format!("{BLOATED} is dropped"));
    }
    Ok(done)
}

/// Ends all sessions of faults whose word begins so.
async fn end(sessions: &Sessions, word: &str) -> Result<i64, String> {
    let client = sessions.open("heal").await?;
    let sql = "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE starts_with(application_name, $1) AND pid <> pg_backend_pid()) ended";
    let row = client.query_one(sql, &[&format!("{NAME}{word}")]).await.map_err(|e| format!("{}.", client.sort(&e)))?;
    Ok(row.get(0))
}

/// The faults that have sessions now, or left something behind.
pub(super) async fn active(config: &Config) -> Result<Vec<String>, String> {
    let client = Sessions::of(config).await?.open("list").await?;
    let sql = "SELECT DISTINCT substr(application_name, length($1) + 1) FROM pg_stat_activity
        WHERE starts_with(application_name, $1) AND pid <> pg_backend_pid()
        UNION SELECT 'bloat' WHERE to_regclass($2) IS NOT NULL
        UNION SELECT 'wraparound' FROM pg_replication_slots WHERE slot_name = $3
        UNION SELECT 'disk-full' FROM pg_tablespace WHERE spcname = $4";
    let rows = client.query(sql, &[&NAME, &BLOATED, &SLOT, &TABLESPACE]).await.map_err(|e| format!("{}.", client.sort(&e)))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
