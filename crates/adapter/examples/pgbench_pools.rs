//! What the pools cost: pgbench's work through them beside pgbench alone, and 100 users at once (SPEC J).
//!
//! `cargo run --release -p reeve-adapter --example pgbench_pools` on a private cluster with settings for a small server; both sides keep
//! prepared statements, have the same number of clients, and take turns.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use futures::future::join_all;
use reeve_adapter::{AdapterError, Endpoint, RoleConfig, RolePools, RoleSettings};
use reeve_cluster::{binaries, testing::TestCluster};
use reeve_model::pool::StoreRole;
use sqlx::{Connection, PgConnection};
use std::{
    error::Error,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

type Failed = Box<dyn Error>;

const SCALE: i64 = 20;
const CLIENTS: usize = 16;
const TURN: Duration = Duration::from_secs(6);
const TURNS: usize = 5;
const READ: &str = "SELECT abalance FROM pgbench_accounts WHERE aid = $1";
const INSERT: &str = "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, $1, 7, now())";
/// A branch's accounts by balance, with what was booked on them lately: 100,000 rows ranked and joined.
const COMPLEX: &str = "SELECT count(*)::int8, coalesce(sum(h.delta), 0)::int8 FROM (
    SELECT aid, row_number() OVER (ORDER BY abalance DESC, aid) AS place FROM pgbench_accounts
     WHERE aid BETWEEN 1 + ($1 % 20) * 100000 AND (1 + $1 % 20) * 100000) a
  LEFT JOIN (SELECT aid, delta FROM pgbench_history LIMIT 1000) h ON h.aid = a.aid WHERE a.place <= 100";

#[derive(Clone, Copy)]
enum Work {
    Read,
    Insert,
    Complex,
}

impl Work {
    fn sql(self) -> &'static str {
        match self {
            Self::Read => READ,
            Self::Insert => INSERT,
            Self::Complex => COMPLEX,
        }
    }

    async fn run(self, c: &mut PgConnection, aid: i32) -> Result<(), AdapterError> {
        let query = sqlx::query(self.sql()).bind(aid);
        match self {
            Self::Insert => {
                query.execute(c).await?;
            }
            Self::Read | Self::Complex => {
                query.fetch_one(c).await?;
            }
        }
        Ok(())
    }
}

/// Account numbers in no order; each client has a row of its own.
struct Aids(u64);

impl Aids {
    fn next(&mut self) -> i32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((self.0 >> 33) % 2_000_000).unwrap() + 1
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failed> {
    let settings = [("shared_buffers", "512MB"), ("max_connections", "200"), ("synchronous_commit", "on"), ("max_wal_size", "2GB")];
    let cluster = TestCluster::start(&settings).await?;
    let installation = binaries::choose(&binaries::installed(), None)?;
    let pgbench = installation.program("pgbench");
    let url = cluster.url("postgres");
    let made = Command::new(&pgbench).args(["-i", "-q", "-s", &SCALE.to_string(), &url]).output()?;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let settings = RoleSettings { max: 100, ..RoleSettings::with_defaults(StoreRole::Main, Endpoint::parse(&url)?) };
    let pools = RolePools::new(RoleConfig::new([(StoreRole::Main, settings)].into()))?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    println!("scale {SCALE}, {CLIENTS} clients, {TURNS} turns of {} s; load {}", TURN.as_secs(), load.trim());
    beside(&pgbench, &url, &pools, Work::Read, "reads").await?;
    beside(&pgbench, &url, &pools, Work::Insert, "inserts").await?;
    one_by_one(&url, &pools).await?;
    users(&url, &pools).await?;
    pools.close().await;
    Ok(())
}

/// Medians of turns: a second's work, and the clients' own processor time for one.
async fn beside(pgbench: &Path, url: &str, pools: &RolePools, work: Work, name: &str) -> Result<(), Failed> {
    let script = std::env::temp_dir().join(format!("reeve-pgbench-{}.sql", std::process::id()));
    std::fs::write(&script, format!("\\set aid random(1, 100000 * {SCALE})\n{};\n", work.sql().replace("$1", ":aid")))?;
    let (mut alone, mut kept, mut through) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        alone.push(bare(pgbench, url, &script)?);
        kept.push(pooled(pools, work, Loan::Kept).await?);
        through.push(pooled(pools, work, Loan::Each).await?);
    }
    std::fs::remove_file(&script)?;
    let (bare_rate, bare_own) = medians(&alone);
    println!("{name}: {bare_rate:.0}/s by pgbench alone, its own processor time {bare_own:.1} µs each");
    for (how, turns) in [("one loan kept, as pgbench keeps its connections", &kept), ("a loan for each", &through)] {
        let (rate, own) = medians(turns);
        println!("  through the pools, {how}: {rate:.0}/s ({:.2}), {own:.1} µs each", rate / bare_rate);
    }
    Ok(())
}

fn medians(turns: &[(f64, f64)]) -> (f64, f64) {
    let median = |which: fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = turns.iter().map(which).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    (median(|t| t.0), median(|t| t.1))
}

fn bare(pgbench: &Path, url: &str, script: &Path) -> Result<(f64, f64), Failed> {
    let before = cpu_s("children")?;
    let (clients, seconds) = (CLIENTS.to_string(), TURN.as_secs().to_string());
    let mut command = Command::new(pgbench);
    command.args(["-n", "-M", "prepared", "-c", &clients, "-j", "2", "-T", &seconds, "-f"]).arg(script).arg(url);
    let out = command.output()?;
    let said = String::from_utf8_lossy(&out.stdout);
    let rate = said.lines().find_map(|l| l.strip_prefix("tps = ")).and_then(|l| l.split(' ').next());
    let rate: f64 = rate.ok_or_else(|| format!("pgbench: {said}{}", String::from_utf8_lossy(&out.stderr)))?.parse()?;
    Ok((rate, (cpu_s("children")? - before) * 1e6 / (rate * TURN.as_secs_f64())))
}

/// How long a client of the pools keeps what it is lent.
#[derive(Clone, Copy, PartialEq)]
enum Loan {
    /// For all its queries.
    Kept,
    /// For one query.
    Each,
}

async fn pooled(pools: &RolePools, work: Work, loan: Loan) -> Result<(f64, f64), Failed> {
    let (before, begun) = (cpu_s("self")?, Instant::now());
    let clients = (0..CLIENTS).map(|client| {
        let pools = pools.clone();
        tokio::spawn(async move {
            let (mut aids, mut done) = (Aids(client as u64), 0_u64);
            let mut lease = pools.acquire(StoreRole::Main).await?;
            while begun.elapsed() < TURN {
                if loan == Loan::Each {
                    drop(lease);
                    lease = pools.acquire(StoreRole::Main).await?;
                }
                work.run(&mut lease, aids.next()).await?;
                done += 1;
            }
            Ok::<u64, AdapterError>(done)
        })
    });
    let mut done = 0;
    for client in join_all(clients).await {
        done += client??;
    }
    Ok((done as f64 / begun.elapsed().as_secs_f64(), (cpu_s("self")? - before) * 1e6 / done as f64))
}

/// One client: a loan for each query beside a connection that is kept.
async fn one_by_one(url: &str, pools: &RolePools) -> Result<(), Failed> {
    let mut kept = PgConnection::connect(url).await?;
    let (mut aids, mut alone, mut lent) = (Aids(99), Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let begun = Instant::now();
        Work::Read.run(&mut kept, aids.next()).await?;
        alone.push(begun.elapsed());
        let begun = Instant::now();
        Work::Read.run(&mut *pools.acquire(StoreRole::Main).await?, aids.next()).await?;
        lent.push(begun.elapsed());
    }
    let (alone, lent) = (quantiles(alone), quantiles(lent));
    println!("one client: p50 {:?} on loan, {:?} on a kept connection; p99 {:?} and {:?}", lent.0, alone.0, lent.1, alone.1);
    Ok(())
}

/// 100 users, five queries a second each: of ten, seven read, two insert, one is complex.
async fn users(url: &str, pools: &RolePools) -> Result<(), Failed> {
    const SECONDS: u64 = 30;
    let mut watcher = PgConnection::connect(url).await?;
    let blocks = "SELECT blks_hit, blks_read FROM pg_stat_database WHERE datname = current_database()";
    let before: (i64, i64) = sqlx::query_as(blocks).fetch_one(&mut watcher).await?;
    let begun = Instant::now();
    let all = (0..100_u64).map(|user| {
        let pools = pools.clone();
        tokio::spawn(async move {
            let mut aids = Aids(1_000 + user);
            let first = tokio::time::Instant::now() + Duration::from_millis(2 * user);
            let mut due = tokio::time::interval_at(first, Duration::from_millis(200));
            let mut took: [Vec<Duration>; 3] = Default::default();
            let mut errors = 0_u64;
            for turn in 0..SECONDS * 5 {
                let moment = due.tick().await;
                let (place, work) = match (turn + user) % 10 {
                    0 => (2, Work::Complex),
                    1 | 2 => (1, Work::Insert),
                    _ => (0, Work::Read),
                };
                let aid = aids.next();
                let done = pools.idempotent(StoreRole::Main, |c| Box::pin(work.run(c, aid))).await;
                errors += u64::from(done.is_err());
                // From when it was due: who waits for the one before waits as a user does.
                took[place].push(moment.elapsed());
            }
            (took, errors)
        })
    });
    let (mut took, mut errors): ([Vec<Duration>; 3], u64) = Default::default();
    for user in join_all(all).await {
        let (theirs, failed) = user?;
        took.iter_mut().zip(theirs).for_each(|(all, theirs)| all.extend(theirs));
        errors += failed;
    }
    let (wall, count) = (begun.elapsed().as_secs_f64(), took.iter().map(Vec::len).sum::<usize>());
    println!("100 users: {:.0} queries/s over {wall:.0} s, {errors} errors of {count}", count as f64 / wall);
    for (name, times) in ["reads", "inserts", "complex"].into_iter().zip(took) {
        let mean = times.iter().sum::<Duration>() / u32::try_from(times.len())?;
        let (p50, p99) = quantiles(times);
        println!("  {name}: mean {mean:?}, p50 {p50:?}, p99 {p99:?}");
    }
    let after: (i64, i64) = sqlx::query_as(blocks).fetch_one(&mut watcher).await?;
    let (hit, read) = (after.0 - before.0, after.1 - before.1);
    println!("  cache hit ratio {:.2} %", hit as f64 * 100.0 / (hit + read).max(1) as f64);
    Ok(())
}

fn quantiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// Processor seconds of this process, or of those it waited for; the clock ticks in hundredths.
fn cpu_s(of: &str) -> Result<f64, Failed> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let at = if of == "self" { 11 } else { 13 };
    Ok((fields[at].parse::<f64>()? + fields[at + 1].parse::<f64>()?) / 100.0)
}
