//! A person's word for what no database can show: as it stands, and the form to give it.

use crate::{
    components::{Csrf, Field, Moment, TextArea},
    format,
    render::Kept,
};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    compliance::{Attestation, MOST_ATTESTED_DAYS},
};

/// Days suggested at first.
const DAYS: u32 = 180;

/// A word as it stands, or stood.
pub(super) fn told(a: &Attestation, now: UnixMs) -> impl IntoView + use<> {
    let until = match &a.withdrawn {
        Some((at, by)) => format!("ended {} by {by}", format::moment(*at)),
        None if now >= a.expires => format!("ran out {}", format::moment(a.expires)),
        None => format!("until {}", format::moment(a.expires)),
    };
    let document = (!a.document.is_empty()).then(|| view! { <p>"Proof: "<span class="mono">{a.document.clone()}</span></p> });
    view! {
        <div class="risk">
            <p><b>{a.by.clone()}</b>" vouches for it since "<Moment at=a.at/>", "{until}"."</p>
            <blockquote>{a.statement.clone()}</blockquote>
            {document}
        </div>
    }
}

/// The fields of a word, with what says what it is for; `at` takes them.
pub(super) fn form(title: &'static str, at: &str, csrf: Option<String>, which: AnyView) -> impl IntoView + use<> {
    let days = use_context::<Kept>().and_then(|kept| kept.get("days")).unwrap_or_else(|| DAYS.to_string());
    let hint = format!("1 to {MOST_ATTESTED_DAYS}; then it says nothing any more");
    view! {
        <form class="form panel" method="post" action=format!("{at}/attest") aria-label=title>
            <Csrf token=csrf/>
            <h3>{title}</h3>
            <p class="muted">"It stands beside the evidence under your name and moves no score; it goes into the audit trail."</p>
            {which}
            <TextArea label="What is so, and how you know it" name="statement" least=10 most=2000
                hint="10 to 2,000 characters; somebody will ask in a year"/>
            <div class="fields">
                <Field label="Where the proof lies" name="document" most=500 hint="An address, a file number, a digest; may be empty" autocomplete="off"/>
                <Field label="Days" name="days" value=days hint=hint required=true autocomplete="off"/>
            </div>
            <p class="form-end"><button class="button primary">"Vouch for it"</button></p>
        </form>
    }
}

/// The button that takes a word back.
pub(super) fn withdraw(at: &str, csrf: Option<String>, name: &'static str, value: String) -> impl IntoView + use<> {
    view! {
        <form method="post" action=format!("{at}/withdraw")>
            <Csrf token=csrf/>
            <input type="hidden" name=name value=value/>
            <button class="button">"Take it back"</button>
        </form>
    }
}
