//! Jobs: what is at work, what waits, and what came of the others.

use super::words;
use crate::{
    components::{Age, Csrf},
    format, live,
    live::key::part,
    render::PageContext,
    route::Page,
};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    backup::{BackupJob, JobState, VerificationLevel},
};

/// Jobs that ended and are still shown on the list's page.
const ENDED: usize = 10;

/// The jobs of the list's page: those that are open, and the newest of the others.
pub(super) fn part(jobs: &[BackupJob], cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let (open, ended): (Vec<_>, Vec<_>) = jobs.iter().partition(|j| j.state.open());
    let shown: Vec<&BackupJob> = open.into_iter().chain(ended.into_iter().take(ENDED)).collect();
    let shape = live::jobs_shape(jobs);
    view! {
        <div id=part::JOBS data-shape=shape>
            {(!shown.is_empty()).then(|| view! {
                <section class="section" aria-labelledby="jobs-title">
                    <header class="section-head"><h2 id="jobs-title">"Jobs"</h2><p class="muted">"One at a time for each database."</p></header>
                    {table(&shown, true, cx, now)}
                </section>
            })}
        </div>
    }
}

/// A table of jobs; `named` says which database each is about.
pub(super) fn table(jobs: &[&BackupJob], named: bool, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let rows = jobs.iter().map(|job| row(job, named, cx, now)).collect_view();
    view! {
        <div class="table-frame" tabindex="0">
            <table role="table" class="table cards jobs" aria-label="Jobs, open ones first">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Job"</th>
                        <th role="columnheader" scope="col">"State"</th>
                        <th role="columnheader" scope="col">"What came of it"</th>
                        <th role="columnheader" scope="col">"Asked"</th>
                        <th role="columnheader" scope="col" class="num">"Took"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
}

/// What is done, as a person says it.
fn title(job: &BackupJob) -> String {
    use reeve_model::backup::BackupAct::{Backup, Drill, PutBack, Replace, Restore, Verify};
    match &job.act {
        Backup { tables, .. } if !tables.is_empty() => format!("Back up {}", format::plural(tables.len(), "table", "tables")),
        Backup { .. } => "Back up".into(),
        Verify { level: VerificationLevel::Full, .. } => "Verify, reading all".into(),
        Verify { .. } => "Verify digests".into(),
        Drill { .. } => "Drill".into(),
        Restore { into: Some(name), .. } => format!("Restore as {name}"),
        Restore { .. } => "Restore beside".into(),
        PutBack { schema, table, .. } => format!("Put {schema}.{table} back"),
        Replace { .. } => format!("Replace {}", job.database),
    }
}

fn row(job: &BackupJob, named: bool, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let about = named.then(|| view! { <span class="about">{format!("{} on {}", job.database, job.target)}</span> });
    let title = match job.backup.as_ref().filter(|_| named) {
        Some(id) => view! { <a href=Page::backup(id).href()>{title(job)}</a> }.into_any(),
        None => title(job).into_any(),
    };
    let came = match (&job.sentence, &job.progress) {
        (Some(sentence), _) => sentence.clone().into_any(),
        (None, Some(progress)) => words::progress(progress).into_any(),
        (None, None) if job.state == JobState::Waiting => second(job, cx).into_any(),
        (None, None) if job.state == JobState::Queued => {
            view! { <span class="muted">"It begins when its database has no other job."</span> }.into_any()
        }
        (None, None) => view! { <span class="muted">"It begins now."</span> }.into_any(),
    };
    let took =
        job.started_at.map(|at| format::window(job.ended_at.unwrap_or(now).seconds_since(at))).unwrap_or_else(|| format::UNKNOWN.into());
    let may = cx.principal.as_ref().is_some_and(|p| p.may_for("run", "backup", &job.target));
    let cancel = (job.state.open() && !job.cancelling && may).then(|| {
        view! {
            <form method="post" action="/admin/backups/jobs/cancel">
                <Csrf token=cx.csrf.clone()/>
                <input type="hidden" name="job" value=job.id.clone()/>
                <button class="button">"Cancel"</button>
            </form>
        }
    });
    let by = match &job.agreed {
        Some((second, _)) => format!("by {}, with {second}", job.asked_by),
        None => format!("by {}", job.asked_by),
    };
    view! {
        <tr role="row">
            <th role="rowheader" scope="row" class="who">{title}{about}</th>
            <td role="cell" data-label="State">{words::state(job.state, job.cancelling)}{cancel}</td>
            <td role="cell" data-label="Outcome" class="came">{came}</td>
            <td role="cell" data-label="Asked"><Age at=job.asked_at now=now/><span class="about">{by}</span></td>
            <td role="cell" data-label="Took" class="num">{took}</td>
        </tr>
    }
}

/// What waits for a second person: for whoever may agree the button, for all others what it waits for.
fn second(job: &BackupJob, cx: &PageContext) -> impl IntoView + use<> {
    let own = cx.principal.as_ref().is_some_and(|p| p.email == job.asked_by);
    let may = cx.principal.as_ref().is_some_and(|p| p.may_for("approve", "restore", &job.target));
    let words = match (own, may) {
        (true, _) => format!(
            "Somebody else who may approve restores of {} must agree here, within 24 hours: an admin or an operator with an account of their own. If there is nobody, invite somebody under Accounts.",
            job.target
        ),
        (false, true) => format!(
            "{} is to be what it was in the backup{}. Whoever is connected is cut off, and what was written since is not in it. The present database is kept under another name.",
            job.database,
            job.backup.as_ref().map_or_else(String::new, |id| format!(" {id}"))
        ),
        (false, false) => "It begins when a second person agrees.".to_owned(),
    };
    let from = job.backup.as_ref().map(ToString::to_string);
    let agree = (may && !own).then(|| {
        view! {
            <form method="post" action="/admin/backups/jobs/approve">
                <Csrf token=cx.csrf.clone()/>
                <input type="hidden" name="job" value=job.id.clone()/>
                <input type="hidden" name="from" value=from/>
                <button class="button danger">{format!("Agree: replace {}", job.database)}</button>
            </form>
        }
    });
    view! { <span class="second">{words}{agree}</span> }
}
