//! The sessions, and the choice of which.

use super::{SessionsData, shows, state_words, statement};
use crate::{
    components::{Empty, EmptyKind},
    format,
    route::{SessionsFilter, Show},
};
use leptos::prelude::*;
use reeve_model::activity::{SessionRow, Sessions};

/// Rows shown; those that matter come first.
const MOST: usize = 100;

pub(super) fn part(data: &SessionsData, sessions: &Sessions, shown: &[&SessionRow]) -> impl IntoView + use<> {
    let choice = |show: Show| {
        let many = sessions.rows.iter().filter(|r| shows(show, r)).count();
        let href = data.href(SessionsFilter { show, ..SessionsFilter::default() });
        let here = (show == data.filter.show).then_some("true");
        view! { <a href=href aria-current=here>{show.title()}<b>{many}</b></a> }
    };
    let body = if shown.is_empty() {
        view! { <Empty kind=EmptyKind::None title="No such session">"None of the sessions is of this kind at the moment."</Empty> }
            .into_any()
    } else {
        table(data, shown).into_any()
    };
    let more = shown.len().checked_sub(MOST).filter(|n| *n > 0).map(|_| {
        let words = format!("The first {MOST} of {}: those that wait or have the oldest transaction stand first.", shown.len());
        view! { <p class="fine">{words}</p> }
    });
    view! {
        <section class="section" aria-labelledby="list-title">
            <header class="section-head"><h2 id="list-title">"Sessions"</h2></header>
            <nav class="schemas" aria-label="Which sessions">{Show::ALL.map(choice).into_iter().collect_view()}</nav>
            {body}
            {more}
        </section>
    }
}

fn table(data: &SessionsData, shown: &[&SessionRow]) -> impl IntoView + use<> {
    let rows = shown.iter().take(MOST).map(|s| row(data, s)).collect_view();
    view! {
        <div class="table-frame" tabindex="0">
            <table role="table" class="table cards sessions" data-rows="" aria-labelledby="list-title">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Process"</th>
                        <th role="columnheader" scope="col">"State"</th>
                        <th role="columnheader" scope="col" class="num" title="How long it has been in this state">"For"</th>
                        <th role="columnheader" scope="col" class="num" title="How long its transaction has been open">"Transaction"</th>
                        <th role="columnheader" scope="col">"Waits for"</th>
                        <th role="columnheader" scope="col">"Who"</th>
                        <th role="columnheader" scope="col">"From"</th>
                        <th role="columnheader" scope="col">"Statement"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
}

fn row(data: &SessionsData, s: &SessionRow) -> impl IntoView + use<> {
    let who = match (&s.user, &s.database) {
        (Some(user), Some(database)) => format!("{user}@{database}"),
        (Some(user), None) => user.clone(),
        _ => s.kind.clone(),
    };
    let application = (!s.application.is_empty()).then(|| view! { <span class="about">{s.application.clone()}</span> });
    let chosen = (data.filter.chosen == Some((s.pid, s.started_at))).then_some("true");
    view! {
        <tr role="row" aria-current=chosen>
            <th role="rowheader" scope="row" class="who mono"><a href=data.of(s) data-row="">{s.pid}</a></th>
            <td role="cell" data-label="State">{state_words(s)}</td>
            <td role="cell" data-label="For" class="num">{format::length(s.state_s)}</td>
            <td role="cell" data-label="Transaction" class="num">{s.transaction_s.map(|t| format::length(Some(t)))}</td>
            <td role="cell" data-label="Waits for">{s.wait.clone()}</td>
            <td role="cell" data-label="Who" class="mono">{who}{application}</td>
            <td role="cell" data-label="From" class="mono from">{s.client.clone().unwrap_or_else(|| "local".into())}</td>
            <td role="cell" data-label="Statement" class="sql">{statement(s.statement.as_deref())}</td>
        </tr>
    }
}
