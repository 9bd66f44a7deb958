//! What one round costs a server and who asks it, beside `prometheus-postgres-exporter` in the same run (SPEC B3).
//!
//! `cargo run --release -p reeve-estate --example collect_peers [tables …]` (300, 3,000 and 10,000 when left out), on a machine where
//! that exporter is installed or named by `REEVE_EXPORTER`. A round of Reeve's reads sessions, locks, counters, WAL, replication, ids,
//! tables, indexes and statements; a scrape of the exporter's its default collectors, indexes and statements.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

mod exporter;
mod own;
mod processes;
mod relay;

use exporter::Exporter;
use own::Own;
use processes::server_cpu_ms;
use reeve_adapter::{Endpoint, WireClient, WireOptions, wire};
use reeve_cluster::testing::TestCluster;
use relay::{Counted, Relay};
use std::{error::Error, time::Duration};

/// Turns of each, one after the other.
const TURNS: usize = 5;
const PASSWORD: &str = "a-password-of-a-benchmark";

type Failed = Box<dyn Error>;

/// One turn: means per round.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    server_ms: f64,
    own_ms: f64,
    wall_ms: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|a| a == "--collect") {
        return own::collect(&arguments.nth(1).unwrap_or_default()).await;
    }
    let mut counts: Vec<usize> = arguments.map(|n| n.parse()).collect::<Result<_, _>>()?;
    if counts.is_empty() {
        counts = vec![300, 3_000, 10_000];
    }
    println!("{}; load {}", Exporter::version()?, std::fs::read_to_string("/proc/loadavg")?.trim());
    for tables in counts {
        measure(tables).await?;
    }
    Ok(())
}

async fn measure(tables: usize) -> Result<(), Failed> {
    let cluster = server(tables).await?;
    let socket = cluster.socket_dir().display().to_string();
    let mut own = Own::start(&cluster.url_for("reeve", PASSWORD, "postgres")).await?;
    let mut exporter = Exporter::start(&socket, 5432).await?;
    // Fewer where a scrape takes seconds; the clock of processes ticks in hundredths.
    let rounds = if tables <= 1_000 { 20 } else { 6 };
    own.rounds(3).await?;
    exporter.scrapes(2).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let before = server_cpu_ms(cluster.dir())?;
        let mut cost = own.rounds(rounds).await?;
        cost.server_ms = (server_cpu_ms(cluster.dir())? - before) / rounds as f64;
        ours.push(cost);
        let before = server_cpu_ms(cluster.dir())?;
        let mut cost = exporter.scrapes(rounds).await?;
        cost.server_ms = (server_cpu_ms(cluster.dir())? - before) / rounds as f64;
        theirs.push(cost);
    }
    let memory = (own.memory_mb()?, exporter.memory_mb()?);
    let locked = locked(&cluster, &mut own, &mut exporter).await?;
    drop((own, exporter));
    let wire = (through_relay(&cluster, true).await?, through_relay(&cluster, false).await?);
    print(tables, [&ours, &theirs], memory, locked, wire);
    Ok(())
}

/// A server with so many tables of seven relations each (heap, four indexes, TOAST and its index), and the two logins.
async fn server(tables: usize) -> Result<TestCluster, Failed> {
    let settings = [
        ("shared_preload_libraries", "pg_stat_statements"),
        ("max_locks_per_transaction", "1024"),
        ("shared_buffers", "512MB"),
        ("autovacuum", "off"),
    ];
    let cluster = TestCluster::start(&settings).await?;
    let admin = admin(&cluster).await?;
    admin.batch_execute("CREATE EXTENSION pg_stat_statements").await?;
    for login in ["reeve", "exporter"] {
        admin.batch_execute(&format!("CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_monitor")).await?;
    }
    // In pieces: each table's lock is held until the end.
    for from in (1..=tables).step_by(500) {
        let to = (from + 499).min(tables);
        let make = format!(
            "DO $$ BEGIN FOR i IN {from}..{to} LOOP
               EXECUTE format('CREATE TABLE public.t%1$s (id bigint PRIMARY KEY, owner text, mail text, at timestamptz);
                 CREATE INDEX ON public.t%1$s (owner); CREATE INDEX ON public.t%1$s (mail); CREATE INDEX ON public.t%1$s (at);
                 INSERT INTO public.t%1$s SELECT g, ''owner'' || g, ''mail'' || g, now() FROM generate_series(1, 20) g', i);
             END LOOP; END $$"
        );
        admin.batch_execute(&make).await?;
    }
    admin.batch_execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reeve, exporter; ANALYZE; CHECKPOINT").await?;
    // Statements to read, as an application leaves them.
    for n in 0..500 {
        admin.batch_execute(&format!("SELECT count(*) AS counted_{n} FROM public.t1 WHERE id < {n}")).await?;
    }
    Ok(cluster)
}

async fn admin(cluster: &TestCluster) -> Result<WireClient, Failed> {
    Ok(wire::connect(&Endpoint::parse(&cluster.url("postgres"))?, WireOptions::new("bench")).await?)
}

/// Wall times of one round while somebody holds a table; none: no answer within 8 s.
async fn locked(cluster: &TestCluster, own: &mut Own, exporter: &mut Exporter) -> Result<[Option<f64>; 2], Failed> {
    let holder = admin(cluster).await?;
    holder.batch_execute("BEGIN; LOCK TABLE public.t7 IN ACCESS EXCLUSIVE MODE").await?;
    let patience = Duration::from_secs(8);
    let ours = tokio::time::timeout(patience, own.rounds(5)).await.ok().transpose()?.map(|c| c.wall_ms);
    let theirs = tokio::time::timeout(patience, exporter.scrapes(1)).await.ok().transpose()?.map(|c| c.wall_ms);
    holder.batch_execute("COMMIT").await?;
    Ok([ours, theirs])
}

/// What goes over the wire in a round, once warm.
async fn through_relay(cluster: &TestCluster, ours: bool) -> Result<Counted, Failed> {
    let socket = cluster.socket_dir().join(".s.PGSQL.5432");
    let relay = Relay::start(socket).await?;
    let url = format!("postgresql://reeve:{PASSWORD}@127.0.0.1:{}/postgres?sslmode=disable", relay.port());
    const ROUNDS: usize = 5;
    if ours {
        let mut own = Own::start(&url).await?;
        own.rounds(4).await?;
        relay.clear();
        own.rounds(ROUNDS).await?;
    } else {
        let mut exporter = Exporter::start("127.0.0.1", relay.port()).await?;
        exporter.scrapes(2).await?;
        relay.clear();
        exporter.scrapes(ROUNDS).await?;
    }
    Ok(relay.counted().each(ROUNDS as f64))
}

fn print(tables: usize, [ours, theirs]: [&[Cost]; 2], memory: (f64, f64), locked: [Option<f64>; 2], wire: (Counted, Counted)) {
    let median = |of: &[Cost], read: fn(&Cost) -> f64| {
        let mut all: Vec<f64> = of.iter().map(read).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    println!("\n{tables} tables, medians of {TURNS} turns     Reeve   exporter   ratio");
    let line = |what: &str, a: f64, b: f64| println!("  {what:34} {a:9.2} {b:10.2} {:7.3}", a / b);
    line("server CPU a round, ms", median(ours, |c| c.server_ms), median(theirs, |c| c.server_ms));
    line("own CPU a round, ms", median(ours, |c| c.own_ms), median(theirs, |c| c.own_ms));
    line("wall a round, ms", median(ours, |c| c.wall_ms), median(theirs, |c| c.wall_ms));
    line("memory of the process, MB (RSS)", memory.0, memory.1);
    line("round trips", wire.0.trips, wire.1.trips);
    line("new connections", wire.0.connections, wire.1.connections);
    line("from the server, KB", wire.0.down / 1_000.0, wire.1.down / 1_000.0);
    line("to the server, KB", wire.0.up / 1_000.0, wire.1.up / 1_000.0);
    let said = |ms: Option<f64>| ms.map_or("none in 8 s".to_owned(), |ms| format!("{ms:.1} ms"));
    println!("  one table locked, wall: Reeve {}, exporter {}", said(locked[0]), said(locked[1]));
}
