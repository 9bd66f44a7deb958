//! `/admin/targets/{name}/tables`: every table of a target; filters, order and page stand in the address.

mod filters;
pub(crate) mod rows;

use crate::{
    AppError,
    components::{Empty, EmptyKind, ReadingNote},
    functions, live,
    live::key::part,
    route::{Page, TablesView},
};
use leptos::prelude::*;
use reeve_model::{TargetName, UnixMs, table::TablePage};

/// All that the page shows.
pub struct TablesData {
    /// Of which target.
    pub target: TargetName,
    /// What the address asks for.
    pub view: TablesView,
    /// The answer.
    pub page: TablePage,
}

impl TablesData {
    /// Tables of more than one database may stand here, so that names and schemas need theirs.
    pub(super) fn several(&self) -> bool {
        let mut found = self.page.schemas.iter().map(|s| &s.database).chain(self.page.items.iter().map(|r| &r.database));
        found.next().is_some_and(|first| found.any(|d| d != first))
    }

    pub(super) fn href(&self, view: TablesView) -> String {
        Page::Tables(self.target.clone(), Box::new(view)).href()
    }
}

/// Loads the page's data.
///
/// # Errors
/// As the server function does.
pub async fn load(target: TargetName, view: TablesView) -> Result<TablesData, AppError> {
    let page = functions::table_analytics(target.clone(), view.port_query()).await?;
    Ok(TablesData { target, view, page })
}

/// The page.
pub fn view(data: &TablesData, now: UnixMs) -> impl IntoView + use<> {
    let page = &data.page;
    let body = if page.items.is_empty() { nothing(data) } else { rows::table(data, now).into_any() };
    view! {
        <header class="page-head">
            <h1>"Tables"</h1>
            <ReadingNote at=page.read.at() fault=page.read.fault.clone() now=now/>
        </header>
        {filters::form(data)}
        <div id=part::ROWS data-shape=live::tables_shape(page) data-stale=page.read.fault.is_some().to_string()>
            {filters::chips(data)}
            {body}
            {note(data)}
            {pages(data)}
        </div>
    }
}

/// What this page leaves out, and why.
fn note(data: &TablesData) -> impl IntoView + use<> {
    let database = data.page.items.first().filter(|_| !data.several()).map(|r| format!("All of database {}. ", r.database));
    let collector = format!("{}#collector", Page::Target(data.target.clone()).href());
    let bloat = (!rows::knows_bloat(data)).then(|| {
        view! {
            "Bloat has no column, as none of these tables has an estimate: it takes 8 pages, an analyze and the bloat probe, whose line under "
            <a href=collector>"Collector"</a>" says what it lacks."
        }
    });
    (!data.page.items.is_empty()).then(|| view! { <p class="fine">{database}{bloat}</p> })
}

fn nothing(data: &TablesData) -> AnyView {
    let page = &data.page;
    if data.view.filtered() && page.total > 0 {
        let all = data.href(TablesView { by_schema: data.view.by_schema, ..TablesView::default() });
        let sentence = format!("None of the {} tables passes these filters. ", page.total);
        return view! {
            <Empty kind=EmptyKind::FilteredOut title="No table matches">
                {sentence}<a href=all>"Show all"</a>
            </Empty>
        }
        .into_any();
    }
    match (page.read.at(), page.read.why()) {
        (None, Some(why)) => {
            let why = why.to_owned();
            view! { <Empty kind=EmptyKind::Unreachable title="The tables could not be read">{why}</Empty> }.into_any()
        }
        (None, None) => {
            view! { <Empty kind=EmptyKind::NothingYet title="Not read yet">"The first round reads the tables."</Empty> }.into_any()
        }
        _ if data.view.query.offset > 0 => {
            let first = data.href(data.view.from_row(0));
            view! { <Empty kind=EmptyKind::FilteredOut title="No rows this far down">"The list ends earlier. "<a href=first>"Go to its start"</a></Empty> }.into_any()
        }
        _ => view! { <Empty kind=EmptyKind::None title="No tables">"The databases of this target hold none."</Empty> }.into_any(),
    }
}

/// Which rows these are, and the ways to the others.
fn pages(data: &TablesData) -> impl IntoView + use<> {
    let page = &data.page;
    let offset = data.view.query.offset;
    let shown = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
    let step = if data.view.query.limit == 0 { 50 } else { data.view.query.limit };
    let previous = (offset > 0).then(|| data.href(data.view.from_row(offset.saturating_sub(step))));
    let next = page.next.map(|n| data.href(data.view.from_row(n)));
    let count = format!("{} to {} of {}", offset + 1, offset + shown, page.matching);
    let sizes = [50, 100, 200, 500]
        .into_iter()
        .filter(|n| page.matching > 50 || *n == 50)
        .map(|n| {
            let href = data.href(data.view.with(|v| v.query.limit = if n == 50 { 0 } else { n }));
            view! { <a href=href aria-current=(n == step).then_some("true")>{n}</a> }
        })
        .collect_view();
    (shown > 0).then(|| {
        view! {
            <nav class="pager" aria-label="Rows">
                <span class="pager-count">{count}</span>
                {previous.map(|href| view! { <a class="button" rel="prev" href=href>"Previous"</a> })}
                {next.map(|href| view! { <a class="button" rel="next" href=href>"Next"</a> })}
                <span class="pager-sizes">"Rows "{sizes}</span>
            </nav>
        }
    })
}
