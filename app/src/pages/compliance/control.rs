//! `/admin/compliance/controls/{control}`: one control with its evidence on each target.

use super::{
    evidence, rows,
    words::{scanned, severity, verdict_of},
};
use crate::{
    components::{Empty, EmptyKind},
    format,
};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    compliance::{ControlDetail, ControlOnTarget},
};

/// The page.
pub fn view(d: &ControlDetail, now: UnixMs) -> impl IntoView + use<> {
    let none = d.not_assessed.as_ref().map(|n| {
        let title = if n.only_person { "Only a person can show this" } else { "Reeve does not judge this control" };
        let reason = n.reason.clone();
        view! { <Empty kind=EmptyKind::NotConfigured title=title>{reason}" It counts as not assessed, never as passed."</Empty> }
    });
    view! {
        <header class="page-head">
            <h1>{d.control.clone()}</h1>
            {severity(d.severity)}
        </header>
        <p class="answer">{d.title.clone()}</p>
        {(!d.why.is_empty()).then(|| view! { <p class="why">{d.why.clone()}</p> })}
        {none}
        {d.targets.iter().map(|t| on(t, d.targets.len() == 1, now)).collect_view()}
        <section class="section" aria-labelledby="clauses-title">
            <header class="section-head"><h2 id="clauses-title">"Clauses"</h2></header>
            {evidence::clauses(&d.clauses)}
        </section>
    }
}

fn on(t: &ControlOnTarget, only: bool, now: UnixMs) -> impl IntoView + use<> {
    let id = format!("on-{}", t.scan.target);
    let heading = format!("{id}-title");
    let body = match &t.result {
        None => {
            let why = t.scan.fault.as_ref().map_or_else(|| "The first scan is not through yet.".to_owned(), |f| f.sentence.clone());
            let kind = if t.scan.fault.is_some() { EmptyKind::Unreachable } else { EmptyKind::NothingYet };
            view! { <Empty kind=kind title="Not scanned">{why}</Empty> }.into_any()
        }
        Some(r) => {
            let judged = (r.population > 0)
                .then(|| format!("{} judged", format::plural(usize::try_from(r.population).unwrap_or(usize::MAX), "object", "objects")));
            let notes = r.notes.iter().map(|n| view! { <li>{n.clone()}</li> }).collect_view();
            view! {
                {verdict_of(&r.state)}
                {judged.map(|j| view! { <p class="muted">{j}</p> })}
                {(!r.notes.is_empty()).then(|| view! { <ul class="notes">{notes}</ul> })}
                {(!t.findings.is_empty()).then(|| rows::list(&t.findings, now))}
                <h3 class="evidence-title">"Evidence"</h3>
                {evidence::list(&t.evidence, &t.scan, only, now)}
            }
            .into_any()
        }
    };
    view! {
        <section class="section" id=id aria-labelledby=heading.clone()>
            <header class="section-head">
                <h2 id=heading.clone() class="mono">{t.scan.target.to_string()}</h2>
                <p class="muted">"scanned "{scanned(&t.scan, now)}</p>
            </header>
            {body}
        </section>
    }
}
