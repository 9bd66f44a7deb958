//! How safe each database is, and the buttons that back one up.

use super::words;
use crate::{
    components::{Age, Ahead, Csrf, Empty, EmptyKind},
    format, live,
    live::key::part,
    render::PageContext,
    route::{BackupsView, Page},
};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    backup::{BackupHistory, DatabaseCover, DrillOutcome, JobWhat, RepositoryState},
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

/// The table as a part that is drawn anew when something in it changed.
pub(crate) fn part(history: &BackupHistory, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    view! { <div id=part::COVER data-shape=live::cover_shape(history)>{table(history, cx, now)}</div> }
}

fn may(cx: &PageContext, c: &DatabaseCover) -> bool {
    cx.principal.as_ref().is_some_and(|p| p.may_for("run", "backup", &c.target))
}

fn row(c: &DatabaseCover, several: bool, runs: bool, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let href = Page::Backups(Box::new(BackupsView::of(&c.target, &c.database))).href();
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
    let doing = match &c.job {
        Some(job) => {
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
        None if runs && may(cx, c) && c.there => view! {
            <form method="post" action="/admin/backups/run">
                <Csrf token=cx.csrf.clone()/>
                <input type="hidden" name="of" value=format!("{}/{}", c.target, c.database)/>
                <button class="button" aria-label=format!("Back up now: {}", c.database)>"Back up now"</button>
            </form>
        }
        .into_any(),
        None => ().into_any(),
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
            <td role="cell" data-label="Backups" class="num">{format::whole(i64::try_from(c.backups).ok())}</td>
            <td role="cell" data-label="Now" class="act">{doing}</td>
        </tr>
    }
}
