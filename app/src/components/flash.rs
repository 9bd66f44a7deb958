//! What the last request did, said once.

use super::{Code, Moment, StatusGlyph};
use crate::render::Flash;
use leptos::prelude::*;
use reeve_model::Status;

/// The box at the top of the page that follows a form.
#[component]
pub fn FlashBox(
    /// What to say.
    flash: Flash,
) -> impl IntoView {
    match flash {
        Flash::Done(sentence) => view! {
            <div class="notice" data-status="healthy" role="status" tabindex="-1" autofocus=""><StatusGlyph status=Status::Healthy/><p>{sentence}</p></div>
        }
        .into_any(),
        Flash::Refused(sentence) => view! {
            <div class="notice" data-status="critical" role="alert" tabindex="-1" autofocus=""><StatusGlyph status=Status::Critical/><p>{sentence}</p></div>
        }
        .into_any(),
        Flash::Secret { title, secret } => view! {
            <section class="secret" aria-labelledby="secret-title">
                <h2 id="secret-title">{title}</h2>
                <Code text=secret.secret what="it"/>
                <p>
                    "Take it now: Reeve keeps no copy, so it can't be shown again. It ends " <Moment at=secret.expires_at/> "."
                </p>
            </section>
        }
        .into_any(),
    }
}
