//! `/admin/compliance/controls/{control}`: one control with its evidence on each target.

use super::{
    attest, evidence, rows,
    words::{scanned, severity, verdict_of},
};
use crate::{
    components::{Choice, Empty, EmptyKind},
    format,
    render::PageContext,
    route::Page,
};
use leptos::prelude::*;
use reeve_model::{
    TargetName, UnixMs,
    compliance::{Attestation, ControlDetail, ControlOnTarget},
};

/// The page.
pub fn view(d: &ControlDetail, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let none = d.not_assessed.as_ref().filter(|_| !d.attestable).map(|n| {
        let reason = n.reason.clone();
        view! { <Empty kind=EmptyKind::NotConfigured title="Reeve does not judge this control">{reason}" It counts as not assessed, never as passed."</Empty> }
    });
    view! {
        <header class="page-head">
            <h1>{d.control.clone()}</h1>
            {severity(d.severity)}
        </header>
        <p class="answer">{d.title.clone()}</p>
        {(!d.why.is_empty()).then(|| view! { <p class="why">{d.why.clone()}</p> })}
        {none}
        {if d.attestable { persons(d, cx, now).into_any() } else { d.targets.iter().map(|t| on(t, d.targets.len() == 1, now)).collect_view().into_any() }}
        <section class="section" aria-labelledby="clauses-title">
            <header class="section-head"><h2 id="clauses-title">"Clauses"</h2></header>
            {evidence::clauses(&d.clauses)}
        </section>
    }
}

/// What persons say of it, target by target, and the form for those who may.
fn persons(d: &ControlDetail, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let at = Page::ControlOf(d.control.clone()).href();
    let may = |target: &TargetName| cx.principal.as_ref().is_some_and(|p| p.may_for("attest", "control", target));
    let one = |t: &ControlOnTarget| {
        let target = &t.scan.target;
        let words: Vec<&Attestation> = d.attestations.iter().filter(|a| a.subject.target() == Some(target)).collect();
        let standing = match words.iter().find(|a| a.holds(now)) {
            Some(word) => {
                let back = may(target).then(|| attest::withdraw(&at, cx.csrf.clone(), "target", target.to_string()));
                view! { {attest::told(word, now)}{back} }.into_any()
            }
            None => view! { <p>"Nobody vouches for it: it counts as not assessed, never as passed."</p> }.into_any(),
        };
        let past = words.iter().filter(|a| !a.holds(now)).map(|a| attest::told(a, now)).collect::<Vec<_>>();
        let past = (!past.is_empty()).then(|| view! { <details class="more"><summary>"Before"</summary>{past}</details> });
        view! { <h3 class="mono">{target.to_string()}</h3>{standing}{past} }
    };
    let mine: Vec<(String, String)> =
        d.targets.iter().map(|t| &t.scan.target).filter(|t| may(t)).map(|t| (t.to_string(), t.to_string())).collect();
    let form = (!mine.is_empty()).then(|| {
        let which = view! { <Choice label="Target" name="target" options=mine/> }.into_any();
        attest::form("Give your word", &at, cx.csrf.clone(), which)
    });
    let who = form.is_none().then(|| view! { <p class="muted">"Security officers vouch for what no database can show."</p> });
    view! {
        <section class="section" aria-labelledby="persons-title">
            <header class="section-head">
                <h2 id="persons-title">"Only a person can show this"</h2>
                <p class="muted">"No database can."</p>
            </header>
            {d.targets.iter().map(one).collect_view()}
            {who}
            {form}
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
