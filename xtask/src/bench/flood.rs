//! A flood of wrong passwords: do pages stay quick, and do right passwords from elsewhere get in?

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::http::Connection;
use super::program::{EMAIL, PASSWORD, Program};
use super::quantile;
use crate::workspace::Workspace;

/// Wrong passwords a second.
const RATE: u32 = 1_000;
/// For how long.
const FLOOD: Duration = Duration::from_secs(30);
/// The calm before, to compare with.
const CALM: Duration = Duration::from_secs(10);
/// A reader asks for a page this often.
const READ_EVERY: Duration = Duration::from_millis(20);
/// Somebody signs in rightly this often, from an address that never did before.
const SIGN_IN_EVERY: Duration = Duration::from_secs(3);
/// Connections of the flood.
const CONNECTIONS: u32 = 16;

/// Runs calm and flood, first from one address, then from sixteen at once.
pub async fn run(workspace: &Workspace) -> Result<()> {
    let program = Program::demo(workspace).await?;
    let reader = Ipv4Addr::new(127, 0, 0, 1);
    let mut connection = Connection::new(reader.into(), program.address);
    let answer = connection.post("/api/auth/login", &login(PASSWORD)).await?;
    let said: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let token = said["access_token"].as_str().context("no access token")?.to_owned();
    println!("memory before: {} MB", program.memory_mb().unwrap_or(0));
    let calm = read_pages(reader.into(), &program, &token, CALM).await?;
    report("calm", &calm);
    for (name, sources) in [("one address", 1_u8), ("16 addresses", 16)] {
        let flood = tokio::spawn(flood(program.address, sources));
        let signs = tokio::spawn(sign_in_rightly(program.address, 100 + sources));
        let pages = read_pages(reader.into(), &program, &token, FLOOD).await?;
        let (answers, took) = flood.await??;
        let (right, refused, longest) = signs.await??;
        report(&format!("flood from {name}"), &pages);
        let sent: u32 = answers.values().sum();
        println!(
            "  {sent} wrong passwords in {:.1} s ({:.0} a second), answered {answers:?}",
            took.as_secs_f64(),
            f64::from(sent) / took.as_secs_f64()
        );
        println!("  right passwords from elsewhere: {right} got in, {refused} were refused, the slowest in {} ms", longest.as_millis());
        println!("  p99 against calm: {:.1} times; memory {} MB", ratio(&pages, &calm), program.memory_mb().unwrap_or(0));
    }
    program.stop().await
}

fn login(password: &str) -> String {
    serde_json::json!({ "email": EMAIL, "password": password }).to_string()
}

/// Reads the first page at a steady pace; answers how long each took, sorted.
async fn read_pages(from: IpAddr, program: &Program, token: &str, time: Duration) -> Result<Vec<Duration>> {
    let mut connection = Connection::new(from, program.address);
    let mut every = tokio::time::interval(READ_EVERY);
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < time {
        let due = every.tick().await.into_std();
        let answer = connection.get("/admin/db-health", token).await?;
        anyhow::ensure!(answer.status == 200, "a page was answered with {}", answer.status);
        // From when it was due: a reader who has to wait for the page before waits too.
        times.push(due.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

async fn flood(to: std::net::SocketAddr, sources: u8) -> Result<(BTreeMap<u16, u32>, Duration)> {
    let (answers, mut all) = (Arc::new(Mutex::new(BTreeMap::new())), JoinSet::new());
    let begun = Instant::now();
    for n in 0..CONNECTIONS {
        let from = Ipv4Addr::new(127, 0, 1, 1 + u8::try_from(n % u32::from(sources))?);
        let answers = Arc::clone(&answers);
        all.spawn(async move {
            let mut connection = Connection::new(from.into(), to);
            let mut every = tokio::time::interval(Duration::from_secs(1) * CONNECTIONS / RATE);
            while begun.elapsed() < FLOOD {
                every.tick().await;
                let status = match connection.post("/api/auth/login", &login("a wrong password")).await {
                    Ok(answer) => answer.status,
                    // Cut off without an answer.
                    Err(_) => 0,
                };
                *answers.lock().await.entry(status).or_insert(0) += 1;
            }
        });
    }
    while let Some(done) = all.join_next().await {
        done?;
    }
    let took = begun.elapsed();
    let counted = answers.lock().await.clone();
    Ok((counted, took))
}

/// Somebody who knows the password, each time from an address of their own.
async fn sign_in_rightly(to: std::net::SocketAddr, network: u8) -> Result<(u32, u32, Duration)> {
    let begun = Instant::now();
    let (mut right, mut refused, mut longest) = (0, 0, Duration::ZERO);
    let mut every = tokio::time::interval(SIGN_IN_EVERY);
    let mut host = 1;
    while begun.elapsed() < FLOOD {
        every.tick().await;
        let mut connection = Connection::new(Ipv4Addr::new(127, 0, network, host).into(), to);
        host += 1;
        let asked = Instant::now();
        let answer = connection.post("/api/auth/login", &login(PASSWORD)).await?;
        longest = longest.max(asked.elapsed());
        if answer.status == 200 { right += 1 } else { refused += 1 }
    }
    Ok((right, refused, longest))
}

fn ratio(pages: &[Duration], calm: &[Duration]) -> f64 {
    quantile(pages, 0.99).as_secs_f64() / quantile(calm, 0.99).as_secs_f64().max(1e-9)
}

fn report(name: &str, times: &[Duration]) {
    let ms = |share: f64| quantile(times, share).as_secs_f64() * 1000.0;
    println!("{name}: {} pages, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms", times.len(), ms(0.5), ms(0.99), ms(1.0));
}
