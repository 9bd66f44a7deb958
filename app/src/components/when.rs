//! Moments and ages.

use crate::{age, format};
use leptos::prelude::*;
use reeve_model::UnixMs;

/// How long ago something was. The live feed ticks it on.
#[component]
pub fn Age(
    /// The moment.
    at: UnixMs,
    /// The present moment.
    now: UnixMs,
    /// Its `data-live` key.
    #[prop(optional, into)]
    live: Option<String>,
    /// A length ("4 min") instead of a distance ("4 min ago").
    #[prop(optional)]
    span: bool,
) -> impl IntoView {
    let passed = now.ms_since(at);
    view! {
        <time class="age" datetime=format::iso(at) title=format::moment(at) data-at=at.0 data-span=span.then_some("") data-live=live>
            {if span { age::span(passed) } else { age::ago(passed) }}
        </time>
    }
}

/// A moment in full.
#[component]
pub fn Moment(
    /// The moment.
    at: UnixMs,
) -> impl IntoView {
    view! { <time datetime=format::iso(at)>{format::moment(at)}</time> }
}

/// How far ahead something is.
#[component]
pub fn Ahead(
    /// The moment.
    at: UnixMs,
    /// The present moment.
    now: UnixMs,
) -> impl IntoView {
    view! { <time datetime=format::iso(at) title=format::moment(at)>{age::until(at.ms_since(now))}</time> }
}
