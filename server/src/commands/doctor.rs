//! `reeve doctor`: what each missing right or extension keeps from being seen, and the SQL that helps (SPEC A9).

use crate::{
    config::Config,
    run::{
        self,
        output::{complain, say},
    },
};
use reeve_service::registry::trial::{Missing, look};
use serde_json::json;
use std::process::ExitCode;

/// One look at every target with all probes, and at the evidence of all controls. Exit code 1 when something is missing or a target can't
/// be reached.
pub async fn run(config: &Config, as_json: bool) -> Result<ExitCode, String> {
    let work = async {
        let targets = run::targets::all(config).await;
        let whole = targets.note.is_none();
        if let Some(note) = targets.note {
            complain(note);
        }
        let mut all = Vec::new();
        for (name, spec) in targets.all {
            let found = match spec {
                Ok(spec) => look(&spec.info, &spec.endpoint).await,
                Err(sentence) => Err(sentence),
            };
            all.push((name.to_string(), found));
        }
        if all.is_empty() { Err(run::targets::NONE.to_owned()) } else { Ok((all, whole)) }
    };
    let (all, whole) = run::signals::unless_stopped("Stopped before it was done.", work).await?;
    // What could not be looked at may lack anything.
    let well = whole && all.iter().all(|(_, found)| found.as_ref().is_ok_and(Missing::is_empty));
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
