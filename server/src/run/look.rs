//! One look at a target: what each missing right or extension keeps from being seen (SPEC A9).

use reeve_adapter::Endpoint;
use reeve_estate::{Collector, TargetSpec, evidence};
use reeve_model::{Reach, TargetInfo, probe::ProbeOutcome};
use reeve_rules::compliance::registry::CONTROLS;
use std::collections::BTreeMap;

/// One thing that would have to change, and all that it keeps away.
pub type Missing = BTreeMap<String, Vec<String>>;

/// What could not be read, by the reason: all probes once, and the evidence of all controls.
///
/// # Errors
/// One sentence when the target can't be reached.
pub async fn look(info: &TargetInfo, endpoint: &Endpoint) -> Result<Missing, String> {
    let spec = TargetSpec::new(info.clone(), endpoint.clone());
    let mut collector = Collector::new(spec.clone());
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
