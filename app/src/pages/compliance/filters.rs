//! The filters: a form that gets this page, what is set as chips that can be taken off, and the ways out of Reeve.

use super::ComplianceData;
use crate::route::FindingsView;
use leptos::prelude::*;
use reeve_model::compliance::{FindingQuery, FindingState, Framework, Severity};

/// Findings that one answer of the interface holds at most.
const MOST: u32 = 500;

pub(super) fn form(data: &ComplianceData) -> impl IntoView + use<> {
    let q = &data.view.query;
    let choice = |label: &'static str, name: &'static str, any: &'static str, options: Vec<(String, String, bool)>| {
        let options = options
            .into_iter()
            .map(|(value, words, selected)| view! { <option value=value selected=selected>{words}</option> })
            .collect_view();
        view! { <label class="filter"><span>{label}</span><select name=name><option value="">{any}</option>{options}</select></label> }
    };
    let severities = Severity::ALL.iter().map(|s| (s.word().into(), s.word().into(), q.severity == Some(*s))).collect();
    let states = FindingState::ALL.iter().map(|s| (s.word().into(), s.word().into(), q.state == Some(*s))).collect();
    let frameworks = Framework::ALL.iter().map(|f| (f.word().into(), f.title().into(), q.framework == Some(*f))).collect();
    let names = data.overview.targets.iter().map(|t| t.scan.target.to_string());
    let targets = names.map(|n| (n.clone(), n.clone(), q.target.as_ref().is_some_and(|t| t.as_str() == n))).collect();
    view! {
        <form class="filters audit-filters" method="get" action="/admin/compliance" role="search">
            <label class="filter">
                <span>"Text"</span>
                <input type="search" name="text" value=q.text.clone() title="Part of the object, the sentence or the control" data-search=""
                    autocomplete="off" spellcheck="false"/>
            </label>
            {choice("Severity", "severity", "Any", severities)}
            {choice("State", "state", "Not fixed", states)}
            {choice("Target", "target", "Any", targets)}
            {choice("Framework", "framework", "Any", frameworks)}
            {q.control.clone().map(|c| view! { <input type="hidden" name="control" value=c/> })}
            {(q.limit != 0).then(|| view! { <input type="hidden" name="limit" value=q.limit/> })}
            <button class="button">"Apply"</button>
        </form>
    }
}

pub(super) fn chips(data: &ComplianceData) -> impl IntoView + use<> {
    let q = &data.view.query;
    let off = |label: String, change: fn(&mut FindingQuery)| {
        let href = ComplianceData::href(data.view.with(change)) + "#findings";
        view! { <a class="chip" href=href><span class="visually-hidden">"Take off the filter "</span>{label}<span aria-hidden="true">" ×"</span></a> }
    };
    let set = [
        q.text.as_ref().map(|v| off(format!("“{v}”"), |q| q.text = None)),
        q.severity.map(|v| off(v.word().into(), |q| q.severity = None)),
        q.state.map(|v| off(v.word().into(), |q| q.state = None)),
        q.target.as_ref().map(|v| off(format!("target {v}"), |q| q.target = None)),
        q.framework.map(|v| off(v.title().into(), |q| q.framework = None)),
        q.control.as_ref().map(|v| off(format!("control {v}"), |q| q.control = None)),
    ];
    let set: Vec<_> = set.into_iter().flatten().collect();
    (!set.is_empty()).then(|| {
        let all = ComplianceData::href(FindingsView::default()) + "#findings";
        view! { <div class="chips">{set}<a href=all>"Show all"</a></div> }
    })
}

/// The same findings for other programs.
pub(super) fn ways_out(view: &FindingsView) -> impl IntoView + use<> {
    let query = view.with(|q| q.limit = 0).query_string();
    let way = |path: &str| if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    // As many as one answer holds, not as many as the page shows; `next` says where more begin.
    let json = format!("/api/compliance/findings?{}", view.with(|q| (q.limit, q.offset) = (MOST, 0)).query_string());
    view! {
        <p class="ways-out">
            <a href=way("/api/compliance/findings.csv") download="findings.csv">"CSV"</a>
            <a href=json download="findings.json">"JSON"</a>
        </p>
    }
}
