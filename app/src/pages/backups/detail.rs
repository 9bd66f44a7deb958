//! `/admin/backups/{id}`: one backup: what is proven of it, what it holds, and the ways to prove it and to bring it back.

use super::{jobs, life, takeback, ways, words};
use crate::{
    AppError,
    components::{Age, Moment, Notice},
    format, functions, live,
    live::key::part,
    render::PageContext,
    route::{BackupView, BackupsView, Page},
};
use leptos::prelude::*;
use reeve_model::{
    HealthOverview, Status, UnixMs,
    backup::{Backup, BackupCopy, BackupDetail, BackupTable},
};

/// All that the page shows.
pub struct BackupData {
    /// What the address asks for.
    pub view: BackupView,
    /// The answer.
    pub detail: BackupDetail,
}

impl BackupData {
    /// The page's title.
    #[must_use]
    pub fn title(&self) -> String {
        let b = &self.detail.entry.backup;
        format!("{} of {}", b.database.name, format::moment(b.timestamp))
    }

    /// Something is being done with it.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.detail.jobs.iter().any(|job| job.state.open())
    }
}

/// Loads the page's data.
///
/// # Errors
/// As the server function does.
pub async fn load(view: &BackupView) -> Result<BackupData, AppError> {
    Ok(BackupData { view: view.clone(), detail: functions::backup_detail(view.id.clone()).await? })
}

/// The page.
pub fn view(data: &BackupData, overview: Option<&HealthOverview>, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let detail = &data.detail;
    let b = &detail.entry.backup;
    let trust = detail.entry.trust();
    let may = cx.principal.as_ref().is_some_and(|p| p.may_for("run", "backup", &b.target)) && detail.jobs_fault.is_none();
    let there = overview.is_some_and(|o| o.targets.iter().any(|t| t.info.name == b.target));
    let done: Vec<_> = detail.jobs.iter().collect();
    let fault = detail.jobs_fault.clone().map(|sentence| view! { <Notice status=Status::Degraded now=now>{sentence}</Notice> });
    view! {
        {fault}
        <header class="page-head">
            <h1>"Backup of "{b.database.name.clone()}</h1>
            <p class="muted">"as it was on "<Moment at=b.timestamp/>", "<Age at=b.timestamp now=now/></p>
        </header>
        <div id=part::BACKUP data-shape=live::backup_shape(detail)>
            <p class="proof">{words::trust(trust)}<span>{words::meaning_of(trust, detail.restores().next())}</span></p>
            {takeback::replaced(data)}
            {takeback::part(data, overview, may.then(|| cx.csrf.clone()))}
            {(!done.is_empty()).then(|| view! {
                <section class="section" aria-labelledby="jobs-title">
                    <header class="section-head"><h2 id="jobs-title">"Done with it"</h2></header>
                    {jobs::table(&done, false, cx, now)}
                </section>
            })}
            {life::part(&detail.entry, detail.restores().next(), now)}
        </div>
        {may.then(|| ways::part(b, there, cx.csrf.clone()))}
        {facts(b, now)}
        {tables(data)}
    }
}

fn facts(b: &Backup, now: UnixMs) -> impl IntoView + use<> {
    let of = Page::Backups(Box::new(BackupsView::of(&b.target, &b.database.name))).href();
    let copy = |c: &BackupCopy| {
        let read = c.verified_at.map_or_else(
            || view! { <span class="muted">", not read back since"</span> }.into_any(),
            |at| view! { <span class="muted">", read back "<Age at=at now=now/></span> }.into_any(),
        );
        view! { <div><span class="mono">{c.location.clone()}</span>{read}</div> }
    };
    let encrypted = if b.encrypted_to.is_empty() {
        view! { "not encrypted" }.into_any()
    } else {
        b.encrypted_to.iter().map(|key| view! { <div class="mono">{key.clone()}</div> }).collect_view().into_any()
    };
    let notes = (!b.notes.is_empty()).then(|| view! { <dt>"Notes"</dt><dd>{b.notes.join(" ")}</dd> });
    let number = |n: u64| i64::try_from(n).ok();
    view! {
        <section class="section" aria-labelledby="facts-title">
            <header class="section-head"><h2 id="facts-title">"What it is"</h2></header>
            <dl class="facts">
                <dt>"Database"</dt>
                <dd><a href=of>{b.database.name.clone()}</a>{format!(" on {}, PostgreSQL {}, {} on its disk", b.target, b.server_version, format::size(number(b.database.size_bytes)))}</dd>
                <dt>"Holds"</dt>
                <dd>{holds(b)}</dd>
                <dt>"Stored"</dt>
                <dd>{format!("{}, {} when unpacked", format::size(number(b.size_bytes)), format::size(number(b.plain_bytes)))}</dd>
                <dt>"Copies"</dt>
                <dd>{b.copies.iter().map(copy).collect_view()}</dd>
                <dt>"Encrypted to"</dt>
                <dd>{encrypted}</dd>
                <dt>"Id"</dt>
                <dd class="mono">{b.id.to_string()}</dd>
                <dt>"Checksum"</dt>
                <dd class="mono">{b.checksum.clone()}</dd>
                {notes}
            </dl>
        </section>
    }
}

fn holds(b: &Backup) -> String {
    let tables = format::plural(b.tables.len(), "table", "tables");
    let rows =
        b.rows().and_then(|rows| i64::try_from(rows).ok()).map_or_else(String::new, |rows| format!(", {} rows", format::whole(Some(rows))));
    if b.whole { format!("the whole database: {tables}{rows}") } else { format!("the structure, and the rows of {tables}{rows}") }
}

/// Every table with its rows and digest.
fn tables(data: &BackupData) -> impl IntoView + use<> {
    let b = &data.detail.entry.backup;
    let row = |t: &BackupTable| {
        let rows = t.rows.and_then(|rows| i64::try_from(rows).ok());
        let digest = t.digest.clone().unwrap_or_else(|| format::UNKNOWN.into());
        view! {
            <tr>
                <th scope="row" class="mono clip"><span class="schema">{t.schema.clone()}"."</span>{t.name.clone()}</th>
                <td class="num">{format::whole(rows)}</td>
                <td class="mono digest">{digest}</td>
            </tr>
        }
    };
    let rows = b.tables.iter().map(row).collect_view();
    view! {
        <section class="section" aria-labelledby="tables-title">
            <header class="section-head">
                <h2 id="tables-title">"Tables"</h2>
                <p class="muted">"Rows and digests were taken in the very snapshot that was dumped; a drill compares both."</p>
            </header>
            <div class="table-frame tall" tabindex="0">
                <table class="table">
                    <thead><tr><th scope="col">"Table"</th><th scope="col" class="num">"Rows"</th><th scope="col">"Digest"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}
