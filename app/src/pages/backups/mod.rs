//! `/admin/backups`: how safe each database is, what is at work, and every backup that storage holds.

pub(crate) mod cover;
pub mod detail;
mod jobs;
mod life;
mod schedules;
mod takeback;
mod ways;
pub(crate) mod words;

use crate::{
    AppError,
    components::{Age, Empty, EmptyKind, Notice},
    format, functions, live,
    live::key::part,
    render::PageContext,
    route::{BackupsView, Page},
};
use leptos::prelude::*;
use reeve_model::{
    Status, UnixMs,
    backup::{BackupEntry, BackupHistory, BackupTrust, RepositoryState},
};

/// All that the page shows.
pub struct BackupsData {
    /// What the address asks for.
    pub view: BackupsView,
    /// The answer.
    pub history: BackupHistory,
}

/// Loads the page's data.
///
/// # Errors
/// As the server function does.
pub async fn load(view: BackupsView) -> Result<BackupsData, AppError> {
    let history = functions::backup_history(view.query.clone()).await?;
    Ok(BackupsData { view, history })
}

/// The page.
pub fn view(data: &BackupsData, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let history = &data.history;
    let configured = history.repository != RepositoryState::NotConfigured;
    let list = configured.then(|| {
        view! {
            <section class="section" aria-labelledby="history-title">
                <header class="section-head"><h2 id="history-title">"All backups"</h2></header>
                {filters(data)}
                <div id=part::BACKUPS data-shape=live::backups_shape(history)>{rows(data, now)}{damaged(history)}{pager(data)}</div>
            </section>
        }
    });
    view! {
        <header class="page-head">
            <h1>"Backups"</h1>
            {head(history, now)}
        </header>
        {notices(history, now)}
        {cover::part(history, cx, now)}
        {jobs::part(&history.jobs, cx, now)}
        {configured.then(|| schedules::section(history, cx, now))}
        {list}
    }
}

/// Where backups lie and when that was looked at.
fn head(history: &BackupHistory, now: UnixMs) -> impl IntoView + use<> {
    let count = format::plural(usize::try_from(history.total).unwrap_or(usize::MAX), "backup", "backups");
    match &history.repository {
        RepositoryState::Read { location, at } => {
            let (location, at) = (location.clone(), *at);
            Some(view! { <p class="muted">{count}" in "<span class="mono">{location}</span>", read "<Age at=at now=now/></p> })
        }
        _ => None,
    }
}

/// What must be seen before anything else.
pub(crate) fn notices(history: &BackupHistory, now: UnixMs) -> impl IntoView + use<> {
    let away = match &history.repository {
        RepositoryState::Unreachable { location, since, sentence, last: Some(last) } => {
            let (location, since, sentence, last) = (location.clone(), *since, sentence.clone(), *last);
            Some(view! {
                <Notice status=Status::Critical since=since now=now>
                    "The repository "{location}" can't be read: "{sentence}" What you see was read "<Age at=last now=now/>"."
                </Notice>
            })
        }
        _ => None,
    };
    let store = history.jobs_fault.clone().map(|sentence| view! { <Notice status=Status::Degraded now=now>{sentence}</Notice> });
    view! { {away}{store} }
}

fn filters(data: &BackupsData) -> impl IntoView + use<> {
    let q = &data.view.query;
    let chosen = q.target.as_ref().zip(q.database.as_ref()).map(|(t, d)| format!("{t}/{d}"));
    let databases = data.history.databases.iter().map(|c| {
        let value = format!("{}/{}", c.target, c.database);
        let selected = chosen.as_ref() == Some(&value);
        view! { <option value=value selected=selected>{format!("{} on {}", c.database, c.target)}</option> }
    });
    let trusts = BackupTrust::ALL.map(|t| view! { <option value=t.word() selected=q.trust == Some(t)>{t.word()}</option> });
    view! {
        <form class="filters" method="get" action=Page::Backups(Box::default()).href() role="search">
            <label class="filter">
                <span>"Database"</span>
                <select name="of"><option value="">"Any"</option>{databases.collect_view()}</select>
            </label>
            <label class="filter">
                <span>"Proven"</span>
                <select name="trust"><option value="">"Any"</option>{trusts.into_iter().collect_view()}</select>
            </label>
            <button class="button">"Apply"</button>
            {data.view.filtered().then(|| view! { <a class="button quiet" href=Page::Backups(Box::default()).href()>"Show all"</a> })}
        </form>
    }
}

fn rows(data: &BackupsData, now: UnixMs) -> AnyView {
    let history = &data.history;
    if !history.items.is_empty() {
        let rows = history.items.iter().map(|e| row(e, now)).collect_view();
        return view! {
            <div class="table-frame" tabindex="0">
                <table role="table" class="table cards backups" data-rows="" aria-label="Backups, newest first">
                    <thead role="rowgroup">
                        <tr role="row">
                            <th role="columnheader" scope="col">"Taken "<span class="unit">"UTC"</span></th>
                            <th role="columnheader" scope="col">"Database"</th>
                            <th role="columnheader" scope="col">"Proven"</th>
                            <th role="columnheader" scope="col" class="num">"Tables"</th>
                            <th role="columnheader" scope="col" class="num">"Rows"</th>
                            <th role="columnheader" scope="col" class="num">"Stored"</th>
                            <th role="columnheader" scope="col" class="num">"Took"</th>
                            <th role="columnheader" scope="col">"Cause"</th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
            </div>
        }
        .into_any();
    }
    let newest = Page::Backups(Box::new(data.view.from(None))).href();
    let all = Page::Backups(Box::default()).href();
    match &history.repository {
        _ if data.view.query.cursor.is_some() => {
            view! { <Empty kind=EmptyKind::FilteredOut title="No older backup">"The list ends here. "<a href=newest>"Go to the newest"</a></Empty> }.into_any()
        }
        _ if data.view.filtered() && history.total > 0 => {
            view! { <Empty kind=EmptyKind::FilteredOut title="No backup matches">"None passes these filters. "<a href=all>"Show all"</a></Empty> }.into_any()
        }
        RepositoryState::Unreachable { last: None, .. } => {
            view! { <Empty kind=EmptyKind::Unreachable title="Not to be had right now">"Which backups there are shows as soon as the repository can be read."</Empty> }
                .into_any()
        }
        RepositoryState::NotRead => view! { <Empty kind=EmptyKind::NothingYet title="Not read yet">"It is being read for the first time."</Empty> }.into_any(),
        _ => view! {
            <Empty kind=EmptyKind::NothingYet title="There is no backup yet">
                "“Back up now” beside a database makes the first one; `reeve backup run` does the same on the command line."
            </Empty>
        }
        .into_any(),
    }
}

fn row(e: &BackupEntry, now: UnixMs) -> impl IntoView + use<> {
    let b = &e.backup;
    let rows = b.rows().and_then(|rows| i64::try_from(rows).ok());
    let tables = if b.whole { format::whole(Some(b.tables.len() as i64)) } else { format!("{} chosen", b.tables.len()) };
    view! {
        <tr role="row">
            <th role="rowheader" scope="row" class="stamp">
                <a href=Page::backup(&b.id).href() data-row="">{format::stamp(b.timestamp)}</a>
                <span class="about"><Age at=b.timestamp now=now/></span>
            </th>
            <td role="cell" data-label="Database">{b.database.name.clone()}<span class="about">{format!("on {}", b.target)}</span></td>
            <td role="cell" data-label="Proven">{words::trust(e.trust())}</td>
            <td role="cell" data-label="Tables" class="num">{tables}</td>
            <td role="cell" data-label="Rows" class="num">{format::whole(rows)}</td>
            <td role="cell" data-label="Stored" class="num">{format::size(i64::try_from(b.size_bytes).ok())}</td>
            <td role="cell" data-label="Took" class="num">{format::text(Some(b.duration_ms as f64), reeve_model::Unit::Milliseconds)}</td>
            <td role="cell" data-label="Cause">{b.kind.word()}</td>
        </tr>
    }
}

/// Manifests that nobody can read: they count for nothing, and somebody must know.
fn damaged(history: &BackupHistory) -> impl IntoView + use<> {
    let one = |(name, why): &(String, String)| view! { <li><b class="mono">{name.clone()}</b>" "{why.clone()}</li> };
    let list = history.damaged.iter().map(one).collect_view();
    (!history.damaged.is_empty()).then(|| {
        view! {
            <div class="notice damaged" data-status="critical">
                <i class="glyph" data-status="critical" aria-hidden="true"></i>
                <div><p>"The manifests of these backups can't be read, so they don't count:"</p><ul>{list}</ul></div>
            </div>
        }
    })
}

fn pager(data: &BackupsData) -> impl IntoView + use<> {
    let history = &data.history;
    let newest = data.view.query.cursor.is_some().then(|| Page::Backups(Box::new(data.view.from(None))).href());
    let older = history.next.clone().map(|cursor| Page::Backups(Box::new(data.view.from(Some(cursor)))).href());
    (!history.items.is_empty()).then(|| {
        let count =
            format!("{} of {}", format::whole(Some(history.items.len() as i64)), format::whole(i64::try_from(history.matching).ok()));
        view! {
            <nav class="pager" aria-label="Pages of backups">
                <span class="pager-count">{count}</span>
                {newest.map(|href| view! { <a class="button" href=href>"Newest"</a> })}
                {older.map(|href| view! { <a class="button" rel="next" href=href>"Older"</a> })}
            </nav>
        }
    })
}
