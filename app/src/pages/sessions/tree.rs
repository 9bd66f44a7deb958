//! Who waits for whom: each root blocker, and below it those that it keeps waiting.

use super::{SessionsData, state_words, statement};
use crate::format;
use leptos::prelude::*;
use reeve_model::activity::{Branch, Sessions};

pub(super) fn part(data: &SessionsData, sessions: &Sessions) -> impl IntoView + use<> {
    let tree = sessions.lock_tree();
    let roots = tree.iter().filter(|b| b.depth == 0).count();
    let rows = tree.iter().map(|b| row(data, sessions, b)).collect_view();
    let words = match roots {
        _ if !sessions.one_blocker_each() => "Some wait for several: each goes on when all that it waits for have ended.",
        1 => "End the root, or let it finish, and the others go on.",
        _ => "End a root, or let it finish, and those below it go on.",
    };
    (!tree.is_empty()).then(|| {
        view! {
            <section class="section" aria-labelledby="tree-title">
                <header class="section-head"><h2 id="tree-title">"Who waits for whom"</h2><p class="muted">{words}</p></header>
                <div class="table-frame" tabindex="0">
                    <table role="table" class="table cards lock-tree" aria-labelledby="tree-title">
                        <thead role="rowgroup">
                            <tr role="row">
                                <th role="columnheader" scope="col">"Process"</th>
                                <th role="columnheader" scope="col">"Does"</th>
                                <th role="columnheader" scope="col" class="num">"For"</th>
                                <th role="columnheader" scope="col">"Who"</th>
                                <th role="columnheader" scope="col">"Statement"</th>
                            </tr>
                        </thead>
                        <tbody role="rowgroup">{rows}</tbody>
                    </table>
                </div>
            </section>
        }
    })
}

fn row(data: &SessionsData, sessions: &Sessions, branch: &Branch) -> AnyView {
    // Depth is told by the place of the name and, for those who don't see it, by the words beside it.
    let depth = branch.depth.min(6).to_string();
    if branch.pid == 0 {
        let does = format!("keeps {} waiting", branch.waiters);
        return view! {
            <tr role="row" data-depth=depth>
                <th role="rowheader" scope="row" class="who">"prepared"</th>
                <td role="cell" data-label="Does">{does}</td>
                <td role="cell"></td>
                <td role="cell" data-label="Who">"a prepared transaction, which has no process: "<code>"SELECT * FROM pg_prepared_xacts"</code></td>
                <td role="cell"></td>
            </tr>
        }
        .into_any();
    }
    let Some(s) = sessions.rows.iter().find(|r| r.pid == branch.pid) else {
        return view! {
            <tr role="row" data-depth=depth>
                <th role="rowheader" scope="row" class="who mono">{branch.pid}</th>
                <td role="cell" data-label="Does">"not among the sessions that were read"</td><td role="cell"></td><td role="cell"></td><td role="cell"></td>
            </tr>
        }
        .into_any();
    };
    let does = match branch.depth {
        0 => format!("{}, keeps {} waiting", state_words(s), branch.waiters),
        _ => format!("waits for {}", s.blocked_by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    let long = if branch.depth == 0 { s.transaction_s } else { s.statement_s };
    let who = format!("{}@{}", s.user.as_deref().unwrap_or("?"), s.database.as_deref().unwrap_or("?"));
    view! {
        <tr role="row" data-depth=depth>
            <th role="rowheader" scope="row" class="who mono"><a href=data.of(s)>{s.pid}</a></th>
            <td role="cell" data-label="Does">{does}</td>
            <td role="cell" data-label="For" class="num">{format::length(long)}</td>
            <td role="cell" data-label="Who" class="mono">{who}<span class="about">{s.application.clone()}</span></td>
            <td role="cell" data-label="Statement" class="sql">{statement(s.statement.as_deref())}</td>
        </tr>
    }
    .into_any()
}
