//! Live sessions of an account.

use crate::components::{Age, Csrf, Empty, EmptyKind};
use leptos::prelude::*;
use reeve_model::{UnixMs, account::SessionView};

/// How a session is ended from here.
pub(crate) struct Way {
    /// Where the form posts to.
    pub action: String,
    /// The token of the session that asks.
    pub csrf: Option<String>,
}

/// The list, newest first; with a way, each can be ended.
pub(crate) fn table(sessions: &[SessionView], way: Option<&Way>, now: UnixMs) -> AnyView {
    if sessions.is_empty() {
        return view! { <Empty kind=EmptyKind::None title="Signed in nowhere">"No session of this account is alive."</Empty> }.into_any();
    }
    view! {
        <div class="table-frame" tabindex="0">
            <table role="table" class="table cards">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Where"</th>
                        <th role="columnheader" scope="col">"With"</th>
                        <th role="columnheader" scope="col">"Since"</th>
                        <th role="columnheader" scope="col">"Last seen"</th>
                        {way.map(|_| view! { <th role="columnheader" scope="col"><span class="visually-hidden">"End it"</span></th> })}
                    </tr>
                </thead>
                <tbody role="rowgroup">{sessions.iter().map(|s| row(s, way, now)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(s: &SessionView, way: Option<&Way>, now: UnixMs) -> impl IntoView + use<> {
    let address = if s.address.is_empty() { "unknown".to_owned() } else { s.address.clone() };
    let with = agent_words(&s.agent);
    let kind = match s.via.as_str() {
        "session" => "browser",
        "bearer" => "program",
        "local" => "command line",
        other => other,
    }
    .to_owned();
    let end = way.map(|way| {
        let button = if s.current {
            view! {
                <form method="post" action="/sign-out"><Csrf token=way.csrf.clone()/><button class="button small">"Sign out"</button></form>
            }
            .into_any()
        } else {
            let label = format!("End the session from {address} with {with}");
            view! {
                <form method="post" action=way.action.clone()>
                    <Csrf token=way.csrf.clone()/>
                    <input type="hidden" name="session" value=s.id.clone()/>
                    <button class="button small" aria-label=label>"End"</button>
                </form>
            }
            .into_any()
        };
        view! { <td role="cell" class="act">{button}</td> }
    });
    view! {
        <tr role="row">
            <th role="rowheader" scope="row" class="mono">{address.clone()}{s.current.then(|| view! { <span class="mark-word">"this one"</span> })}</th>
            <td role="cell" data-label="With" title=s.agent.clone()><span class="agent">{with.clone()}</span><span class="muted">{format!(", {kind}")}</span></td>
            <td role="cell" data-label="Since"><Age at=s.created_at now=now/></td>
            <td role="cell" data-label="Last seen"><Age at=s.last_seen now=now/></td>
            {end}
        </tr>
    }
}

/// A User-Agent as people know it: `Firefox on Linux`. What isn't recognised is shown as it was sent.
#[must_use]
pub(crate) fn agent_words(agent: &str) -> String {
    // Each browser also names those that it wants to be taken for, so the particular stand first.
    const BROWSERS: [(&str, &str); 6] =
        [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
    const SYSTEMS: [(&str, &str); 6] =
        [("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Mac OS X", "macOS"), ("Linux", "Linux")];
    let named = |list: &[(&str, &'static str)]| list.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (named(&BROWSERS), named(&SYSTEMS)) {
        _ if agent.is_empty() => "unknown".into(),
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.into(),
        (None, _) => agent.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::agent_words;

    #[test]
    fn g1_a_browser_is_named_as_people_know_it() {
        for (agent, words) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
            ("", "unknown"),
        ] {
            assert_eq!(agent_words(agent), words);
        }
    }
}
