//! What officers and admins decide about findings, controls and clauses, for programs: the same port as the pages.

use super::{
    Web,
    api::{Answer, invalid},
    refusal::Refusal,
};
use axum::{
    Extension, Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
};
use reeve_access::{
    Principal, authorize,
    permission::{AcceptFinding, AttestClause, AttestControl, ScanTarget, ViewFinding, ViewFindings},
};
use reeve_model::{
    TargetName,
    compliance::{ChangesQuery, Framework},
};
use reeve_ports::{NewAcceptance, NewWord, PortError, Vouching};
use serde::Deserialize;
use serde_json::json;

fn target(name: String) -> Result<TargetName, Refusal> {
    TargetName::new(name).map_err(|_| Refusal(PortError::NotFound("There is no such target.".to_owned())))
}

async fn told(web: &Web, who: &Principal, of: (TargetName, String)) -> Answer {
    Ok(Json(json!(web.ports.compliance.finding(authorize::<ViewFinding>(who, of)?).await?)))
}

/// One finding with its evidence.
pub async fn finding(State(web): State<Web>, Extension(who): Extension<Principal>, Path((name, print)): Path<(String, String)>) -> Answer {
    told(&web, &who, (target(name)?, print)).await
}

/// Accepts the risk of a finding; answers the finding.
pub async fn accept(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path((name, print)): Path<(String, String)>,
    body: Result<Json<NewAcceptance>, JsonRejection>,
) -> Answer {
    let of = (target(name)?, print);
    let grant = authorize::<AcceptFinding>(&who, of.clone())?;
    let Json(new) = body.map_err(|_| invalid("Send JSON with reason, owner (an e-mail) and days."))?;
    web.ports.compliance.accept(grant, new).await?;
    told(&web, &who, of).await
}

/// Takes an acceptance back; answers the finding.
pub async fn withdraw(State(web): State<Web>, Extension(who): Extension<Principal>, Path((name, print)): Path<(String, String)>) -> Answer {
    let of = (target(name)?, print);
    web.ports.compliance.withdraw(authorize::<AcceptFinding>(&who, of.clone())?).await?;
    told(&web, &who, of).await
}

/// Has a target scanned now; answers its name.
pub async fn scan(State(web): State<Web>, Extension(who): Extension<Principal>, Path(name): Path<String>) -> Answer {
    let name = target(name)?;
    web.ports.compliance.scan(authorize::<ScanTarget>(&who, name.clone())?).await?;
    Ok(Json(json!({ "target": name, "scanning": true })))
}

/// What is different between two scans of a target.
pub async fn changes(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    query: Result<Query<ChangesQuery>, QueryRejection>,
) -> Answer {
    let Query(query) = query.map_err(|_| invalid("The query takes target, from and to (ids of scans)."))?;
    Ok(Json(json!(web.ports.compliance.changes(authorize::<ViewFindings>(&who, ())?, query).await?)))
}

/// A person's word for a control on a target.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForControl {
    target: TargetName,
    statement: String,
    #[serde(default)]
    document: String,
    days: u32,
}

/// Vouches for a control on a target; answers the control.
pub async fn attest_control(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path(control): Path<String>,
    body: Result<Json<ForControl>, JsonRejection>,
) -> Answer {
    let hint = "Send JSON with target, statement, days and, where the proof lies, document.";
    let Json(ForControl { target, statement, document, days }) = body.map_err(|_| invalid(hint))?;
    let grant = authorize::<AttestControl>(&who, (target, control.clone()))?;
    web.ports.compliance.attest(Vouching::Control(grant), NewWord { statement, document, days }).await?;
    of_control(&web, &who, &control).await
}

/// Of which target.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfTarget {
    target: TargetName,
}

/// Takes a word for a control back; answers the control.
pub async fn withdraw_control(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path(control): Path<String>,
    query: Result<Query<OfTarget>, QueryRejection>,
) -> Answer {
    let Query(OfTarget { target }) = query.map_err(|_| invalid("The query takes target."))?;
    let grant = authorize::<AttestControl>(&who, (target, control.clone()))?;
    web.ports.compliance.take_back(Vouching::Control(grant)).await?;
    of_control(&web, &who, &control).await
}

async fn of_control(web: &Web, who: &Principal, control: &str) -> Answer {
    Ok(Json(json!(web.ports.compliance.control(authorize::<ViewFindings>(who, ())?, control).await?)))
}

/// A person's word for a clause.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForClause {
    clause: String,
    statement: String,
    #[serde(default)]
    document: String,
    days: u32,
}

fn framework(word: &str) -> Result<Framework, Refusal> {
    Framework::from_word(word).ok_or_else(|| Refusal(PortError::NotFound("There is no such framework.".to_owned())))
}

/// Vouches for a clause; answers its key.
pub async fn attest_clause(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path(word): Path<String>,
    body: Result<Json<ForClause>, JsonRejection>,
) -> Answer {
    let framework = framework(&word)?;
    let hint = "Send JSON with clause (its key, like 32(1)(b)), statement, days and, where the proof lies, document.";
    let Json(ForClause { clause, statement, document, days }) = body.map_err(|_| invalid(hint))?;
    let grant = authorize::<AttestClause>(&who, (framework, clause.clone()))?;
    web.ports.compliance.attest(Vouching::Clause(grant), NewWord { statement, document, days }).await?;
    Ok(Json(json!({ "framework": framework, "clause": clause, "attested": true })))
}

/// Which clause.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfClause {
    clause: String,
}

/// Takes a word for a clause back; answers its key.
pub async fn withdraw_clause(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Path(word): Path<String>,
    query: Result<Query<OfClause>, QueryRejection>,
) -> Answer {
    let framework = framework(&word)?;
    let Query(OfClause { clause }) = query.map_err(|_| invalid("The query takes clause."))?;
    let grant = authorize::<AttestClause>(&who, (framework, clause.clone()))?;
    web.ports.compliance.take_back(Vouching::Clause(grant)).await?;
    Ok(Json(json!({ "framework": framework, "clause": clause, "attested": false })))
}
