//! `reeve doctor`: what each missing right or extension keeps from being seen, and the SQL that helps (SPEC A9).

use crate::{
    config::Config,
    run::{self, output::say},
};
use reeve_estate::{Collector, TargetSpec, evidence};
use reeve_model::{Reach, probe::ProbeOutcome};
use reeve_rules::compliance::registry::CONTROLS;
use serde_json::json;
use std::{collections::BTreeMap, process::ExitCode};

/// One thing that would have to change, and all that it keeps away.
type Missing = BTreeMap<String, Vec<String>>;

/// One look at every target with all probes, and at the evidence of all controls. Exit code 1 when something is missing or a target can't
/// be reached.
pub async fn run(config: &Config, as_json: bool) -> Result<ExitCode, String> {
    if config.targets.is_empty() {
        return Err("No targets are configured; add [[target]] to reeve.toml or set REEVE_TARGET_<NAME>_URL.".to_owned());
    }
    let work = async {
        let mut all = Vec::new();
        for (target, spec) in config.targets.iter().zip(run::targets::resolve_each(config).await) {
            let found = match spec {
                Ok(spec) => look(TargetSpec::new(spec.info, spec.endpoint)).await,
                Err(sentence) => Err(sentence),
            };
            all.push((target.info.name.to_string(), found));
        }
        Ok(all)
    };
    let all = run::signals::unless_stopped("Stopped before it was done.", work).await?;
    let well = all.iter().all(|(_, found)| found.as_ref().is_ok_and(Missing::is_empty));
    if as_json {
        let one = |(name, found): &(String, Result<Missing, String>)| match found {
            Ok(missing) => {
                let missing: Vec<_> = missing.iter().map(|(why, what)| json!({ "because": why, "missing": what })).collect();
                json!({ "name": name, "missing": missing })
            }
            Err(why) => json!({ "name": name, "fault": why }),
        };
        say(format!("{:#}", json!({ "targets": all.iter().map(one).collect::<Vec<_>>() })));
    } else {
        all.iter().for_each(|(name, found)| tell(name, found));
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(name: &str, found: &Result<Missing, String>) {
    match found {
        Err(why) => say(format!("{name}: {why}")),
        Ok(missing) if missing.is_empty() => say(format!("{name}: nothing is missing; every panel and every control has what it needs.")),
        Ok(missing) => {
            say(format!("{name}:"));
            for (why, what) in missing {
                say(format!("  {why}"));
                say(format!("    without it: {}", what.join(", ")));
            }
        }
    }
}

/// What could not be read, by the reason.
async fn look(spec: TargetSpec) -> Result<Missing, String> {
    let mut collector = Collector::new(TargetSpec::new(spec.info.clone(), spec.endpoint.clone()));
    let snapshot = collector.round(true).await;
    collector.close().await;
    if let Reach::Down { sentence, .. } = &snapshot.reach {
        return Err(sentence.clone());
    }
    let mut missing = Missing::new();
    let mut note = |why: &str, what: String| {
        let all = missing.entry(why.to_owned()).or_default();
        if !all.contains(&what) {
            all.push(what);
        }
    };
    for run in &snapshot.probes {
        let place = run.database.as_ref().map_or_else(String::new, |d| format!(" of {d}"));
        match &run.outcome {
            ProbeOutcome::Ok => {}
            ProbeOutcome::Partial { sentence } => note(sentence, format!("part of “{}{place}”", run.title)),
            ProbeOutcome::Failed { sentence } | ProbeOutcome::Unavailable { sentence } => note(sentence, format!("“{}{place}”", run.title)),
        }
    }
    let evidence = evidence::collect(&spec).await.map_err(|e| format!("{e}."))?;
    for item in &evidence.items {
        let Some(why) = &item.missing else { continue };
        let controls: Vec<&str> = CONTROLS.iter().filter(|c| c.evidence.contains(&item.id.as_str())).map(|c| c.id).collect();
        controls.iter().for_each(|id| note(why, format!("control {id}")));
    }
    for (name, why) in evidence.databases.iter().filter_map(|d| d.missing.as_ref().map(|why| (&d.name, why))) {
        note(why, format!("every control in the database {name}"));
    }
    Ok(missing)
}
