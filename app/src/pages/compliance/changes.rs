//! `/admin/compliance/changes`: what is different between two scans of a target. Which two stands in the address.

use super::words::points;
use crate::{
    AppError,
    components::{Age, Choice, Empty, EmptyKind, Moment},
    format, functions,
    route::{ChangesView, Page},
};
use leptos::prelude::*;
use reeve_model::{
    TargetName, UnixMs,
    compliance::{Change, ChangeKind, ChangesQuery, ScanChanges, ScanLine},
};

/// All that the page shows.
pub struct ChangesData {
    found: ScanChanges,
}

/// Loads the page's data.
///
/// # Errors
/// As the server function does.
pub async fn load(view: ChangesView) -> Result<ChangesData, AppError> {
    Ok(ChangesData { found: functions::scan_changes(view.query).await? })
}

/// The page.
pub fn view(data: &ChangesData, now: UnixMs) -> impl IntoView + use<> {
    let found = &data.found;
    let body = match (&found.target, &found.to) {
        (Some(target), Some(_)) => view! { {compared(found)}{scans(found, target, now)} }.into_any(),
        _ => view! {
            <Empty kind=EmptyKind::NothingYet title="Nothing to compare yet">
                "What a scan finds is kept from now on; the first one is through within moments of the start."
            </Empty>
        }
        .into_any(),
    };
    view! {
        <header class="page-head">
            <h1>"What changed"</h1>
            <p class="muted">{found.target.as_ref().map(|t| format!("on {t}"))}</p>
        </header>
        {targets(found)}
        {body}
    }
}

fn href(target: &TargetName, from: Option<&str>, to: &str) -> String {
    let query = ChangesQuery { target: Some(target.clone()), from: from.map(str::to_owned), to: Some(to.to_owned()) };
    Page::Changes(Box::new(ChangesView { query })).href()
}

fn targets(found: &ScanChanges) -> impl IntoView + use<> {
    let one = |name: &TargetName| {
        let query = ChangesQuery { target: Some(name.clone()), ..ChangesQuery::default() };
        let here = found.target.as_ref() == Some(name);
        let to = Page::Changes(Box::new(ChangesView { query })).href();
        view! { <a class="chip" href=to aria-current=here.then_some("true")>{name.to_string()}</a> }
    };
    (found.targets.len() > 1).then(|| view! { <div class="chips states">{found.targets.iter().map(one).collect_view()}</div> })
}

/// The two scans in one sentence, and what is different.
fn compared(found: &ScanChanges) -> impl IntoView + use<> {
    let body = match (&found.from, &found.to, &found.changes) {
        (Some(from), Some(to), Some(changes)) => {
            let count = |kind: ChangeKind| changes.iter().filter(|c| c.kind == kind).count();
            let states = count(ChangeKind::State);
            let parts = [
                (count(ChangeKind::Appeared), "appeared"),
                (count(ChangeKind::Disappeared), "fixed"),
                (count(ChangeKind::LostSight), "out of sight"),
            ];
            let mut said: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
            said.extend((states > 0).then(|| format!("{} in another state", format::plural(states, "control", "controls"))));
            let score = match (from.proven, to.proven) {
                (Some(a), Some(b)) if points(Some(a)) != points(Some(b)) => format!(" The score went from {} to {}.", points(Some(a)), points(Some(b))),
                _ => String::new(),
            };
            let answer = if said.is_empty() { "Both found the same.".to_owned() } else { format!("{}.{score}", said.join(", ")) };
            let rows = changes.iter().map(row).collect_view();
            let table = (!changes.is_empty()).then(|| {
                view! {
                    <div class="table-frame" tabindex="0">
                        <table class="table changes">
                            <thead><tr><th scope="col">"Change"</th><th scope="col">"Control"</th><th scope="col">"What"</th></tr></thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
            });
            view! { {between(from, to)}<p class="answer">{answer}</p>{table} }.into_any()
        }
        (Some(from), Some(to), None) => view! {
            {between(from, to)}
            <p class="answer">
                {format!("They can't be compared: the first was judged by edition {} of the catalogue of controls, the second by edition {}.", from.catalogue, to.catalogue)}
            </p>
        }
        .into_any(),
        (None, Some(to), _) => {
            let newest = found.scans.first().is_some_and(|line| line.id == to.id);
            let since = if newest { ", and no scan since then found anything else." } else { ": there is none to compare it with." };
            view! { <p>"The scan of "<Moment at=to.at/>" is the first whose findings were kept"{since}</p> }.into_any()
        }
        _ => ().into_any(),
    };
    view! { <section class="section" aria-label="The comparison">{body}</section> }
}

fn between(from: &ScanLine, to: &ScanLine) -> impl IntoView + use<> {
    view! { <p class="muted">"From "<Moment at=from.at/>" to "<Moment at=to.at/>"."</p> }
}

fn row(c: &Change) -> impl IntoView + use<> {
    let word = match c.kind {
        ChangeKind::Appeared => "appeared",
        ChangeKind::Disappeared => "fixed",
        ChangeKind::LostSight => "out of sight",
        ChangeKind::State => "other state",
    };
    let kind = match c.kind {
        ChangeKind::Appeared => "appeared",
        ChangeKind::Disappeared => "fixed",
        ChangeKind::LostSight => "lost",
        ChangeKind::State => "state",
    };
    let place = c.database.as_ref().map(|name| format!("in database {name}"));
    let object = (!c.sentence.contains(&c.object)).then(|| view! { <span class="object mono">{c.object.clone()}</span> });
    view! {
        <tr>
            <td><span class="change" data-change=kind><i class="glyph" aria-hidden="true"></i>{word}</span></td>
            <td class="which"><a href=Page::ControlOf(c.control.clone()).href()>{c.control.clone()}</a></td>
            <td class="what">{c.sentence.clone()}{object}{place.map(|p| view! { <span class="muted">" "{p}</span> })}</td>
        </tr>
    }
}

/// The scans that found something else than the one before them, and the choice of two.
fn scans(found: &ScanChanges, target: &TargetName, now: UnixMs) -> impl IntoView + use<> {
    let here = found.to.as_ref().map(|s| s.id.clone());
    let line = |s: &ScanLine| {
        let to = href(target, None, &s.id);
        let current = here.as_ref() == Some(&s.id);
        view! {
            <tr aria-current=current.then_some("true")>
                <th scope="row"><a href=to data-row=""><Moment at=s.at/></a>" "<span class="muted"><Age at=s.at now=now/></span></th>
                <td class="num">{points(s.proven)}</td>
                <td class="num">{format::whole(Some(s.findings.into()))}</td>
                <td class="num">{format::whole(Some(s.failed.into()))}</td>
                <td class="num">{format::whole(Some(s.unknown.into()))}</td>
                <td>{s.version.clone()}</td>
            </tr>
        }
    };
    let rows = found.scans.iter().map(line).collect_view();
    let options: Vec<(String, String)> = found.scans.iter().map(|s| (s.id.clone(), format::moment(s.at))).collect();
    let chosen = |line: &Option<ScanLine>| line.as_ref().map(|s| s.id.clone()).unwrap_or_default();
    let choice = (found.scans.len() > 2).then(|| {
        view! {
            <form class="filters compare" method="get" action="/admin/compliance/changes">
                <input type="hidden" name="target" value=target.to_string()/>
                <Choice label="From" name="from" options=options.clone() chosen=chosen(&found.from)/>
                <Choice label="To" name="to" options=options chosen=chosen(&found.to)/>
                <button class="button">"Compare"</button>
            </form>
        }
    });
    view! {
        <section class="section" aria-labelledby="scans-title">
            <header class="section-head">
                <h2 id="scans-title">"Scans that found something new"</h2>
                <p class="muted">"Each leads to what it found anew. Scans in between found what the one before them found."</p>
            </header>
            {choice}
            <div class="table-frame" tabindex="0">
                <table class="table scans">
                    <thead>
                        <tr>
                            <th scope="col">"Scan"</th>
                            <th scope="col" class="num">"Proven"</th>
                            <th scope="col" class="num">"Findings"</th>
                            <th scope="col" class="num" title="Controls that failed">"Failed"</th>
                            <th scope="col" class="num" title="Controls that could not be judged">"Unknown"</th>
                            <th scope="col">"Server"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}
