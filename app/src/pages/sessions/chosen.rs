//! One session looked at closely, and what can be done to it. It stands still while the lists below move, so that nobody ends a session that
//! slipped under the pointer.

use super::{SessionsData, state_words};
use crate::{
    components::{Age, Code, Csrf, Empty, EmptyKind, Field},
    format,
    render::PageContext,
    route::SessionsFilter,
};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    activity::{SessionRow, SessionSignal, SessionState, Sessions},
};

pub(super) fn part(data: &SessionsData, (pid, at): (i32, UnixMs), cx: &PageContext, now: UnixMs) -> AnyView {
    let close = data.href(SessionsFilter { chosen: None, ..data.filter.clone() });
    let sessions = data.seen.value();
    let row = sessions.and_then(|s| s.rows.iter().find(|r| r.pid == pid && r.started_at == at));
    let body = match (sessions, row) {
        (Some(sessions), Some(row)) => told(data, sessions, row, cx, now),
        // Only a whole and fresh list shows that somebody is gone.
        (Some(sessions), None) if data.seen.fault.is_none() && sessions.total <= sessions.rows.len() as u64 => {
            view! { <Empty kind=EmptyKind::None title="This session has ended">"Its client left, or somebody ended it."</Empty> }.into_any()
        }
        _ => view! {
            <Empty kind=EmptyKind::Unreachable title="Not among what was read">
                "Whether this session is still there is not known: the target did not answer, or has more sessions than are read."
            </Empty>
        }
        .into_any(),
    };
    view! {
        <section class="section chosen" id="chosen" aria-labelledby="chosen-title">
            <header class="section-head">
                <h2 id="chosen-title">"Process "<span class="mono">{pid}</span></h2>
                {data.seen.at().filter(|_| row.is_some()).map(|at| view! { <p class="muted">"as it was "<Age at=at now=now/></p> })}
                <a href=close>"Close"</a>
            </header>
            {body}
        </section>
    }
    .into_any()
}

fn told(data: &SessionsData, sessions: &Sessions, row: &SessionRow, cx: &PageContext, now: UnixMs) -> AnyView {
    let link = |pid: i32| match pid {
        0 => view! { <span>"a prepared transaction "</span> }.into_any(),
        pid => process(data, sessions, pid),
    };
    let fact = |name: &'static str, text: Option<String>| text.map(|text| view! { <dt>{name}</dt><dd>{text}</dd> });
    let waits = (!row.blocked_by.is_empty()).then(|| {
        let by = row.blocked_by.iter().copied().map(link).collect_view();
        view! { <dt>"Waits for"</dt><dd>{by}{row.wait.clone()}</dd> }
    });
    let keeps: Vec<i32> = sessions.rows.iter().filter(|r| r.blocked_by.contains(&row.pid)).map(|r| r.pid).collect();
    let keeps = (!keeps.is_empty()).then(|| view! { <dt>"Keeps waiting"</dt><dd>{keeps.into_iter().map(link).collect_view()}</dd> });
    let state = match row.state_s {
        Some(s) => format!("{} for {}", state_words(row), format::length(Some(s))),
        None => state_words(row).to_owned(),
    };
    let holds = row.xmin_age.filter(|age| *age > 0).map(|age| format!("{} transactions back", format::whole(Some(age))));
    view! {
        <dl class="facts">
            <dt>"State"</dt><dd>{state}</dd>
            {fact("Transaction open", row.transaction_s.map(|s| format::length(Some(s))))}
            {waits}
            {keeps}
            {fact("Holds vacuum", holds)}
            {fact("Role", row.user.clone())}
            {fact("Database", row.database.clone())}
            {fact("Application", (!row.application.is_empty()).then(|| row.application.clone()))}
            {fact("From", Some(row.client.clone().unwrap_or_else(|| "this machine's socket".into())))}
            <dt>"Connected"</dt><dd><Age at=row.started_at now=now/></dd>
        </dl>
        {row.statement.clone().map(|text| view! {
            <h3>{if row.state == SessionState::Active { "Its statement" } else { "Its last statement" }}</h3>
            <Code text=text what="statement"/>
        })}
        {ways(data, row, cx)}
    }
    .into_any()
}

fn process(data: &SessionsData, sessions: &Sessions, pid: i32) -> AnyView {
    match sessions.rows.iter().find(|r| r.pid == pid) {
        Some(s) => view! { <a class="mono" href=data.of(s)>{pid}</a>" " }.into_any(),
        None => view! { <span class="mono">{pid}" "</span> }.into_any(),
    }
}

/// What may be done to it, each with what follows.
fn ways(data: &SessionsData, row: &SessionRow, cx: &PageContext) -> AnyView {
    if !cx.principal.as_ref().is_some_and(|p| p.may_for("end", "session", &data.target)) {
        return ().into_any();
    }
    if let Some(why) = row.protected() {
        return view! { <p class="muted">"It can't be ended from here. "{why}</p> }.into_any();
    }
    let at = data.href(SessionsFilter::default());
    let (cancel_at, end_at) = (format!("{at}/cancel"), format!("{at}/end"));
    let which = |signal: SessionSignal| {
        view! {
            <input type="hidden" name="seen" value=row.seen(signal).map(|at| at.0)/>
            <Csrf token=cx.csrf.clone()/>
            <input type="hidden" name="pid" value=row.pid/>
            <input type="hidden" name="connected_at" value=row.started_at.0/>
            <input type="hidden" name="show" value=data.filter.show.word()/>
        }
    };
    let cancel = match row.state {
        SessionState::Active => view! {
            <form method="post" action=cancel_at>{which(SessionSignal::Cancel)}<button class="button">"Cancel its statement"</button></form>
        }
        .into_any(),
        _ => view! { <p class="muted">"It runs no statement at the moment, so there is nothing to cancel."</p> }.into_any(),
    };
    view! {
        <div class="ways">
            <div class="way">
                <p>
                    <b>"Cancel the statement"</b>
                    <span class="muted">"Its client gets an error and stays connected. Locks of its transaction go when the client ends the transaction."</span>
                </p>
                {cancel}
            </div>
            <div class="way">
                <p>
                    <b>"End the session"</b>
                    <span class="muted">"Its connection is cut, what its transaction did is rolled back, and its locks are free at once."</span>
                </p>
                <details class="more" id="end" open=crate::render::typed_again("typed")>
                    <summary>"End process "<span class="mono">{row.pid}</span></summary>
                    <form method="post" action=end_at>
                        {which(SessionSignal::Terminate)}
                        <Field label="Process to end" name="typed" most=12 autocomplete="off" required=true hint=format!("Type {} to say that you mean it.", row.pid)/>
                        <button class="button danger">"End the session"</button>
                    </form>
                </details>
            </div>
        </div>
    }
    .into_any()
}
