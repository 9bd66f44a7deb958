//! `reeve check`: every configured connection, one line each.

use super::table;
use crate::{
    config::Config,
    run::{self, output::say},
};
use reeve_estate::TargetSpec;
use std::process::ExitCode;

/// Tests them all; exit code 1 when one fails.
pub async fn run(config: &Config) -> Result<ExitCode, String> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut notes: Vec<String> = Vec::new();
    let mut failed = false;
    if config.store.is_empty() {
        rows.push(vec!["main".into(), "embedded".into(), "—".into(), embedded(&mut failed, &mut notes), "—".into(), "—".into()]);
    }
    let mut specs = Vec::new();
    for (role, endpoint) in &config.store {
        specs.push((role.word().to_owned(), Ok(run::store::as_target(*role, endpoint)?)));
    }
    let targets = run::signals::unless_stopped("Stopped before it was done.", async { Ok(run::targets::all(config).await) }).await?;
    let none = targets.all.is_empty();
    let whole = |spec: TargetSpec| TargetSpec::new(spec.info, spec.endpoint);
    specs.extend(targets.all.into_iter().map(|(name, spec)| (name.to_string(), spec.map(whole))));
    // What could not be looked at has not passed.
    failed |= targets.note.is_some();
    notes.extend(targets.note);
    for (name, spec) in specs {
        let spec = match spec {
            Ok(spec) => spec,
            Err(sentence) => {
                failed = true;
                rows.push(vec![name.clone(), "stored".into(), "failed".into(), "—".into(), "—".into(), "—".into()]);
                notes.push(format!("{name}: {sentence}"));
                continue;
            }
        };
        let address = spec.endpoint.redacted();
        match reeve_estate::check(&spec).await {
            Ok(report) => {
                let tls = if report.tls { "yes" } else { "no" };
                let latency = format!("{:.1} ms", report.latency_ms);
                if report.pooled {
                    notes.push(format!("{name}: {}", reeve_estate::check::POOLED));
                }
                rows.push(vec![name.clone(), address, latency, report.version, report.user, tls.into()]);
                notes.extend(report.missing.into_iter().map(|sentence| format!("{name}: {sentence}")));
            }
            Err(error) => {
                failed = true;
                rows.push(vec![name.clone(), address, "failed".into(), "—".into(), "—".into(), "—".into()]);
                notes.push(format!("{name}: {error}"));
            }
        }
    }
    say(table(&["connection", "address", "latency", "version", "role", "tls"], &rows));
    for note in notes {
        say(note);
    }
    if none {
        say(run::targets::NONE);
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The embedded cluster is only looked for, not started.
fn embedded(failed: &mut bool, notes: &mut Vec<String>) -> String {
    match reeve_cluster::binaries::choose(&reeve_cluster::binaries::installed(), None) {
        Ok(found) => format!("PostgreSQL {} (not started)", found.major),
        Err(error) => {
            *failed = true;
            notes.push(format!("main: {error}"));
            "—".to_owned()
        }
    }
}
