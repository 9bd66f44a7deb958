//! What was wrong and no longer is.

use super::Age;
use crate::{age, components::target_href, format};
use leptos::prelude::*;
use reeve_model::{TargetName, UnixMs, health::Over};

/// What is over, newest first; nothing where nothing is.
#[component]
pub fn OverList(
    /// Whose it was, and what; in any order.
    over: Vec<(TargetName, Over)>,
    /// At most so many; of the others their number is told.
    most: usize,
    /// Names the target of each, with a link to it.
    #[prop(optional)]
    named: bool,
    /// The present moment.
    now: UnixMs,
) -> impl IntoView {
    let mut over = over;
    over.sort_by_key(|(_, o)| std::cmp::Reverse(o.until));
    let more = over.len().saturating_sub(most);
    over.truncate(most);
    let one = |(target, o): (TargetName, Over)| {
        let lasted = format!("lasted {}, ended ", age::span(o.until.ms_since(o.since)));
        view! {
            <li>
                {named.then(|| view! { <a class="over-target" href=target_href(&target)>{target.to_string()}</a>" " })}
                <span class="over-fact">{o.sentence}</span>
                <span class="over-age">{lasted}<Age at=o.until now=now/></span>
            </li>
        }
    };
    (!over.is_empty()).then(|| {
        view! {
            <section class="over" aria-labelledby="over">
                <h2 id="over">"Over in the last hour"</h2>
                <ol>{over.into_iter().map(one).collect_view()}</ol>
                {(more > 0).then(|| view! { <p class="muted">{format::plural(more, "more is over; its target tells of it.", "more are over; their targets tell of them.")}</p> })}
            </section>
        }
    })
}
