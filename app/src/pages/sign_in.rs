//! `/sign-in`: a plain form that posts to itself.

use crate::{components::Field, render::SignInForm};
use leptos::prelude::*;

/// The form; after a refusal with its sentence and the e-mail as typed.
pub fn view(form: &SignInForm) -> impl IntoView + use<> {
    let refused = form.error.is_some();
    let described = refused.then_some("sign-in-error");
    view! {
        <h1>"Sign in"</h1>
        {form.error.clone().map(|sentence| view! {
            <div class="notice" data-status="critical" id="sign-in-error" role="alert">
                <i class="glyph" data-status="critical" aria-hidden="true"></i>
                <p>{sentence}</p>
            </div>
        })}
        <form class="form" method="post" action="/sign-in">
            <Field label="E-mail" name="email" kind="email" value=form.email.clone() autocomplete="username" required=true
                autofocus=!refused described=described.unwrap_or_default()/>
            <Field label="Password" name="password" kind="password" autocomplete="current-password" required=true
                autofocus=refused described=described.unwrap_or_default()/>
            {form.next.clone().map(|next| view! { <input type="hidden" name="next" value=next/> })}
            <button class="button primary">"Sign in"</button>
        </form>
    }
}
