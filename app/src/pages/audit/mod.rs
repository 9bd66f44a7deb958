//! `/admin/audit`: who did what, when, from where, and what came of it. Filters and page stand in the address.

pub mod diff;
mod filters;
mod rows;

use crate::{
    AppError,
    components::{Empty, EmptyKind, Notice},
    format, functions,
    render::PageContext,
    route::{AuditView, Page},
};
use leptos::prelude::*;
use reeve_model::{Status, UnixMs, audit::AuditPage};
use reeve_ports::PortError;

/// All that the page shows.
pub struct AuditData {
    /// What the address asks for.
    pub view: AuditView,
    /// The answer.
    pub page: AuditPage,
    /// Why the filters can't be used; the page is empty then.
    pub trouble: Option<String>,
}

impl AuditData {
    fn href(view: AuditView) -> String {
        Page::Audit(Box::new(view)).href()
    }
}

/// Loads the page's data.
///
/// # Errors
/// As the server function does.
pub async fn load(view: AuditView) -> Result<AuditData, AppError> {
    let answer = functions::audit_search(view.query.clone()).await;
    // Asked all the same, so that whoever may not read the trail learns just that.
    let unreadable = view.unreadable.clone().map(|sentence| AppError(PortError::Invalid(sentence)));
    match answer.and_then(|page| unreadable.map_or(Ok(page), Err)) {
        Ok(page) => Ok(AuditData { view, page, trouble: None }),
        // Said beside the filters, so that they can be mended.
        Err(AppError(PortError::Invalid(sentence))) => {
            let page = AuditPage { at: UnixMs::now(), items: Vec::new(), next: None, waiting: 0, stalled: None, head: None };
            Ok(AuditData { view, page, trouble: Some(sentence) })
        }
        Err(error) => Err(error),
    }
}

/// The page.
pub fn view(data: &AuditData, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let page = &data.page;
    let stalled = page.stalled.clone().map(|(since, why)| {
        view! {
            <Notice status=Status::Degraded since=since now=now>
                "New entries can't be sealed right now: "{why}" They are kept, and sealed in their order as soon as that works again."
            </Notice>
        }
    });
    let body = if page.items.is_empty() { nothing(data) } else { rows::table(page, now).into_any() };
    view! {
        <header class="page-head">
            <h1>"Audit trail"</h1>
            {data.trouble.is_none().then(|| view! { <p class="muted">{seal(page)}</p> })}
            {cx.may("export", "audit").then(|| filters::export(&data.view))}
        </header>
        {stalled}
        {filters::form(data)}
        {filters::chips(&data.view)}
        {body}
        {pager(data)}
    }
}

/// How far the log is sealed.
fn seal(page: &AuditPage) -> String {
    let head = match page.head {
        Some(head) => format!("Sealed to entry {}", format::whole(Some(head))),
        None => "Nothing is sealed yet".into(),
    };
    match page.waiting {
        0 => format!("{head}, none waits"),
        n => format!("{head}, {} to be sealed", format::plural(n as usize, "event waits", "events wait")),
    }
}

fn nothing(data: &AuditData) -> AnyView {
    let view = &data.view;
    if let Some(sentence) = data.trouble.clone() {
        let all = AuditData::href(AuditView::default());
        return view! { <Empty kind=EmptyKind::FilteredOut title="These filters can't be used">{sentence}" "<a href=all>"Show all"</a></Empty> }.into_any();
    }
    let newest = AuditData::href(view.with(|_| {}));
    if view.query.cursor.is_some() {
        return view! { <Empty kind=EmptyKind::FilteredOut title="No older entry">"The list ends here. "<a href=newest>"Go to the newest"</a></Empty> }
            .into_any();
    }
    if view.filtered() {
        let all = AuditData::href(AuditView::default());
        return view! { <Empty kind=EmptyKind::FilteredOut title="No entry matches">"None passes these filters. "<a href=all>"Show all"</a></Empty> }
            .into_any();
    }
    view! { <Empty kind=EmptyKind::NothingYet title="Nothing is written yet">"The first sign-in makes the first entry."</Empty> }.into_any()
}

/// The ways through the pages: each begins where the former ended, so that new entries move nothing.
fn pager(data: &AuditData) -> impl IntoView + use<> {
    let newest = data.view.query.cursor.is_some().then(|| AuditData::href(data.view.with(|_| {})));
    let older = data.page.next.clone().map(|cursor| AuditData::href(data.view.older(cursor)));
    (!data.page.items.is_empty()).then(|| {
        let count = format::plural(data.page.items.len(), "entry", "entries");
        let end = older.is_none().then_some(", the oldest last");
        view! {
            <nav class="pager" aria-label="Pages of entries">
                <span class="pager-count">{count}{end}</span>
                {newest.map(|href| view! { <a class="button" href=href>"Newest"</a> })}
                {older.map(|href| view! { <a class="button" rel="next" href=href>"Older"</a> })}
            </nav>
        }
    })
}
