//! What one may change of the own account.

use crate::{
    components::{Choice, Csrf, Empty, EmptyKind, Field},
    render::Kept,
};
use leptos::prelude::*;

/// Fewest characters of a password; the server counts again.
pub(crate) const LEAST: u32 = 8;
/// What is asked of a password, and what isn't.
pub(crate) const PASSWORD_HINT: &str =
    "At least 8 characters; 15 or more are better, a few words make a good one. Nothing else is demanded.";

pub(super) fn password(email: &str, csrf: Option<String>) -> impl IntoView + use<> {
    view! {
        <form class="form panel" method="post" action="/admin/account/password" aria-labelledby="password-title">
            <Csrf token=csrf/>
            <h2 id="password-title">"Change the password"</h2>
            // For the browser's own store of passwords: whose they are.
            <input type="email" autocomplete="username" value=email.to_owned() readonly hidden/>
            <Field label="Current password" name="current" kind="password" autocomplete="current-password" required=true/>
            <Field label="New password" name="new" kind="password" autocomplete="new-password" required=true least=LEAST hint=PASSWORD_HINT/>
            <Field label="New password, again" name="repeat" kind="password" autocomplete="new-password" required=true least=LEAST/>
            <p class="form-end"><button class="button primary">"Change password"</button><span class="muted">"All your other sessions end."</span></p>
        </form>
    }
}

pub(super) fn end_others(csrf: Option<String>) -> impl IntoView {
    view! {
        <form class="under" method="post" action="/admin/account/sessions/end">
            <Csrf token=csrf/>
            <input type="hidden" name="session" value="others"/>
            <button class="button">"End all others"</button>
        </form>
    }
}

pub(super) fn new_token(grantable: &[(String, String)], csrf: Option<String>) -> AnyView {
    if grantable.is_empty() {
        return view! {
            <div class="under">
                <Empty kind=EmptyKind::NoPermission title="No token can be made">"A token carries rights of its owner, and you have none to give."</Empty>
            </div>
        }
        .into_any();
    }
    let days = [30, 90, 365].map(|n| (n.to_string(), format!("{n} days"))).to_vec();
    let known = |permission: &str| grantable.iter().any(|(p, _)| p == permission);
    let hint = [
        known("read metrics").then_some("Prometheus needs read metrics."),
        (known("view estate") && known("view target")).then_some("A status board needs view estate and view target."),
        known("export audit").then_some("An archive of the audit trail needs export audit."),
    ];
    let hint = hint.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let kept = use_context::<Kept>().unwrap_or_default();
    let one = |(permission, does): &(String, String)| {
        view! {
            <label class="check scope">
                <input type="checkbox" name="scope" value=permission.clone() checked=kept.has("scope", permission)/>
                <span><b>{permission.clone()}</b><span class="muted">{does.clone()}</span></span>
            </label>
        }
    };
    view! {
        <form class="form panel under" method="post" action="/admin/account/tokens/new" aria-labelledby="token-title">
            <Csrf token=csrf/>
            <h2 id="token-title">"Make a token"</h2>
            <div class="fields">
                <Field label="Name" name="name" required=true most=80/>
                <Choice label="Works for" name="days" options=days chosen="90"/>
            </div>
            <fieldset class="scopes" aria-describedby="scopes-hint">
                <legend>"What it may do"</legend>
                <p class="field-hint" id="scopes-hint">{hint}</p>
                <div class="scope-list">{grantable.iter().map(one).collect_view()}</div>
            </fieldset>
            <p class="form-end"><button class="button primary">"Make token"</button><span class="muted">"It is shown once."</span></p>
        </form>
    }
    .into_any()
}
