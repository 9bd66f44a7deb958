//! From a request to a page.
//!
//! [`render`] loads a page's data through the server functions and renders it whole, so it needs no script to be
//! right. The server only chooses the page, gives the context and sends the answer.

use crate::{
    AppError, functions, pages,
    route::{AuditView, BackupsView, ChangesView, ControlsView, FindingsView, Page, SessionsFilter, TablesView},
    shell::{self, Document},
};
use leptos::{nonce::Nonce, prelude::*, reactive::computed::ScopedFuture};
use reeve_access::Principal;
use reeve_model::{
    HealthOverview, UnixMs,
    account::{AccountDetail, AccountList, InviteOffer, MadeSecret, OwnAccount},
};
use reeve_ports::{PortError, Ports};
use serde::{Deserialize, Serialize};

/// Which colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the reader's system has it.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All, in the order of the switch.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// The value in the cookie, the form and `data-theme`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// From its word; anything else is [`Theme::Auto`].
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|t| t.word() == word).unwrap_or_default()
    }
}

/// Where the browser finds the files of the page. Names carry hashes, so they can be kept for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assets {
    /// The style sheet, for example `/pkg/main.0f3a.css`.
    pub css: String,
    /// The wasm loader's module, for example `/pkg/reeve.0f3a.js`; none: pages stay still.
    pub js: Option<String>,
    /// The wasm, for example `/pkg/reeve_bg.0f3a.wasm`.
    pub wasm: Option<String>,
    /// The icon.
    pub icon: String,
}

impl Default for Assets {
    fn default() -> Self {
        Self { css: "/pkg/main.css".into(), js: None, wasm: None, icon: "/favicon.svg".into() }
    }
}

/// What a render is given.
#[derive(Clone)]
pub struct PageContext {
    /// Where data comes from.
    pub ports: Ports,
    /// Who is asking; none: only the sign-in page and problems.
    pub principal: Option<Principal>,
    /// Colours.
    pub theme: Theme,
    /// The nonce of this answer's content security policy.
    pub nonce: String,
    /// Names of the files.
    pub assets: Assets,
    /// The token that forms send back as `csrf`.
    pub csrf: Option<String>,
    /// What the request before did, to be said once.
    pub flash: Option<Flash>,
    /// What was typed into a form that was refused: its fields show it again.
    pub kept: Kept,
}

/// Fields of a refused form by name, passwords left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept(pub Vec<(String, String)>);

impl Kept {
    /// What stood in a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    /// Whether a box with this value was ticked.
    #[must_use]
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(key, v)| key == name && v == value)
    }
}

/// Whether the form with this field was refused, so that what hides it must be open. For use in a render.
#[must_use]
pub(crate) fn typed_again(field: &str) -> bool {
    use_context::<Kept>().is_some_and(|kept| kept.get(field).is_some())
}

impl PageContext {
    /// Whether the caller may do this to anything at all. What menus and forms go by; the gate asks again.
    #[must_use]
    pub fn may(&self, verb: &str, noun: &str) -> bool {
        self.principal.as_ref().is_some_and(|p| p.may(verb, noun))
    }
}

/// What a request that changed something did, shown on the page that follows it. Serde, so that a session can keep it
/// from the one to the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flash {
    /// It is done: a sentence that says what.
    Done(String),
    /// It was refused: a sentence that says why.
    Refused(String),
    /// A secret was made, which is shown this once.
    Secret {
        /// What it is, as a heading.
        title: String,
        /// The secret itself.
        secret: MadeSecret,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// HTTP status.
    pub status: u16,
    /// The whole document.
    pub html: String,
}

/// What the sign-in form shows again after it was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignInForm {
    /// The e-mail as typed.
    pub email: String,
    /// Where to go afterwards.
    pub next: Option<String>,
    /// Why it was refused, in one sentence.
    pub error: Option<String>,
}

/// What the page of an invitation, or of a link for a new password, shows. The secret is not among it: the form posts to
/// the address it stands at, so that the secret stands in no part of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptForm {
    /// What the link offers, or in a sentence why it can't be used.
    pub offer: Result<InviteOffer, String>,
    /// The name as typed.
    pub display_name: String,
    /// Why it was refused, in one sentence.
    pub error: Option<String>,
    /// The e-mail of the account, once the link has been used.
    pub done: Option<String>,
}

/// The data of one page.
pub enum Data {
    /// Sign-in.
    SignIn(SignInForm),
    /// Database health.
    Health(Box<pages::health::HealthData>),
    /// Which targets there are.
    Registry(Box<reeve_model::registration::RegistryView>, Option<reeve_model::TargetName>),
    /// One target.
    Target(Box<reeve_model::TargetDetail>),
    /// Who is connected to it.
    Sessions(Box<pages::sessions::SessionsData>),
    /// Its tables.
    Tables(Box<pages::tables::TablesData>),
    /// One table.
    Table(Box<pages::table::TableData>),
    /// The caller's own account.
    Account(Box<OwnAccount>),
    /// All accounts.
    Accounts(Box<AccountList>),
    /// One account.
    AccountOf(Box<AccountDetail>),
    /// The audit trail.
    Audit(Box<pages::audit::AuditData>),
    /// The policy.
    Access,
    /// Compliance: frameworks and findings.
    Compliance(Box<pages::compliance::ComplianceData>),
    /// One framework's clauses.
    FrameworkOf(Box<pages::compliance::framework::FrameworkData>),
    /// What is different between two scans.
    Changes(Box<pages::compliance::changes::ChangesData>),
    /// The controls.
    Controls(Box<pages::compliance::controls::ControlsData>),
    /// One control.
    ControlOf(Box<reeve_model::compliance::ControlDetail>),
    /// One finding.
    FindingOf(Box<reeve_model::compliance::FindingDetail>),
    /// Backups.
    Backups(Box<pages::backups::BackupsData>),
    /// One backup.
    Backup(Box<pages::backups::detail::BackupData>),
    /// The component set.
    #[cfg(debug_assertions)]
    Gallery,
    /// No page: why.
    Problem(AppError),
}

/// Renders a page. Never fails: what goes wrong is itself a page with the status that says so.
pub async fn render(page: Page, cx: PageContext) -> Rendered {
    let owner = owner(&cx);
    let work = owner.with(|| {
        ScopedFuture::new(async move {
            // The side bar names the targets; without the right to see them it stays empty, and nothing is asked that would be refused.
            let may = use_context::<Principal>().is_some_and(|p| p.may("view", "estate"));
            let overview = if may { functions::health_overview().await.ok() } else { None };
            let data = load(&page).await.unwrap_or_else(Data::Problem);
            (page, overview, data)
        })
    });
    let (page, overview, data) = work.await;
    answer(&owner, &cx, Some(&page), overview.as_ref(), data)
}

/// The sign-in page, again, after a refusal. The status is 401.
#[must_use]
pub fn render_sign_in(form: SignInForm, cx: &PageContext) -> Rendered {
    let page = Page::SignIn { next: form.next.clone() };
    let status = if form.error.is_some() { 401 } else { 200 };
    Rendered { status, ..answer(&owner(cx), cx, Some(&page), None, Data::SignIn(form)) }
}

/// The page of an invitation or of a link for a new password, for somebody who is not signed in. The status is 404 for a
/// link that can't be used and 422 after a refusal.
#[must_use]
pub fn render_accept(form: &AcceptForm, cx: &PageContext) -> Rendered {
    let status = match (&form.offer, &form.error) {
        _ if form.done.is_some() => 200,
        (Err(_), _) => 404,
        (_, Some(_)) => 422,
        _ => 200,
    };
    let owner = owner(cx);
    let html = owner.with(|| {
        let document = Document { cx, page: None, overview: None, now: UnixMs::now(), moves: false };
        shell::alone(&document, pages::accept::title(form), pages::accept::view(form, cx.csrf.clone()).into_any())
    });
    owner.cleanup();
    Rendered { status, html }
}

/// A page that says why there is no page.
#[must_use]
pub fn render_problem(error: PortError, cx: &PageContext) -> Rendered {
    answer(&owner(cx), cx, None, None, Data::Problem(AppError(error)))
}

/// Loads the data of a page through the server functions.
///
/// # Errors
/// As the functions do.
async fn load(page: &Page) -> Result<Data, AppError> {
    Ok(match page {
        Page::SignIn { next } => Data::SignIn(SignInForm { next: next.clone(), ..SignInForm::default() }),
        Page::Health => Data::Health(Box::new(pages::health::load().await?)),
        Page::Target(name) => Data::Target(Box::new(functions::target_detail(name.clone()).await?)),
        Page::Sessions(name, filter) => Data::Sessions(Box::new(pages::sessions::load(name.clone(), SessionsFilter::clone(filter)).await?)),
        Page::Tables(name, view) => Data::Tables(Box::new(pages::tables::load(name.clone(), TablesView::clone(view)).await?)),
        Page::Table(name, table) => Data::Table(Box::new(pages::table::load(name.clone(), (**table).clone()).await?)),
        Page::Registry(change) => Data::Registry(Box::new(functions::registry().await?), change.clone()),
        Page::Account => Data::Account(Box::new(functions::own_account().await?)),
        Page::Accounts => Data::Accounts(Box::new(functions::account_list().await?)),
        Page::AccountOf(id) => Data::AccountOf(Box::new(functions::account_detail(id.clone()).await?)),
        Page::Audit(view) => Data::Audit(Box::new(pages::audit::load(AuditView::clone(view)).await?)),
        Page::Access => {
            pages::access::load()?;
            Data::Access
        }
        Page::Compliance(view) => Data::Compliance(Box::new(pages::compliance::load(FindingsView::clone(view)).await?)),
        Page::FrameworkOf(framework) => Data::FrameworkOf(Box::new(pages::compliance::framework::load(*framework).await?)),
        Page::Changes(view) => Data::Changes(Box::new(pages::compliance::changes::load(ChangesView::clone(view)).await?)),
        Page::Controls(view) => Data::Controls(Box::new(pages::compliance::controls::load(ControlsView::clone(view)).await?)),
        Page::ControlOf(id) => Data::ControlOf(Box::new(functions::control_detail(id.clone()).await?)),
        Page::FindingOf(name, print) => Data::FindingOf(Box::new(functions::finding_detail(name.clone(), print.clone()).await?)),
        Page::Backups(view) => Data::Backups(Box::new(pages::backups::load(BackupsView::clone(view)).await?)),
        Page::Backup(view) => Data::Backup(Box::new(pages::backups::detail::load(view).await?)),
        #[cfg(debug_assertions)]
        Page::Gallery => Data::Gallery,
    })
}

pub(crate) fn owner(cx: &PageContext) -> Owner {
    let owner = Owner::new_root(None);
    owner.with(|| {
        provide_context(cx.ports.clone());
        provide_context(Nonce::from_value(cx.nonce.as_str()));
        provide_context(cx.kept.clone());
        if let Some(principal) = cx.principal.clone() {
            provide_context(principal);
        }
    });
    owner
}

fn answer(owner: &Owner, cx: &PageContext, page: Option<&Page>, overview: Option<&HealthOverview>, data: Data) -> Rendered {
    let status = if let Data::Problem(error) = &data { error.status() } else { 200 };
    let now = UnixMs::now();
    let html = owner.with(|| {
        // A form that is being filled in must not be fetched away; a backup's page moves while something is done with it.
        let still = matches!(&data, Data::Backup(data) if !data.busy());
        let moves = status == 200 && !still && page.is_some_and(Page::moves);
        let document = Document { cx, page, overview, now, moves };
        let (title, body) = match data {
            Data::SignIn(form) => return shell::bare(&document, "Sign in", pages::sign_in::view(&form).into_any()),
            Data::Problem(error) if cx.principal.is_none() => {
                return shell::bare(&document, "No page", pages::problem::view(&error, None).into_any());
            }
            Data::Problem(error) => {
                let caller = cx.principal.as_ref();
                (pages::problem::title(&error, caller).to_owned(), pages::problem::view(&error, caller).into_any())
            }
            Data::Health(data) => ("Database health".into(), pages::health::view(&data, cx, now).into_any()),
            Data::Registry(list, change) => ("Targets".into(), pages::registry::view(&list, change.as_ref(), cx, now).into_any()),
            Data::Target(detail) => (detail.summary.info.name.to_string(), pages::target::view(&detail, now).into_any()),
            Data::Sessions(data) => (format!("Sessions of {}", data.target), pages::sessions::view(&data, cx, now).into_any()),
            Data::Tables(data) => (format!("Tables of {}", data.target), pages::tables::view(&data, now).into_any()),
            Data::Table(data) => (data.title(), pages::table::view(&data, now).into_any()),
            Data::Account(own) => ("Your account".into(), pages::account::view(&own, cx, now).into_any()),
            Data::Accounts(list) => ("Accounts".into(), pages::accounts::view(&list, overview, cx, now).into_any()),
            Data::AccountOf(detail) => {
                let title = detail.account.email.clone();
                (title, pages::accounts::detail::view(&detail, overview, cx, now).into_any())
            }
            Data::Audit(data) => ("Audit trail".into(), pages::audit::view(&data, cx, now).into_any()),
            Data::Access => ("Access".into(), pages::access::view(cx.principal.as_ref()).into_any()),
            Data::Compliance(data) => ("Compliance".into(), pages::compliance::view(&data, cx, now).into_any()),
            Data::FrameworkOf(data) => (data.title(), pages::compliance::framework::view(&data, cx, now).into_any()),
            Data::Changes(data) => ("What changed".into(), pages::compliance::changes::view(&data, now).into_any()),
            Data::Controls(data) => ("Controls".into(), pages::compliance::controls::view(&data).into_any()),
            Data::ControlOf(detail) => (detail.control.clone(), pages::compliance::control::view(&detail, cx, now).into_any()),
            Data::FindingOf(detail) => {
                let title = format!("{} · {}", detail.finding.control, detail.finding.target);
                (title, pages::compliance::finding::view(&detail, cx, now).into_any())
            }
            Data::Backups(data) => ("Backups".into(), pages::backups::view(&data, cx, now).into_any()),
            Data::Backup(data) => (data.title(), pages::backups::detail::view(&data, overview, cx, now).into_any()),
            #[cfg(debug_assertions)]
            Data::Gallery => ("Gallery".into(), pages::gallery::view().into_any()),
        };
        shell::full(&document, &title, body)
    });
    owner.cleanup();
    Rendered { status, html }
}
