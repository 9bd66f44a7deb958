//! A backup's life: made, verified, drilled, and what each found.

use crate::{
    components::{Age, StatusGlyph},
    format,
};
use leptos::prelude::*;
use reeve_model::{
    Status, Unit, UnixMs,
    backup::{AmcheckOutcome, Backup, BackupEntry, Drill, DrillOutcome, RestoreReport, Verification, VerificationLevel},
};

/// Things that are wrong and named one by one at most.
const MOST: usize = 20;
/// What a drill restores and does not compare (docs/BACKUP.md).
const NOT_COMPARED: &str = "Not compared: large objects, materialized views, foreign tables and sequences.";

pub(super) fn part(entry: &BackupEntry, restored: Option<&RestoreReport>, now: UnixMs) -> impl IntoView + use<> {
    view! {
        <section class="section" aria-labelledby="life-title">
            <header class="section-head"><h2 id="life-title">"What is proven"</h2></header>
            <ol class="proofs">
                {made(&entry.backup, now)}
                {entry.verification.as_ref().map_or_else(|| never_verified(entry.drill.is_some(), restored.is_some()), |v| verified(v, now))}
                {restored.map(|r| brought_back(r, now))}
                {entry.drill.as_ref().map_or_else(|| never_drilled(restored.is_some()), |d| drilled(d, now))}
            </ol>
        </section>
    }
}

fn step(status: Status, title: &'static str, at: Option<UnixMs>, sentence: String, wrong: Vec<String>, now: UnixMs) -> AnyView {
    let more = wrong.len().saturating_sub(MOST);
    let list = wrong.into_iter().take(MOST).map(|w| view! { <li>{w}</li> }).collect_view();
    view! {
        <li data-status=status.word()>
            <StatusGlyph status=status/>
            <div>
                <p><b>{title}</b>{at.map(|at| view! { " "<Age at=at now=now/> })}</p>
                <p class="muted">{sentence}</p>
                <ul class="wrong">{list}</ul>
                {(more > 0).then(|| view! { <p class="muted">{format!("and {} more", format::whole(Some(more as i64)))}</p> })}
            </div>
        </li>
    }
    .into_any()
}

fn ms(value: u64) -> String {
    format::text(Some(value as f64), Unit::Milliseconds)
}

fn number(value: u64) -> String {
    format::whole(i64::try_from(value).ok())
}

fn made(b: &Backup, now: UnixMs) -> AnyView {
    let took = ms(b.duration_ms);
    let sentence = format!("With pg_dump {} in {took}; each object was read back before it counted.", b.tool_version);
    step(Status::Healthy, "Made", Some(b.timestamp), sentence, Vec::new(), now)
}

fn never_verified(drilled: bool, restored: bool) -> AnyView {
    let sentence = match (drilled, restored) {
        (true, _) => "It was not read for its own sake; the drill below read all of it.",
        (_, true) => "It was not read for its own sake; the restore below read what it needed.",
        _ => "No verification, no drill and no restore has read it since it was made.",
    };
    let sentence = sentence.to_owned();
    step(Status::Unknown, "Not verified", None, sentence, Vec::new(), UnixMs(0))
}

/// What the newest restore found: a proof like a drill's, without a measured time and without a server of its own.
fn brought_back(r: &RestoreReport, now: UnixMs) -> AnyView {
    let compared = format!("{} rows of {} tables were compared", number(r.rows_compared), number(r.tables_compared));
    if r.differences.is_empty() {
        let sentence = format!("As {}, in {}. {compared}, all as they were.", r.database, ms(r.duration_ms));
        return step(Status::Healthy, "Restored", Some(r.at), sentence, Vec::new(), now);
    }
    let wrong = r.differences.iter().map(|t| format!("{}.{}: {}", t.schema, t.name, t.sentence)).collect();
    step(Status::Critical, "Restored, with differences", Some(r.at), format!("As {}. {compared}.", r.database), wrong, now)
}

fn never_drilled(restored: bool) -> AnyView {
    let sentence = if restored {
        "A drill restores it into a server of its own, looks into every index, and measures the time until it answers."
    } else {
        "Nobody has tried to restore it. Only that proves a backup."
    };
    let sentence = sentence.to_owned();
    step(Status::Unknown, "Not drilled", None, sentence, Vec::new(), UnixMs(0))
}

fn verified(v: &Verification, now: UnixMs) -> AnyView {
    let deep = if v.level == VerificationLevel::Full { ", unpacked, and pg_restore read the dump" } else { "" };
    let objects = format::plural(usize::try_from(v.objects).unwrap_or(usize::MAX), "object was", "objects were");
    let sentence = format!("{objects} read{deep}, {} in {}.", format::size(i64::try_from(v.bytes).ok()), ms(v.duration_ms));
    if v.passed() {
        return step(Status::Healthy, "Verified", Some(v.at), sentence, Vec::new(), now);
    }
    let wrong = v.faults.iter().map(|f| format!("{}: {}", f.object, f.sentence)).collect();
    step(Status::Critical, "Verification failed", Some(v.at), sentence, wrong, now)
}

fn drilled(d: &Drill, now: UnixMs) -> AnyView {
    let (status, title) = match d.outcome {
        DrillOutcome::Passed => (Status::Healthy, "Drilled"),
        DrillOutcome::Late => (Status::Degraded, "Drilled, but too slow"),
        DrillOutcome::Failed => (Status::Critical, "Drill failed"),
    };
    let mut said = Vec::new();
    if let Some(version) = &d.server_version {
        said.push(format!("Restored into PostgreSQL {version}."));
    }
    if let Some(rto) = d.rto {
        said.push(format!("It answered after {}; {} are allowed.", ms(rto.measured_ms), ms(rto.target_ms)));
    }
    if d.tables_compared > 0 {
        let same = if d.differences.is_empty() { ", all as they were" } else { "" };
        said.push(format!("{} rows of {} tables were compared{same}.", number(d.rows_compared), number(d.tables_compared)));
    }
    match &d.amcheck {
        AmcheckOutcome::Passed => said.push("pg_amcheck found every heap and B-tree index sound.".to_owned()),
        AmcheckOutcome::Skipped { sentence } => said.push(sentence.clone()),
        AmcheckOutcome::Failed { .. } => {}
    }
    // What a green word must not be read to cover.
    if d.outcome != DrillOutcome::Failed {
        said.push(NOT_COMPARED.to_owned());
    }
    said.extend(d.notes.iter().cloned());
    let mut wrong: Vec<String> = d.failure.iter().cloned().collect();
    if let AmcheckOutcome::Failed { said } = &d.amcheck {
        wrong.push(format!("pg_amcheck: {said}"));
    }
    wrong.extend(d.differences.iter().map(|t| format!("{}.{}: {}", t.schema, t.name, t.sentence)));
    step(status, title, Some(d.at), said.join(" "), wrong, now)
}
