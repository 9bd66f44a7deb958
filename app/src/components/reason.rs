//! The reasons of a verdict: the fact, and what to do next.

use super::{Age, StatusGlyph};
use leptos::prelude::*;
use reeve_model::{Reason, UnixMs, Verdict};

/// Reasons, worst first.
#[component]
pub fn Reasons(
    /// The reasons.
    reasons: Vec<Reason>,
    /// The present moment.
    now: UnixMs,
) -> impl IntoView {
    let one = move |r: Reason| {
        view! {
            <li class="reason" data-status=r.severity.word()>
                <StatusGlyph status=r.severity/>
                <div>
                    <p class="reason-fact"><span class="visually-hidden">{r.severity.word()}": "</span>{r.sentence}</p>
                    {(!r.next.is_empty()).then(|| view! { <p class="reason-next">{r.next}</p> })}
                </div>
                {r.since.map(|at| view! { <span class="reason-age">"for " <Age at=at now=now span=true/></span> })}
            </li>
        }
    };
    (!reasons.is_empty()).then(|| view! { <ol class="reasons">{reasons.into_iter().map(one).collect_view()}</ol> })
}

/// Changes whenever the list of reasons must be drawn anew.
#[must_use]
pub fn reasons_shape(verdict: &Verdict) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for r in &verdict.reasons {
        (&r.id, r.severity, &r.sentence, &r.next, r.since).hash(&mut hasher);
    }
    (verdict.status, &verdict.cap).hash(&mut hasher);
    format!("{:x}", hasher.finish())
}
