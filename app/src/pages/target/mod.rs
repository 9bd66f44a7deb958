//! `/admin/targets/{name}`: all that is known of one target.

mod collector;
mod parts;
mod score;
mod settings;

use crate::components::Age;
use crate::{
    components::{Charts, Empty, EmptyKind, FigureGroups, OverList, Reasons, StatusBadge, charts_shape},
    live,
    live::key::{self, part},
    pages::health::targets_words,
    route::Page,
};
use leptos::prelude::*;
use reeve_access::Principal;
use reeve_model::{Figure, Reach, TargetDetail, TargetSummary, UnixMs};

/// The figures as this page shows them. That the server does not answer is said once, above all of them: each keeps its age and is grey.
#[must_use]
pub fn figures_shown(s: &TargetSummary) -> Vec<Figure> {
    let mut figures = s.figures.clone();
    if matches!(s.reach, Reach::Down { .. }) {
        figures.iter_mut().for_each(|f| f.why = None);
    }
    figures
}

/// The page.
pub fn view(detail: &TargetDetail, now: UnixMs) -> impl IntoView + use<> {
    let s = &detail.summary;
    let down = matches!(s.reach, Reach::Down { .. });
    let charts = if detail.charts.is_empty() {
        view! { <Empty kind=EmptyKind::NothingYet title="No history yet">"Charts begin with the second round."</Empty> }.into_any()
    } else {
        view! { <Charts charts=detail.charts.clone()/> }.into_any()
    };
    let sees = use_context::<Principal>().is_some_and(|p| p.may_for("view", "sessions", &s.info.name));
    let sessions = sees.then(|| Page::Sessions(s.info.name.clone(), Box::default()).href());
    view! {
        {head(detail, now)}
        <nav class="jump" aria-label="On this page">
            <a href="#figures">"Figures"</a><a href="#charts">"Charts"</a><a href="#databases">"Databases"</a>
            <a href="#statements">"Statements"</a><a href="#locks">"Locks"</a><a href="#replication">"Replication"</a>
            <a href="#sequences">"Sequences"</a><a href="#settings">"Settings"</a><a href="#score">"Score"</a><a href="#collector">"Collector"</a>
            {sessions.map(|href| view! { <a class="jump-out" href=href>"Sessions"</a> })}
            <a class="jump-out" href=Page::Tables(s.info.name.clone(), Box::default()).href()>"Tables"</a>
        </nav>
        <section class="section" id="figures" data-stale=down.to_string()>
            <header class="section-head"><h2>"Figures"</h2></header>
            {if s.figures.is_empty() {
                view! { <Empty kind=EmptyKind::NothingYet title="Nothing read yet">"The first round fills this."</Empty> }.into_any()
            } else {
                view! { <FigureGroups figures=figures_shown(s) target=s.info.name.clone() now=now/> }.into_any()
            }}
        </section>
        <section class="section" id="charts">
            <header class="section-head"><h2>"The last hour"</h2><p class="muted">"Times are UTC. A gap is time in which nothing could be read."</p></header>
            <div id=part::CHARTS data-shape=charts_shape(&detail.charts)>{charts}</div>
        </section>
        <div id=part::DETAIL data-shape=live::detail_shape(detail)>
            {parts::databases(detail, now)}
            {parts::statements(detail, now)}
            {parts::locks(detail, now)}
            {parts::replication(detail, now)}
            {parts::sequences(detail, now)}
            {settings::settings(detail, now)}
            {score::arithmetic(&s.verdict)}
            {collector::collector(detail, now)}
        </div>
    }
}

fn head(detail: &TargetDetail, now: UnixMs) -> impl IntoView + use<> {
    let s = &detail.summary;
    let of = key::target(&s.info.name);
    let v = s.verdict.clone();
    let up = match s.reach {
        Reach::Up { since } => Some(since),
        _ => None,
    };
    let owner = s.info.owner.as_ref().map(|owner| format!("owned by {owner}"));
    let environment = Some(s.info.environment.word().to_owned());
    let pooled = detail.pooled.then(|| "through a connection pooler".to_owned());
    let facts = [environment, s.info.region.clone(), s.version.clone(), Some(s.info.address.clone()), pooled, owner];
    let tags = s.info.tags.iter().map(|t| view! { <span class="tag">{t.clone()}</span> }).collect_view();
    view! {
        <section class="band" id=part::VERDICT data-shape=live::verdict_shape(s) data-status=v.status.word() data-live=of.clone() aria-labelledby="answer">
            <i class="glyph" data-status=v.status.word() data-live=of.clone() aria-hidden="true"></i>
            <div class="band-words">
                <h1 id="answer">{s.info.name.to_string()}</h1>
                <p class="band-sub">
                    <StatusBadge status=v.status live=of.clone()/>
                    " for " <Age at=v.since now=now span=true live=key::since(&of)/>
                    <span class="dot"></span>"score " <b data-live=key::score(&of)>{live::score(&v)}</b>" of 100"
                    <span class="dot"></span><b data-live=key::measured(&of)>{live::measured(&v)}</b>" measured"
                    {s.last_round.map(|at| view! { <span class="dot"></span>"newest round " <Age at=at now=now live=key::round(&s.info.name)/> })}
                </p>
                <p class="band-sub">
                    {facts.into_iter().flatten().collect::<Vec<_>>().join(" · ")}
                    {up.map(|at| view! { " "<span class="dot"></span>" answers since " <Age at=at now=now/> })}
                    " "{tags}
                </p>
                {targets_words(s, now)}
            </div>
            {if v.reasons.is_empty() && v.status == reeve_model::Status::Healthy {
                view! { <p class="band-fine">"Nothing needs doing."</p> }.into_any()
            } else {
                view! { <Reasons reasons=v.reasons.clone() target=Some(s.info.name.clone()) now=now/> }.into_any()
            }}
            <OverList over={s.over.iter().map(|o| (s.info.name.clone(), o.clone())).collect()} most=usize::MAX now=now/>
        </section>
    }
}
