//! What is wrong beside the servers' health: one short line under the answer, of what the caller may see.

use crate::{
    AppError, format,
    route::{FindingsView, Page},
};
use leptos::prelude::*;
use reeve_access::Principal;
use reeve_model::{
    backup::{BackupHistory, Cover},
    compliance::{ComplianceOverview, FindingQuery, FindingState, Severity},
};

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What is so, with its number.
    pub words: String,
    /// Where it is seen; none where the caller may not look.
    pub href: Option<String>,
}

/// What backups and compliance have to say, as far as the caller was given them; empty where nothing is wrong.
#[must_use]
pub fn facts(backups: Option<&Result<BackupHistory, AppError>>, scores: Option<&Result<ComplianceOverview, AppError>>) -> Vec<Fact> {
    let mut all = Vec::new();
    // What storage holds is not known before it was read once, and then nothing can be said of it.
    if let Some(history) = backups.and_then(|b| b.as_ref().ok()).filter(|h| h.repository.known()) {
        let with = |cover| history.databases.iter().filter(|c| c.cover == cover).count();
        let counted = [
            (with(Cover::Missing), "database has no backup", "databases have no backup"),
            (with(Cover::Damaged), "database has a damaged backup", "databases have a damaged backup"),
            (history.damaged.len(), "backup can't be read", "backups can't be read"),
        ];
        let href = Page::Backups(Box::default()).href();
        let told = counted.into_iter().filter(|(n, ..)| *n > 0);
        all.extend(told.map(|(n, one, many)| Fact { words: format::plural(n, one, many), href: Some(href.clone()) }));
    }
    if let Some(scores) = scores.and_then(|s| s.as_ref().ok()) {
        let open = scores.targets.iter().filter(|t| t.score.is_some()).flat_map(|t| &t.open);
        let critical: u32 = open.filter(|(severity, _)| *severity == Severity::Critical).map(|(_, n)| *n).sum();
        if critical > 0 {
            let query = FindingQuery { severity: Some(Severity::Critical), state: Some(FindingState::Open), ..FindingQuery::default() };
            let sees = use_context::<Principal>().is_some_and(|p| p.may("view", "findings"));
            let href = sees.then(|| format!("{}#findings", Page::Compliance(Box::new(FindingsView { query })).href()));
            all.push(Fact { words: format::plural(critical as usize, "critical finding", "critical findings"), href });
        }
    }
    all
}

/// The facts as text, for the shape of the part that they stand in.
#[must_use]
pub fn facts_words(facts: &[Fact]) -> String {
    facts.iter().map(|f| f.words.as_str()).collect::<Vec<_>>().join(" · ")
}

/// The line; nothing where there is nothing to say.
pub(super) fn line(facts: Vec<Fact>) -> Option<impl IntoView> {
    let last = facts.len().checked_sub(1)?;
    let one = |(at, fact): (usize, Fact)| {
        let words = match fact.href {
            Some(href) => view! { <a href=href>{fact.words}</a> }.into_any(),
            None => view! { <span>{fact.words}</span> }.into_any(),
        };
        view! { {words}{if at == last { "." } else { " · " }} }
    };
    Some(view! { <p class="band-facts">{facts.into_iter().enumerate().map(one).collect_view()}</p> })
}
