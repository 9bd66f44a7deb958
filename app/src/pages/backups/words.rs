//! How much a backup can be trusted and how a job stands: shape, word and colour.

use crate::format;
use leptos::prelude::*;
use reeve_model::{
    Unit,
    backup::{BackupTrust, Cover, JobProgress, JobState},
};

/// What a badge means, in a sentence.
#[must_use]
pub fn meaning(trust: BackupTrust) -> &'static str {
    match trust {
        BackupTrust::Failed => "A check failed. Do not count on it.",
        BackupTrust::Written => "Each object was read back when it was made. Nothing has looked at it since.",
        BackupTrust::Intact => "Each stored byte is as it was written. That it can be restored was not tried.",
        BackupTrust::Verified => "It was decrypted, unpacked and read to its end. That it can be restored was not tried.",
        BackupTrust::Drilled => "It was restored, and every row came back as it was.",
    }
}

pub(super) fn trust(trust: BackupTrust) -> impl IntoView {
    view! { <span class="trust" data-trust=trust.word() title=meaning(trust)><i class="glyph" aria-hidden="true"></i>{trust.word()}</span> }
}

pub(crate) fn cover(cover: Cover) -> impl IntoView {
    let word = match cover {
        Cover::Damaged => "damaged",
        Cover::Missing => "no backup",
        Cover::Unproven => "not proven",
        Cover::Proven => "proven",
    };
    view! { <span class="trust" data-trust=cover.word()><i class="glyph" aria-hidden="true"></i>{word}</span> }
}

pub(super) fn state(state: JobState, cancelling: bool) -> impl IntoView {
    let word = if cancelling && state == JobState::Running { "ending" } else { state.word() };
    view! { <span class="trust" data-trust=state.word()><i class="glyph" aria-hidden="true"></i>{word}</span> }
}

/// How far a job is: what it does, a bar where the whole is known, bytes, rate and time left.
#[allow(clippy::cast_precision_loss)] // a bar need not be exact
pub(crate) fn progress(p: &JobProgress) -> impl IntoView + use<> {
    // While dumping the whole is an estimate from the tables' sizes: more than all of it would only confuse.
    let total = p.total_bytes.filter(|total| *total > 0).map(|total| total.max(p.done_bytes));
    let done = (p.done_bytes > 0 || total.is_some()).then(|| format::text(Some(p.done_bytes as f64), Unit::Bytes));
    let of = total.map(|total| format!(" of {}", format::text(Some(total as f64), Unit::Bytes)));
    let rate = p.rate_bytes_per_s.map(|rate| format!(", {}", format::text(Some(rate), Unit::BytesPerSecond)));
    let left = p.left_s.filter(|s| *s >= 1.0).map(|s| format!(", about {} left", format::window(s)));
    let bar = total.map(|total| view! { <progress max=total value=p.done_bytes aria-label=p.phase.saying()></progress> });
    view! {
        <span class="progress">
            <span>{p.phase.saying()}</span>
            {bar}
            <span class="muted">{done}{of}{rate}{left}</span>
        </span>
    }
}
