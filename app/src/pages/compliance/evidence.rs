//! The raw evidence: what was asked, where, by which role, when, and what the server answered.

use crate::{
    components::{Age, Code, Empty, EmptyKind},
    format,
};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    compliance::{CitedClause, Evidence, Human, ScanState, Strength},
};

/// Each answer opens to its rows. Where the page is about one target all are open already, for whoever came for them has clicked enough;
/// where many targets share the page, only the first of each.
pub(super) fn list(evidence: &[Evidence], scan: &ScanState, alone: bool, now: UnixMs) -> AnyView {
    if evidence.is_empty() {
        return view! {
            <Empty kind=EmptyKind::NothingYet title="No evidence">"No scan has read anything for this control, or what it read is not kept any more."</Empty>
        }
        .into_any();
    }
    let role = scan.role.clone().unwrap_or_else(|| format::UNKNOWN.into());
    let server = scan.version.clone().unwrap_or_else(|| format::UNKNOWN.into());
    let instance = scan.server.clone().unwrap_or_else(|| format::UNKNOWN.into());
    let from = From { target: scan.target.as_str(), instance: &instance, role: &role, server: &server };
    let one = |(place, e): (usize, &Evidence)| answer(e, &from, alone || place == 0, now);
    let hash = scan.hash.clone().map(|hash| {
        view! { <p class="fine">"Scan "<code class="hash">{hash}</code>": the hash over all its evidence, as the audit trail holds it."</p> }
    });
    view! { <div class="evidence">{evidence.iter().enumerate().map(one).collect_view()}{hash}</div> }.into_any()
}

/// Whom the answers are from.
struct From<'a> {
    target: &'a str,
    instance: &'a str,
    role: &'a str,
    server: &'a str,
}

fn answer(e: &Evidence, from: &From<'_>, open: bool, now: UnixMs) -> impl IntoView + use<> {
    // The list of backups is Reeve's own: no server was asked, and no role had to be allowed.
    let own = e.id == "backups";
    let place = if own { "Reeve's repository of backups".into() } else { super::words::place(e.database.as_deref()) };
    let role = if own { "Reeve itself" } else { from.role };
    let server = if own {
        view! { <dd>"none: it is Reeve's own list"</dd> }.into_any()
    } else {
        let (target, at, version) = (from.target.to_owned(), from.instance.to_owned(), from.server.to_owned());
        view! { <dd><span class="mono">{target}</span>", at "<span class="mono">{at}</span>", "{version}</dd> }.into_any()
    };
    let ask = if own { "Where it can be read" } else { "The query, to ask again" };
    let count = match e.row_count {
        0 if e.missing.is_some() => "not read".to_owned(),
        n => format::plural(usize::try_from(n).unwrap_or(usize::MAX), "row", "rows"),
    };
    let cut = (e.rows.len() as u64) < e.row_count;
    let cut = cut.then(|| {
        let shown = format::plural(e.rows.len(), "row", "rows");
        view! { <p class="fine">{format!("The first {shown} of {}; the hash is over all that were read.", format::whole(i64::try_from(e.row_count).ok()))}</p> }
    });
    let missing = e.missing.clone().map(|why| view! { <p class="evidence-missing">{why}</p> });
    let rows = (!e.rows.is_empty()).then(|| rows(e));
    view! {
        <details class="answer-of" open=open>
            <summary><b>{e.id.clone()}</b><span class="muted">{format!(" in {place}, {count}, read ")}<Age at=e.at now=now/></span></summary>
            <div class="answer-body">
                <dl class="facts">
                    <dt>"Role"</dt><dd class="mono">{role.to_owned()}</dd>
                    <dt>"Server"</dt>{server}
                    <dt>"Read"</dt><dd>{format!("{}, in {}", format::moment(e.at), format::text(Some(e.elapsed_ms as f64), reeve_model::Unit::Milliseconds))}</dd>
                    <dt>"Hash"</dt><dd class="hash">{if e.hash.is_empty() { format::UNKNOWN.to_owned() } else { e.hash.clone() }}</dd>
                </dl>
                {missing}
                {rows}
                {cut}
                {(!e.query.is_empty()).then(|| view! { <div class="ask"><p class="fine">{ask}</p><Code text=e.query.clone() what="query"/></div> })}
            </div>
        </details>
    }
}

fn rows(e: &Evidence) -> impl IntoView + use<> {
    let head = e.columns.iter().map(|c| view! { <th scope="col">{c.clone()}</th> }).collect_view();
    let value = |v: &Option<String>| match v {
        Some(v) => view! { <td>{v.clone()}</td> }.into_any(),
        None => view! { <td class="muted">"null"</td> }.into_any(),
    };
    let body = e.rows.iter().map(|row| view! { <tr>{row.iter().map(value).collect_view()}</tr> }).collect_view();
    view! {
        <div class="table-frame compact" tabindex="0">
            <table class="table mono raw"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>
        </div>
    }
}

/// The clauses that a control bears on.
pub(super) fn clauses(clauses: &[CitedClause]) -> AnyView {
    if clauses.is_empty() {
        return view! { <p class="muted">"It bears on no clause of the frameworks that are mapped."</p> }.into_any();
    }
    let one = |c: &CitedClause| {
        let note = match (c.strength, c.human) {
            (Strength::Supporting, _) => "supporting: it can't show the clause by itself",
            (Strength::Direct, Human::Also) => "direct, beside a person's word",
            (Strength::Direct, _) => "direct",
        };
        view! {
            <tr>
                <th scope="row"><a href=crate::route::Page::FrameworkOf(c.framework).href()>{c.framework.title()}</a></th>
                <td class="cite">{c.citation.clone()}</td>
                <td>{c.title.clone()}</td>
                <td class="muted">{note}</td>
            </tr>
        }
    };
    view! {
        <div class="table-frame" tabindex="0">
            <table class="table cites">
                <thead><tr><th scope="col">"Framework"</th><th scope="col">"Clause"</th><th scope="col">"About"</th><th scope="col">"Evidence is"</th></tr></thead>
                <tbody>{clauses.iter().map(one).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
