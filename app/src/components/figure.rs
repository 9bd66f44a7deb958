//! Figures with their unit, age and trend.

use super::Age;
use crate::{
    chart::{Extent, SPARK_HEIGHT, SPARK_WIDTH, spark_path},
    format,
    live::key,
};
use leptos::{prelude::*, svg};
use reeve_model::{Figure, FigureGroup, TargetName, UnixMs, series::Point};

/// A sparkline. Decoration beside a figure that says the same in digits.
#[component]
pub fn Spark(
    /// The points.
    points: Vec<Point>,
    /// The extent shared with its column.
    extent: Extent,
    /// The `data-live` key of its path.
    #[prop(optional, into)]
    live: Option<String>,
) -> impl IntoView {
    let path = svg::path().attr("d", spark_path(&points, extent)).attr("data-live", live);
    view! {
        <svg class="spark" viewBox=format!("0 0 {SPARK_WIDTH} {SPARK_HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
            {path}
        </svg>
    }
}

/// One figure in one line: title, value with unit, trend, age. How to read it stands behind its title; why it is
/// not known stands in place of the trend.
#[component]
pub fn FigureCell(
    /// The figure.
    figure: Figure,
    /// Of which target.
    target: TargetName,
    /// The present moment.
    now: UnixMs,
) -> impl IntoView {
    let shown = format::figure(figure.value, figure.unit);
    let keys = key::figure(&target, &figure.id);
    let extent = Extent::of(&figure.trend);
    // The whole of a share is no news.
    let max = figure.max.filter(|_| figure.unit != reeve_model::Unit::Ratio);
    let limit = max.map(|max| format!("of {}", format::text(Some(max), figure.unit)));
    view! {
        <div class="figure" data-status=figure.status.map(reeve_model::Status::word) data-stale=figure.stale.to_string() data-live=keys.cell>
            <dt><FigureTitle title=figure.title note=figure.note/></dt>
            <dd class="figure-number">
                <span class="figure-value" data-live=keys.value>{shown.text}</span>
                <span class="figure-unit" data-live=keys.unit>{shown.unit}</span>
                {limit.map(|l| view! { <span class="figure-max">{l}</span> })}
            </dd>
            <dd class="figure-trend">
                <span class="figure-why" data-live=keys.why>{figure.why.filter(|w| !w.is_empty())}</span>
                <Spark points=figure.trend extent=extent live=keys.spark/>
            </dd>
            <dd class="figure-age">
                {match figure.at {
                    Some(at) => view! { <Age at=at now=now live=keys.age/> }.into_any(),
                    // The live feed fills it with the first reading.
                    None => view! { <time class="age" data-live=keys.age></time> }.into_any(),
                }}
            </dd>
        </div>
    }
}

/// The title of a figure; where there is something to say of how to read it, it opens to that.
#[component]
pub fn FigureTitle(
    /// Shown name.
    #[prop(into)]
    title: String,
    /// How to read it.
    note: Option<String>,
) -> impl IntoView {
    match note.filter(|n| !n.is_empty()) {
        Some(note) => {
            view! { <details class="figure-help"><summary title=note.clone()>{title}</summary><p>{note}</p></details> }.into_any()
        }
        None => view! { <span>{title}</span> }.into_any(),
    }
}

/// All figures of a target, group by group. A group without figures is left out.
#[component]
pub fn FigureGroups(
    /// The figures.
    figures: Vec<Figure>,
    /// Of which target.
    target: TargetName,
    /// The present moment.
    now: UnixMs,
) -> impl IntoView {
    let group = move |group: FigureGroup| {
        let cells: Vec<_> = figures
            .iter()
            .filter(|f| f.group == group)
            .map(|f| view! { <FigureCell figure=f.clone() target=target.clone() now=now/> })
            .collect();
        (!cells.is_empty()).then(|| {
            view! {
                <section class="figure-group">
                    <h3>{group.title()}</h3>
                    <dl class="figures">{cells}</dl>
                </section>
            }
        })
    };
    view! { <div class="figure-groups">{FigureGroup::ALL.into_iter().map(group).collect_view()}</div> }
}
