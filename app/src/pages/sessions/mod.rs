//! `/admin/targets/{name}/sessions`: who is connected, who waits for whom, what holds vacuum back, what maintenance runs.

mod chosen;
mod rows;
mod tree;
mod under_way;

use crate::{
    AppError,
    components::{Empty, EmptyKind, ReadingNote},
    format, functions, live,
    live::key::part,
    render::PageContext,
    route::{Page, SessionsFilter, Show},
};
use leptos::prelude::*;
use reeve_model::{
    TargetName, UnixMs,
    activity::{SessionRow, SessionState, Sessions, SessionsView},
};

/// All that the page shows.
pub struct SessionsData {
    /// Of which target.
    pub target: TargetName,
    /// What the address asks for.
    pub filter: SessionsFilter,
    /// The newest look.
    pub seen: SessionsView,
}

impl SessionsData {
    fn href(&self, filter: SessionsFilter) -> String {
        Page::Sessions(self.target.clone(), Box::new(filter)).href()
    }

    /// The address of one session's close look.
    fn of(&self, row: &SessionRow) -> String {
        format!("{}#chosen", self.href(self.filter.of(row.pid, row.started_at)))
    }
}

/// Loads the page's data.
///
/// # Errors
/// As the server function does.
pub async fn load(target: TargetName, mut filter: SessionsFilter) -> Result<SessionsData, AppError> {
    let seen = functions::sessions(target.clone()).await?;
    // From here on the session is the one that has the process now, told by its start: the process may be another's later.
    let named = filter.process.take().and_then(|pid| seen.value()?.rows.iter().find(|row| row.pid == pid));
    filter.chosen = filter.chosen.or_else(|| named.map(|row| (row.pid, row.started_at)));
    Ok(SessionsData { target, filter, seen })
}

/// The page.
pub fn view(data: &SessionsData, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let close = data.filter.chosen.map(|chosen| chosen::part(data, chosen, cx, now));
    let body = match (data.seen.value(), data.seen.why()) {
        (Some(sessions), _) => lists(data, sessions),
        (None, Some(why)) => {
            let why = why.to_owned();
            view! { <Empty kind=EmptyKind::Unreachable title="The sessions could not be read">{why}</Empty> }.into_any()
        }
        (None, None) => view! { <Empty kind=EmptyKind::NothingYet title="Not read yet">"The target is being asked."</Empty> }.into_any(),
    };
    let stale = data.seen.fault.is_some().to_string();
    view! {
        <header class="page-head">
            <h1>"Sessions"</h1>
        </header>
        {close}
        <div id=part::SESSIONS data-shape=live::sessions_shape(&data.seen) data-stale=stale>
            <ReadingNote at=data.seen.at() fault=data.seen.fault.clone() now=now/>
            {body}
        </div>
    }
}

fn lists(data: &SessionsData, sessions: &Sessions) -> AnyView {
    let shown: Vec<&SessionRow> = sessions.rows.iter().filter(|row| shows(data.filter.show, row)).collect();
    view! {
        <p class="answer">{answer(sessions)}</p>
        {tree::part(data, sessions)}
        {rows::part(data, sessions, &shown)}
        {under_way::holders(data, sessions)}
        {under_way::progress(data, sessions)}
    }
    .into_any()
}

/// Whether a choice lists a session.
fn shows(show: Show, row: &SessionRow) -> bool {
    let client = row.kind == "client backend" && !row.own;
    match show {
        Show::Clients => client,
        Show::State(state) => client && row.state == state,
        Show::Waiting => row.waits(),
        Show::Everything => true,
    }
}

/// What all of it comes to, in one or two sentences.
fn answer(sessions: &Sessions) -> String {
    let clients = || sessions.rows.iter().filter(|r| shows(Show::Clients, r));
    let with = |state| clients().filter(|r| r.state == state).count();
    let waiting = sessions.rows.iter().filter(|r| r.waits()).count();
    let unread = sessions.rows.iter().filter(|r| r.waits() && r.blocked_by.is_empty()).count();
    let mut text = format!(
        "{}: {} active, {} idle in transaction, {} idle.",
        format::plural(clients().count(), "client session", "client sessions"),
        with(SessionState::Active),
        with(SessionState::IdleInTransaction),
        with(SessionState::Idle)
    );
    text.push_str(&match waiting {
        0 => " Nobody waits for a lock.".to_owned(),
        1 => " One waits for a lock.".to_owned(),
        n => format!(" {n} wait for locks."),
    });
    if unread > 0 {
        text.push_str(&format!(" Of {unread} of them it was not read whom they wait for."));
    }
    if sessions.hidden > 0 {
        let hidden = format::plural(usize::try_from(sessions.hidden).unwrap_or(usize::MAX), "session", "sessions");
        text.push_str(&format!(" What {hidden} do Reeve's role may not see: GRANT pg_monitor TO it."));
    }
    let all = usize::try_from(sessions.total).unwrap_or(usize::MAX);
    if all > sessions.rows.len() {
        text.push_str(&format!(" Only the {} most noteworthy of {all} were read.", sessions.rows.len()));
    }
    text
}

/// A statement on one line.
fn first_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 160 { line.chars().take(159).chain(['…']).collect() } else { line }
}

/// A statement as a row shows it; nothing where there is none, so that a card has no empty line for it.
fn statement(text: Option<&str>) -> Option<impl IntoView + use<>> {
    let line = text.map(first_line).filter(|line| !line.is_empty())?;
    Some(view! { <code>{line}</code> })
}

/// A state in words.
fn state_words(row: &SessionRow) -> &'static str {
    match row.state {
        SessionState::Active if row.waits() => "waiting",
        SessionState::Active => "active",
        SessionState::IdleInTransaction => "idle in transaction",
        SessionState::Idle => "idle",
        SessionState::Other if row.kind == "client backend" => "not told",
        SessionState::Other => "server's own",
    }
}
