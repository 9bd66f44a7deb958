//! Verdicts, notices and the ways of having nothing to show.

use super::Age;
use leptos::prelude::*;
use reeve_model::{Fault, Status, UnixMs};

/// The shape of a status alone. The word must stand beside it.
#[component]
pub fn StatusGlyph(
    /// Which.
    status: Status,
    /// Its `data-live` key.
    #[prop(optional, into)]
    live: Option<String>,
) -> impl IntoView {
    view! { <i class="glyph" data-status=status.word() data-live=live aria-hidden="true"></i> }
}

/// A status: shape, word and colour.
#[component]
pub fn StatusBadge(
    /// Which.
    status: Status,
    /// Its `data-live` key; the word moves under `<key>.word`.
    #[prop(optional, into)]
    live: Option<String>,
) -> impl IntoView {
    let word = live.as_ref().map(|k| format!("{k}.word"));
    view! {
        <span class="status" data-status=status.word() data-live=live>
            <i class="glyph" aria-hidden="true"></i>
            <span data-live=word>{status.word()}</span>
        </span>
    }
}

/// A sentence that must be seen: what happened and what to do.
#[component]
pub fn Notice(
    /// How bad.
    status: Status,
    /// Names the part for the live stream and tests.
    #[prop(optional, into)]
    id: Option<String>,
    /// Since when, if it began at a moment.
    #[prop(optional)]
    since: Option<UnixMs>,
    /// The present moment.
    now: UnixMs,
    /// The sentence.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="notice" data-status=status.word() id=id>
            <StatusGlyph status=status/>
            <p>{children()}</p>
            {since.map(|at| view! { <span class="notice-age">"for " <Age at=at now=now span=true/></span> })}
        </div>
    }
}

/// What a reading's age and present fault are; the value itself stands elsewhere and stays.
#[component]
pub fn ReadingNote(
    /// When the last good value was read.
    at: Option<UnixMs>,
    /// Why it can't be read now.
    fault: Option<Fault>,
    /// The present moment.
    now: UnixMs,
) -> impl IntoView {
    let failing = fault.is_some();
    view! {
        <p class="reading" data-stale=failing.to_string()>
            {at.map(|at| view! { <span>"read " <Age at=at now=now/></span> })}
            {fault.map(|f| view! { <span class="reading-fault">{f.sentence}</span> })}
        </p>
    }
}

/// Why there is nothing to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyKind {
    /// Nobody set it up.
    NotConfigured,
    /// It will come.
    NothingYet,
    /// The filters leave nothing.
    FilteredOut,
    /// The caller or Reeve's role may not see it.
    NoPermission,
    /// The server does not answer.
    Unreachable,
    /// There is none, and that is fine.
    None,
}

impl EmptyKind {
    /// The word in `data-empty`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotConfigured => "not-configured",
            Self::NothingYet => "nothing-yet",
            Self::FilteredOut => "filtered-out",
            Self::NoPermission => "no-permission",
            Self::Unreachable => "unreachable",
            Self::None => "none",
        }
    }
}

/// An empty place that says why it is empty and what would fill it.
#[component]
pub fn Empty(
    /// Why.
    kind: EmptyKind,
    /// The fact, in a few words.
    #[prop(into)]
    title: String,
    /// What to do or what to expect.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty" data-empty=kind.word()>
            <p class="empty-title">{title}</p>
            <p>{children()}</p>
        </div>
    }
}
