//! What holds vacuum back, and maintenance under way.

use super::SessionsData;
use crate::{
    components::{Empty, EmptyKind},
    format,
};
use leptos::prelude::*;
use reeve_model::{
    Unit,
    activity::{ProgressRow, Sessions, XminHolder},
};

pub(super) fn holders(data: &SessionsData, sessions: &Sessions) -> impl IntoView + use<> {
    let row = |h: &XminHolder| {
        let link = h.pid.and_then(|pid| sessions.rows.iter().find(|r| r.pid == pid)).map(|s| data.of(s));
        let process = match (link, h.pid) {
            (Some(href), Some(pid)) => view! { <a href=href>{pid}</a> }.into_any(),
            (None, Some(pid)) => view! { <span>{pid}</span> }.into_any(),
            _ => ().into_any(),
        };
        view! {
            <tr role="row">
                <th role="rowheader" scope="row">{h.kind.clone()}</th>
                <td role="cell" data-label="Name" class="mono">{h.name.clone()}</td>
                <td role="cell" data-label="Process" class="num mono">{process}</td>
                <td role="cell" data-label="Holds" class="num">{format!("{} transactions back", format::whole(Some(h.age)))}</td>
            </tr>
        }
    };
    let body = if sessions.holders.is_empty() {
        view! { <Empty kind=EmptyKind::None title="Nothing holds vacuum back">"Every row that died can be removed."</Empty> }.into_any()
    } else {
        view! {
            <div class="table-frame" tabindex="0">
                <table role="table" class="table cards" aria-labelledby="holders-title">
                    <thead role="rowgroup">
                        <tr role="row"><th role="columnheader" scope="col">"What"</th><th role="columnheader" scope="col">"Name"</th><th role="columnheader" scope="col" class="num">"Process"</th><th role="columnheader" scope="col" class="num">"Holds"</th></tr>
                    </thead>
                    <tbody role="rowgroup">{sessions.holders.iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="section" aria-labelledby="holders-title">
            <header class="section-head">
                <h2 id="holders-title">"What holds vacuum back"</h2>
                <p class="muted">"Rows that died since can't be removed before it ends; the oldest counts."</p>
            </header>
            {body}
        </section>
    }
}

pub(super) fn progress(data: &SessionsData, sessions: &Sessions) -> impl IntoView + use<> {
    let row = |p: &ProgressRow| {
        let link = sessions.rows.iter().find(|r| r.pid == p.pid).map(|s| data.of(s));
        let pid = match link {
            Some(href) => view! { <a href=href>{p.pid}</a> }.into_any(),
            None => view! { <span>{p.pid}</span> }.into_any(),
        };
        let automatic = sessions.rows.iter().any(|r| r.pid == p.pid && r.kind == "autovacuum worker");
        let what = if automatic { format!("{}, automatic", p.what) } else { p.what.clone() };
        let on = match (&p.database, &p.relation) {
            (Some(database), Some(relation)) => format!("{database}: {relation}"),
            (Some(database), None) => format!("{database}: a relation of another database"),
            _ => String::new(),
        };
        let done = p.done_ratio.map(|done| {
            let label = format!("{} of {}", p.phase, p.what);
            view! { <span class="progress"><progress max="1" value=done aria-label=label></progress>{format::text(Some(done), Unit::Ratio)}</span> }
        });
        view! {
            <tr>
                <th scope="row" class="mono">{pid}</th>
                <td>{what}</td>
                <td class="mono">{on}</td>
                <td>{p.phase.clone()}</td>
                <td>{done}</td>
            </tr>
        }
    };
    let body = if sessions.progress.is_empty() {
        view! { <Empty kind=EmptyKind::None title="No maintenance runs">"No vacuum, analyze, index build, rewrite, copy or base backup is under way."</Empty> }
            .into_any()
    } else {
        view! {
            <div class="table-frame" tabindex="0">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"Process"</th><th scope="col">"What"</th><th scope="col">"On"</th><th scope="col">"Phase"</th><th scope="col">"Done, of this phase"</th>
                        </tr>
                    </thead>
                    <tbody>{sessions.progress.iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="section" aria-labelledby="progress-title">
            <header class="section-head"><h2 id="progress-title">"Maintenance under way"</h2></header>
            {body}
        </section>
    }
}
