//! `/admin/accounts`: who may use Reeve, who is invited, and the form that invites.

pub mod detail;
mod invites;

use crate::{
    components::{Age, Empty, EmptyKind, Rights},
    format,
    render::PageContext,
    route::Page,
};
use leptos::prelude::*;
use reeve_model::{
    HealthOverview, UnixMs,
    account::{AccountList, AccountView},
};

/// The page. Who may only look sees neither forms nor buttons.
pub fn view(list: &AccountList, overview: Option<&HealthOverview>, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let changes = cx.may("change", "accounts");
    let disabled = list.accounts.iter().filter(|a| a.disabled_at.is_some()).count();
    let count = format::plural(list.accounts.len(), "account", "accounts");
    let count = if disabled > 0 { format!("{count}, {disabled} of them disabled") } else { count };
    let own = cx.principal.as_ref().map(|p| p.account.clone()).unwrap_or_default();
    let table = if list.accounts.is_empty() {
        view! { <Empty kind=EmptyKind::NothingYet title="No account">"Invite somebody below."</Empty> }.into_any()
    } else {
        view! {
            <div class="table-frame" tabindex="0">
                <table role="table" class="table cards" data-rows="" aria-labelledby="accounts-title">
                    <thead role="rowgroup">
                        <tr role="row">
                            <th role="columnheader" scope="col">"Account"</th>
                            <th role="columnheader" scope="col">"Roles"</th>
                            <th role="columnheader" scope="col">"Last sign-in"</th>
                            <th role="columnheader" scope="col" class="num">"Sessions"</th>
                            <th role="columnheader" scope="col" class="num">"Tokens"</th>
                            <th role="columnheader" scope="col">"State"</th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{list.accounts.iter().map(|a| row(a, a.id == own, now)).collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <header class="page-head"><h1 id="accounts-title">"Accounts"</h1><p class="muted">{count}</p></header>
        {table}
        {invites::open(&list.invites, changes.then(|| cx.csrf.clone()), now)}
        {changes.then(|| invites::form(overview.cloned(), cx.csrf.clone()))}
    }
}

fn row(a: &AccountView, own: bool, now: UnixMs) -> impl IntoView + use<> {
    let signed_in = a
        .last_sign_in
        .map_or_else(|| view! { <span class="muted">"never"</span> }.into_any(), |at| view! { <Age at=at now=now/> }.into_any());
    view! {
        <tr role="row" data-over=a.disabled_at.is_some().to_string()>
            <th role="rowheader" scope="row" class="who">
                <a href=Page::AccountOf(a.id.clone()).href() data-row="">{a.email.clone()}</a>
                {own.then(|| view! { <span class="mark-word">"you"</span> })}
                <span class="about">{a.display_name.clone()}</span>
            </th>
            <td role="cell" data-label="Roles"><Rights bindings=a.bindings.clone()/></td>
            <td role="cell" data-label="Last sign-in">{signed_in}</td>
            <td role="cell" data-label="Sessions" class="num">{format::whole(Some(a.sessions.into()))}</td>
            <td role="cell" data-label="Tokens" class="num">{format::whole(Some(a.tokens.into()))}</td>
            <td role="cell" data-label="State">{state(a, now)}</td>
        </tr>
    }
}

/// Whether an account may sign in.
fn state(a: &AccountView, now: UnixMs) -> AnyView {
    match a.disabled_at {
        None => view! { <span class="status" data-status="healthy"><i class="glyph" aria-hidden="true"></i>"active"</span> }.into_any(),
        Some(at) => view! {
            <span class="status" data-status="unknown"><i class="glyph" aria-hidden="true"></i>"disabled"</span>
            <span class="muted">" for " <Age at=at now=now span=true/></span>
        }
        .into_any(),
    }
}
