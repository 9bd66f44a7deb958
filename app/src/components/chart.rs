//! Charts with their legend and table of values.

use crate::{chart, format};
use leptos::prelude::*;
use reeve_model::{UnixMs, health::Chart, series::Trend};
use std::collections::BTreeSet;

/// Rows of a chart's table of values: the newest that many moments.
const TABLE_ROWS: usize = 60;

/// Charts side by side.
#[component]
pub fn Charts(
    /// The charts.
    charts: Vec<Chart>,
) -> impl IntoView {
    view! { <div class="charts">{charts.into_iter().map(one).collect_view()}</div> }
}

/// Changes when a chart has a newer point than ten seconds ago, so that charts are redrawn calmly.
#[must_use]
pub fn charts_shape(charts: &[Chart]) -> String {
    let newest = charts.iter().flat_map(|c| &c.lines).filter_map(|l| l.points.last()).map(|p| p.at.0).max().unwrap_or(0);
    format!("{}-{}", charts.len(), newest / 10_000)
}

fn one(c: Chart) -> impl IntoView {
    let drawing = chart::draw(&c);
    let several = c.lines.len() > 1;
    let legend = |(n, line): (usize, &Trend)| {
        let newest = format::text(line.points.last().map(|p| p.value), c.unit);
        view! {
            <li>
                {several.then(|| view! { <i class=format!("swatch s{}", n % 6) aria-hidden="true"></i>{line.title.clone()} })}
                <b>{newest}</b>
            </li>
        }
    };
    let legend = c.lines.iter().enumerate().map(legend).collect_view();
    view! {
        <figure class="chart-box">
            <figcaption><h3>{c.title.clone()}" "<span class="unit">{chart::scale(&c).label}</span></h3><ul class="legend">{legend}</ul></figcaption>
            {match drawing {
                Some(svg) => view! { <div class="chart-frame" inner_html=svg></div> }.into_any(),
                None => view! { <p class="chart-empty">"Two readings make a line; it starts with the next round."</p> }.into_any(),
            }}
            {values(&c)}
        </figure>
    }
}

/// The same as a table: one row for each moment, newest first.
fn values(c: &Chart) -> impl IntoView + use<> {
    let moments: BTreeSet<UnixMs> = c.lines.iter().flat_map(|l| l.points.iter().map(|p| p.at)).collect();
    let scale = chart::scale(c);
    let row = |at: &UnixMs| {
        let cell = |l: &Trend| {
            let value = l.points.binary_search_by_key(at, |p| p.at).ok().and_then(|i| l.points.get(i)).map(|p| p.value);
            view! { <td class="num">{scale.show(value)}</td> }
        };
        view! { <tr><th scope="row" class="mono">{format::moment(*at)}</th>{c.lines.iter().map(cell).collect_view()}</tr> }
    };
    let head = |l: &Trend| {
        let unit = (!scale.label.is_empty()).then(|| view! { <span class="unit">{scale.label}</span> });
        view! { <th scope="col" class="num">{l.title.clone()} " " {unit}</th> }
    };
    let shown = moments.len().min(TABLE_ROWS);
    view! {
        <details class="values" id=format!("values-{}", c.id)>
            <summary>{if shown < moments.len() { format!("Values, newest {shown} of {}", moments.len()) } else { "Values".into() }}</summary>
            <div class="table-frame" tabindex="0">
                <table class="table">
                    <thead><tr><th scope="col">"Time"</th>{c.lines.iter().map(head).collect_view()}</tr></thead>
                    <tbody>{moments.iter().rev().take(TABLE_ROWS).map(row).collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
}
