//! The rows.

use super::TablesData;
use crate::{
    components::table_href,
    format::{self, Scale},
};
use leptos::prelude::*;
use reeve_model::{
    TargetName, Unit, UnixMs,
    table::{SchemaGroup, TableFault, TableKind, TableRow, TableSort, TableStats},
};

/// Columns of the table, for rows that span it; one fewer where no row has an estimate of its bloat.
const WIDTH: usize = 14;

/// What all rows share: one unit for each column of bytes, and which parts would say nothing.
#[derive(Clone, Copy)]
struct Shared {
    size: Scale,
    growth: Scale,
    /// Names carry their database.
    several: bool,
    /// Some row has an estimate of its bloat.
    bloat: bool,
}

/// Whether some row has an estimate of its bloat; else its column is left out.
pub(super) fn knows_bloat(data: &TablesData) -> bool {
    data.page.items.iter().any(|r| r.stats.bloat_estimate_ratio.is_some())
}

pub(super) fn table(data: &TablesData, now: UnixMs) -> impl IntoView + use<> {
    let rows = &data.page.items;
    let shared = Shared {
        size: Scale::of(Unit::Bytes, rows.iter().map(|r| r.stats.total_bytes().map(|b| b as f64))),
        growth: Scale::calm(Unit::Bytes, rows.iter().map(|r| r.growth_bytes.map(|b| b as f64))),
        several: data.several(),
        bloat: knows_bloat(data),
    };
    let one = |r: &TableRow| row(&data.target, r, shared, now);
    let bodies = if data.view.by_schema {
        rows.chunk_by(|a, b| a.database == b.database && a.stats.schema == b.stats.schema)
            .map(|chunk| {
                let group =
                    chunk.first().and_then(|r| data.page.schemas.iter().find(|g| g.schema == r.stats.schema && g.database == r.database));
                view! { <tbody>{group.map(|g| group_row(g, shared))}{chunk.iter().map(one).collect_view()}</tbody> }.into_any()
            })
            .collect_view()
            .into_any()
    } else {
        view! { <tbody>{rows.iter().map(one).collect_view()}</tbody> }.into_any()
    };
    let growth_title = match data.page.growth_window_s {
        w if w > 0.0 => format!("Growth over the last {}", format::window(w)),
        _ => "Growth; it needs two readings of the sizes".into(),
    };
    let num = |title: &'static str, unit: &'static str, hint: &'static str| {
        view! { <th scope="col" class="num" title=hint>{title} " " <span class="unit">{unit}</span></th> }
    };
    view! {
        <div class="table-frame tall">
            <table class="table tables" data-rows="">
                <thead>
                    <tr>
                        {sortable(data, TableSort::Name, "Table", "", String::new(), false)}
                        {sortable(data, TableSort::Health, "Index health", "", "Number and weight of faults".into(), false)}
                        {sortable(data, TableSort::Size, "Total", shared.size.label, "Heap, indexes and TOAST".into(), true)}
                        {sortable(data, TableSort::Growth, "Growth", shared.growth.label, growth_title, true)}
                        {sortable(data, TableSort::Rows, "Rows", "est.", "Estimated by the last analyze".into(), true)}
                        {num("Heap", shared.size.label, "Main fork, free space and visibility maps")}
                        {num("Index", shared.size.label, "All indexes")}
                        {num("TOAST", shared.size.label, "TOAST table and its index")}
                        {sortable(data, TableSort::Dead, "Dead", "%", "Dead rows of all rows; ordered by their number".into(), true)}
                        {shared.bloat.then(|| num("Bloat", "% est.", "Share of the heap that a rewrite would give back, estimated from row widths"))}
                        {sortable(data, TableSort::SeqScans, "Seq scans", "", "Since statistics were reset".into(), true)}
                        {sortable(data, TableSort::IndexScans, "Index scans", "", "Since statistics were reset".into(), true)}
                        {num("Hit", "%", "Blocks found in shared buffers, of all blocks asked for")}
                        {num("Vacuumed", "", "Last vacuum, manual or automatic; analyze in the hint")}
                    </tr>
                </thead>
                {bodies}
            </table>
        </div>
    }
}

/// A header that orders by its column, or turns the order round.
fn sortable(
    data: &TablesData,
    sort: TableSort,
    title: &'static str,
    unit: &'static str,
    hint: String,
    number: bool,
) -> impl IntoView + use<> {
    let (q, by_schema) = (&data.view.query, data.view.by_schema);
    let active = if by_schema { sort == TableSort::Name } else { q.sort == sort };
    let href = data.href(data.view.with(|v| {
        v.query.reverse = active && !q.reverse;
        v.query.sort = sort;
        // Rows of a schema stand together only in the order of names.
        v.by_schema = by_schema && sort == TableSort::Name;
    }));
    // Numbers start with the largest, names with A.
    let descending = (sort != TableSort::Name) != q.reverse;
    let direction = active.then_some(if descending { "descending" } else { "ascending" });
    view! {
        <th scope="col" class=number.then_some("num") aria-sort=direction title=(!hint.is_empty()).then_some(hint)>
            <a href=href>{title}</a>{(!unit.is_empty()).then(|| view! { " " <span class="unit">{unit}</span> })}
        </th>
    }
}

fn group_row(g: &SchemaGroup, shared: Shared) -> impl IntoView + use<> {
    let width = WIDTH - usize::from(!shared.bloat);
    let name = if shared.several { format!("{}.{}", g.database, g.schema) } else { g.schema.clone() };
    let sums = format!(
        "{}, {}, {} rows",
        format::plural(g.tables as usize, "table", "tables"),
        format::size(Some(g.bytes)),
        format::text(Some(g.rows), Unit::Count)
    );
    let faulty = (g.faulty > 0).then(|| format!(", {} with faults", g.faulty));
    view! { <tr class="group"><th scope="rowgroup" colspan=width><span class="mono">{name}</span><span class="muted">{sums}{faulty}</span></th></tr> }
}

/// The word beside a name that is not an ordinary table.
#[must_use]
pub(crate) fn kind_mark(stats: &TableStats) -> Option<&'static str> {
    match stats.kind {
        TableKind::Table => None,
        TableKind::Partitioned => Some("partitioned"),
        TableKind::MaterialisedView => Some("mat. view"),
    }
}

/// Dead rows of all rows, 0 to 1; none for a table without rows.
#[must_use]
pub(crate) fn dead_ratio(stats: &TableStats) -> Option<f64> {
    let all = stats.live_rows + stats.dead_rows;
    (all > 0).then(|| stats.dead_rows as f64 / all as f64)
}

/// Blocks found in shared buffers of all blocks asked for; none before the first.
#[must_use]
pub(crate) fn hit_ratio(stats: &TableStats) -> Option<f64> {
    let asked = stats.blocks_hit + stats.blocks_read;
    (asked > 0).then(|| stats.blocks_hit as f64 / asked as f64)
}

fn row(target: &TargetName, r: &TableRow, shared: Shared, now: UnixMs) -> impl IntoView + use<> {
    let s = &r.stats;
    let href = table_href(target, &r.database, &s.schema, &s.name);
    let full = format!("{}.{}", s.schema, s.name);
    let percent = |v: Option<f64>| format::figure(v, Unit::Ratio).text;
    let analyzed = s.last_analyze.map_or_else(|| "never analyzed".to_owned(), |at| format!("analyzed {}", format::moment(at)));
    let prefix = if shared.several { format!("{}.{}.", r.database, s.schema) } else { format!("{}.", s.schema) };
    view! {
        <tr data-stale=s.locked.to_string()>
            <th scope="row" class="mono clip" title=full>
                <a href=href data-row=""><span class="schema">{prefix}</span>{s.name.clone()}</a>
                {kind_mark(s).map(|m| view! { <span class="mark-word">{m}</span> })}
                {s.locked.then(|| view! { <span class="mark-word locked" title="Under ACCESS EXCLUSIVE, held or queued: sizes are those last known">"locked"</span> })}
            </th>
            <td class="health">{health(r)}</td>
            <td class="num strong">{shared.size.whole(s.total_bytes())}</td>
            <td class="num">{shared.growth.change(r.growth_bytes)}</td>
            <td class="num">{format::text(s.rows_estimate, Unit::Count)}</td>
            <td class="num">{shared.size.whole(s.heap_bytes)}</td>
            <td class="num">{shared.size.whole(s.index_bytes)}</td>
            <td class="num">{shared.size.whole(s.toast_bytes)}</td>
            <td class="num">{percent(dead_ratio(s))}</td>
            {shared.bloat.then(|| view! { <td class="num">{percent(s.bloat_estimate_ratio)}</td> })}
            <td class="num">{format::whole(Some(s.seq_scans))}</td>
            <td class="num">{format::whole(Some(s.index_scans))}</td>
            <td class="num">{percent(hit_ratio(s))}</td>
            <td class="num" title=analyzed>{s.last_vacuum.map_or_else(|| "never".to_owned(), |at| crate::age::brief(now.ms_since(at)))}</td>
        </tr>
    }
}

fn health(r: &TableRow) -> AnyView {
    let faults: &[TableFault] = &r.faults;
    if faults.is_empty() && r.upkeep.is_none() {
        return view! { <span class="muted">"fine"</span> }.into_any();
    }
    let mut kinds: Vec<_> = faults.iter().map(|f| f.fault).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let last = kinds.len().saturating_sub(1);
    let words = kinds
        .iter()
        .enumerate()
        .map(|(at, k)| {
            let n = faults.iter().filter(|f| f.fault == *k).count();
            let words = if n > 1 { format!("{n} × {}", k.title()) } else { k.title().to_owned() };
            if at == last { words } else { words + ", " }
        })
        .collect::<String>();
    let words = match (r.upkeep.is_some(), words.is_empty()) {
        (false, _) => words,
        (true, true) => "dead rows".to_owned(),
        (true, false) => words + ", dead rows",
    };
    let upkeep = r.upkeep.iter().map(|u| u.sentence.as_str());
    let sentences = faults.iter().map(|f| f.sentence.as_str()).chain(upkeep).collect::<Vec<_>>().join("\n");
    view! { <span class="fault-words" title=sentences><i class="glyph" data-status="degraded" aria-hidden="true"></i><span>{words}</span></span> }
        .into_any()
}
