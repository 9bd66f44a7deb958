//! Invitations: those that are open, and the form that makes one.

use crate::components::{Age, Choice, Csrf, Field, Moment, Rights, ScopeList, role_options};
use leptos::prelude::*;
use reeve_model::{HealthOverview, UnixMs, account::InviteView};

/// What a scope field takes.
pub(super) const SCOPE_HINT: &str = "everything, environment:prod, tag:eu or target:orders";

/// Open invitations and links for new passwords; with a token for forms, each can be withdrawn. Nothing when there is none.
pub(super) fn open(invites: &[InviteView], csrf: Option<Option<String>>, now: UnixMs) -> impl IntoView + use<> {
    let changes = csrf.is_some();
    let row = |i: &InviteView| {
        let withdraw = csrf.clone().map(|token| {
            view! {
                <td role="cell" class="act">
                    <form method="post" action="/admin/accounts/invites/withdraw">
                        <Csrf token=token/>
                        <input type="hidden" name="invite" value=i.id.clone()/>
                        <button class="button small" aria-label=format!("Withdraw the link for {}", i.email)>"Withdraw"</button>
                    </form>
                </td>
            }
        });
        let what =
            if i.reset { view! { "sets a new password" }.into_any() } else { view! { <Rights bindings=i.bindings.clone()/> }.into_any() };
        view! {
            <tr role="row">
                <th role="rowheader" scope="row">{i.email.clone()}</th>
                <td role="cell" data-label="Gives">{what}</td>
                <td role="cell" data-label="Made by">{i.made_by.clone()}</td>
                <td role="cell" data-label="Made"><Age at=i.created_at now=now/></td>
                <td role="cell" data-label="Ends"><Moment at=i.expires_at/></td>
                {withdraw}
            </tr>
        }
    };
    (!invites.is_empty()).then(|| {
        view! {
            <section class="section" id="invites" aria-labelledby="invites-title">
                <header class="section-head">
                    <h2 id="invites-title">"Open links"</h2>
                    <p class="muted">"Sent to somebody and not used yet. Each works once."</p>
                </header>
                <div class="table-frame" tabindex="0">
                    <table role="table" class="table cards">
                        <thead role="rowgroup">
                            <tr role="row">
                                <th role="columnheader" scope="col">"For"</th>
                                <th role="columnheader" scope="col">"Gives"</th>
                                <th role="columnheader" scope="col">"Made by"</th>
                                <th role="columnheader" scope="col">"Made"</th>
                                <th role="columnheader" scope="col">"Ends"</th>
                                {changes.then(|| view! { <th role="columnheader" scope="col"><span class="visually-hidden">"Withdraw it"</span></th> })}
                            </tr>
                        </thead>
                        <tbody role="rowgroup">{invites.iter().map(row).collect_view()}</tbody>
                    </table>
                </div>
            </section>
        }
    })
}

/// The form that invites.
pub(super) fn form(overview: Option<HealthOverview>, csrf: Option<String>) -> impl IntoView {
    view! {
        <section class="section" id="invite">
            <form class="form panel" method="post" action="/admin/accounts/invite" aria-labelledby="invite-title">
                <Csrf token=csrf/>
                <h2 id="invite-title">"Invite somebody"</h2>
                <div class="fields">
                    <Field label="E-mail" name="email" kind="email" required=true autocomplete="off"/>
                    <Choice label="Role" name="role" options=role_options() chosen="viewer"/>
                    <Field label="For" name="scope" required=true autocomplete="off" list="scopes" described="scope-hint"/>
                </div>
                <p class="field-hint" id="scope-hint">"Which targets the role is held for, as "{SCOPE_HINT}". More roles can be given afterwards."</p>
                <ScopeList id="scopes" overview=overview/>
                <p class="form-end"><button class="button primary">"Make the link"</button><span class="muted">"You get a link to send; it works once."</span></p>
            </form>
        </section>
    }
}
