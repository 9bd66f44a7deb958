//! `/admin/account`: the caller's own account: who they are to Reeve, where they are signed in, what works in their name.

mod forms;
pub(crate) mod sessions;
pub(crate) mod tokens;

pub(crate) use forms::{LEAST, PASSWORD_HINT};

use crate::{
    components::{Age, Moment, Rights},
    format,
    render::PageContext,
};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    account::{AccountView, OwnAccount},
};

/// The page.
pub fn view(own: &OwnAccount, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let csrf = cx.csrf.clone();
    let sessions = sessions::Way { action: "/admin/account/sessions/end".into(), csrf: csrf.clone() };
    let tokens = tokens::Way { action: "/admin/account/tokens/revoke".into(), csrf: csrf.clone() };
    view! {
        <header class="page-head"><h1>"Your account"</h1></header>
        <div class="account-top">
            {facts(&own.account, now)}
            {forms::password(&own.account.email, csrf.clone())}
        </div>
        <section class="section" id="sessions" aria-labelledby="sessions-title">
            <header class="section-head">
                <h2 id="sessions-title">"Sessions"</h2>
                <p class="muted">"Where you are signed in. One that you don't know: end it, then change your password."</p>
            </header>
            {sessions::table(&own.sessions, Some(&sessions), now)}
            {(own.sessions.iter().any(|s| !s.current)).then(|| forms::end_others(csrf.clone()))}
        </section>
        <section class="section" id="tokens" aria-labelledby="tokens-title">
            <header class="section-head">
                <h2 id="tokens-title">"API tokens"</h2>
                <p class="muted">"For programs. A token can do what it was made for, as long as you may do it yourself."</p>
            </header>
            {tokens::table(&own.tokens, Some(&tokens), now)}
            {forms::new_token(&own.grantable, csrf)}
        </section>
    }
}

/// Who it is, in lines.
pub(crate) fn facts(account: &AccountView, now: UnixMs) -> impl IntoView + use<> {
    let signed_in = account
        .last_sign_in
        .map_or_else(|| view! { <span class="muted">"never"</span> }.into_any(), |at| view! { <Age at=at now=now/> }.into_any());
    let disabled = account.disabled_at.map(|at| view! { <dt>"Disabled"</dt><dd><Moment at=at/></dd> });
    let name = if account.display_name.is_empty() { format::UNKNOWN.to_owned() } else { account.display_name.clone() };
    view! {
        <dl class="facts">
            <dt>"E-mail"</dt><dd>{account.email.clone()}</dd>
            <dt>"Name"</dt><dd>{name}</dd>
            <dt>"Roles"</dt><dd><Rights bindings=account.bindings.clone()/></dd>
            <dt>"Last sign-in"</dt><dd>{signed_in}</dd>
            <dt>"Made"</dt><dd><Moment at=account.created_at/></dd>
            {disabled}
        </dl>
    }
}
