//! The list of pages that the keyboard opens.

use super::Document;
use crate::{
    components::target_href,
    menu::{self, Entry},
    route::{Page, TablesView},
};
use leptos::prelude::*;
use reeve_model::TargetSummary;

/// Every page one can go to, as links; the keyboard opens it.
pub(super) fn view(doc: &Document<'_>) -> AnyView {
    let targets = doc.overview.map(|o| &o.targets[..]).unwrap_or_default();
    let of_target = |t: &TargetSummary| {
        let name = t.info.name.clone();
        let tables = |fault| {
            let mut view = TablesView::default();
            view.query.fault = fault;
            Page::Tables(name.clone(), Box::new(view)).href()
        };
        let invalid = reeve_model::table::IndexFault::Invalid;
        let sees = doc.cx.principal.as_ref().is_some_and(|p| p.may_for("view", "sessions", &name));
        let sessions = sees.then(|| {
            let href = Page::Sessions(name.clone(), Box::default()).href();
            view! { <li><a href=href>{name.to_string()}" · sessions"<span>"activity"</span></a></li> }
        });
        view! {
            <li><a href=target_href(&name)>{name.to_string()}<span>"target"</span></a></li>
            {sessions}
            <li><a href=tables(None)>{name.to_string()}" · tables"<span>"table analytics"</span></a></li>
            <li><a href=tables(Some(invalid))>{name.to_string()}" · invalid indexes"<span>"table analytics"</span></a></li>
        }
    };
    let here = doc.page.and_then(Page::target).or_else(|| targets.first().map(|t| &t.info.name)).map(|name| {
        let tables = Page::Tables(name.clone(), Box::default()).href();
        let sees = doc.cx.principal.as_ref().is_some_and(|p| p.may_for("view", "sessions", name));
        let sessions = sees.then(|| Page::Sessions(name.clone(), Box::default()).href());
        view! {
            {sessions.map(|href| view! { <a hidden data-go="s" href=href></a> })}
            <a hidden data-go="o" href=target_href(name)></a>
            <a hidden data-go="t" href=tables></a>
        }
    });
    let (first, compliance, reeve) = (menu::estate(doc.cx), menu::compliance(doc.cx), menu::reeve(doc.cx));
    let backups = menu::backups(doc.cx);
    let known = [
        (first.is_some(), "h", "health"),
        (compliance.is_some(), "c", "compliance"),
        (backups.is_some(), "b", "backups"),
        (here.is_some(), "o", "target"),
        (here.is_some() && doc.cx.may("view", "sessions"), "s", "sessions"),
        (here.is_some(), "t", "tables"),
        (reeve.iter().any(|e| e.go == Some("u")), "u", "accounts"),
        (reeve.iter().any(|e| e.go == Some("a")), "a", "audit"),
    ];
    let letters: Vec<_> = known
        .into_iter()
        .filter(|(is, ..)| *is)
        .enumerate()
        .map(|(at, (_, letter, words))| view! { {if at > 0 { ", " } else { "" }}<kbd>{letter}</kbd>" "{words} })
        .collect();
    let entry = |e: Entry| {
        let keys = e.go.map(|letter| view! { <span><kbd>"g"</kbd>" "<kbd>{letter}</kbd></span> });
        view! { <li><a href=e.page.href()>{e.title}{keys}</a></li> }
    };
    let account = doc.cx.principal.as_ref().map(|p| {
        let email = p.email.clone();
        view! { <li><a href=Page::Account.href()>"Your account"<span>{email}</span></a></li> }
    });
    view! {
        {here}
        <dialog id="palette" class="palette" aria-label="Go to">
            <input type="text" placeholder="Go to a page or target" aria-label="Go to a page or target" autocomplete="off" spellcheck="false"/>
            <ul>
                {first.map(entry)}
                {compliance.map(entry)}
                {backups.map(entry)}
                {targets.iter().map(of_target).collect_view()}
                {reeve.into_iter().map(entry).collect_view()}
                {account}
            </ul>
            <p class="palette-none" role="status" hidden>"No page matches."</p>
            <p class="palette-keys">
                <kbd>"/"</kbd>" search "<kbd>"j"</kbd><kbd>"k"</kbd>" rows"
                {(!letters.is_empty()).then(|| view! { " "<kbd>"g"</kbd>" then "{letters} })}
            </p>
        </dialog>
    }
    .into_any()
}
