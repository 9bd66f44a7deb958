//! The forms of the account pages. Each does one thing through its port and leads back to its page.

use super::{
    Web,
    forms::Fields,
    pages,
    sessions::{self, Note},
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use reeve_access::{
    Principal, authorize,
    permission::{ChangeAccount, ChangeAccounts, ChangeOwnAccount, ViewAccount, ViewOwnAccount},
};
use reeve_app::{
    render::{AcceptForm, Flash, Kept},
    route::Page,
};
use reeve_model::{Binding, Origin, account::MadeSecret};
use reeve_ports::{Acceptance, NewInvite, NewToken, PortError, Ports};
use tower_sessions::Session;

/// What every form has: who, from which page, and where the answer goes.
pub struct Form {
    pub(super) web: Web,
    headers: HeaderMap,
    session: Session,
    pub(super) who: Principal,
    page: Page,
    kept: Kept,
}

impl Form {
    /// After a refusal these fields show again what was typed.
    pub(super) fn keeping(mut self, fields: &Fields, names: &[&str]) -> Self {
        self.kept = kept(fields, names);
        self
    }

    /// Who sent it.
    pub(super) fn who(&self) -> &Principal {
        &self.who
    }

    /// What it may call.
    pub(super) fn ports(&self) -> &Ports {
        &self.web.ports
    }

    /// Leads to another page than the one that it was sent from.
    pub(super) fn leading_to(mut self, page: Page) -> Self {
        self.page = page;
        self
    }

    /// Leads back to the page; after a refusal shows it at once, with the sentence.
    pub(super) async fn end(self, outcome: Result<String, PortError>) -> Response {
        match outcome {
            Ok(text) => {
                sessions::leave_note(&self.session, Note { done: true, text }).await;
                Redirect::to(&self.page.href()).into_response()
            }
            Err(error) => self.refuse(error).await,
        }
    }

    /// Leads to the page that shows a secret that was just made, once. Reloading it makes no second one.
    async fn reveal(self, title: &str, outcome: Result<MadeSecret, PortError>) -> Response {
        match outcome {
            Ok(mut secret) => {
                // A link is of use only with the place it leads to: where people reach Reeve, or where this browser did.
                if secret.secret.starts_with('/') {
                    let host = self.headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
                    let scheme = if self.web.tls { "https" } else { "http" };
                    let origin = self.web.public_origin.as_deref().map_or_else(|| format!("{scheme}://{host}"), str::to_owned);
                    secret.secret.insert_str(0, &origin);
                }
                self.web.reveals.put(&self.who.session, Flash::Secret { title: title.to_owned(), secret });
                Redirect::to(&self.page.href()).into_response()
            }
            Err(error) => self.refuse(error).await,
        }
    }

    async fn refuse(self, error: PortError) -> Response {
        match error {
            PortError::Invalid(_) | PortError::TooMany(_) | PortError::Unavailable(_) => self.show(Flash::Refused(error.to_string())).await,
            other => pages::refused(&self.web, &self.headers, self.who, other),
        }
    }

    async fn show(self, flash: Flash) -> Response {
        let href = self.page.href();
        let at = href.split_once('?').unwrap_or((&href, ""));
        pages::show(&self.web, &self.headers, Some(self.who), at, Some(flash), self.kept).await
    }
}

fn kept(fields: &Fields, names: &[&str]) -> Kept {
    let values = |name: &&str| fields.all(name).into_iter().map(|value| ((*name).to_owned(), value)).collect::<Vec<_>>();
    Kept(names.iter().flat_map(values).collect())
}

/// The parts of a request that a form of a page needs.
pub struct Parts {
    web: Web,
    headers: HeaderMap,
    session: Session,
    who: Principal,
    kept: Kept,
}

impl axum::extract::FromRequestParts<Web> for Parts {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, web: &Web) -> Result<Self, Response> {
        let session = Session::from_request_parts(parts, web).await.map_err(IntoResponse::into_response)?;
        let Extension(who) = Extension::<Principal>::from_request_parts(parts, web).await.map_err(IntoResponse::into_response)?;
        Ok(Self { web: web.clone(), headers: parts.headers.clone(), session, who, kept: Kept::default() })
    }
}

impl Parts {
    pub(super) fn on(self, page: Page) -> Form {
        Form { web: self.web, headers: self.headers, session: self.session, who: self.who, page, kept: self.kept }
    }

    /// As [`Form::keeping`], before it is known which page it belongs to.
    pub(super) fn keeping(mut self, fields: &Fields, names: &[&str]) -> Self {
        self.kept = kept(fields, names);
        self
    }

    fn account(self, id: &str) -> Form {
        self.on(Page::AccountOf(id.to_owned()))
    }
}

/// Sets a new password of one's own.
pub async fn password(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Account);
    let outcome = async {
        if fields.get("new") != fields.get("repeat") {
            return Err(PortError::Invalid("The two new passwords differ; nothing was changed.".to_owned()));
        }
        let grant = authorize::<ChangeOwnAccount>(&form.who, ())?;
        form.web.ports.accounts.change_password(grant, fields.get("current"), fields.get("new")).await?;
        Ok("The password was changed. All your other sessions have ended.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Ends one of one's own sessions, or all but this.
pub async fn end_own_session(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Account);
    let outcome = async {
        let accounts = &form.web.ports.accounts;
        let grant = authorize::<ChangeOwnAccount>(&form.who, ())?;
        if fields.get("session") != "others" {
            accounts.end_own_session(grant, fields.get("session")).await?;
            return Ok("The session has ended.".to_owned());
        }
        let own = accounts.own(authorize::<ViewOwnAccount>(&form.who, ())?).await?;
        let others: Vec<_> = own.sessions.into_iter().filter(|s| !s.current).collect();
        for session in &others {
            accounts.end_own_session(grant.clone(), &session.id).await?;
        }
        Ok(if others.is_empty() { "There was no other session.".to_owned() } else { "All other sessions have ended.".to_owned() })
    }
    .await;
    form.end(outcome).await
}

/// Makes an API token.
pub async fn make_token(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Account).keeping(&fields, &["name", "days", "scope"]);
    let outcome = async {
        let days = fields.get("days").parse().map_err(|_| PortError::Invalid("Choose for how many days the token is good.".to_owned()))?;
        let new = NewToken { name: fields.get("name").to_owned(), scopes: fields.all("scope"), days };
        form.web.ports.accounts.make_token(authorize::<ChangeOwnAccount>(&form.who, ())?, new).await
    }
    .await;
    form.reveal("The new token", outcome).await
}

/// Revokes one of one's own API tokens.
pub async fn revoke_own_token(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Account);
    let outcome = async {
        form.web.ports.accounts.revoke_own_token(authorize::<ChangeOwnAccount>(&form.who, ())?, fields.get("token")).await?;
        Ok("The token was revoked.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Invites somebody.
pub async fn invite(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Accounts).keeping(&fields, &["email", "role", "scope"]);
    let outcome = async {
        let binding = binding(fields.get("role"), fields.get("scope"))?;
        let new = NewInvite { email: fields.get("email").to_owned(), bindings: vec![binding] };
        form.web.ports.accounts.invite(authorize::<ChangeAccounts>(&form.who, ())?, new).await
    }
    .await;
    form.reveal("The invitation's link", outcome).await
}

/// Takes an invitation back.
pub async fn withdraw(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Accounts);
    let outcome = async {
        form.web.ports.accounts.withdraw_invite(authorize::<ChangeAccounts>(&form.who, ())?, fields.get("invite")).await?;
        Ok("The link works no more.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Sets the roles of an account: those that were left in the list, and one more if chosen.
pub async fn rights(parts: Parts, Path(id): Path<String>, fields: Fields) -> Response {
    let form = parts.account(&id).keeping(&fields, &["add_role", "add_scope"]);
    let outcome = async {
        let mut bindings: Vec<Binding> =
            fields.all("binding").into_iter().map(Binding::try_from).collect::<Result<_, _>>().map_err(PortError::Invalid)?;
        if !fields.get("add_role").is_empty() {
            bindings.push(binding(fields.get("add_role"), fields.get("add_scope"))?);
        }
        form.web.ports.accounts.set_bindings(authorize::<ChangeAccount>(&form.who, id.clone())?, bindings).await?;
        Ok("The rights were changed; they hold from now on.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Disables an account, when its e-mail was typed.
pub async fn disable(parts: Parts, Path(id): Path<String>, fields: Fields) -> Response {
    let form = parts.account(&id);
    let outcome = async {
        let accounts = &form.web.ports.accounts;
        let grant = authorize::<ChangeAccount>(&form.who, id.clone())?;
        let detail = accounts.account(authorize::<ViewAccount>(&form.who, id.clone())?).await?;
        if fields.get("confirm").trim() != detail.account.email {
            return Err(PortError::Invalid(format!("Type {} to confirm; nothing was changed.", detail.account.email)));
        }
        accounts.set_disabled(grant, true).await?;
        Ok("The account is disabled: its sessions have ended, its tokens are revoked and the links it made are withdrawn.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Enables an account again.
pub async fn enable(parts: Parts, Path(id): Path<String>, _: Fields) -> Response {
    let form = parts.account(&id);
    let outcome = async {
        form.web.ports.accounts.set_disabled(authorize::<ChangeAccount>(&form.who, id.clone())?, false).await?;
        Ok("The account may sign in again.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Makes a link to set a new password.
pub async fn reset(parts: Parts, Path(id): Path<String>, _: Fields) -> Response {
    let form = parts.account(&id);
    let outcome = async { form.web.ports.accounts.reset(authorize::<ChangeAccount>(&form.who, id.clone())?).await }.await;
    form.reveal("The link to set a new password", outcome).await
}

/// Ends a session of an account.
pub async fn end_session(parts: Parts, Path(id): Path<String>, fields: Fields) -> Response {
    let form = parts.account(&id);
    let outcome = async {
        form.web.ports.accounts.end_session(authorize::<ChangeAccount>(&form.who, id.clone())?, fields.get("session")).await?;
        Ok("The session has ended.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Revokes a token of an account.
pub async fn revoke_token(parts: Parts, Path(id): Path<String>, fields: Fields) -> Response {
    let form = parts.account(&id);
    let outcome = async {
        form.web.ports.accounts.revoke_token(authorize::<ChangeAccount>(&form.who, id.clone())?, fields.get("token")).await?;
        Ok("The token was revoked.".to_owned())
    }
    .await;
    form.end(outcome).await
}

fn binding(role: &str, scope: &str) -> Result<Binding, PortError> {
    // Never everything by omission.
    if scope.trim().is_empty() {
        let sentence = "Say which targets the role is held for: everything, environment:prod, tag:eu or target:orders.";
        return Err(PortError::Invalid(sentence.to_owned()));
    }
    Binding::try_from(format!("{role}@{scope}")).map_err(PortError::Invalid)
}

/// The page behind a single-use link.
pub async fn offer(
    State(web): State<Web>,
    Path(secret): Path<String>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Response {
    let offer = web.ports.accounts.offer(&secret, &origin).await;
    let status = offer.as_ref().err().map_or(StatusCode::OK, |error| super::refusal::Refusal(error.clone()).status());
    let form = AcceptForm { offer: offer.map_err(|error| error.to_string()), display_name: String::new(), error: None, done: None };
    pages::accept_page(&web, &headers, form, status)
}

/// Uses a single-use link.
pub async fn accept(
    State(web): State<Web>,
    Path(secret): Path<String>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: String,
) -> Response {
    // The address is the proof; who else is signed in in this browser plays no part.
    let (accounts, fields) = (&web.ports.accounts, Fields::read(&body));
    let display_name = fields.get("display_name").to_owned();
    let offer = accounts.offer(&secret, &origin).await;
    let outcome = if fields.get("password") == fields.get("repeat") {
        let acceptance = Acceptance { display_name: display_name.clone(), password: fields.get("password").to_owned() };
        accounts.accept(&secret, acceptance, &origin).await
    } else {
        Err(PortError::Invalid("The two passwords differ; type the same one twice.".to_owned()))
    };
    let mut form = AcceptForm { offer: offer.map_err(|error| error.to_string()), display_name, error: None, done: None };
    let status = match outcome {
        Ok(email) => {
            form.done = Some(email);
            StatusCode::OK
        }
        Err(error) => {
            form.error = Some(error.to_string());
            super::refusal::Refusal(error).status()
        }
    };
    pages::accept_page(&web, &headers, form, status)
}
