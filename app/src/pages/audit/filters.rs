//! The filters: a form that gets this page, what is set as chips that can be taken off, and the way out of Reeve.

use super::AuditData;
use crate::{
    format,
    route::{AuditView, Page},
};
use leptos::prelude::*;
use reeve_model::audit::{AuditQuery, Outcome};
use std::collections::BTreeSet;

/// The words that entries are written with; the pages suggest them.
const VERBS: &[&str] = &[
    "accept", "cancel", "change", "disable", "drill", "enable", "end", "export", "forge", "invite", "make", "put back", "read", "refresh",
    "request", "reset", "restore", "reuse", "revoke", "scan", "sign in", "sign out", "use", "verify", "view", "withdraw",
];
const NOUNS: &[&str] = &[
    "acceptance",
    "account",
    "accounts",
    "audit",
    "backup",
    "compliance",
    "estate",
    "finding",
    "findings",
    "invitation",
    "link",
    "metrics",
    "own account",
    "password",
    "pools",
    "refresh token",
    "request",
    "rights",
    "session",
    "table",
    "tables",
    "target",
    "token",
];

pub(super) fn form(data: &AuditData) -> impl IntoView + use<> {
    let q = &data.view.query;
    // What is written here, and what the policy knows.
    let seen = || data.page.items.iter().filter_map(|e| e.event.as_ref());
    let verbs: BTreeSet<String> = seen().map(|e| e.verb.clone()).chain(VERBS.iter().map(|v| (*v).to_owned())).collect();
    let nouns: BTreeSet<String> = seen().map(|e| e.noun.clone()).chain(NOUNS.iter().map(|n| (*n).to_owned())).collect();
    let list = |id: &'static str, words: BTreeSet<String>| {
        view! { <datalist id=id>{words.into_iter().map(|w| view! { <option value=w></option> }).collect_view()}</datalist> }
    };
    let text = |label: &'static str, name: &'static str, value: &Option<String>, list: Option<&'static str>, hint: &'static str| {
        view! {
            <label class="filter">
                <span>{label}</span>
                <input type="text" name=name value=value.clone() list=list title=hint autocomplete="off" spellcheck="false"/>
            </label>
        }
    };
    let moment = |label: &'static str, name: &'static str, value: Option<reeve_model::UnixMs>| {
        view! { <label class="filter"><span>{label}</span><input type="datetime-local" name=name value=value.map(format::local)/></label> }
    };
    let outcomes = Outcome::ALL.map(|o| view! { <option value=o.word() selected=q.outcome == Some(o)>{o.word()}</option> });
    view! {
        <form class="filters audit-filters" method="get" action=Page::Audit(Box::default()).href() role="search">
            <label class="filter">
                <span>"Person"</span>
                <input type="search" name="actor" value=q.actor.clone() title="Part of the e-mail, or the account's id" data-search="" autocomplete="off"
                    spellcheck="false"/>
            </label>
            {text("Verb", "verb", &q.verb, Some("verbs"), "Exactly, for example change")}
            {text("Noun", "noun", &q.noun, Some("nouns"), "Exactly, for example account")}
            {text("On", "resource", &q.resource, None, "The beginning of its name")}
            <label class="filter">
                <span>"Outcome"</span>
                <select name="outcome"><option value="">"Any"</option>{outcomes.into_iter().collect_view()}</select>
            </label>
            {moment("From, UTC", "from", q.from)}
            {moment("Before, UTC", "to", q.to)}
            {(q.limit != 0).then(|| view! { <input type="hidden" name="limit" value=q.limit/> })}
            <button class="button">"Apply"</button>
            {list("verbs", verbs)}
            {list("nouns", nouns)}
        </form>
    }
}

pub(super) fn chips(view: &AuditView) -> impl IntoView + use<> {
    let q = &view.query;
    let off = |label: String, change: fn(&mut AuditQuery)| {
        let href = AuditData::href(view.with(change));
        view! { <a class="chip" href=href><span class="visually-hidden">"Take off the filter "</span>{label}<span aria-hidden="true">" ×"</span></a> }
    };
    let set = [
        q.actor.as_ref().map(|v| off(format!("person “{v}”"), |q| q.actor = None)),
        q.verb.as_ref().map(|v| off(format!("verb {v}"), |q| q.verb = None)),
        q.noun.as_ref().map(|v| off(format!("noun {v}"), |q| q.noun = None)),
        q.resource.as_ref().map(|v| off(format!("on {v}…"), |q| q.resource = None)),
        q.outcome.map(|v| off(v.word().into(), |q| q.outcome = None)),
        q.from.map(|v| off(format!("from {}", format::moment(v)), |q| q.from = None)),
        q.to.map(|v| off(format!("before {}", format::moment(v)), |q| q.to = None)),
    ];
    let set: Vec<_> = set.into_iter().flatten().collect();
    (!set.is_empty()).then(|| {
        let all = AuditData::href(AuditView::default());
        view! { <div class="chips">{set}<a href=all>"Show all"</a></div> }
    })
}

/// Takes what the filters leave out of Reeve, all pages of it.
pub(super) fn export(view: &AuditView) -> impl IntoView + use<> {
    let q = &view.query;
    let hidden = [
        ("actor", q.actor.clone()),
        ("verb", q.verb.clone()),
        ("noun", q.noun.clone()),
        ("resource", q.resource.clone()),
        ("outcome", q.outcome.map(|o| o.word().to_owned())),
        ("from", q.from.map(|at| at.0.to_string())),
        ("to", q.to.map(|at| at.0.to_string())),
    ];
    let hidden =
        hidden.into_iter().filter_map(|(name, value)| Some(view! { <input type="hidden" name=name value=value?/> })).collect_view();
    let words = if view.filtered() { "Export what matches" } else { "Export all" };
    view! {
        <form class="head-way" method="get" action="/api/audit/export">
            {hidden}
            <button class="button" title="Lines of JSON with their proofs, oldest first. The export is itself an entry.">{words}</button>
        </form>
    }
}
