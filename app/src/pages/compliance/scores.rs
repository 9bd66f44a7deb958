//! The targets with their scores: on the first screen and on the compliance page.

use super::words::{self, assessed, cap, controls_href, finding_href, findings_href, points, scanned, severity};
use crate::{
    components::{Csrf, Empty, EmptyKind},
    format,
    render::PageContext,
};
use leptos::prelude::*;
use reeve_access::Principal;
use reeve_model::{
    TargetName, UnixMs,
    compliance::{ComplianceOverview, Finding, FindingState, Severity, TargetCompliance},
};

/// Columns of the table.
const WIDTH: usize = 10;
/// The severities with a column.
const COLUMNS: [Severity; 4] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];

/// What a row may show and offer.
struct Caller {
    principal: Option<Principal>,
    csrf: Option<String>,
    from: &'static str,
}

impl Caller {
    fn may(&self, verb: &str, noun: &str, target: &TargetName) -> bool {
        self.principal.as_ref().is_some_and(|p| p.may_for(verb, noun, target))
    }
}

/// The table, or why there is none. `from` says to which page its forms lead back: `health` or `compliance`.
pub fn table(overview: &ComplianceOverview, cx: &PageContext, from: &'static str, now: UnixMs) -> AnyView {
    if overview.targets.is_empty() {
        return view! {
            <Empty kind=EmptyKind::NotConfigured title="No target to scan">"Scans begin with the first target that is registered and within your rights."</Empty>
        }
        .into_any();
    }
    let caller = Caller { principal: cx.principal.clone(), csrf: cx.csrf.clone(), from };
    let rows = overview.targets.iter().map(|t| row(t, overview, &caller, now)).collect_view();
    view! {
        <div class="table-frame" tabindex="0">
            <table class="table scores">
                <thead>
                    <tr>
                        <th scope="col">"Target"</th>
                        <th scope="col" class="num" title="Weighted share of controls that are proven to hold; what is unknown earns nothing">"Proven " <span class="unit">"of 100"</span></th>
                        <th scope="col" class="num" title="What it would be if everything unknown passed">"Up to"</th>
                        <th scope="col" class="num" title="Controls that passed or failed, of all in the catalogue">"Assessed"</th>
                        {COLUMNS.map(|s| view! { <th scope="col" class="num">{capital(s.word())}</th> }).into_iter().collect_view()}
                        <th scope="col" class="num" title="Findings whose risk an officer accepts for a time">"Accepted"</th>
                        <th scope="col">"Scanned"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn row(t: &TargetCompliance, overview: &ComplianceOverview, caller: &Caller, now: UnixMs) -> impl IntoView + use<> {
    let name = t.scan.target.clone();
    let sees = caller.may("view", "findings", &name);
    let link = |text: String, href: String| {
        if sees { view! { <a href=href>{text}</a> }.into_any() } else { view! { <span>{text}</span> }.into_any() }
    };
    let score = t.score.as_ref();
    let proven = link(points(score.and_then(|s| s.proven)), controls_href(Some(&name), Some("pass")));
    let upper = link(points(score.and_then(|s| s.upper)), controls_href(Some(&name), Some("unknown")));
    let judged = score.map_or_else(|| format::UNKNOWN.into(), |s| assessed(s, overview.total));
    let judged = link(judged, controls_href(Some(&name), None));
    let counts = COLUMNS
        .map(|s| {
            let n = t.open.iter().find(|(of, _)| *of == s).map_or(0, |(_, n)| *n);
            let cell = match score {
                None => view! { <span>{format::UNKNOWN}</span> }.into_any(),
                // What is behind a zero is what was looked at and passed.
                Some(_) if n == 0 && sees => view! { <a class="muted" href=controls_href(Some(&name), Some("pass"))>"0"</a> }.into_any(),
                Some(_) if n == 0 => view! { <span class="muted">"0"</span> }.into_any(),
                Some(_) => link(format::whole(Some(n.into())), findings_href(&name, Some(s), Some(FindingState::Open))),
            };
            view! { <td class="num" data-severity=(n > 0).then(|| s.word())>{cell}</td> }
        })
        .into_iter()
        .collect_view();
    let accepted = match score {
        Some(_) => link(format::whole(Some(t.accepted.into())), findings_href(&name, None, Some(FindingState::Accepted))),
        None => view! { <span>{format::UNKNOWN}</span> }.into_any(),
    };
    let scan = caller.may("scan", "target", &name).then(|| {
        let (action, csrf, from) = (format!("/admin/compliance/scan/{name}"), caller.csrf.clone(), caller.from);
        view! {
            <form method="post" action=action class="scan-now">
                <Csrf token=csrf/>
                <input type="hidden" name="from" value=from/>
                <button class="button quiet" disabled=t.scan.scanning aria-label=format!("Scan now: {name}")>"Scan now"</button>
            </form>
        }
    });
    let grey = (t.scan.stale || t.scan.fault.is_some()).to_string();
    view! {
        <tr data-stale=grey>
            <th scope="row" class="mono">{link(name.to_string(), findings_href(&name, None, None))}</th>
            <td class="num strong">{proven}</td>
            <td class="num">{upper}</td>
            <td class="num">{judged}</td>
            {counts}
            <td class="num">{accepted}</td>
            <td class="scanned">{scanned(&t.scan, now)}{scan}</td>
        </tr>
        {beneath(t, overview, now)}
    }
}

/// What the figures can't say: why they are held down, why they are old, and what to do first.
fn beneath(t: &TargetCompliance, overview: &ComplianceOverview, now: UnixMs) -> impl IntoView + use<> {
    let mut lines: Vec<AnyView> = Vec::new();
    if let Some(fault) = &t.scan.fault {
        let since = crate::age::span(now.ms_since(fault.since));
        lines.push(format!("No scan works since {since}: {}", fault.sentence).into_any());
    }
    if t.scan.stale {
        let old = crate::age::span(overview.fresh_ms);
        lines.push(format!("The newest evidence is older than {old} and says nothing any more, so its controls are unknown.").into_any());
    }
    if t.scan.scanned_at.is_none() && t.scan.fault.is_none() {
        lines.push("Nothing is known until the first scan is through.".into_any());
    }
    lines.extend(t.score.as_ref().and_then(|s| cap(s).map(|sentence| words::linked(sentence, words::cap_of(s)))));
    // Where nothing is known, this says nothing more.
    let judged = t.score.as_ref().filter(|s| !s.no_data());
    lines.extend(judged.and_then(|s| words::unknown_critical(s).map(|sentence| words::linked(sentence, &s.unknown_critical))));
    let worst = (!t.worst.is_empty()).then(|| view! { <ul class="worst">{t.worst.iter().map(worst).collect_view()}</ul> });
    let any = !lines.is_empty() || worst.is_some();
    any.then(|| {
        let lines = lines.into_iter().map(|line| view! { <p>{line}</p> }).collect_view();
        view! { <tr class="row-words"><td colspan=WIDTH><div class="beneath">{lines}{worst}</div></td></tr> }
    })
}

fn worst(f: &Finding) -> impl IntoView + use<> {
    view! {
        <li>
            {severity(f.severity)}
            <a href=finding_href(f)>{f.offender.sentence.clone()}</a>
            {(f.state == FindingState::Regressed).then(|| words::state(f.state))}
        </li>
    }
}
