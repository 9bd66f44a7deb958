//! Compliance in brief: how much is proven on each target, what keeps it from being more, and what to do first.

use crate::{
    AppError,
    live::{self, key::part as parts},
    pages::compliance::{self, scores, words},
    render::PageContext,
    route::Page,
};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    compliance::{ComplianceOverview, DISCLAIMER},
};

/// What the laws' clauses have behind them, once anything was judged.
fn frameworks(overview: &ComplianceOverview, cx: &PageContext) -> Option<AnyView> {
    (!overview.frameworks.is_empty()).then(|| compliance::frameworks(overview, cx.may("view", "findings")))
}

pub(super) fn part(scores: &Result<ComplianceOverview, AppError>, cx: &PageContext, now: UnixMs) -> AnyView {
    match scores {
        Ok(overview) => view! {
            <section class="section" id=parts::SECURITY data-shape=live::security_shape(overview) aria-labelledby="security">
                <header class="section-head">
                    <h2 id="security">"Security"</h2>
                    <a href=Page::Compliance(Box::default()).href()>"Compliance"</a>
                </header>
                <p class="section-answer">{words::sentence(overview)}" "<span class="muted">{DISCLAIMER}</span></p>
                {scores::table(overview, cx, "health", now)}
                {frameworks(overview, cx)}
            </section>
        }
        .into_any(),
        Err(error) => {
            view! { <section class="section" id=parts::SECURITY><h2>"Security"</h2><p class="muted">{error.to_string()}</p></section> }
                .into_any()
        }
    }
}
