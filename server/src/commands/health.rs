//! `reeve health`: one look at every configured target.

use super::table;
use crate::{
    config::Config,
    run::{
        self,
        output::{complain, say},
    },
};
use reeve_estate::{Collector, TargetSpec};
use reeve_model::{Status, UnixMs};
use serde_json::json;
use std::process::ExitCode;

/// Two rounds, so that there are rates; then the verdict. Exit code 1 unless all are healthy.
pub async fn run(config: &Config, as_json: bool) -> Result<ExitCode, String> {
    let targets = run::signals::unless_stopped("Stopped before it was done.", async { Ok(run::targets::all(config).await) }).await?;
    // What could not be looked at is not healthy.
    let left_out = targets.note.clone();
    if let Some(note) = targets.note {
        complain(note);
    }
    if targets.all.is_empty() {
        return Err(run::targets::NONE.to_owned());
    }
    let specs: Vec<TargetSpec> = targets.all.into_iter().map(|(_, spec)| spec).collect::<Result<_, _>>()?;
    let looks = specs.into_iter().map(|spec| async {
        let name = spec.info.name.clone();
        let mut collector = Collector::new(TargetSpec::new(spec.info, spec.endpoint));
        collector.round(true).await;
        tokio::time::sleep_until(collector.next_due(true)).await;
        let snapshot = collector.round(true).await;
        collector.close().await;
        let verdict = reeve_rules::judge(&snapshot, UnixMs::now(), None);
        (name, verdict)
    });
    let verdicts = futures::future::join_all(looks).await;
    let estate = reeve_rules::estate(&verdicts, UnixMs::now(), None);
    if as_json {
        let targets: Vec<_> = verdicts.iter().map(|(name, verdict)| json!({ "name": name, "verdict": verdict })).collect();
        say(format!("{:#}", json!({ "overall": estate.status, "estate": estate, "targets": targets, "left_out": left_out })));
    } else {
        let rows: Vec<Vec<String>> = verdicts
            .iter()
            .map(|(name, v)| {
                let score = v.score.map_or_else(|| "—".to_owned(), |s| format!("{s:.0}"));
                vec![name.to_string(), v.status.word().to_owned(), score, format!("{:.0} %", v.measured_ratio * 100.0)]
            })
            .collect();
        say(table(&["target", "status", "score", "measured"], &rows));
        for (name, verdict) in &verdicts {
            for reason in &verdict.reasons {
                say(format!("{name}: {} {}", reason.sentence, reason.next));
            }
        }
    }
    Ok(if left_out.is_none() && estate.status == Status::Healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
