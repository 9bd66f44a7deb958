//! What the menus show of Reeve itself: what the caller may see, and nothing else.

use crate::{render::PageContext, route::Page};

/// One entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Shown name.
    pub title: &'static str,
    /// Where it leads.
    pub page: Page,
    /// The letter that goes there after `g`.
    pub go: Option<&'static str>,
}

impl Entry {
    /// Whether `here` is the entry's page or one below it.
    #[must_use]
    pub fn holds(&self, here: Option<&Page>) -> bool {
        match (&self.page, here) {
            (Page::Accounts, Some(Page::Accounts | Page::AccountOf(_))) | (Page::Audit(_), Some(Page::Audit(_))) => true,
            (
                Page::Compliance(_),
                Some(
                    Page::Compliance(_)
                    | Page::FrameworkOf(_)
                    | Page::Changes(_)
                    | Page::Controls(_)
                    | Page::ControlOf(_)
                    | Page::FindingOf(..),
                ),
            ) => true,
            (Page::Backups(_), Some(Page::Backups(_) | Page::Backup(_))) => true,
            (page, Some(here)) => page == here,
            (_, None) => false,
        }
    }
}

/// The first screen, for those who may see the estate.
#[must_use]
pub fn estate(cx: &PageContext) -> Option<Entry> {
    cx.may("view", "estate").then_some(Entry { title: "Database health", page: Page::Health, go: Some("h") })
}

/// What can be brought back, for those who may see backups.
#[must_use]
pub fn backups(cx: &PageContext) -> Option<Entry> {
    cx.may("view", "backups").then_some(Entry { title: "Backups", page: Page::Backups(Box::default()), go: Some("b") })
}

/// What the targets must comply with, for those who may see scores.
#[must_use]
pub fn compliance(cx: &PageContext) -> Option<Entry> {
    cx.may("view", "compliance").then_some(Entry { title: "Compliance", page: Page::Compliance(Box::default()), go: Some("c") })
}

/// The pages of Reeve itself, in the order shown.
#[must_use]
pub fn reeve(cx: &PageContext) -> Vec<Entry> {
    let entry = |verb, noun, title, page, go| cx.may(verb, noun).then_some(Entry { title, page, go });
    [
        entry("view", "registry", "Targets", Page::Registry(None), None),
        entry("view", "accounts", "Accounts", Page::Accounts, Some("u")),
        entry("view", "audit", "Audit trail", Page::Audit(Box::default()), Some("a")),
        entry("view", "policy", "Access", Page::Access, None),
    ]
    .into_iter()
    .flatten()
    .collect()
}
