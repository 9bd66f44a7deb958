//! The estate's answer and the table of targets: one row each, one unit and one scale for each column.

use super::{HealthData, band, facts_words};
use crate::{
    chart::Extent,
    components::{Age, Empty, EmptyKind, OverList, Reasons, Spark, StatusBadge, target_href},
    format::{self, Scale},
    live,
    live::key::{self, part as parts},
    route::Page,
};
use leptos::prelude::*;
use reeve_model::{Figure, HealthOverview, Reach, TargetSummary, Unit, UnixMs, probe::ProbeRun};

/// Reasons shown in a row; the target's page has all.
const REASONS: usize = 3;
/// Of what is over; the targets' pages have all.
const OVER: usize = 3;

/// The headline figures of all targets in the order shown: id, unit, title.
#[must_use]
pub fn columns(overview: &HealthOverview) -> Vec<(String, Unit, String)> {
    let mut columns: Vec<(String, Unit, String)> = Vec::new();
    for f in overview.targets.iter().flat_map(|t| &t.figures) {
        if !columns.iter().any(|(id, ..)| *id == f.id) {
            columns.push((f.id.clone(), f.unit, f.title.clone()));
        }
    }
    columns
}

#[allow(clippy::cast_precision_loss)]
fn of_column<'a>(overview: &'a HealthOverview, id: &'a str) -> impl Iterator<Item = &'a Figure> {
    overview.targets.iter().flat_map(|t| &t.figures).filter(move |f| f.id == id)
}

/// The unit of a column.
#[must_use]
pub fn column_scale(overview: &HealthOverview, id: &str, unit: Unit) -> Scale {
    Scale::of(unit, of_column(overview, id).map(|f| f.value))
}

/// The scale of a column's sparklines.
#[must_use]
pub fn column_extent(overview: &HealthOverview, id: &str) -> Extent {
    Extent::of(of_column(overview, id).flat_map(|f| &f.trend))
}

pub(super) fn part(data: &HealthData, now: UnixMs) -> impl IntoView + use<> {
    let overview = &data.overview;
    let body = if overview.targets.is_empty() && !data.everywhere {
        view! {
            <Empty kind=EmptyKind::NoPermission title="No target is within your rights">
                "Your roles are held for an environment, a tag or a target of which there is none. An admin can widen them; "
                <a href=Page::Account.href()>"your account"</a>" says what they are."
            </Empty>
        }
        .into_any()
    } else if overview.targets.is_empty() {
        view! {
            <Empty kind=EmptyKind::NotConfigured title="No target is registered">
                "Name a server in " <code>"reeve.toml"</code> " or set " <code>"REEVE_TARGET_<NAME>_URL"</code> " and start Reeve again; its first round follows at once."
            </Empty>
        }
        .into_any()
    } else {
        table(data, now).into_any()
    };
    let over = overview.targets.iter().flat_map(|t| t.over.iter().map(|o| (t.info.name.clone(), o.clone()))).collect::<Vec<_>>();
    view! {
        <div id=parts::TARGETS data-shape=live::answer_shape(overview, &facts_words(&data.facts()))>
            {band(data, now)}
            <OverList over=over most=OVER named={overview.targets.len() > 1} now=now/>
            <section class="section" aria-labelledby="targets">
                <header class="section-head"><h2 id="targets">"Targets"</h2></header>
                {body}
            </section>
        </div>
    }
}

fn table(data: &HealthData, now: UnixMs) -> impl IntoView + use<> {
    let overview = &data.overview;
    let columns: Vec<_> = columns(overview)
        .into_iter()
        .map(|(id, unit, title)| {
            let (scale, extent) = (column_scale(overview, &id, unit), column_extent(overview, &id));
            (id, title, scale, extent)
        })
        .collect();
    let heads = columns
        .iter()
        .map(|(id, title, scale, _)| {
            view! { <th role="columnheader" scope="col" class="num">{title.clone()}" "<span class="unit" data-live=key::column_unit(id)>{scale.label}</span></th> }
        })
        .collect_view();
    let told = overview.targets.len() > 1;
    let rows = overview
        .targets
        .iter()
        .map(|t| {
            let cells = columns.iter().map(|(id, title, scale, extent)| cell(t, id, title, *scale, *extent, now)).collect_view();
            let probes = data.probes.iter().find(|(name, _)| *name == t.info.name).map(|(_, p)| &p[..]).unwrap_or_default();
            row(t, cells.into_any(), columns.len() + 3, probes, told, now)
        })
        .collect_view();
    view! {
        <div class="table-frame targets-frame">
            // Narrow places lay the rows out as cards; the roles keep it a table to those who hear it.
            <table role="table" class="table targets" data-rows="" aria-labelledby="targets">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Target"</th>
                        <th role="columnheader" scope="col">"Verdict"</th>
                        <th role="columnheader" scope="col" class="num">"Score "<span class="unit">"of 100"</span></th>
                        {heads}
                    </tr>
                </thead>
                {rows}
            </table>
        </div>
    }
}

fn cell(t: &TargetSummary, id: &str, title: &str, scale: Scale, extent: Extent, now: UnixMs) -> AnyView {
    let Some(f) = t.figures.iter().find(|f| f.id == id) else {
        return view! { <td role="cell" class="num" data-label=title.to_owned()>{format::UNKNOWN}</td> }.into_any();
    };
    let keys = key::figure(&t.info.name, &f.id);
    // Where the header is hidden (narrow screens) the label carries the unit.
    let label = if scale.label.is_empty() { title.to_owned() } else { format!("{title}, {}", scale.label) };
    let hint = f.why.clone().or_else(|| f.note.clone());
    view! {
        <td role="cell" class="num" data-label=label data-status=f.status.map(reeve_model::Status::word) data-stale=f.stale.to_string() data-live=keys.cell title=hint>
            <span class="cell-value" data-live=keys.value>{scale.show(f.value)}</span>
            <Spark points=f.trend.clone() extent=extent live=keys.spark/>
            {f.at.map(|at| view! { <span class="cell-age"><Age at=at now=now live=keys.age/></span> })}
        </td>
    }
    .into_any()
}

fn row(t: &TargetSummary, cells: AnyView, width: usize, probes: &[ProbeRun], told: bool, now: UnixMs) -> impl IntoView + use<> {
    let of = key::target(&t.info.name);
    let v = t.verdict.clone();
    let down = matches!(t.reach, Reach::Down { .. });
    let about = [Some(t.info.environment.word().to_owned()), t.version.clone()];
    let about = about.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let more = v.reasons.len().checked_sub(REASONS).filter(|n| *n > 0);
    // Beside an only target the answer above has told them already.
    let reasons = told.then(|| {
        view! {
            <Reasons reasons=v.reasons.iter().take(REASONS).cloned().collect() target=Some(t.info.name.clone()) now=now/>
            {more.map(|n| view! { <p class="fine"><a href=target_href(&t.info.name)>{format::plural(n, "more reason", "more reasons")}</a></p> })}
        }
    });
    view! {
        <tbody role="rowgroup" data-stale=down.to_string()>
            <tr role="row">
                <th role="rowheader" scope="row" class="target-name">
                    <a href=target_href(&t.info.name) data-row="">{t.info.name.to_string()}</a>
                    <span class="about">{about}</span>
                    <span class="about address" title=t.info.address.clone()>{t.info.address.clone()}</span>
                </th>
                <td role="cell" data-label="Verdict">
                    <StatusBadge status=v.status live=of.clone()/>
                    <span class="about">"for " <Age at=v.since now=now span=true live=key::since(&of)/></span>
                </td>
                <td role="cell" class="num" data-label="Score">
                    <span class="cell-value" data-live=key::score(&of)>{live::score(&v)}</span>
                    <span class="about"><span data-live=key::measured(&of)>{live::measured(&v)}</span>" measured"</span>
                </td>
                {cells}
            </tr>
            <tr role="row" class="target-words">
                <td role="cell" colspan=width>
                    {reach(t, now)}
                    {reasons}
                    <p class="fine">
                        {t.last_round.map(|at| view! { "newest round " <Age at=at now=now live=key::round(&t.info.name)/> ", " })}
                        {format!("every {}", crate::age::span(t.every_ms))}
                        {cost(probes).map(|cost| format!(" · reading it costs {cost}"))}
                    </p>
                </td>
            </tr>
        </tbody>
    }
}

/// What is said of a target that does not answer, or has not been asked.
pub fn reach(t: &TargetSummary, now: UnixMs) -> AnyView {
    match t.reach.clone() {
        Reach::Up { .. } => ().into_any(),
        Reach::Untried => view! { <p class="outage">"Not asked yet: its first round is on the way."</p> }.into_any(),
        Reach::Down { since, sentence, last_up, refusal } => view! {
            <p class="outage" data-status="critical">
                <b>{if refusal.is_some() { "Sign-in refused for " } else { "No answer for " }} <Age at=since now=now span=true/> ". "</b>
                {sentence}" "
                {match last_up {
                    Some(at) => view! { "The figures are those last known, from " <Age at=at now=now/> "." }.into_any(),
                    None if refusal.is_some() => "It has never let Reeve in.".into_any(),
                    None => "It has never answered.".into_any(),
                }}
            </p>
        }
        .into_any(),
    }
}

/// What the collector costs the target, as a share of one processor.
#[must_use]
pub fn cost(probes: &[ProbeRun]) -> Option<String> {
    let share = |ms: Option<f64>, p: &ProbeRun| ms.filter(|_| p.every_ms > 0).map(|ms| ms / p.every_ms as f64);
    let server: f64 = probes.iter().filter_map(|p| share(p.server_ms, p)).sum();
    let wall: f64 = probes.iter().filter_map(|p| share(Some(p.wall_ms), p)).sum();
    (!probes.is_empty()).then(|| {
        let known = probes.iter().any(|p| p.server_ms.is_some());
        let (share, what) = if known { (server, "of one core on the server") } else { (wall, "of the time, waiting included") };
        format!("{}\u{a0}% {what}", format::Scale::of(Unit::Milliseconds, []).show(Some(share * 100.0)))
    })
}
