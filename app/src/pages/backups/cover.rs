//! How safe each database is, and the buttons that back one up.

use super::words;
use crate::{
    components::{Age, Ahead, Code, Csrf, Empty, EmptyKind},
    format, live,
    live::key::part,
    render::PageContext,
    route::{BackupsView, Page},
};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    backup::{BackupHistory, DatabaseCover, DrillOutcome, JobState, JobWhat, RepositoryState},
};

/// What is said where no repository is.
pub(crate) const NOT_CONFIGURED: &str =
    "Name a repository under [backup] in reeve.toml and start Reeve again. Until then nothing is backed up, and nothing can be restored.";

/// The table, or why there is none.
pub(crate) fn table(history: &BackupHistory, cx: &PageContext, now: UnixMs) -> AnyView {
    match &history.repository {
        RepositoryState::NotConfigured => {
            return view! { <Empty kind=EmptyKind::NotConfigured title="No repository is configured">{NOT_CONFIGURED}</Empty> }.into_any();
        }
        RepositoryState::NotRead => {
            return view! { <Empty kind=EmptyKind::NothingYet title="Not read yet">"The repository is being read for the first time. This takes a few seconds."</Empty> }
                .into_any();
        }
        RepositoryState::Unreachable { location, sentence, last: None, .. } => {
            let (location, sentence) = (location.clone(), sentence.clone());
            return view! { <Empty kind=EmptyKind::Unreachable title="The repository can't be read">{location}": "{sentence}</Empty> }
                .into_any();
        }
        RepositoryState::Read { .. } | RepositoryState::Unreachable { .. } => {}
    }
    if history.databases.is_empty() {
        return view! { <Empty kind=EmptyKind::NothingYet title="No database is known yet">"The first round over the targets finds them."</Empty> }.into_any();
    }
    let several = history.databases.iter().any(|c| c.target != history.databases[0].target);
    let runs = history.databases.iter().any(|c| may(cx, c)) && history.jobs_fault.is_none();
    let rows = history.databases.iter().map(|c| row(c, several, runs, cx, now)).collect_view();
    view! {
        <div class="table-frame" tabindex="0">
            <table role="table" class="table cards covers" data-rows="" aria-label="How safe each database is, the least safe first">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Database"</th>
                        <th role="columnheader" scope="col">"State"</th>
                        <th role="columnheader" scope="col">"Last good backup"</th>
                        <th role="columnheader" scope="col">"Last proven by a drill"</th>
                        <th role="columnheader" scope="col">"Next run"</th>
                        <th role="columnheader" scope="col" class="num">"Size"</th>
                        <th role="columnheader" scope="col" class="num">"Backups"</th>
                        <th role="columnheader" scope="col">"Now"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// Copies that restores left, with what drops them and what makes one count as a database of its own; nothing while there is none.
pub(super) fn copies(history: &BackupHistory, cx: &PageContext) -> impl IntoView + use<> {
    let many = history.copies.len();
    (many > 0).then(|| {
        let size: i64 = history.copies.iter().filter_map(|c| c.size_bytes).sum();
        let words = format!("{} that restores left, {}", format::plural(many, "copy", "copies"), format::size(Some(size)));
        let one = |c: &reeve_model::backup::DatabaseCopy| {
            let about = format!(" on {}, of {}, {}", c.target, c.of, format::size(c.size_bytes));
            let drop = format!("DROP DATABASE {};", super::takeback::ident(&c.database));
            let keeps = history.jobs_fault.is_none() && cx.principal.as_ref().is_some_and(|p| p.may_for("run", "backup", &c.target));
            let keep = keeps.then(|| {
                view! {
                    <form method="post" action="/admin/backups/run">
                        <Csrf token=cx.csrf.clone()/>
                        <input type="hidden" name="of" value=format!("{}/{}", c.target, c.database)/>
                        <button class="button quiet" aria-label=format!("Keep it and back it up: {}", c.database)>"Keep it and back it up"</button>
                    </form>
                }
            });
            view! { <li><p><b class="mono">{c.database.clone()}</b>{about}</p><Code text=drop what="SQL"/>{keep}</li> }
        };
        view! {
            <details class="more copies" id="copies">
                <summary>{words}</summary>
                <p>"Reeve made them beside their originals. They are no part of what is to be backed up; drop each when you have what you need. One that is backed up counts as a database of its own."</p>
                <ul>{history.copies.iter().map(one).collect_view()}</ul>
            </details>
        }
    })
}

/// The table as a part that is drawn anew when something in it changed.
pub(crate) fn part(history: &BackupHistory, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    view! { <div id=part::COVER data-shape=live::cover_shape(history)>{table(history, cx, now)}{copies(history, cx)}</div> }
}

fn may(cx: &PageContext, c: &DatabaseCover) -> bool {
    cx.principal.as_ref().is_some_and(|p| p.may_for("run", "backup", &c.target))
}

fn row(c: &DatabaseCover, several: bool, runs: bool, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    // The list of all backups lies below: without the fragment nothing would seem to happen.
    let href = format!("{}#history-title", Page::Backups(Box::new(BackupsView::of(&c.target, &c.database))).href());
    let many = format::whole(i64::try_from(c.backups).ok());
    let count = if c.backups > 0 {
        let label = format!("{many} backups of {}", c.database);
        view! { <a href=href.clone() aria-label=label>{many}</a> }.into_any()
    } else {
        view! { <span>{many}</span> }.into_any()
    };
    let target = several.then(|| view! { <span class="about">{c.target.to_string()}</span> });
    let good = match (&c.last_good, c.last_good_at) {
        (Some(id), Some(at)) => {
            let href = Page::backup(id).href();
            view! {
                <a href=href><Age at=at now=now/></a>
                <span class="about">"What was written since would be lost now."</span>
            }
            .into_any()
        }
        _ => view! { <b>"never"</b><span class="about">"Everything would be lost now."</span> }.into_any(),
    };
    let proven = match (c.proven_at, &c.proven) {
        (Some(at), Some(id)) => {
            let href = Page::backup(id).href();
            view! { <a href=href><Age at=at now=now/></a> }.into_any()
        }
        _ if c.last_drill == Some(DrillOutcome::Failed) => view! { <b>"the last drill failed"</b> }.into_any(),
        _ => view! { <span class="muted">"never"</span> }.into_any(),
    };
    let next = match c.next_run {
        Some(at) => view! { <Ahead at=at now=now/><span class="about">{format::moment(at)}</span> }.into_any(),
        None => view! { <span class="muted">"not planned"</span> }.into_any(),
    };
    let waits = c.job.as_ref().filter(|job| job.state == JobState::Waiting);
    let doing = match &c.job {
        Some(job) if waits.is_none() => {
            let words = match job.act.what() {
                JobWhat::Backup => "backup",
                JobWhat::Verify => "verification",
                JobWhat::Drill => "drill",
                JobWhat::Restore => "restore",
                JobWhat::PutBack => "putting a table back",
                JobWhat::Replace => "replacing it",
            };
            let far = job.progress.as_ref().map_or_else(|| job.state.word().into_any(), |p| words::progress(p).into_any());
            view! { <span class="doing">{words}": "{far}</span> }.into_any()
        }
        _ if runs && may(cx, c) => {
            let back_up = c.there.then(|| {
                view! {
                    <form method="post" action="/admin/backups/run">
                        <Csrf token=cx.csrf.clone()/>
                        <input type="hidden" name="of" value=format!("{}/{}", c.target, c.database)/>
                        <button class="button" aria-label=format!("Back up now: {}", c.database)>"Back up now"</button>
                    </form>
                }
            });
            let restore = c.last_good.as_ref().map(|id| {
                let href = format!("{}#ways-title", Page::backup(id).href());
                view! { <a class="button" href=href aria-label=format!("Restore {} from its last good backup", c.database)>"Restore"</a> }
            });
            let waits = waits.and_then(|job| job.backup.as_ref()).map(|id| {
                view! { <a href=Page::backup(id).href()>"Replacing it waits for a second person"</a> }
            });
            view! { <div class="do">{back_up}{restore}</div>{waits} }.into_any()
        }
        _ => ().into_any(),
    };
    view! {
        <tr role="row">
            <th role="rowheader" scope="row" class="who">
                <a href=href data-row="">{c.database.clone()}</a>
                {(!c.there).then(|| view! { <span class="mark-word" title="The target has no such database now; its backups can still be restored">"not there"</span> })}
                {target}
            </th>
            <td role="cell" data-label="State">{words::cover(c.cover)}</td>
            <td role="cell" data-label="Last good">{good}</td>
            <td role="cell" data-label="Proven">{proven}</td>
            <td role="cell" data-label="Next run">{next}</td>
            <td role="cell" data-label="Size" class="num">{format::size(c.size_bytes)}</td>
            <td role="cell" data-label="Backups" class="num">{count}</td>
            <td role="cell" data-label="Now" class="act">{doing}</td>
        </tr>
    }
}
