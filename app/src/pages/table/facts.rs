//! The figures of one table.

use crate::{
    components::Age,
    format,
    pages::tables::rows::{dead_ratio, hit_ratio},
};
use leptos::prelude::*;
use reeve_model::{Unit, UnixMs, table::TableRow};

pub(super) fn list(r: &TableRow, now: UnixMs) -> impl IntoView + use<> {
    let s = &r.stats;
    let figure = |title: &'static str, value: Option<f64>, unit: Unit, note: String| {
        let shown = format::figure(value, unit);
        view! {
            <div class="figure">
                <dt>{title}</dt>
                <dd class="figure-number"><span class="figure-value">{shown.text}</span><span class="figure-unit">{shown.unit}</span></dd>
                <dd class="figure-note">{note}</dd>
            </div>
        }
    };
    let bytes = |title, value: Option<i64>, note: &str| figure(title, value.map(|v| v as f64), Unit::Bytes, note.into());
    let count = |title, value: i64, note: String| figure(title, Some(value as f64), Unit::Count, note);
    let hot = (s.updated > 0).then(|| s.hot_updated as f64 / s.updated as f64);
    let when = |title: &'static str, at: Option<UnixMs>, note: String| {
        let value = at.map_or_else(|| view! { <span>"never"</span> }.into_any(), |at| view! { <Age at=at now=now/> }.into_any());
        view! { <div class="figure"><dt>{title}</dt><dd class="figure-number"><span class="figure-value">{value}</span></dd><dd class="figure-note">{note}</dd></div> }
    };
    let growth = format::growth(r.growth_bytes);
    view! {
        <div class="figure-groups">
        <section class="figure-group"><h3>"Size"</h3><dl class="figures">
            {bytes("Total", s.total_bytes(), &format!("growth {growth}"))}
            {bytes("Heap", s.heap_bytes, "")}
            {bytes("Indexes", s.index_bytes, "")}
            {bytes("TOAST", s.toast_bytes, "")}
            {figure("Bloat", s.bloat_estimate_ratio, Unit::Ratio, "estimated from row widths".into())}
        </dl></section>
        <section class="figure-group"><h3>"Rows"</h3><dl class="figures">
            {figure("Rows", s.rows_estimate, Unit::Count, "estimated by the last analyze".into())}
            {figure("Dead", dead_ratio(s), Unit::Ratio, format!("{} dead rows", format::whole(Some(s.dead_rows))))}
            {count("Inserted", s.inserted, "since statistics began".into())}
            {count("Updated", s.updated, hot.map(|h| format!("{} within their page", format::text(Some(h), Unit::Ratio))).unwrap_or_default())}
            {count("Deleted", s.deleted, String::new())}
        </dl></section>
        <section class="figure-group"><h3>"Reads"</h3><dl class="figures">
            {count("Sequential scans", s.seq_scans, format!("{} rows read", format::whole(Some(s.seq_rows_read))))}
            {count("Index scans", s.index_scans, String::new())}
            {figure("Cache hit", hit_ratio(s), Unit::Ratio, "of the blocks asked for".into())}
        </dl></section>
        <section class="figure-group"><h3>"Upkeep"</h3><dl class="figures">
            {when("Vacuumed", s.last_vacuum, String::new())}
            {when("Analyzed", s.last_analyze, format!("{} rows changed since", format::whole(Some(s.modified_since_analyze))))}
            {(s.autovacuum_off).then(|| view! {
                <div class="figure" data-status="degraded">
                    <dt>"Autovacuum"</dt>
                    <dd class="figure-number"><span class="figure-value">"off"</span></dd>
                    <dd class="figure-note">"for this table (autovacuum_enabled)"</dd>
                </div>
            })}
            {figure("Oldest xid", s.xid_age.map(|v| v as f64), Unit::Transactions, "age in transactions".into())}
        </dl></section>
        </div>
    }
}
