//! Table analytics in brief: the largest, the fastest growing and the faultiest tables of each target.

use super::{HealthData, TopTables, tables_href};
use crate::{
    AppError,
    components::{Empty, EmptyKind, table_href},
    format::{self, Scale},
};
use leptos::prelude::*;
use reeve_model::{
    TargetName, Unit,
    table::{TablePage, TableRow, TableSort},
};

pub(super) fn part(data: &HealthData) -> impl IntoView + use<> {
    let several = data.overview.targets.len() > 1;
    let rest = data.overview.targets.len().saturating_sub(data.tables.len());
    let all = data.tables.iter().map(|t| target(t, several)).collect_view();
    (!data.tables.is_empty()).then(|| {
        view! {
            <section class="section" aria-labelledby="table-analytics">
                <header class="section-head">
                    <h2 id="table-analytics">"Table analytics"</h2>
                    {data.tables.first().filter(|_| !several).map(all_tables)}
                </header>
                {all}
                {(rest > 0).then(|| view! { <p class="fine">{format!("{} more: open a target for its tables.", format::plural(rest, "target", "targets"))}</p> })}
            </section>
        }
    })
}

/// The way to all tables of a target.
fn all_tables(t: &TopTables) -> impl IntoView + use<> {
    let total = t.largest.as_ref().ok().map(|p| p.total).filter(|n| *n > 0);
    let words = total.map_or("All tables".to_owned(), |n| format!("All {}", format::plural(n as usize, "table", "tables")));
    view! { <a href=tables_href(&t.target, TableSort::Size, None)>{words}</a> }
}

fn target(t: &TopTables, several: bool) -> impl IntoView + use<> {
    let growing_title = match t.growing.as_ref().map(|p| p.growth_window_s) {
        Ok(window) if window > 0.0 => format!("Fastest growing, over the last {}", format::window(window)),
        _ => "Fastest growing".into(),
    };
    view! {
        <div class="top-tables">
            {several.then(|| view! { <header class="section-head"><h3>{t.target.to_string()}</h3>{all_tables(t)}</header> })}
            <div class="thirds">
                {short(&t.target, "Largest", TableSort::Size, &t.largest, largest)}
                {short(&t.target, &growing_title, TableSort::Growth, &t.growing, growing)}
                {short(&t.target, "Index and key faults", TableSort::Health, &t.faulty, faulty)}
            </div>
        </div>
    }
}

type Body = fn(&TargetName, &[TableRow]) -> AnyView;

fn short(target: &TargetName, title: &str, sort: TableSort, page: &Result<TablePage, AppError>, body: Body) -> impl IntoView + use<> {
    let inner = match page {
        Err(error) => {
            let sentence = error.to_string();
            view! { <Empty kind=EmptyKind::Unreachable title="Not to be had right now">{sentence}</Empty> }.into_any()
        }
        Ok(page) => {
            let kept: Vec<TableRow> = page.items.iter().filter(|r| belongs(sort, r)).cloned().collect();
            if kept.is_empty() { nothing(sort, page) } else { body(target, &kept) }
        }
    };
    view! {
        <section class="short">
            <h3><a href=tables_href(target, sort, None)>{title.to_owned()}</a></h3>
            {inner}
        </section>
    }
}

/// A table that does not grow is no growing table, one without faults no faulty one.
fn belongs(sort: TableSort, row: &TableRow) -> bool {
    match sort {
        TableSort::Growth => row.growth_bytes.is_some_and(|g| g > 0),
        TableSort::Health => !row.faults.is_empty(),
        _ => true,
    }
}

fn nothing(sort: TableSort, page: &TablePage) -> AnyView {
    let unread = page.read.at().is_none();
    let (kind, title, words) = match sort {
        _ if unread && page.read.fault.is_some() => (EmptyKind::Unreachable, "Not read", page.read.why().unwrap_or_default().to_owned()),
        _ if unread => (EmptyKind::NothingYet, "Not read yet", "The first round reads them.".to_owned()),
        TableSort::Growth if page.growth_window_s <= 0.0 => {
            (EmptyKind::NothingYet, "No older size yet", "Growth needs two readings of the sizes.".into())
        }
        TableSort::Growth => (EmptyKind::None, "None grows", "No table is larger than it was.".into()),
        TableSort::Health => (EmptyKind::None, "No fault found", "Every table has a primary key and no index stands out.".into()),
        _ => (EmptyKind::None, "No tables", "The databases of this target hold none.".into()),
    };
    view! { <Empty kind=kind title=title>{words}</Empty> }.into_any()
}

fn name(target: &TargetName, row: &TableRow) -> impl IntoView + use<> {
    let href = table_href(target, &row.database, &row.stats.schema, &row.stats.name);
    view! {
        <th scope="row" class="mono clip">
            <a href=href><span class="schema">{row.stats.schema.clone()}"."</span>{row.stats.name.clone()}</a>
        </th>
    }
}

fn largest(target: &TargetName, rows: &[TableRow]) -> AnyView {
    let scale = Scale::of(Unit::Bytes, rows.iter().map(|r| r.stats.total_bytes().map(|b| b as f64)));
    let one = |r: &TableRow| {
        view! {
            <tr>
                {name(target, r)}
                <td class="num">{scale.whole(r.stats.total_bytes())}</td>
                <td class="num">{format::text(r.stats.rows_estimate, Unit::Count)}</td>
            </tr>
        }
    };
    view! {
        <table class="table">
            <thead><tr><th scope="col">"Table"</th><th scope="col" class="num">"Size " <span class="unit">{scale.label}</span></th><th scope="col" class="num">"Rows"</th></tr></thead>
            <tbody>{rows.iter().map(one).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

fn growing(target: &TargetName, rows: &[TableRow]) -> AnyView {
    let scale = Scale::calm(Unit::Bytes, rows.iter().map(|r| r.growth_bytes.map(|b| b as f64)));
    let share = |r: &TableRow| {
        let (growth, total) = (r.growth_bytes? as f64, r.stats.total_bytes()? as f64);
        (total > growth).then(|| growth / (total - growth))
    };
    let one = |r: &TableRow| {
        view! {
            <tr>
                {name(target, r)}
                <td class="num">{scale.change(r.growth_bytes)}</td>
                <td class="num">{share(r).map_or(format::UNKNOWN.into(), |s| format!("+{}", format::figure(Some(s), Unit::Ratio).text))}</td>
            </tr>
        }
    };
    view! {
        <table class="table">
            <thead><tr><th scope="col">"Table"</th><th scope="col" class="num">"Growth " <span class="unit">{scale.label}</span></th><th scope="col" class="num"><span class="unit">"%"</span></th></tr></thead>
            <tbody>{rows.iter().map(one).collect_view()}</tbody>
        </table>
    }
    .into_any()
}

fn faulty(target: &TargetName, rows: &[TableRow]) -> AnyView {
    let one = |r: &TableRow| {
        let mut titles: Vec<_> = r.faults.iter().map(|f| f.fault).collect();
        titles.sort_unstable();
        titles.dedup();
        let words = titles.iter().map(|f| f.title()).collect::<Vec<_>>().join(", ");
        view! {
            <tr>
                {name(target, r)}
                <td class="clip" title=words.clone()>{words.clone()}</td>
            </tr>
        }
    };
    view! {
        <table class="table faulty">
            <thead><tr><th scope="col">"Table"</th><th scope="col">"Faults"</th></tr></thead>
            <tbody>{rows.iter().map(one).collect_view()}</tbody>
        </table>
    }
    .into_any()
}
