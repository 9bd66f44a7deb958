//! `reeve doctor`: what each missing right or extension keeps from being seen, and the SQL that helps (SPEC A9).

use super::target_test::tell_gap;
use crate::{
    config::Config,
    run::{
        self,
        output::{complain, say},
    },
};
use reeve_service::registry::trial::{Looked, Missing, gaps, look};
use serde_json::{Value, json};
use std::process::ExitCode;

/// One look at every target with all probes, and at the evidence of all controls. Exit code 1 when something is missing that
/// somebody could give, or a target can't be reached; what a server's version lacks is told, too, and is no fault.
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
    let well = whole && all.iter().all(|(_, found)| found.as_ref().is_ok_and(|looked| looked.missing.is_empty()));
    if as_json {
        let one = |(name, found): &(String, Result<Looked, String>)| match found {
            Ok(looked) => json!({ "name": name, "missing": parts(&looked.missing), "not_here": parts(&looked.beyond) }),
            Err(why) => json!({ "name": name, "fault": why }),
        };
        say(format!("{:#}", json!({ "targets": all.iter().map(one).collect::<Vec<_>>() })));
    } else {
        all.into_iter().for_each(|(name, found)| tell(&name, found));
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// For programs: each gap with the statements that close it.
fn parts(missing: &Missing) -> Vec<Value> {
    let of = |gap: reeve_model::registration::Gap| {
        let sql: Vec<&str> = gap.remedy.as_deref().unwrap_or_default().lines().collect();
        json!({ "because": gap.because, "sql": sql, "missing": gap.without })
    };
    gaps(missing.clone()).into_iter().map(of).collect()
}

fn tell(name: &str, found: Result<Looked, String>) {
    let Looked { missing, beyond } = match found {
        Err(why) => return say(format!("{name}: {why}")),
        Ok(looked) => looked,
    };
    match (missing.is_empty(), beyond.is_empty()) {
        (true, true) => say(format!("{name}: nothing is missing; every panel and every control has what it needs.")),
        (true, false) => say(format!("{name}: nothing is missing.")),
        (false, _) => say(format!("{name}:")),
    }
    gaps(missing).iter().for_each(tell_gap);
    if !beyond.is_empty() {
        say("  What is not to be had here, and is no fault:");
        for gap in gaps(beyond) {
            say(format!("    {} Without it: {}.", gap.because, gap.without.join(", ")));
        }
    }
}
