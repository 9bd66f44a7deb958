//! How a job ended, as a sentence for people and an event for the audit trail.

use super::{Came, Stopped};
use crate::audit::Trail;
use reeve_model::{
    audit::{AuditEvent, Outcome},
    backup::{BackupJob, DrillOutcome, JobProgress, JobState, JobWhat, RestoreReport, Verification, VerificationLevel},
};
use reeve_rules::words::{bytes, count, float, milliseconds, things};
use reeve_store::backup_jobs::Ending;
use serde_json::json;

/// What is said of jobs that Reeve itself ended with.
pub(super) fn cut_off(what: JobWhat) -> String {
    match what {
        JobWhat::Replace => "Reeve ended while it was at work. If there is a database NAME_before_TIME of about then, it was replaced; if not, nothing of it counts: ask for it again.",
        JobWhat::PutBack => "Reeve ended while it was at work. If the table is there again, look for foreign keys of other tables that pointed to it; if not, nothing of it counts: ask for it again.",
        _ => "Reeve ended while it was at work. Nothing of it counts; ask for it again.",
    }
    .to_owned()
}

/// What is written of a job that came to its end.
pub(super) fn of(came: Result<Came, Stopped>, progress: Option<JobProgress>) -> Ending {
    let blank = Ending { state: JobState::Done, sentence: String::new(), backup: None, progress, restored: None };
    match came {
        Ok(Came::Backup(backup)) => {
            let rows = backup.rows().map_or_else(String::new, |rows| format!(" with {} rows", count(whole(rows))));
            let tables = things(small(backup.tables.len() as u64), "table", "tables");
            let sentence = format!("{tables}{rows} are stored in {} and were read back.", bytes(whole(backup.size_bytes)));
            Ending { sentence, backup: Some(backup.id), ..blank }
        }
        Ok(Came::Verified(verification)) => verified(&verification, blank),
        Ok(Came::Drilled(drill)) => {
            let (state, sentence) = match (drill.outcome, &drill.failure, drill.differences.first()) {
                (DrillOutcome::Failed, Some(why), _) => (JobState::Failed, format!("It could not be restored: {}", sentence(why))),
                (DrillOutcome::Failed, None, Some(first)) => {
                    let tables = things(small(drill.differences.len() as u64), "table", "tables");
                    let first = format!("{}.{}: {}", first.schema, first.name, first.sentence);
                    (JobState::Failed, format!("{tables} did not come back as backed up. {first}"))
                }
                (DrillOutcome::Failed, None, None) => {
                    (JobState::Failed, "It was restored, and what was checked then is not sound.".to_owned())
                }
                (outcome, ..) => {
                    let tables = things(small(drill.tables_compared), "table", "tables");
                    let time = drill.rto.map_or_else(String::new, |rto| format!(" within {}", milliseconds(whole(rto.measured_ms))));
                    let late = if outcome == DrillOutcome::Late { ", which is longer than it may take" } else { "" };
                    let rows = count(whole(drill.rows_compared));
                    (JobState::Done, format!("All {rows} rows of {tables} came back as they were{time}{late}."))
                }
            };
            Ending { state, sentence, ..blank }
        }
        Ok(Came::Restored(report)) => {
            let sentence = if report.differences.is_empty() {
                let rows = count(whole(report.rows_compared));
                format!("The database {} holds all {rows} rows as they were backed up.", report.database)
            } else {
                let tables = things(small(report.differences.len() as u64), "table", "tables");
                format!("The database {} is there, but {tables} in it are not as backed up.", report.database)
            };
            Ending { sentence: with_notes(sentence, &report), restored: Some(report), ..blank }
        }
        Ok(Came::Replaced(report)) => replaced(report, blank),
        Ok(Came::PutBack { database, table, rows, difference, keys, keys_missing, views_missing }) => {
            let rows = count(whole(rows));
            let mut sentence = match difference {
                None => format!("{table} is back in {database}, with all {rows} rows as they were backed up."),
                Some(why) => format!("{table} is back in {database} with {rows} rows, but not as it was backed up. {why}"),
            };
            if keys > 0 {
                let many = things(small(keys), "foreign key of another table points", "foreign keys of other tables point");
                sentence.push_str(&format!(" {many} to it again."));
            }
            if let Some(first) = keys_missing.first() {
                let many = things(small(keys_missing.len() as u64), "foreign key is", "foreign keys are");
                sentence.push_str(&format!(" But {many} not as before; the first: {first}."));
            }
            if let Some(first) = views_missing.first() {
                let more = match views_missing.len() {
                    1 => String::new(),
                    n => format!(" and {}", things(small(n as u64 - 1), "more view", "more views")),
                };
                sentence.push_str(&format!(
                    " Views over it are still missing ({first}{more}): make them again as they are in the restored database."
                ));
            }
            Ending { sentence, ..blank }
        }
        Err(Stopped::Cancelled) => {
            Ending { state: JobState::Cancelled, sentence: "It was cancelled, and nothing of it is kept.".to_owned(), ..blank }
        }
        Err(Stopped::Failed(why)) => Ending { state: JobState::Failed, sentence: sentence(&why), ..blank },
    }
}

fn replaced(report: RestoreReport, blank: Ending) -> Ending {
    let (state, sentence) = match &report.kept_as {
        Some(kept) => {
            let rows = count(whole(report.rows_compared));
            let new = &report.database;
            (JobState::Done, format!("{new} is the backup now, with all {rows} rows. The database before it is kept as {kept}."))
        }
        None => {
            let tables = things(small(report.differences.len() as u64), "table", "tables");
            let new = &report.database;
            (
                JobState::Failed,
                format!("Nothing was replaced, because {tables} did not come back as backed up. What came back is in {new}."),
            )
        }
    };
    Ending { state, sentence: with_notes(sentence, &report), restored: Some(report), ..blank }
}

fn with_notes(sentence: String, report: &RestoreReport) -> String {
    report.notes.iter().fold(sentence, |all, note| format!("{all} {note}"))
}

fn verified(v: &Verification, blank: Ending) -> Ending {
    let objects = things(small(v.objects), "object", "objects");
    match v.faults.first() {
        Some(first) => {
            let sentence = format!("{} of {objects} are damaged. {}: {}", v.faults.len(), first.object, sentence(&first.sentence));
            Ending { state: JobState::Failed, sentence, ..blank }
        }
        None => {
            let deeper = if v.level == VerificationLevel::Full { ", and pg_restore read the dump to its end" } else { "" };
            Ending { sentence: format!("All {objects} are as they were stored{deeper}."), ..blank }
        }
    }
}

/// The event of an end. Reeve did it; who asked stands in the event of the asking, and here by name.
pub(super) fn event(trail: &Trail, job: &BackupJob, ending: &Ending) -> AuditEvent {
    let verb = match job.act.what() {
        JobWhat::Backup => "make",
        JobWhat::PutBack => "put back",
        other => other.word(),
    };
    let outcome = match ending.state {
        JobState::Failed => Outcome::Failed,
        _ => Outcome::Done,
    };
    let backup = ending.backup.as_ref().or(job.backup.as_ref());
    let after = json!({
        "job": job.id,
        "asked_by": job.asked_by,
        "agreed_by": job.agreed.as_ref().map(|(who, _)| who),
        "state": ending.state,
        "sentence": ending.sentence,
        "backup": backup,
        "restored_as": ending.restored.as_ref().map(|r| &r.database),
        "kept_as": ending.restored.as_ref().and_then(|r| r.kept_as.as_ref()),
    });
    trail.draft(verb, "backup", &resource(job)).outcome(outcome).after(&after).finish()
}

/// What events are about.
pub(super) fn resource(job: &BackupJob) -> String {
    format!("{}/{}", job.target, job.database)
}

/// A clause of an error as a sentence: a capital at its beginning, a full stop at its end. A program's or a table's name stays as it is.
fn sentence(clause: &str) -> String {
    let clause = clause.trim();
    let mut chars = clause.chars();
    let name = clause.split(' ').next().is_some_and(|word| word.contains(['_', '.', '/']));
    let head: String = chars.next().into_iter().flat_map(|c| if name { vec![c] } else { c.to_uppercase().collect() }).collect();
    let text = format!("{head}{}", chars.as_str());
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}

fn whole(n: u64) -> f64 {
    float(small(n))
}

fn small(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
