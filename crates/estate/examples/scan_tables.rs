//! Measures reading the evidence of a database with many tables, in a private PostgreSQL.
//!
//! `cargo run --release -p reeve-estate --example scan_tables [tables …]` (299 and 10,000 when left out)
#![allow(clippy::unwrap_used)]

use reeve_adapter::{Endpoint, WireOptions, wire};
use reeve_cluster::testing::TestCluster;
use reeve_estate::{TargetSpec, evidence::collect};
use reeve_model::{Environment, TargetInfo, TargetKind, TargetName};
use std::{
    error::Error,
    time::{Duration, Instant},
};

const RUNS: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut counts: Vec<usize> = std::env::args().skip(1).map(|n| n.parse()).collect::<Result<_, _>>()?;
    if counts.is_empty() {
        counts = vec![299, 10_000];
    }
    for tables in counts {
        measure(tables).await?;
    }
    Ok(())
}

async fn measure(tables: usize) -> Result<(), Box<dyn Error>> {
    let cluster = TestCluster::start(&[("shared_preload_libraries", "pg_stat_statements"), ("max_locks_per_transaction", "1024")]).await?;
    let endpoint = Endpoint::parse(&cluster.url("postgres"))?;
    let client = wire::connect(&endpoint, WireOptions::new("bench")).await?;
    client.batch_execute("CREATE EXTENSION pg_stat_statements; CREATE ROLE reader; CREATE ROLE app LOGIN").await?;
    // Every fourth with a grant, every tenth with a policy, every twentieth behind a view and with a trigger's function.
    let make = format!(
        "DO $$ BEGIN FOR i IN 1..{tables} LOOP
           EXECUTE format('CREATE TABLE public.t%s (id bigint PRIMARY KEY, owner text, mail text, at timestamptz)', i);
           IF i % 4 = 0 THEN EXECUTE format('GRANT SELECT ON public.t%s TO reader', i); END IF;
           IF i % 10 = 0 THEN EXECUTE format('ALTER TABLE public.t%1$s ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON public.t%1$s USING (owner = current_user)', i); END IF;
           IF i % 20 = 0 THEN EXECUTE format('CREATE VIEW public.v%1$s AS SELECT id FROM public.t%1$s; CREATE FUNCTION public.f%1$s() RETURNS int LANGUAGE sql SECURITY DEFINER AS ''SELECT 1''', i); END IF;
         END LOOP; END $$"
    );
    client.batch_execute(&make).await?;
    client.batch_execute("ANALYZE").await?;
    let info = TargetInfo {
        name: TargetName::new("measured")?,
        kind: TargetKind::Postgres,
        environment: Environment::Dev,
        address: String::new(),
        tags: Vec::new(),
        region: None,
        owner: None,
    };
    let spec = TargetSpec::new(info, endpoint);
    let (mut walls, mut servers, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        client.batch_execute("SELECT pg_stat_statements_reset()").await?;
        let clock = Instant::now();
        let set = collect(&spec).await.map_err(|e| e.to_string())?;
        walls.push(clock.elapsed());
        let sql = "SELECT coalesce(sum(total_exec_time + total_plan_time), 0) FROM pg_stat_statements WHERE query LIKE '%reeve:%'";
        servers.push(Duration::from_secs_f64(client.query_one(sql, &[]).await?.get::<_, f64>(0) / 1_000.0));
        answers = set.items;
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1_000.0
    };
    println!(
        "{tables} tables: median of {RUNS}: {:.0} ms wall, the longest {:.0} ms; {:.0} ms on the server",
        median(&mut walls),
        walls[walls.len() - 1].as_secs_f64() * 1_000.0,
        median(&mut servers)
    );
    answers.sort_by_key(|e| std::cmp::Reverse(e.elapsed_ms));
    for one in answers.iter().take(3) {
        println!("  {}: {} ms, {} rows, {}", one.id, one.elapsed_ms, one.row_count, one.missing.as_deref().unwrap_or("whole"));
    }
    let missing = answers.iter().filter(|e| e.missing.is_some()).count();
    println!("  {} answers, {missing} not whole", answers.len());
    Ok(())
}
