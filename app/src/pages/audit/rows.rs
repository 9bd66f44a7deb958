//! The entries: one line each, which opens to what changed and to its proof.

use super::diff;
use crate::format;
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    audit::{AuditEntry, AuditEvent, AuditPage, Outcome},
};

pub(super) fn table(page: &AuditPage, now: UnixMs) -> impl IntoView + use<> {
    view! {
        <div class="table-frame">
            // Narrow places lay the entries out as cards; the roles keep it a table to those who hear it.
            <table role="table" class="table audit" data-rows="" aria-label="Entries, newest first">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"When "<span class="unit">"UTC"</span></th>
                        <th role="columnheader" scope="col">"Who"</th>
                        <th role="columnheader" scope="col">"From"</th>
                        <th role="columnheader" scope="col">"What"</th>
                        <th role="columnheader" scope="col">"On"</th>
                        <th role="columnheader" scope="col">"Outcome"</th>
                    </tr>
                </thead>
                {page.items.iter().enumerate().map(|(at, e)| entry(at, e, now)).collect_view()}
            </table>
        </div>
    }
}

/// A line, and behind it what the line has no room for. The line's `<details>` shows the row below it (see the style
/// sheet), as no element can hold cells and stand in a table.
fn entry(at: usize, e: &AuditEntry, now: UnixMs) -> AnyView {
    let more = format!("entry-{at}");
    let Some(event) = &e.event else { return erased(e, more) };
    let stamp = view! {
        <time datetime=format::iso(event.at) title=format!("{} ago", crate::age::span(now.ms_since(event.at)))>{format::stamp(event.at)}</time>
    };
    let via = via_words(&event.via);
    let address = event.origin.address.map(|a| a.to_string());
    let from = address.map(|a| view! { <span class="mono">{a}</span> });
    let on = if event.resource.is_empty() {
        view! { <span class="muted">{format::UNKNOWN}</span> }.into_any()
    } else {
        view! { <span>{event.resource.clone()}</span> }.into_any()
    };
    view! {
        <tbody role="rowgroup" data-outcome=event.outcome.word()>
            <tr role="row">
                <td role="cell" class="stamp">{stamp}</td>
                <th role="rowheader" scope="row" class="actor">{event.actor.clone()}</th>
                <td role="cell" class="from">{from}<span class="muted">{via}</span></td>
                <td role="cell" class="did">
                    <details><summary data-row="" aria-controls=more.clone()>{did(event)}</summary></details>
                </td>
                <td role="cell" class="on">{on}</td>
                <td role="cell" class="came">
                    {outcome(event.outcome)}
                    {(event.count > 1).then(|| view! { <span class="times" title="Alike, counted as one">{format!("×{}", format::whole(Some(event.count.into())))}</span> })}
                </td>
            </tr>
            <tr role="row" class="entry-more" id=more><td role="cell" colspan="6">{changes(event)}{proof(e, Some(event))}</td></tr>
        </tbody>
    }
    .into_any()
}

/// An entry whose content was erased by law.
fn erased(e: &AuditEntry, more: String) -> AnyView {
    let stamp = e.sealed_at.map_or_else(|| format::UNKNOWN.to_owned(), format::stamp);
    view! {
        <tbody role="rowgroup">
            <tr role="row">
                <td role="cell" class="stamp">{stamp}</td>
                <td role="cell" class="did" colspan="5">
                    <details><summary data-row="" aria-controls=more.clone()>"Erased by law: its place and its proof stay"</summary></details>
                </td>
            </tr>
            <tr role="row" class="entry-more" id=more><td role="cell" colspan="6">{proof(e, None)}</td></tr>
        </tbody>
    }
    .into_any()
}

/// The verb and the noun, as words.
fn did(event: &AuditEvent) -> String {
    format!("{} {}", event.verb, event.noun).replace('_', " ")
}

fn via_words(via: &str) -> String {
    match via {
        "" => String::new(),
        "session" => "browser".into(),
        "bearer" => "program".into(),
        "token" => "API token".into(),
        "local" => "command line".into(),
        other => other.into(),
    }
}

/// What came of it: shape, word and colour.
fn outcome(outcome: Outcome) -> impl IntoView {
    view! { <span class="outcome" data-outcome=outcome.word()><i class="glyph" aria-hidden="true"></i>{outcome.word()}</span> }
}

fn changes(event: &AuditEvent) -> AnyView {
    let (before, after) = (event.before.as_deref(), event.after.as_deref());
    if before.is_none() && after.is_none() {
        return view! { <p class="muted entry-none">"It changed nothing, or its name says it all."</p> }.into_any();
    }
    let lines = diff::lines(before, after);
    let (changed, same): (Vec<_>, Vec<_>) = lines.into_iter().partition(|l| l.kind() != diff::Kind::Same);
    let both = before.is_some() && after.is_some();
    let line = move |l: diff::Line| {
        let kind = l.kind();
        let value = |v: Option<String>| {
            v.map_or_else(|| view! { <span class="muted">{format::UNKNOWN}</span> }.into_any(), |v| view! { <span>{v}</span> }.into_any())
        };
        let word = match kind {
            diff::Kind::Added if both => Some("added"),
            diff::Kind::Removed if both => Some("removed"),
            _ => None,
        };
        let key = if l.key.is_empty() { "value".to_owned() } else { l.key };
        view! {
            <tr>
                <th scope="row" class="mono">{key}{word.map(|w| view! { <span class="mark-word">{w}</span> })}</th>
                {before_cell(before_shown(both, kind), value(l.before))}
                {after_cell(after_shown(both, kind), value(l.after))}
            </tr>
        }
    };
    let heads = |caption: &'static str| {
        let (first, second) = match (before.is_some(), after.is_some()) {
            (true, true) => (Some("Before"), Some("After")),
            (true, false) => (Some("Before"), None),
            _ => (None, Some("After")),
        };
        view! {
            <caption class="visually-hidden">{caption}</caption>
            <thead><tr><th scope="col">"Field"</th>{first.map(|w| view! { <th scope="col">{w}</th> })}{second.map(|w| view! { <th scope="col">{w}</th> })}</tr></thead>
        }
    };
    let none = (changed.is_empty() && !same.is_empty()).then(|| view! { <p class="muted entry-none">"Nothing is different after it."</p> });
    let count = same.len();
    let same = (count > 0).then(|| {
        view! {
            <details class="more">
                <summary>{format!("{} as before", format::plural(count, "field", "fields"))}</summary>
                <table class="diff">{heads("Not changed")}<tbody>{same.into_iter().map(line).collect_view()}</tbody></table>
            </details>
        }
    });
    let changed = (!changed.is_empty()).then(|| {
        view! { <table class="diff">{heads("Changed")}<tbody>{changed.into_iter().map(line).collect_view()}</tbody></table> }
    });
    view! { {none}{changed}{same} }.into_any()
}

/// Where the entry came from and what proves it.
fn proof(e: &AuditEntry, event: Option<&AuditEvent>) -> impl IntoView + use<> {
    let fact = |title: &'static str, value: Option<String>, mono: bool| {
        value.filter(|v| !v.is_empty()).map(|v| view! { <dt>{title}</dt><dd class=mono.then_some("mono")>{v}</dd> })
    };
    let seal = match (e.seq, e.sealed_at) {
        (Some(seq), Some(at)) => format!("{}, sealed {}", format::whole(Some(seq)), format::moment(at)),
        (Some(seq), None) => format::whole(Some(seq)),
        (None, _) => "waits to be sealed".into(),
    };
    view! {
        <dl class="facts">
            {fact("Agent", event.map(|v| v.origin.agent.clone()), false)}
            {fact("Request", event.map(|v| v.origin.request.clone()), true)}
            {fact("Account", event.and_then(|v| v.account.clone()), true)}
            {fact("Event", event.map(|v| v.id.clone()), true)}
            {fact("Entry", Some(seal), false)}
            {fact("Hash", e.hash.clone(), true)}
        </dl>
    }
}

fn before_shown(both: bool, kind: diff::Kind) -> Option<&'static str> {
    (both || kind == diff::Kind::Removed).then_some(if kind == diff::Kind::Same { "" } else { "was" })
}

fn after_shown(both: bool, kind: diff::Kind) -> Option<&'static str> {
    (both || kind != diff::Kind::Removed).then_some(if kind == diff::Kind::Same { "" } else { "is" })
}

fn before_cell(class: Option<&'static str>, value: AnyView) -> impl IntoView {
    class.map(|class| view! { <td class=class data-label="Before">{value}</td> })
}

fn after_cell(class: Option<&'static str>, value: AnyView) -> impl IntoView {
    class.map(|class| view! { <td class=class data-label="After">{value}</td> })
}
