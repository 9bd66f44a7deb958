//! Testing a target: whether it can be watched, and what each missing right or extension keeps from being seen (SPEC A6, A9).

use reeve_adapter::{AdapterError, Endpoint};
use reeve_estate::{Collector, TargetSpec, check, evidence, probe::is_beyond};
use reeve_model::{
    Reach, TargetInfo,
    probe::ProbeOutcome,
    registration::{Gap, Trial},
};
use reeve_rules::{Source, compliance::registry::CONTROLS};
use std::collections::BTreeMap;

/// One thing that would have to change, and all that it keeps away.
pub type Missing = BTreeMap<String, Vec<String>>;

/// What a look found.
#[derive(Debug, Default)]
pub struct Looked {
    /// What somebody could give.
    pub missing: Missing,
    /// What nobody is asked for: the server's version lacks it, or it would take the right to read all rows. It is told and is no fault.
    pub beyond: Missing,
}

/// What could not be read, by the reason: all probes once, and the evidence of all controls.
///
/// # Errors
/// One sentence when the target can't be reached.
pub async fn look(info: &TargetInfo, endpoint: &Endpoint) -> Result<Looked, String> {
    let spec = TargetSpec::new(info.clone(), endpoint.clone());
    let mut collector = Collector::new(spec.clone());
    let snapshot = collector.round(true).await;
    collector.close().await;
    if let Reach::Down { sentence, .. } = &snapshot.reach {
        return Err(sentence.clone());
    }
    let mut looked = Looked::default();
    let mut note = |why: &str, what: String| {
        let part = if is_beyond(why) { &mut looked.beyond } else { &mut looked.missing };
        let all = part.entry(why.to_owned()).or_default();
        if !all.contains(&what) {
            all.push(what);
        }
    };
    for run in &snapshot.probes {
        let place = run.database.as_ref().map_or_else(String::new, |d| format!(" of {d}"));
        match &run.outcome {
            ProbeOutcome::Ok => {}
            // That a server runs on another machine than Reeve is no gap that somebody could close.
            ProbeOutcome::Unavailable { .. } if run.id == Source::Disk.probe() => {}
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
    Ok(looked)
}

/// Connects as a collector would, to each of `databases` too, and looks for all that is missing. What can't be reached, is too old, or
/// lets nobody into a database that is named, has a fault.
pub async fn attempt(info: &TargetInfo, endpoint: &Endpoint, databases: &[String]) -> Trial {
    let at = |endpoint: &Endpoint| TargetSpec::new(info.clone(), endpoint.clone());
    let report = match check(&at(endpoint)).await {
        Ok(report) => report,
        Err(error) => return refused(endpoint, &error),
    };
    let mut trial = Trial {
        latency_ms: Some(report.latency_ms),
        version: Some(report.version),
        user: Some(report.user),
        standby: report.standby,
        tls: report.tls,
        pooled: report.pooled.then(|| check::POOLED.to_owned()),
        missing: Vec::new(),
        sql: report.sql,
        fault: None,
    };
    if report.too_old {
        let version = trial.version.as_deref().unwrap_or_default();
        trial.fault = Some(format!("{version} is older than 13; Reeve reads PostgreSQL 13 to 18."));
        return trial;
    }
    for database in databases {
        let endpoint = endpoint.with_database(database);
        if let Err(error) = check(&at(&endpoint)).await {
            return refused(&endpoint, &error);
        }
    }
    match look(info, endpoint).await {
        Ok(looked) => trial.missing = gaps(looked.missing).into_iter().chain(gaps(looked.beyond)).collect(),
        Err(sentence) => trial.fault = Some(sentence),
    }
    trial
}

/// One gap for each remedy, those that keep most away first; what no SQL changes comes last.
#[must_use]
pub fn gaps(missing: Missing) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for (why, without) in missing {
        let (because, remedy) = match why.split_once("; run ").or_else(|| why.split_once("; then run ")) {
            Some((because, remedy)) => (format!("{because}."), Some(statements(remedy).join("\n"))),
            None => (why, None),
        };
        match gaps.iter_mut().find(|gap| remedy.is_some() && gap.remedy == remedy) {
            None => gaps.push(Gap { because, remedy, without }),
            Some(gap) => {
                gap.because = format!("{} {because}", gap.because);
                let new: Vec<String> = without.into_iter().filter(|what| !gap.without.contains(what)).collect();
                gap.without.extend(new);
            }
        }
    }
    gaps.sort_by_key(|gap| (gap.remedy.is_none(), std::cmp::Reverse(gap.without.len())));
    gaps
}

/// The statements of a remedy. A quoted name may hold anything; a comment belongs to the statement before it.
fn statements(sql: &str) -> Vec<String> {
    let (mut all, mut rest, mut quote) = (Vec::new(), sql, None);
    for (at, c) in sql.char_indices() {
        let begun = sql.len() - rest.len();
        match quote {
            Some(open) => quote = Some(open).filter(|open| *open != c),
            None if c == '"' || c == '\'' => quote = Some(c),
            None if sql[at..].starts_with("--") => break,
            None if sql[at..].starts_with("; ") && !sql[at + 2..].starts_with("--") => {
                all.push(sql[begun..=at].trim().to_owned());
                rest = &sql[at + 1..];
            }
            None => {}
        }
    }
    all.push(rest.trim().to_owned());
    all
}

fn refused(endpoint: &Endpoint, error: &AdapterError) -> Trial {
    let sql = reeve_estate::check::repair(endpoint, error);
    let fault = Some(error.to_string());
    Trial { latency_ms: None, version: None, user: None, standby: false, tls: false, pooled: None, missing: Vec::new(), sql, fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a6_what_one_grant_changes_is_one_gap_and_what_sql_does_not_change_comes_last() {
        let missing: Missing = [
            ("A needs a newer server.", vec!["“A”"]),
            ("B can't be read; run GRANT b TO x;", vec!["“B”"]),
            ("C can't be read; run GRANT c TO x;", vec!["“C”", "control C-1"]),
            ("D can't be read; run GRANT b TO x;", vec!["“B”", "“D”", "“E”"]),
        ]
        .into_iter()
        .map(|(why, without)| (why.to_owned(), without.into_iter().map(str::to_owned).collect()))
        .collect();
        let gaps = gaps(missing);
        let told: Vec<_> = gaps.iter().map(|g| (g.remedy.as_deref(), g.because.as_str(), g.without.join(" "))).collect();
        assert_eq!(
            told,
            [
                (Some("GRANT b TO x;"), "B can't be read. D can't be read.", "“B” “D” “E”".to_owned()),
                (Some("GRANT c TO x;"), "C can't be read.", "“C” control C-1".to_owned()),
                (None, "A needs a newer server.", "“A”".to_owned()),
            ]
        );
    }

    #[test]
    fn a9_each_statement_has_a_line_and_a_remark_stays_behind_it() {
        let why = "X can't be read; run GRANT SELECT ON a TO \"x; y\"; GRANT EXECUTE ON FUNCTION f() TO \"x; y\"; -- in database \"o; p\"";
        let gaps = gaps(Missing::from([(why.to_owned(), vec!["“X”".to_owned()])]));
        let remedy = gaps[0].remedy.as_deref().unwrap_or_default();
        let lines: Vec<&str> = remedy.lines().collect();
        let second = "GRANT EXECUTE ON FUNCTION f() TO \"x; y\"; -- in database \"o; p\"";
        assert_eq!(lines, ["GRANT SELECT ON a TO \"x; y\";", second]);
        let later = statements("CREATE EXTENSION pg_stat_statements; -- in database \"postgres\"");
        assert_eq!(later, ["CREATE EXTENSION pg_stat_statements; -- in database \"postgres\""]);
    }
}
