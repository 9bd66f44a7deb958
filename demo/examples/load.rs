//! Loads the sample estate and prints figures: `cargo run -p reeve-demo --example load -- <superuser url of postgres> [seconds of workload]`.

use std::time::{Duration, Instant};

use reeve_demo::{Passwords, Stage, Workload, WorkloadOptions, load, prepare};
use secrecy::ExposeSecret;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("Give the superuser's URL of the database postgres.")?;
    let seconds: u64 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let with_database = |database: &str| {
        let (head, query) = url.split_once('?').map_or((url.as_str(), String::new()), |(head, query)| (head, format!("?{query}")));
        let server = head.rfind('/').map_or(head, |slash| &head[..slash]);
        format!("{server}/{database}{query}")
    };
    let password = || "sample-only".to_owned().into();
    let passwords = Passwords { owner: password(), app: password(), monitor: password() };
    let logins = prepare(with_database, &passwords).await?;
    let (mut stage, mut since) = (Stage::Clearing, Instant::now());
    let report = load(logins.owner_url.expose_secret(), |step| {
        if step.stage != stage {
            println!("{stage:?}: {:.1} s", since.elapsed().as_secs_f64());
            (stage, since) = (step.stage, Instant::now());
        }
    })
    .await?;
    println!("{stage:?}: {:.1} s", since.elapsed().as_secs_f64());
    println!("{report:#?}\n{:.1} MB", report.bytes as f64 / 1e6);
    if seconds > 0 {
        let workload = Workload::start(&logins.app_url, &WorkloadOptions::default())?;
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let counters = workload.stop().await;
        println!("{counters:?}: {:.1} transactions a second", counters.commits as f64 / seconds as f64);
    }
    Ok(())
}
