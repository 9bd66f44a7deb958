//! `/admin/targets/{name}/tables/{database}/{schema}/{table}`: all of one table.

mod catalogue;
mod facts;

use crate::{
    AppError,
    components::{Charts, Empty, EmptyKind, ReadingNote, StatusGlyph},
    functions, live,
    live::key::part,
    pages::tables::rows::kind_mark,
};
use leptos::prelude::*;
use reeve_model::{
    Status, TargetName, UnixMs,
    table::{TableDetail, TableFault, TableRef, TableRow},
};

/// All that the page shows.
pub struct TableData {
    /// Of which target.
    pub target: TargetName,
    /// The table.
    pub detail: TableDetail,
}

impl TableData {
    /// The title of the document.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}.{} · {}", self.detail.table.schema, self.detail.table.table, self.target)
    }
}

/// Loads the page's data.
///
/// # Errors
/// As the server function does.
pub async fn load(target: TargetName, table: TableRef) -> Result<TableData, AppError> {
    let detail = functions::table_detail(target.clone(), table).await?;
    Ok(TableData { target, detail })
}

/// The page.
pub fn view(data: &TableData, now: UnixMs) -> impl IntoView + use<> {
    let d = &data.detail;
    let stale = (d.read.fault.is_some() || d.row.stats.locked).to_string();
    let charts = if d.charts.is_empty() {
        view! { <Empty kind=EmptyKind::NothingYet title="No history yet">"Charts begin with the second reading of the sizes."</Empty> }
            .into_any()
    } else {
        view! { <Charts charts=d.charts.clone()/> }.into_any()
    };
    view! {
        <div id=part::TABLE data-shape=live::table_shape(d)>
            <header class="page-head">
                <h1 class="mono"><span class="schema">{d.table.schema.clone()}"."</span>{d.table.table.clone()}</h1>
                <p class="muted">
                    "in database "<span class="mono">{d.table.database.clone()}</span>
                    {kind_mark(&d.row.stats).map(|m| view! { <span class="mark-word">{m}</span> })}
                </p>
                <ReadingNote at=d.read.at() fault=d.read.fault.clone() now=now/>
            </header>
            {d.row.stats.locked.then(|| view! {
                <div class="notice" data-status="degraded">
                    <StatusGlyph status=Status::Degraded/>
                    <p>"Another session holds or waits for ACCESS EXCLUSIVE on this table, so Reeve does not touch it. Sizes are those last known. The target's locks name the session."</p>
                </div>
            })}
            {faults(&d.row)}
            <section class="section" id="figures" data-stale=stale>
                <header class="section-head"><h2>"Figures"</h2></header>
                {facts::list(&d.row, now)}
            </section>
            <section class="section" id="charts">
                <header class="section-head"><h2>"Trend"</h2></header>
                {charts}
            </section>
            {catalogue::indexes(d)}
            {catalogue::columns(d, now)}
            {catalogue::keys(data)}
        </div>
    }
}

fn faults(row: &TableRow) -> impl IntoView + use<> {
    let upkeep = row.upkeep.clone().map(|u| {
        view! {
            <li class="reason" data-status="degraded">
                <StatusGlyph status=Status::Degraded/>
                <div><p class="reason-fact">{u.sentence}</p><p class="reason-next">{u.next}</p></div>
            </li>
        }
    });
    let one = |f: &TableFault| {
        view! {
            <li class="reason" data-status="degraded">
                <StatusGlyph status=Status::Degraded/>
                <div><p class="reason-fact">{f.sentence.clone()}</p><p class="muted">{f.fault.title()}</p></div>
            </li>
        }
    };
    let any = upkeep.is_some() || !row.faults.is_empty();
    any.then(|| view! { <ol class="reasons framed">{upkeep}{row.faults.iter().map(one).collect_view()}</ol> })
}
