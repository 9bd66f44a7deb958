//! Which page an address means, and the address of every page.
//!
//! Names from databases are free text. In a path each is percent-encoded, so that a slash, a quote or a newline
//! stays inside its segment; `.` and `..`, which browsers would resolve even when encoded, get a `~` in front, and
//! so does a name that starts with `~`.

mod audit;
mod backups;
mod compliance;
mod encode;
mod sessions;
mod tables;

pub use audit::AuditView;
pub use backups::{BackupView, BackupsView, database_of};
pub use compliance::{ChangesView, ControlsView, FindingsView};
pub use encode::{decode, encode, pairs, query};
pub use sessions::{SessionsFilter, Show};
pub use tables::TablesView;

use reeve_model::{TargetName, backup::BackupId, compliance::Framework, table::TableRef};

/// One page with all that its address says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// `/sign-in?next=`
    SignIn {
        /// Where to go afterwards: a path of this site.
        next: Option<String>,
    },
    /// `/admin/db-health`
    Health,
    /// `/admin/registry?change=`: which targets there are, and which one is being changed
    Registry(Option<TargetName>),
    /// `/admin/targets/{name}`
    Target(TargetName),
    /// `/admin/targets/{name}/sessions?…`: who is connected
    Sessions(TargetName, Box<SessionsFilter>),
    /// `/admin/targets/{name}/tables?…`
    Tables(TargetName, Box<TablesView>),
    /// `/admin/targets/{name}/tables/{database}/{schema}/{table}`
    Table(TargetName, Box<TableRef>),
    /// `/admin/account`, the caller's own
    Account,
    /// `/admin/accounts`
    Accounts,
    /// `/admin/accounts/{id}`
    AccountOf(String),
    /// `/admin/audit?…`
    Audit(Box<AuditView>),
    /// `/admin/access`, the policy
    Access,
    /// `/admin/compliance?…`: frameworks and findings
    Compliance(Box<FindingsView>),
    /// `/admin/compliance/frameworks/{framework}`: its clauses
    FrameworkOf(Framework),
    /// `/admin/compliance/changes?…`: what is different between two scans
    Changes(Box<ChangesView>),
    /// `/admin/compliance/controls?…`
    Controls(Box<ControlsView>),
    /// `/admin/compliance/controls/{control}`
    ControlOf(String),
    /// `/admin/compliance/findings/{name}/{fingerprint}`
    FindingOf(TargetName, String),
    /// `/admin/backups?…`
    Backups(Box<BackupsView>),
    /// `/admin/backups/{id}`
    Backup(Box<BackupView>),
    /// `/admin/gallery`, in debug builds only.
    #[cfg(debug_assertions)]
    Gallery,
}

impl Page {
    /// The page at a path (as sent, still percent-encoded) and query; none when there is no such page.
    #[must_use]
    pub fn parse(path: &str, query: &str) -> Option<Self> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let page = match (segments.next()?, segments.next()) {
            ("sign-in", None) => {
                let next = pairs(query).into_iter().find(|(k, _)| k == "next").and_then(|(_, v)| safe_next(&v).map(str::to_owned));
                return Some(Self::SignIn { next });
            }
            ("admin", Some("db-health")) => Self::Health,
            ("admin", Some("registry")) => {
                let change = pairs(query).into_iter().find(|(k, _)| k == "change").and_then(|(_, name)| TargetName::new(name).ok());
                Self::Registry(change)
            }
            ("admin", Some("account")) => Self::Account,
            ("admin", Some("accounts")) => match segments.next() {
                None => Self::Accounts,
                Some(id) => Self::AccountOf(decode(id)?),
            },
            ("admin", Some("audit")) => Self::Audit(Box::new(AuditView::parse(query))),
            ("admin", Some("access")) => Self::Access,
            ("admin", Some("backups")) => match segments.next() {
                None => Self::Backups(Box::new(BackupsView::parse(query))),
                Some(id) => Self::Backup(Box::new(BackupView::parse(id, query)?)),
            },
            ("admin", Some("compliance")) => match (segments.next(), segments.next()) {
                (None, _) => Self::Compliance(Box::new(FindingsView::parse(query))),
                (Some("frameworks"), Some(word)) => Self::FrameworkOf(Framework::from_word(word)?),
                (Some("changes"), None) => Self::Changes(Box::new(ChangesView::parse(query))),
                (Some("controls"), None) => Self::Controls(Box::new(ControlsView::parse(query))),
                (Some("controls"), Some(id)) => Self::ControlOf(decode(id)?),
                (Some("findings"), Some(name)) => Self::FindingOf(TargetName::new(decode(name)?).ok()?, decode(segments.next()?)?),
                _ => return None,
            },
            #[cfg(debug_assertions)]
            ("admin", Some("gallery")) => Self::Gallery,
            ("admin", Some("targets")) => {
                let name = TargetName::new(decode(segments.next()?)?).ok()?;
                match (segments.next(), segments.next(), segments.next(), segments.next()) {
                    (None, ..) => Self::Target(name),
                    (Some("sessions"), None, ..) => Self::Sessions(name, Box::new(SessionsFilter::parse(query))),
                    (Some("tables"), None, ..) => Self::Tables(name, Box::new(TablesView::parse(query))),
                    (Some("tables"), Some(database), Some(schema), Some(table)) => {
                        let (database, schema, table) = (decode(database)?, decode(schema)?, decode(table)?);
                        Self::Table(name, Box::new(TableRef { database, schema, table }))
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        segments.next().is_none().then_some(page)
    }

    /// The page's address: path and query.
    #[must_use]
    pub fn href(&self) -> String {
        match self {
            Self::SignIn { next: None } => "/sign-in".into(),
            Self::SignIn { next: Some(next) } => format!("/sign-in?{}", query(&[("next", next)])),
            Self::Health => "/admin/db-health".into(),
            Self::Target(name) => format!("/admin/targets/{}", encode(name.as_str())),
            Self::Sessions(name, view) => with_query(format!("/admin/targets/{}/sessions", encode(name.as_str())), &view.query_string()),
            Self::Tables(name, view) => with_query(format!("/admin/targets/{}/tables", encode(name.as_str())), &view.query_string()),
            Self::Table(name, table) => format!(
                "/admin/targets/{}/tables/{}/{}/{}",
                encode(name.as_str()),
                encode(&table.database),
                encode(&table.schema),
                encode(&table.table)
            ),
            Self::Registry(None) => "/admin/registry".into(),
            Self::Registry(Some(name)) => with_query("/admin/registry".into(), &query(&[("change", name.as_str())])),
            Self::Account => "/admin/account".into(),
            Self::Accounts => "/admin/accounts".into(),
            Self::AccountOf(id) => format!("/admin/accounts/{}", encode(id)),
            Self::Audit(view) => with_query("/admin/audit".into(), &view.query_string()),
            Self::Access => "/admin/access".into(),
            Self::Compliance(view) => with_query("/admin/compliance".into(), &view.query_string()),
            Self::FrameworkOf(framework) => format!("/admin/compliance/frameworks/{}", framework.word()),
            Self::Changes(view) => with_query("/admin/compliance/changes".into(), &view.query_string()),
            Self::Controls(view) => with_query("/admin/compliance/controls".into(), &view.query_string()),
            Self::ControlOf(id) => format!("/admin/compliance/controls/{}", encode(id)),
            Self::FindingOf(name, fingerprint) => {
                format!("/admin/compliance/findings/{}/{}", encode(name.as_str()), encode(fingerprint))
            }
            Self::Backups(view) => with_query("/admin/backups".into(), &view.query_string()),
            Self::Backup(view) => with_query(format!("/admin/backups/{}", view.id), &view.query_string()),
            #[cfg(debug_assertions)]
            Self::Gallery => "/admin/gallery".into(),
        }
    }

    /// Whether the page has nodes that move, so that a live stream serves it.
    #[must_use]
    pub fn moves(&self) -> bool {
        matches!(
            self,
            Self::Health
                | Self::Target(_)
                | Self::Sessions(..)
                | Self::Tables(..)
                | Self::Table(..)
                | Self::Backups(_)
                | Self::Backup(_)
                | Self::Compliance(_)
        )
    }

    /// The page of a backup.
    #[must_use]
    pub fn backup(id: &BackupId) -> Self {
        Self::Backup(Box::new(BackupView { id: id.clone(), table: None }))
    }

    /// The target the page is about.
    #[must_use]
    pub fn target(&self) -> Option<&TargetName> {
        match self {
            Self::Target(name) | Self::Sessions(name, _) | Self::Tables(name, _) | Self::Table(name, _) => Some(name),
            _ => None,
        }
    }
}

fn with_query(path: String, query: &str) -> String {
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

/// A place to go after signing in or switching the theme: a path of this site and nothing that a browser could
/// read as another host.
#[must_use]
pub fn safe_next(next: &str) -> Option<&str> {
    let local = next.starts_with('/') && !next.starts_with("//") && !next.starts_with("/\\");
    (local && !next.chars().any(char::is_control)).then_some(next)
}

#[cfg(test)]
mod tests;
