//! What a test of a target found, for people and for programs.

use crate::run::output::say;
use reeve_model::registration::{Gap, Trial};
use serde_json::{Value, json};

/// Says what a test found.
pub fn tell(name: &str, trial: &Trial) {
    match (&trial.fault, trial.latency_ms) {
        (None, Some(latency_ms)) => {
            let (kind, encrypted) = (if trial.standby { ", a standby" } else { "" }, if trial.tls { "with TLS" } else { "without TLS" });
            let (version, user) = (trial.version.as_deref().unwrap_or_default(), trial.user.as_deref().unwrap_or_default());
            say(format!("{name} answers in {latency_ms:.1} ms: {version}{kind}, as the role {user}, {encrypted}."));
            if let Some(pooled) = &trial.pooled {
                say(pooled);
            }
            if trial.missing.is_empty() {
                say("Nothing is missing; every panel and every control has what it needs.");
            }
            for gap in &trial.missing {
                tell_gap(gap);
            }
        }
        (fault, _) => say(format!("{name} can't be watched: {}", fault.as_deref().unwrap_or("it did not answer"))),
    }
    if !trial.sql.is_empty() {
        say("What a superuser of that server can run for it:");
        trial.sql.iter().for_each(|statement| say(format!("  {statement}")));
    }
}

/// Says what is missing: the SQL that helps, a line for each statement as it can be run, then what it is for.
pub fn tell_gap(gap: &Gap) {
    match &gap.remedy {
        Some(sql) => {
            sql.lines().for_each(|statement| say(format!("  {statement}")));
            say(format!("    now: {}", gap.because));
        }
        None => say(format!("  {}", gap.because)),
    }
    say(format!("    without it: {}", gap.without.join(", ")));
}

/// The same as JSON.
pub fn as_json(name: &str, trial: &Trial) -> Value {
    match &trial.fault {
        None => {
            let missing: Vec<Value> =
                trial.missing.iter().map(|gap| json!({ "because": gap.because, "remedy": gap.remedy, "missing": gap.without })).collect();
            json!({
                "name": name, "good": true, "latency_ms": trial.latency_ms, "version": trial.version, "role": trial.user,
                "standby": trial.standby, "tls": trial.tls, "pooled": trial.pooled.is_some(), "missing": missing, "sql": trial.sql,
            })
        }
        Some(fault) => json!({ "name": name, "good": false, "fault": fault, "sql": trial.sql }),
    }
}
