//! Compliance for programs: the report, the findings, and the findings as a table.

use super::{
    Web,
    api::{Answer, invalid},
    refusal::Refusal,
};
use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse, Response},
};
use reeve_access::{Principal, Via, authorize, permission::ViewFindings};
use reeve_model::{
    TargetName, UnixMs,
    compliance::{AuditReport, Finding, FindingPage, FindingQuery, FindingState, Framework, ScanState, Severity, Strength},
};
use reeve_rules::compliance::catalogue;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Rows that are asked for at a time.
const STEP: u32 = 500;
/// The head of the table. New columns come at its end: who reads by place goes on reading right.
const HEAD: &str = "severity,state,target,database,object,finding,control,title,first_seen,last_seen,fix,lock,undo,fingerprint,\
                    accepted_by,accepted_at,accepted_until,accepted_because,scanned_at,server_version,read_by_role,scan_hash,\
                    accepted_for,clauses";

/// The report over the targets in reach (SPEC E3).
pub async fn report(State(web): State<Web>, Extension(who): Extension<Principal>) -> Result<Json<AuditReport>, Refusal> {
    Ok(Json(web.ports.compliance.report(authorize::<ViewFindings>(&who, ())?).await?))
}

/// The query of `/api/compliance/findings`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingsQuery {
    severity: Option<String>,
    state: Option<String>,
    target: Option<String>,
    framework: Option<String>,
    control: Option<String>,
    text: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

impl FindingsQuery {
    fn checked(self) -> Result<FindingQuery, Refusal> {
        let limit = self.limit.unwrap_or(50);
        if !(1..=STEP).contains(&limit) {
            return Err(invalid("limit is 1 to 500."));
        }
        let offset =
            self.cursor.map_or(Ok(0), |c| c.parse::<u32>()).map_err(|_| invalid("cursor is what a former answer gave as next."))?;
        Ok(FindingQuery {
            severity: word(self.severity, "severity", Severity::from_word, || Severity::ALL.map(Severity::word).join(", "))?,
            state: word(self.state, "state", FindingState::from_word, || FindingState::ALL.map(FindingState::word).join(", "))?,
            framework: word(self.framework, "framework", Framework::from_word, || Framework::ALL.map(Framework::word).join(", "))?,
            target: self.target.map(TargetName::new).transpose().map_err(|sentence| invalid(&sentence))?,
            control: self.control,
            text: self.text,
            offset,
            limit,
        })
    }
}

fn word<T>(given: Option<String>, what: &str, read: fn(&str) -> Option<T>, known: impl FnOnce() -> String) -> Result<Option<T>, Refusal> {
    match given {
        None => Ok(None),
        Some(word) => read(&word).map(Some).ok_or_else(|| invalid(&format!("{word:?} is no {what}; there are {}.", known()))),
    }
}

/// One page of findings, the worst first.
pub async fn findings(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    query: Result<Query<FindingsQuery>, QueryRejection>,
) -> Answer {
    let query = query?.0.checked()?;
    // A person who asks here takes a file away. What programs ask for again and again would fill the trail.
    if who.via == Via::Session && query.offset == 0 {
        web.ports.compliance.exported(&authorize::<ViewFindings>(&who, ())?, &query, "JSON");
    }
    let page = page(&web, &who, query).await?;
    let items: Vec<Value> = page.items.iter().map(item).collect();
    Ok(Json(json!({
        "at": page.at, "scans": page.scans,
        "items": items, "next": page.next.map(|n| n.to_string()), "matching": page.matching, "total": page.total,
    })))
}

/// A finding with the clauses that its control bears on.
fn item(finding: &Finding) -> Value {
    let mut item = json!(finding);
    item["clauses"] = json!(clauses(&finding.control));
    item
}

/// The clauses that a control bears on, as they are cited.
fn clauses(control: &str) -> Vec<String> {
    let links = catalogue::entry_of(control).map(|entry| entry.clauses.as_slice()).unwrap_or_default();
    let cited = links.iter().map(|link| {
        let note = if link.strength == Strength::Supporting { " (supporting)" } else { "" };
        format!("{} {}{note}", link.framework.title(), link.framework.cite(&link.clause))
    });
    cited.collect()
}

async fn page(web: &Web, who: &Principal, query: FindingQuery) -> Result<FindingPage, Refusal> {
    Ok(web.ports.compliance.findings(authorize::<ViewFindings>(who, ())?, query).await?)
}

/// All findings that match, as a table that spreadsheets open.
pub async fn csv(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    query: Result<Query<FindingsQuery>, QueryRejection>,
) -> Result<Response, Refusal> {
    let query = FindingQuery { limit: STEP, offset: 0, ..query?.0.checked()? };
    // First the event: what leaves has its entry, even when the reader hangs up half way.
    web.ports.compliance.exported(&authorize::<ViewFindings>(&who, ())?, &query, "CSV");
    let mut text = format!("{HEAD}\r\n");
    let mut offset = Some(0);
    while let Some(from) = offset {
        let page = page(&web, &who, FindingQuery { offset: from, ..query.clone() }).await?;
        page.items.iter().for_each(|finding| line(&mut text, finding, page.scans.iter().find(|s| s.target == finding.target)));
        offset = page.next;
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"reeve-findings.csv\""),
    ];
    Ok((headers, text).into_response())
}

fn line(text: &mut String, f: &Finding, scan: Option<&ScanState>) {
    let at = |at: UnixMs| reeve_app::format::iso(at);
    let (accepted, scan) = (f.acceptance.as_ref(), scan.cloned());
    let accepted_at = accepted.map(|a| at(a.at)).unwrap_or_default();
    let accepted_until = accepted.map(|a| at(a.expires)).unwrap_or_default();
    let read = |of: fn(ScanState) -> Option<String>| scan.clone().and_then(of).unwrap_or_default();
    let scanned_at = scan.as_ref().and_then(|s| s.scanned_at).map(at).unwrap_or_default();
    let (version, role, hash) = (read(|s| s.version), read(|s| s.role), read(|s| s.hash));
    // What rests on Reeve's own list of backups was asked of no server.
    let role = if reeve_rules::compliance::is_of_reeve_itself(&f.control) { "Reeve itself".to_owned() } else { role };
    let target = f.target.to_string();
    let (first, last) = (at(f.first_seen), at(f.last_seen));
    let clauses = clauses(&f.control).join("; ");
    let o = &f.offender;
    let fields: [&str; 24] = [
        f.severity.word(),
        f.state.word(),
        &target,
        o.database.as_deref().unwrap_or_default(),
        &o.object,
        &o.sentence,
        &f.control,
        &f.title,
        &first,
        &last,
        &o.fix,
        &f.lock,
        &o.undo,
        &f.fingerprint,
        accepted.map_or("", |a| &a.by),
        &accepted_at,
        &accepted_until,
        accepted.map_or("", |a| &a.reason),
        &scanned_at,
        &version,
        &role,
        &hash,
        f.accepted_for.as_deref().unwrap_or_default(),
        &clauses,
    ];
    for (place, field) in fields.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        cell(text, field);
    }
    text.push_str("\r\n");
}

/// A quoted field. What a spreadsheet would take for a formula gets an apostrophe in front: names come from databases, and whoever
/// named a role must not run anything on an officer's machine.
fn cell(text: &mut String, field: &str) {
    let formula = field
        .trim_start_matches([' ', '\u{a0}', '\u{feff}'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '%', '＝', '＋', '－', '＠']);
    let mark = if formula { "'" } else { "" };
    // Writing to a String can't fail.
    let _ = write!(text, "\"{mark}{}\"", field.replace('"', "\"\""));
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        invalid(&format!("The query can't be used: {}.", rejection.body_text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_model::compliance::{Acceptance, Offender};

    #[test]
    fn e3_an_export_names_for_whom_a_risk_is_accepted_and_the_clauses() {
        let finding = Finding {
            fingerprint: "f".into(),
            control: "AUTHZ-01".into(),
            title: "Superusers are few".into(),
            severity: Severity::Critical,
            target: TargetName::new("shop").expect("a name"),
            offender: Offender {
                database: None,
                object: "etl".into(),
                sentence: "The role etl is a superuser.".into(),
                fix: "ALTER ROLE etl NOSUPERUSER;".into(),
                undo: "ALTER ROLE etl SUPERUSER;".into(),
            },
            lock: "locks nothing".into(),
            state: FindingState::Accepted,
            first_seen: UnixMs(0),
            last_seen: UnixMs(0),
            acceptance: Some(Acceptance {
                fingerprint: "f".into(),
                by: "ines@example.org".into(),
                reason: "It goes in March.".into(),
                at: UnixMs(0),
                expires: UnixMs(1),
            }),
            accepted_for: Some("bo@example.org".into()),
        };
        let mut text = String::new();
        line(&mut text, &finding, None);
        // No field here holds a comma of its own but quoted ones, so the marks between fields can be counted.
        assert_eq!(text.matches("\",\"").count(), HEAD.split(',').count() - 1, "{text}");
        assert!(text.contains(",\"bo@example.org\",\"GDPR Art. 32(1)(b); GDPR Art. 5(1)(f) (supporting); "), "{text}");
        let item = item(&finding);
        assert_eq!((item["accepted_for"].as_str(), item["clauses"][0].as_str()), (Some("bo@example.org"), Some("GDPR Art. 32(1)(b)")));
        assert_eq!(item["acceptance"]["by"], "ines@example.org");
    }

    #[test]
    fn e3_no_cell_is_a_formula() {
        let shown = |field: &str| {
            let mut text = String::new();
            cell(&mut text, field);
            text
        };
        assert_eq!(shown("role \"x\",\ny"), "\"role \"\"x\"\",\ny\"");
        for bad in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u{feff}=1", "＝1", "\n=1", "|x", "%x"] {
            assert!(shown(bad).starts_with("\"'"), "{bad:?}");
        }
        assert_eq!(shown("ALTER ROLE a;"), "\"ALTER ROLE a;\"");
        assert_eq!(shown(""), "\"\"");
    }
}
