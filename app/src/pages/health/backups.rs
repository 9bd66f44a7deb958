//! Backups in brief: of each database when it was last safe, and what would be lost now.

use crate::{
    AppError,
    pages::backups::{cover, notices},
    render::PageContext,
    route::Page,
};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    backup::{BackupHistory, Cover},
};

pub(super) fn part(backups: &Result<BackupHistory, AppError>, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let body = match backups {
        Ok(history) => view! { {notices(history, now)}{cover::part(history, cx, now)} }.into_any(),
        Err(error) => view! { <p class="muted">{error.to_string()}</p> }.into_any(),
    };
    let answer = backups.as_ref().ok().and_then(answer);
    view! {
        <section class="section" aria-labelledby="backups">
            <header class="section-head">
                <h2 id="backups">"Backups"</h2>
                {answer.map(|text| view! { <p class="muted">{text}</p> })}
                <a href=Page::Backups(Box::default()).href()>"All backups, and restoring"</a>
            </header>
            {body}
        </section>
    }
}

/// The worst in one sentence; none where nothing is known.
fn answer(history: &BackupHistory) -> Option<String> {
    if !history.repository.known() || history.databases.is_empty() {
        return None;
    }
    let all = history.databases.len();
    let with = |cover| history.databases.iter().filter(|c| c.cover == cover).count();
    let of = |n: usize| if n == all { "Every database".to_owned() } else { format!("{n} of {all} databases") };
    let worst = [
        (with(Cover::Damaged), "has a newest backup that failed a check", "have a newest backup that failed a check"),
        (with(Cover::Missing), "has no backup", "have no backup"),
        (with(Cover::Unproven), "was never restored to prove its backup", "were never restored to prove their backups"),
    ];
    let first = worst.into_iter().find(|(n, ..)| *n > 0);
    Some(match first {
        Some((n, one, many)) => format!("{} {}.", of(n), if n == all || n == 1 { one } else { many }),
        None => "Every database has a backup, and a restore proved one of each.".to_owned(),
    })
}
