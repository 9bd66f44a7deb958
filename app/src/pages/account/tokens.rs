//! API tokens of an account.

use crate::components::{Age, Csrf, Empty, EmptyKind};
use leptos::prelude::*;
use reeve_model::{UnixMs, account::TokenView};

/// How a token is revoked from here.
pub(crate) struct Way {
    /// Where the form posts to.
    pub action: String,
    /// The token of the session that asks.
    pub csrf: Option<String>,
}

/// The list, newest first; with a way, each that still works can be revoked.
pub(crate) fn table(tokens: &[TokenView], way: Option<&Way>, now: UnixMs) -> AnyView {
    if tokens.is_empty() {
        return view! { <Empty kind=EmptyKind::None title="No API token">"No program acts for this account by a token."</Empty> }
            .into_any();
    }
    view! {
        <div class="table-frame" tabindex="0">
            <table role="table" class="table cards">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Name"</th>
                        <th role="columnheader" scope="col">"May"</th>
                        <th role="columnheader" scope="col">"Made"</th>
                        <th role="columnheader" scope="col">"Last used"</th>
                        <th role="columnheader" scope="col">"Ends"</th>
                        {way.map(|_| view! { <th role="columnheader" scope="col"><span class="visually-hidden">"Revoke it"</span></th> })}
                    </tr>
                </thead>
                <tbody role="rowgroup">{tokens.iter().map(|t| row(t, way, now)).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(t: &TokenView, way: Option<&Way>, now: UnixMs) -> impl IntoView + use<> {
    let ended = t.expires_at <= now;
    let ends = match t.revoked_at {
        Some(at) => view! { "revoked " <Age at=at now=now/> }.into_any(),
        None if ended => view! { "ended " <Age at=t.expires_at now=now/> }.into_any(),
        None => {
            let left = t.expires_at.ms_since(now);
            view! { <time datetime=crate::format::iso(t.expires_at) title=crate::format::moment(t.expires_at)>{format!("in {}", crate::age::brief(left))}</time> }
                .into_any()
        }
    };
    let works = t.revoked_at.is_none() && !ended;
    let revoke = way.map(|way| {
        let form = works.then(|| {
            view! {
                <form method="post" action=way.action.clone()>
                    <Csrf token=way.csrf.clone()/>
                    <input type="hidden" name="token" value=t.id.clone()/>
                    <button class="button small danger" aria-label=format!("Revoke the token {}", t.name)>"Revoke"</button>
                </form>
            }
        });
        view! { <td role="cell" class="act">{form}</td> }
    });
    let used =
        t.last_used.map_or_else(|| view! { <span class="muted">"never"</span> }.into_any(), |at| view! { <Age at=at now=now/> }.into_any());
    view! {
        <tr role="row" data-over=(!works).to_string()>
            <th role="rowheader" scope="row">{t.name.clone()}</th>
            <td role="cell" data-label="May" class="wide">{t.scopes.join(", ")}</td>
            <td role="cell" data-label="Made"><Age at=t.created_at now=now/></td>
            <td role="cell" data-label="Last used">{used}</td>
            <td role="cell" data-label="Ends">{ends}</td>
            {revoke}
        </tr>
    }
}
