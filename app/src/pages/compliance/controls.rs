//! `/admin/compliance/controls`: every control of the catalogue, judged or not.

use super::words::{evidence_of, severity, verdict, verdict_words};
use crate::{
    AppError,
    components::{Empty, EmptyKind},
    format, functions,
    route::{ControlsView, Page},
};
use leptos::prelude::*;
use reeve_model::TargetName;
use reeve_model::compliance::{ControlList, ControlQuery, ControlRow, Severity};

/// All that the page shows.
pub struct ControlsData {
    view: ControlsView,
    list: ControlList,
}

/// Loads the page's data.
///
/// # Errors
/// As the server function does.
pub async fn load(view: ControlsView) -> Result<ControlsData, AppError> {
    let list = functions::control_list(view.query.clone()).await?;
    Ok(ControlsData { view, list })
}

fn href(view: ControlsView) -> String {
    Page::Controls(Box::new(view)).href()
}

/// The page.
pub fn view(data: &ControlsData) -> impl IntoView + use<> {
    let q = &data.view.query;
    let of = match (&q.target, q.framework) {
        (Some(target), Some(framework)) => format!("On {target}, those that bear on {}.", framework.title()),
        (Some(target), None) => format!("On {target}."),
        (None, Some(framework)) => format!("The worst of all targets, those that bear on {}.", framework.title()),
        (None, None) => "The worst of all targets.".into(),
    };
    let body = if data.list.items.is_empty() {
        let all = href(ControlsView::default());
        view! { <Empty kind=EmptyKind::FilteredOut title="No control matches">"None is in this state, or nothing has been scanned yet. "<a href=all>"Show all"</a></Empty> }
            .into_any()
    } else {
        table(&data.list, q.target.as_ref()).into_any()
    };
    view! {
        <header class="page-head"><h1>"Controls"</h1><p class="muted">{of}</p></header>
        {evidence_of(&data.list.scans).map(|e| view! { <p class="muted">{e}</p> })}
        {states(data)}
        {chips(&data.view)}
        {body}
        <p class="fine">{method()}</p>
    }
}

/// How the score comes out of these rows.
fn method() -> String {
    let weights = Severity::ALL.iter().filter(|s| s.weight() > 0).map(|s| format!("{} {}", s.word(), s.weight()));
    format!(
        "The score of a target is 100 × the weight that is proven ÷ the weight of all that pass, fail or are unknown ({}). A pass proves its weight; what is \
         unknown or accepted proves nothing; a failing medium or low control proves the share of what it judged that is good. While a critical control fails the score is 59 at most.",
        weights.collect::<Vec<_>>().join(", ")
    )
}

/// The states as a row of links: how many there are in each.
fn states(data: &ControlsData) -> impl IntoView + use<> {
    let now = data.view.query.state.clone();
    let one = |(word, n): &(String, u32)| {
        let here = now.as_ref() == Some(word);
        let to = data.view.with(|q| q.state = (!here).then(|| word.clone()));
        let text = format!("{} {}", verdict_words(word), format::whole(Some((*n).into())));
        view! { <a class="chip" href=href(to) aria-current=here.then_some("true")>{text}</a> }
    };
    view! { <div class="chips states">{data.list.states.iter().map(one).collect_view()}</div> }
}

fn chips(view: &ControlsView) -> impl IntoView + use<> {
    let q = &view.query;
    let off = |label: String, change: fn(&mut ControlQuery)| {
        let to = href(view.with(change));
        view! { <a class="chip" href=to><span class="visually-hidden">"Take off the filter "</span>{label}<span aria-hidden="true">" ×"</span></a> }
    };
    let set = [
        q.target.as_ref().map(|t| off(format!("target {t}"), |q| q.target = None)),
        q.framework.map(|f| off(f.title().into(), |q| q.framework = None)),
    ];
    let set: Vec<_> = set.into_iter().flatten().collect();
    (!set.is_empty()).then(|| view! { <div class="chips">{set}</div> })
}

fn table(list: &ControlList, target: Option<&TargetName>) -> impl IntoView + use<> {
    view! {
        <div class="table-frame" tabindex="0">
            <table class="table controls" data-rows="">
                <thead>
                    <tr>
                        <th scope="col">"Control"</th>
                        <th scope="col">"Severity"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"What it demands"</th>
                        <th scope="col" class="num" title="Things that were judged">"Judged"</th>
                        <th scope="col" class="num" title="What it objects to">"Objects"</th>
                    </tr>
                </thead>
                <tbody>{list.items.iter().map(|r| row(r, target)).collect_view()}</tbody>
            </table>
        </div>
    }
}

/// Of a target's list each control leads to what it found there.
fn row(r: &ControlRow, target: Option<&TargetName>) -> impl IntoView + use<> {
    let href = Page::ControlOf(r.control.clone()).href() + &target.map(|name| format!("#on-{name}")).unwrap_or_default();
    // What was not judged objects to nothing that anybody knows of: that is no 0.
    let judged = matches!(r.state.as_str(), "pass" | "fail");
    let count = |n: u64| format::whole(i64::try_from(n).ok().filter(|n| judged || *n > 0));
    view! {
        <tr>
            <th scope="row"><a href=href data-row="">{r.control.clone()}</a></th>
            <td>{severity(r.severity)}</td>
            <td>{verdict(&r.state)}</td>
            <td class="demand">{r.title.clone()}{r.reason.clone().map(|why| view! { <span class="muted">{why}</span> })}</td>
            <td class="num">{count(r.population)}</td>
            <td class="num">{count(r.offenders)}</td>
        </tr>
    }
}
