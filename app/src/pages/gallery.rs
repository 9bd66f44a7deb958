//! `/admin/gallery`: the component set in its states, light and dark. In debug builds only.

use crate::components::{Empty, EmptyKind, Notice, StatusBadge};
use leptos::prelude::*;
use reeve_model::{Status, UnixMs};

const STATUSES: [Status; 4] = [Status::Healthy, Status::Unknown, Status::Degraded, Status::Critical];
const EMPTIES: [EmptyKind; 6] = [
    EmptyKind::NotConfigured,
    EmptyKind::NothingYet,
    EmptyKind::FilteredOut,
    EmptyKind::NoPermission,
    EmptyKind::Unreachable,
    EmptyKind::None,
];

/// The page.
pub fn view() -> impl IntoView {
    view! {
        <header class="page-head"><h1>"Gallery"</h1><p class="muted">"Every component in every state, in both themes."</p></header>
        <div class="gallery">
            {["light", "dark"].map(|theme| view! { <div class="gallery-side" data-theme=theme>{set(theme)}</div> }).into_iter().collect_view()}
        </div>
    }
}

fn set(theme: &'static str) -> impl IntoView {
    let now = UnixMs::now();
    let badges = STATUSES.map(|s| view! { <StatusBadge status=s/> }).into_iter().collect_view();
    let notices = STATUSES
        .map(|s| view! { <Notice status=s since=now.plus_ms(-200_000) now=now>{format!("A notice that says what is {} and what to do.", s.word())}</Notice> })
        .into_iter()
        .collect_view();
    let empties = EMPTIES.map(|k| view! { <Empty kind=k title=k.word()>"What would fill this place."</Empty> }).into_iter().collect_view();
    let swatches = (0..6).map(|n| view! { <i class=format!("swatch s{n}")></i> }).collect_view();
    let stale = [(false, "current"), (true, "stale")].map(|(stale, word)| {
        view! {
            <div class="figure" data-stale=stale.to_string()>
                <dt>{format!("Figure, {word}")}</dt>
                <dd><span class="figure-value">"1,234"</span><span class="figure-unit">"ms"</span></dd>
                <dd class="figure-note"><span>"how to read it"</span></dd>
            </div>
        }
    });
    view! {
        <h2>{theme}</h2>
        <h3>"Statuses"</h3><p class="row">{badges}</p>
        <h3>"Notices"</h3>{notices}
        <h3>"Type"</h3>
        <p class="type-24">"24 The estate's answer"</p><p class="type-20">"20 A figure"</p><p class="type-16">"16 A section"</p>
        <p class="type-14">"14 A sentence"</p><p class="type-13">"13 A table"</p><p class="type-12">"12 A note"</p><p class="mono">"mono 0/16B3748"</p>
        <h3>"Figures"</h3><dl class="figures">{stale.into_iter().collect_view()}</dl>
        <h3>"Series"</h3><p class="row">{swatches}</p>
        <h3>"Forms"</h3>
        <form class="form">
            <label class="field"><span>"Field"</span><input type="text" value="value"/></label>
            <label class="field"><span>"Disabled"</span><input type="text" value="value" disabled/></label>
            <label class="field"><span>"Refused"</span><input type="text" value="value" aria-invalid="true"/></label>
            <label class="check"><input type="checkbox" checked/>"Check"</label>
            <p class="row"><button type="button" class="button primary">"Primary"</button><button type="button" class="button">"Plain"</button>
                <button type="button" class="button danger">"Danger"</button><button type="button" class="button quiet">"Quiet"</button><button type="button" class="button" disabled>"Disabled"</button></p>
        </form>
        <h3>"Table"</h3>
        <table class="table">
            <thead><tr><th scope="col">"Name"</th><th scope="col" class="num" aria-sort="descending"><a href="#">"Size"</a>" "<span class="unit">"MB"</span></th></tr></thead>
            <tbody>
                <tr><th scope="row" class="mono">"core.accounts"</th><td class="num">"20.40"</td></tr>
                <tr data-stale="true"><th scope="row" class="mono">"core.ledger"<span class="mark-word locked">"locked"</span></th><td class="num">"—"</td></tr>
            </tbody>
        </table>
        <h3>"Empty places"</h3>{empties}
    }
}
