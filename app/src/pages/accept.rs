//! `/accept/{secret}`: an invitation, or a link for a new password, opened by somebody who is not signed in.
//!
//! The form has no address: it posts to the one it stands at, so that the secret is nowhere in the page.

use crate::{
    components::{Csrf, Field, Moment},
    pages::account::{LEAST, PASSWORD_HINT},
    render::AcceptForm,
};
use leptos::prelude::*;
use reeve_model::account::InviteOffer;

/// The heading, in a few words.
#[must_use]
pub fn title(form: &AcceptForm) -> &'static str {
    match &form.offer {
        _ if form.done.is_some() => "Done",
        Err(_) => "This link can't be used",
        Ok(offer) if offer.reset => "Set a new password",
        Ok(_) => "Join Reeve",
    }
}

/// The form; what came of it; or why there is none.
pub fn view(form: &AcceptForm, csrf: Option<String>) -> AnyView {
    let title = title(form);
    match (&form.done, &form.offer) {
        (Some(email), offer) => {
            let email = email.clone();
            let words = if offer.as_ref().is_ok_and(|o| o.reset) {
                view! { <p class="bare-words">"The new password of "<b>{email}</b>" holds from now on. All its sessions have ended."</p> }
                    .into_any()
            } else {
                view! { <p class="bare-words">"The account "<b>{email}</b>" is made."</p> }.into_any()
            };
            view! {
                <h1>{title}</h1>
                {words}
                <p class="bare-words"><a class="button primary" href="/sign-in">"Sign in"</a></p>
            }
            .into_any()
        }
        (None, Err(sentence)) => {
            let sentence = sentence.clone();
            view! { <h1>{title}</h1><p class="bare-words">{sentence}</p> }.into_any()
        }
        (None, Ok(offer)) => fields(form, offer, csrf, title),
    }
}

fn fields(form: &AcceptForm, offer: &InviteOffer, csrf: Option<String>, title: &'static str) -> AnyView {
    let described = if form.error.is_some() { "accept-error" } else { "" };
    let error = form.error.clone().map(|sentence| {
        view! {
            <div class="notice" data-status="critical" id="accept-error" role="alert">
                <i class="glyph" data-status="critical" aria-hidden="true"></i>
                <p>{sentence}</p>
            </div>
        }
    });
    let (reset, value) = (offer.reset, form.display_name.clone());
    let name = (!reset).then(
        || view! { <Field label="Your name" name="display_name" value=value autocomplete="name" required=true most=120 autofocus=true/> },
    );
    let verb = if reset { "Set the password" } else { "Make the account" };
    view! {
        <h1>{title}</h1>
        <p class="bare-words">"For "<b>{offer.email.clone()}</b>". This link works once and ends "<Moment at=offer.expires_at/>"."</p>
        {error}
        <form class="form" method="post">
            <Csrf token=csrf/>
            <input type="email" autocomplete="username" value=offer.email.clone() readonly hidden/>
            {name}
            <Field label="Password" name="password" kind="password" autocomplete="new-password" required=true least=LEAST hint=PASSWORD_HINT
                autofocus=reset described=described/>
            <Field label="Password, again" name="repeat" kind="password" autocomplete="new-password" required=true least=LEAST described=described/>
            <button class="button primary">{verb}</button>
        </form>
    }
    .into_any()
}
