//! How much a backup can be trusted and how a job stands: shape, word and colour.

use crate::format;
use leptos::prelude::*;
use reeve_model::{
    Unit,
    backup::{BackupTrust, Cover, JobProgress, JobState, RestoreReport},
};

/// What a badge means, in a sentence.
#[must_use]
pub fn meaning(trust: BackupTrust) -> &'static str {
    match trust {
        BackupTrust::Failed => "A check failed. Do not count on it.",
        BackupTrust::Written => "Each object was read back when it was made. Nothing has looked at it since.",
        BackupTrust::Intact => "Each stored byte is as it was written. That it can be restored was not tried.",
        BackupTrust::Verified => "It was unpacked and read to its end. That it can be restored was not tried.",
        BackupTrust::Drilled => "It was restored, and every row came back as it was.",
    }
}

/// The same on the page of a backup that was restored, whose newest restore is known: a badge is about checks alone.
pub(super) fn meaning_of(trust: BackupTrust, restored: Option<&RestoreReport>) -> String {
    match restored {
        Some(r) if trust != BackupTrust::Failed && trust != BackupTrust::Drilled => match r.differences.len() {
            0 => {
                "It was restored, and every row that was compared came back as it was. No drill has tried it in a server of its own.".into()
            }
            _ => "It was restored, and what came back is not what was backed up. Do not count on it.".into(),
        },
        _ => meaning(trust).into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d5_what_a_restore_showed_is_not_said_to_be_untried() {
        let report = |differences| RestoreReport {
            backup: reeve_model::backup::BackupId::new("20261121T131845Z-0011aabb").expect("an id"),
            at: reeve_model::UnixMs(0),
            database: "shop_restored".into(),
            kept_as: None,
            duration_ms: 1,
            tables_compared: 1,
            rows_compared: 1,
            differences,
            notes: Vec::new(),
        };
        let differs = reeve_model::backup::TableDifference { schema: "public".into(), name: "orders".into(), sentence: "…".into() };
        let (same, other) = (report(Vec::new()), report(vec![differs]));
        assert!(meaning_of(BackupTrust::Verified, None).contains("not tried"));
        for trust in [BackupTrust::Written, BackupTrust::Intact, BackupTrust::Verified] {
            assert!(meaning_of(trust, Some(&same)).starts_with("It was restored, and every row"));
            assert!(meaning_of(trust, Some(&other)).contains("Do not count on it"));
        }
        assert_eq!(meaning_of(BackupTrust::Failed, Some(&same)), meaning(BackupTrust::Failed));
        assert_eq!(meaning_of(BackupTrust::Drilled, Some(&same)), meaning(BackupTrust::Drilled));
    }
}
