//! `/admin/accounts/{id}`: one account: its rights, sessions and tokens, and the ways to shut it out or let it in.

use super::{invites::SCOPE_HINT, state};
use crate::{
    components::{Choice, Confirm, Csrf, Field, Rights, ScopeList, role_options, scope_words},
    pages::{
        access::separations,
        account::{facts, sessions, tokens},
    },
    render::PageContext,
    route::Page,
};
use leptos::prelude::*;
use reeve_model::{
    Binding, HealthOverview, UnixMs,
    account::{AccountDetail, AccountView},
};

/// The page. Who may only look sees neither forms nor buttons.
pub fn view(detail: &AccountDetail, overview: Option<&HealthOverview>, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let a = &detail.account;
    let changes = cx.may("change", "accounts");
    let own = cx.principal.as_ref().is_some_and(|p| p.account == a.id);
    let at = Page::AccountOf(a.id.clone()).href();
    let csrf = &cx.csrf;
    let end = changes.then(|| sessions::Way { action: format!("{at}/sessions/end"), csrf: csrf.clone() });
    let revoke = changes.then(|| tokens::Way { action: format!("{at}/tokens/revoke"), csrf: csrf.clone() });
    view! {
        <header class="page-head">
            <h1>{a.email.clone()}</h1>
            {state(a, now)}
            {own.then(|| view! { <p class="muted">"This is you. Password and tokens of your own are under "<a href=Page::Account.href()>"your account"</a>"."</p> })}
        </header>
        <div class="account-top">
            {facts(a, now)}
            {changes.then(|| rights(a, &at, overview.cloned(), csrf.clone()))}
        </div>
        <section class="section" id="sessions" aria-labelledby="sessions-title">
            <header class="section-head"><h2 id="sessions-title">"Sessions"</h2></header>
            {sessions::table(&detail.sessions, end.as_ref(), now)}
        </section>
        <section class="section" id="tokens" aria-labelledby="tokens-title">
            <header class="section-head"><h2 id="tokens-title">"API tokens"</h2></header>
            {tokens::table(&detail.tokens, revoke.as_ref(), now)}
        </section>
        {changes.then(|| ways(a, &at, csrf.clone()))}
    }
}

/// All roles of the account in one form: what is ticked when it is sent stays, the row at its end adds.
fn rights(a: &AccountView, at: &str, overview: Option<HealthOverview>, csrf: Option<String>) -> impl IntoView + use<> {
    let one = |b: &Binding| {
        view! {
            <label class="check">
                <input type="checkbox" name="binding" value=b.to_string() checked/>
                <span>{b.role.title()}<span class="muted">{format!(" for {}", scope_words(&b.scope))}</span></span>
            </label>
        }
    };
    let mut roles = vec![(String::new(), "No more".to_owned())];
    roles.extend(role_options());
    let held = if a.bindings.is_empty() {
        view! { <Rights bindings=Vec::new()/> }.into_any()
    } else {
        view! { <div class="held">{a.bindings.iter().map(one).collect_view()}</div> }.into_any()
    };
    view! {
        <form class="form panel" method="post" action=format!("{at}/rights") aria-labelledby="rights-title">
            <Csrf token=csrf/>
            <h2 id="rights-title">"Roles"</h2>
            <fieldset>
                <legend>"Held now"</legend>
                <p class="field-hint">"Take the tick off to take a role away."</p>
                {held}
            </fieldset>
            <div class="fields">
                <Choice label="Add" name="add_role" options=roles chosen=""/>
                <Field label="For" name="add_scope" autocomplete="off" list="scopes" described="scope-hint"/>
            </div>
            <p class="field-hint" id="scope-hint">"Which targets it is held for, as "{SCOPE_HINT}"."</p>
            <ScopeList id="scopes" overview=overview/>
            <details class="more"><summary>"What nobody may hold together"</summary>{separations()}</details>
            <p class="form-end"><button class="button primary">"Save roles"</button><span class="muted">"It holds at once, in open sessions too."</span></p>
        </form>
    }
}

/// The ways to let somebody in again and to shut them out.
fn ways(a: &AccountView, at: &str, csrf: Option<String>) -> impl IntoView + use<> {
    let turn = if a.disabled_at.is_some() {
        view! {
            <div class="way">
                <p><b>"Enable"</b><span class="muted">"They may sign in again with their old password. Sessions and tokens that ended stay ended."</span></p>
                <form method="post" action=format!("{at}/enable")><Csrf token=csrf.clone()/><button class="button">"Enable"</button></form>
            </div>
        }
        .into_any()
    } else {
        let token = csrf.clone().unwrap_or_default();
        view! {
            <div class="way">
                <p><b>"Disable"</b><span class="muted">"They are signed out everywhere at once and can't sign in; their API tokens are revoked and the links they made withdrawn, for good. What they did stays in the audit trail."</span></p>
                <Confirm id="disable" verb="Disable" name=a.email.clone() action=format!("{at}/disable") csrf=token
                    consequence="All sessions and API tokens of this account end at once, and it can't sign in until it is enabled again."/>
            </div>
        }
        .into_any()
    };
    let reset = a.disabled_at.is_none().then(|| {
        view! {
            <div class="way">
                <p><b>"New password"</b><span class="muted">"Makes a link for them to set one. The old password works until then."</span></p>
                <form method="post" action=format!("{at}/reset")><Csrf token=csrf.clone()/><button class="button">"Make the link"</button></form>
            </div>
        }
    });
    view! {
        <section class="section" id="ways" aria-labelledby="ways-title">
            <header class="section-head"><h2 id="ways-title">"Letting in and shutting out"</h2></header>
            <div class="ways">{reset}{turn}</div>
        </section>
    }
}
