//! The forms of the compliance pages: scan now, accept a risk, take that back.

use super::{
    account_forms::{Form, Parts},
    forms::Fields,
    refusal::Refusal,
};
use axum::{
    extract::{Path, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use reeve_access::{
    authorize,
    permission::{AcceptFinding, AttestClause, AttestControl, ScanTarget},
};
use reeve_app::route::Page;
use reeve_model::{TargetName, compliance::Framework};
use reeve_ports::{NewAcceptance, NewWord, PortError, Vouching};

fn no_target() -> Response {
    Refusal(PortError::NotFound("There is no such target.".to_owned())).into_response()
}

/// Asks for a scan; leads back to the first screen, where its age shows when it is through.
pub async fn scan(parts: Parts, name: Result<Path<String>, PathRejection>, fields: Fields) -> Response {
    let Some(name) = name.ok().and_then(|Path(name)| TargetName::new(name).ok()) else { return no_target() };
    let page = if fields.get("from") == "health" { Page::Health } else { Page::Compliance(Box::default()) };
    let form = parts.on(page);
    let outcome = async {
        let grant = authorize::<ScanTarget>(&form.who, name.clone())?;
        form.web.ports.compliance.scan(grant).await?;
        Ok(format!("{name} is scanned now; what it finds shows here within moments."))
    }
    .await;
    form.end(outcome).await
}

/// Accepts the risk of a finding.
pub async fn accept(parts: Parts, path: Result<Path<(String, String)>, PathRejection>, fields: Fields) -> Response {
    let Some((form, of)) = finding(parts, path) else { return no_target() };
    let form = form.keeping(&fields, &["reason", "owner", "days"]);
    let outcome = async {
        let days = fields.get("days").trim().parse::<u32>();
        let days = days.map_err(|_| PortError::Invalid("Say for how many days the risk is accepted, as a number.".to_owned()))?;
        let new = NewAcceptance { reason: fields.get("reason").to_owned(), owner: fields.get("owner").to_owned(), days };
        form.web.ports.compliance.accept(authorize::<AcceptFinding>(&form.who, of)?, new).await?;
        Ok(format!("The risk is accepted for {days} {}.", if days == 1 { "day" } else { "days" }))
    }
    .await;
    form.end(outcome).await
}

/// Takes an acceptance back.
pub async fn withdraw(parts: Parts, path: Result<Path<(String, String)>, PathRejection>, _fields: Fields) -> Response {
    let Some((form, of)) = finding(parts, path) else { return no_target() };
    let outcome = async {
        form.web.ports.compliance.withdraw(authorize::<AcceptFinding>(&form.who, of)?).await?;
        Ok("The acceptance was withdrawn; the finding is open again.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Vouches for a control.
pub async fn attest_control(parts: Parts, Path(control): Path<String>, fields: Fields) -> Response {
    let form = parts.on(Page::ControlOf(control.clone())).keeping(&fields, WORD);
    let outcome = async {
        let grant = authorize::<AttestControl>(&form.who, (target_of(&fields)?, control))?;
        attested(&form, Vouching::Control(grant), &fields).await
    }
    .await;
    form.end(outcome).await
}

/// Takes one's word for a control back.
pub async fn withdraw_control(parts: Parts, Path(control): Path<String>, fields: Fields) -> Response {
    let form = parts.on(Page::ControlOf(control.clone()));
    let outcome = async {
        let grant = authorize::<AttestControl>(&form.who, (target_of(&fields)?, control))?;
        taken_back(&form, Vouching::Control(grant)).await
    }
    .await;
    form.end(outcome).await
}

/// Vouches for a clause.
pub async fn attest_clause(parts: Parts, Path(word): Path<String>, fields: Fields) -> Response {
    let Some(framework) = Framework::from_word(&word) else { return no_framework() };
    let form = parts.on(Page::FrameworkOf(framework)).keeping(&fields, WORD);
    let outcome = async {
        let grant = authorize::<AttestClause>(&form.who, (framework, fields.get("clause").to_owned()))?;
        attested(&form, Vouching::Clause(grant), &fields).await
    }
    .await;
    form.end(outcome).await
}

/// Takes one's word for a clause back.
pub async fn withdraw_clause(parts: Parts, Path(word): Path<String>, fields: Fields) -> Response {
    let Some(framework) = Framework::from_word(&word) else { return no_framework() };
    let form = parts.on(Page::FrameworkOf(framework));
    let outcome = async {
        let grant = authorize::<AttestClause>(&form.who, (framework, fields.get("clause").to_owned()))?;
        taken_back(&form, Vouching::Clause(grant)).await
    }
    .await;
    form.end(outcome).await
}

/// The fields of a person's word.
const WORD: &[&str] = &["target", "clause", "statement", "document", "days"];

fn no_framework() -> Response {
    Refusal(PortError::NotFound("There is no such framework.".to_owned())).into_response()
}

fn target_of(fields: &Fields) -> Result<TargetName, PortError> {
    TargetName::new(fields.get("target")).map_err(|_| PortError::Invalid("Choose the target that you vouch for.".to_owned()))
}

async fn attested(form: &Form, vouching: Vouching, fields: &Fields) -> Result<String, PortError> {
    let days = fields.get("days").trim().parse::<u32>();
    let days = days.map_err(|_| PortError::Invalid("Say for how many days your word holds, as a number.".to_owned()))?;
    let word = NewWord { statement: fields.get("statement").to_owned(), document: fields.get("document").to_owned(), days };
    form.web.ports.compliance.attest(vouching, word).await?;
    Ok(format!("It is written down, and holds for {days} {}.", if days == 1 { "day" } else { "days" }))
}

async fn taken_back(form: &Form, vouching: Vouching) -> Result<String, PortError> {
    form.web.ports.compliance.take_back(vouching).await?;
    Ok("It was taken back; nobody vouches for it now.".to_owned())
}

/// The form on the page of the finding in the path.
fn finding(parts: Parts, path: Result<Path<(String, String)>, PathRejection>) -> Option<(Form, (TargetName, String))> {
    let Path((name, fingerprint)) = path.ok()?;
    let name = TargetName::new(name).ok()?;
    Some((parts.on(Page::FindingOf(name.clone(), fingerprint.clone())), (name, fingerprint)))
}
