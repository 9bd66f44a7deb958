//! `reeve compliance`: scan the configured targets, and what is scanned for.

use super::table;
use crate::{
    config::Config,
    run::{
        self,
        output::{complain, say},
    },
};
use clap::{Subcommand, ValueEnum};
use reeve_estate::TargetSpec;
use reeve_model::{
    TargetName, UnixMs,
    compliance::{AuditReport, ControlState, Evidence, Finding, Scan, Score, Severity},
    hidden,
};
use reeve_rules::compliance::{self, Context, catalogue, registry};
use serde_json::json;
use std::process::ExitCode;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Read the evidence of every configured target and judge it. Exit code 0: nothing at or above --fail-on; 1: findings; 2: not every target could be scanned.
    Scan {
        /// Only this target; may be given several times.
        #[arg(long)]
        target: Vec<String>,
        /// The least severity that makes the exit code 1.
        #[arg(long, value_enum, default_value_t = FailOn::High)]
        fail_on: FailOn,
        /// Everything as JSON: score, compliance, vulnerabilities, recommendations, coverage.
        #[arg(long, conflicts_with = "csv")]
        json: bool,
        /// The findings as CSV.
        #[arg(long)]
        csv: bool,
        /// With --json: also every answer of every target, as it was read.
        #[arg(long, requires = "json")]
        evidence: bool,
    },
    /// The catalogue of controls: which are judged, and why the others are not.
    Controls {
        /// The same as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// From which severity on a finding makes the command fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Only critical ones.
    Critical,
    /// High ones and above.
    High,
    /// Medium ones and above.
    Medium,
    /// Low ones and above.
    Low,
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            Self::Critical => Severity::Critical,
            Self::High => Severity::High,
            Self::Medium => Severity::Medium,
            Self::Low => Severity::Low,
        }
    }
}

/// Not every target could be scanned.
const NOT_SCANNED: u8 = 2;

/// What was asked for of a scan.
struct Wanted {
    fail_on: Severity,
    json: bool,
    csv: bool,
    evidence: bool,
}

/// Runs what needs the configuration.
pub async fn run(config: &Config, what: &What) -> Result<ExitCode, String> {
    match what {
        What::Controls { json } => controls(*json),
        What::Scan { target, fail_on, json, csv, evidence } => {
            let wanted = Wanted { fail_on: fail_on.severity(), json: *json, csv: *csv, evidence: *evidence };
            match scan(config, target, &wanted).await {
                Ok(code) => Ok(code),
                Err(sentence) => {
                    complain(sentence.trim_end());
                    Ok(ExitCode::from(NOT_SCANNED))
                }
            }
        }
    }
}

/// What one target gave.
struct Seen {
    scan: Scan,
    findings: Vec<Finding>,
    evidence: Vec<Evidence>,
}

async fn scan(config: &Config, only: &[String], wanted: &Wanted) -> Result<ExitCode, String> {
    let work = async { Ok(run::targets::all(config).await) };
    let targets = run::signals::unless_stopped("Stopped before it was done.", work).await?;
    // What could not be looked at was not scanned.
    let whole = targets.note.is_none();
    if let Some(note) = targets.note {
        complain(note);
    }
    if targets.all.is_empty() {
        return Err(run::targets::NONE.to_owned());
    }
    if let Some(name) = only.iter().find(|n| !targets.all.iter().any(|(name, _)| name.as_str() == n.as_str())) {
        return Err(format!("No target is called {name}; `reeve check` lists them."));
    }
    let chosen = targets.all.into_iter().filter(|(name, _)| only.is_empty() || only.iter().any(|n| n == name.as_str()));
    let looks = chosen.map(|(name, spec)| async move { (name, look(spec).await) });
    let work = async { Ok(futures::future::join_all(looks).await) };
    let looks = run::signals::unless_stopped("Stopped before it was done.", work).await?;
    let (mut seen, mut failed): (Vec<Seen>, Vec<(TargetName, String)>) = (Vec::new(), Vec::new());
    for (name, outcome) in looks {
        match outcome {
            Ok(one) => seen.push(one),
            Err(sentence) => failed.push((name, sentence)),
        }
    }
    let scans: Vec<Scan> = seen.iter().map(|s| s.scan.clone()).collect();
    let findings = seen.iter().flat_map(|s| s.findings.iter().cloned()).collect();
    let report = compliance::report(UnixMs::now(), &scans, &failed, findings);
    if wanted.csv {
        csv(&report);
    } else if wanted.json {
        say(format!("{:#}", as_json(&report, &seen, wanted.evidence)?));
    } else {
        text(&report, &scans);
    }
    for (name, sentence) in &failed {
        complain(format!("{name} could not be scanned: {sentence}"));
    }
    let hit = report.vulnerabilities.iter().any(|f| f.severity >= wanted.fail_on);
    Ok(match (whole && failed.is_empty(), hit) {
        (false, _) => ExitCode::from(NOT_SCANNED),
        (true, true) => ExitCode::FAILURE,
        (true, false) => ExitCode::SUCCESS,
    })
}

async fn look(spec: Result<TargetSpec, String>) -> Result<Seen, String> {
    let spec = spec?;
    let set = reeve_estate::evidence::collect(&spec).await.map_err(|e| e.to_string())?;
    let context = Context::new(UnixMs::now());
    let scan = compliance::judge(&set, &context);
    let findings = compliance::findings(&[], &scan, &context);
    Ok(Seen { scan, findings, evidence: set.items })
}

fn as_json(report: &AuditReport, seen: &[Seen], evidence: bool) -> Result<serde_json::Value, String> {
    let mut value = serde_json::to_value(report).map_err(|e| format!("The report can't be written as JSON ({e})."))?;
    let scans: Vec<_> = seen.iter().map(|s| &s.scan).collect();
    value["scans"] = json!(scans);
    if evidence {
        let all: Vec<_> = seen.iter().map(|s| json!({ "target": s.scan.target, "items": s.evidence })).collect();
        value["evidence"] = json!(all);
    }
    Ok(value)
}

fn csv(report: &AuditReport) {
    say(line(&["fingerprint", "target", "control", "severity", "state", "database", "object", "sentence", "fix", "undo", "lock"]));
    for f in &report.vulnerabilities {
        let database = f.offender.database.as_deref().unwrap_or_default();
        say(line(&[
            &f.fingerprint,
            f.target.as_str(),
            &f.control,
            f.severity.word(),
            f.state.word(),
            database,
            &f.offender.object,
            &f.offender.sentence,
            &f.offender.fix,
            &f.offender.undo,
            &f.lock,
        ]));
    }
}

/// One line of CSV (RFC 4180). What a spreadsheet would take for a formula gets an apostrophe in front.
fn line(cells: &[&str]) -> String {
    let cell = |text: &&str| {
        let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { (*text).to_owned() };
        if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(",")
}

/// A name of the estate on a terminal: what is not seen, or moves the cursor, is written out.
fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if hidden(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "—".to_owned(), |v| format!("{v:.1}"))
}

/// The score in one sentence, never without what stands behind it.
fn sentence(score: &Score, total: u32) -> String {
    let judged =
        format!("{} of {total} controls judged, {} unknown, {} not applicable", score.assessed(), score.unknown, score.not_applicable);
    match score.proven {
        None => format!("no data ({judged})"),
        Some(proven) => {
            let cap = score.cap.as_ref().map_or_else(String::new, |c| format!(" {}", c.sentence));
            format!("{proven:.1} proven, up to {} if the unknowns pass ({judged}).{cap}", figure(score.upper))
        }
    }
}

fn text(report: &AuditReport, scans: &[Scan]) {
    for f in &report.vulnerabilities {
        let place = f.offender.database.as_deref().map_or_else(|| f.target.to_string(), |d| format!("{}/{d}", f.target));
        say(format!("{:<8}  {}  {}: {}", f.severity.word(), f.control, visible(&place), visible(&f.offender.sentence)));
        say(format!("          {}", visible(&f.offender.fix)));
    }
    for scan in scans {
        for result in &scan.results {
            if let ControlState::Unknown { reason } = &result.state {
                say(format!("unknown   {}  {}: {}", result.control, scan.target, visible(reason)));
            }
        }
    }
    let rows: Vec<Vec<String>> = report
        .compliance
        .iter()
        .map(|v| {
            let counts = [v.total, v.met, v.partly, v.unmet, v.unknown, v.no_evidence, v.only_person];
            std::iter::once(v.title.clone()).chain(counts.iter().map(u32::to_string)).collect()
        })
        .collect();
    say(table(&["framework", "clauses", "met", "partly", "unmet", "unknown", "no evidence", "only a person"], &rows));
    for target in &report.targets {
        match (&target.score, &target.failure) {
            (Some(score), _) => say(format!("{}: {}", target.target, sentence(score, report.coverage.total))),
            (None, why) => say(format!("{}: not scanned. {}", target.target, why.as_deref().unwrap_or_default())),
        }
    }
    if report.targets.len() > 1 {
        say(format!("all: {}", sentence(&report.score, report.coverage.total)));
    }
    say(&report.disclaimer);
}

/// The catalogue as a table.
pub fn controls(as_json: bool) -> Result<ExitCode, String> {
    if as_json {
        let all: Vec<_> = catalogue::ENTRIES
            .iter()
            .map(|e| {
                let judged = registry::control(e.id);
                json!({ "id": e.id, "title": e.title, "severity": e.severity, "category": e.category, "clauses": e.clauses,
                        "judged": judged.is_some(), "why": judged.map(|c| c.why), "advice": judged.map(|c| c.advice),
                        "evidence": judged.map(|c| c.evidence), "reason": judged.is_none().then(|| e.unjudged()) })
            })
            .collect();
        say(format!("{:#}", json!(all)));
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = catalogue::ENTRIES
        .iter()
        .map(|e| {
            let how = if registry::control(e.id).is_some() { "judged" } else { e.unjudged() };
            vec![e.id.to_owned(), e.severity.word().to_owned(), e.title.to_owned(), how.to_owned()]
        })
        .collect();
    say(table(&["control", "severity", "demands", "state"], &rows));
    say(format!("{} of {} controls are judged.", registry::CONTROLS.len(), catalogue::ENTRIES.len()));
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_a_cell_is_never_a_formula_and_a_name_never_moves_the_cursor() {
        assert_eq!(line(&["a", "=1+1", "x,\"y\"", "-2", "@x"]), "a,'=1+1,\"x,\"\"y\"\"\",'-2,'@x");
        assert_eq!(visible("a\nb\u{1b}[2Jc\u{202e}"), "a\\nb\\u{1b}[2Jc\\u{202e}");
    }

    #[test]
    fn e1_a_score_without_data_is_no_number() {
        assert_eq!(sentence(&Score::default(), 150), "no data (0 of 150 controls judged, 0 unknown, 0 not applicable)");
    }
}
