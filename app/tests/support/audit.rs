//! An audit trail that is made up, with entries of every kind.

use super::{HOSTILE, Scenario, accounts::FIREFOX, ports::Fake};
use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use reeve_access::{
    Grant,
    permission::{ExportAudit, ViewAudit},
};
use reeve_model::{
    Origin, UnixMs,
    audit::{AuditEntry, AuditEvent, AuditPage, AuditQuery, Outcome},
};
use reeve_ports::{AuditPort, PortError, Refused};

/// Of whom, what, on what, with what outcome, before, after, how many.
type Told<'t> = (&'t str, &'t str, &'t str, &'t str, Outcome, Option<&'t str>, Option<&'t str>, u32);

pub fn entries(now: UnixMs) -> Vec<AuditEntry> {
    use Outcome::{Alarm, Done, Failed, Refused};
    let markup = format!(r#"{{"display_name":{},"days":30}}"#, serde_json::Value::from(HOSTILE));
    let told: Vec<Told<'_>> = vec![
        ("admin@example.org", "view", "audit", "", Done, None, None, 1),
        (
            "admin@example.org",
            "change",
            "account",
            "bo.operator@example.org",
            Done,
            Some(r#"{"bindings":["viewer@everything"],"display_name":"Bo Operator","disabled":false}"#),
            Some(r#"{"bindings":["viewer@everything","operator@environment:prod"],"display_name":"Bo Operator","disabled":false}"#),
            1,
        ),
        ("mallory@example.net", "sign_in", "session", "", Refused, None, None, 1312),
        (
            "reeve",
            "refresh",
            "session",
            "bo.operator@example.org",
            Alarm,
            None,
            Some(r#"{"reason":"a refresh token was used twice","ended":4}"#),
            1,
        ),
        (HOSTILE, "make", "token", HOSTILE, Done, None, Some(&markup), 1),
        ("bo.operator@example.org", "change", "accounts", "", Refused, None, None, 1),
        ("ines.officer@example.org", "export", "audit", "", Done, None, Some(r#"{"from":null,"to":null,"verb":"change"}"#), 1),
        ("admin@example.org", "invite", "account", "joe.joins@example.org", Failed, None, Some("{\"reason\": not JSON <b>"), 1),
    ];
    let head = 4180;
    let mut list: Vec<AuditEntry> = told
        .into_iter()
        .enumerate()
        .map(|(n, (actor, verb, noun, resource, outcome, before, after, count))| {
            let at = now.plus_ms(-(n as i64) * 1_234_567 - 5000);
            // The newest two wait.
            let seq = (n > 1).then(|| head + 2 - n as i64);
            let known = outcome != Refused || count == 1;
            AuditEntry {
                seq,
                event: Some(AuditEvent {
                    id: format!("00000000-0000-4000-8000-00000000000{n}"),
                    org: "default".into(),
                    at,
                    account: (known && actor != "reeve").then(|| format!("10000000-0000-4000-8000-00000000000{n}")),
                    actor: actor.into(),
                    via: if actor == "reeve" || !known { "" } else { "session" }.into(),
                    verb: verb.into(),
                    noun: noun.into(),
                    resource: resource.into(),
                    outcome,
                    origin: Origin {
                        address: if actor == "reeve" { None } else { "2001:db8:85a3::8a2e:370:7334".parse().ok() },
                        agent: if n == 4 { HOSTILE.into() } else { FIREFOX.into() },
                        request: format!("01JD{n}XKQ7"),
                    },
                    before: before.map(Into::into),
                    after: after.map(Into::into),
                    count,
                }),
                sealed_at: seq.map(|_| at.plus_ms(900)),
                hash: seq.map(|s| format!("{s:064x}")),
            }
        })
        .collect();
    list.push(AuditEntry { seq: Some(head - 6), event: None, sealed_at: Some(now.plus_ms(-90_000_000)), hash: Some("ab".repeat(32)) });
    list
}

#[async_trait]
impl AuditPort for Fake {
    async fn search(&self, _: Grant<ViewAudit>, q: AuditQuery) -> Result<AuditPage, PortError> {
        let now = UnixMs::now();
        let mut items = if self.0 == Scenario::Empty { Vec::new() } else { entries(now) };
        let none = AuditQuery { cursor: None, limit: 0, ..q.clone() } == AuditQuery::default();
        items.retain(|e| {
            let Some(e) = &e.event else { return none };
            let is = |want: &Option<String>, have: &str| want.as_ref().is_none_or(|w| w == have);
            q.actor.as_ref().is_none_or(|a| e.actor.contains(a))
                && is(&q.verb, &e.verb)
                && is(&q.noun, &e.noun)
                && q.resource.as_ref().is_none_or(|r| e.resource.starts_with(r))
                && q.outcome.is_none_or(|o| e.outcome == o)
                && q.from.is_none_or(|at| e.at >= at)
                && q.to.is_none_or(|at| e.at < at)
        });
        if q.cursor.as_deref() == Some("end") {
            items.clear();
        }
        let trouble = self.0 == Scenario::Trouble;
        Ok(AuditPage {
            at: now,
            next: (!items.is_empty() && q.cursor.is_none()).then(|| "4174".into()),
            items,
            waiting: if trouble { 2 } else { 0 },
            stalled: trouble.then(|| (now.plus_ms(-125_000), "The compliance database does not answer.".into())),
            head: (self.0 != Scenario::Empty).then_some(4180),
        })
    }
    async fn export(&self, _: Grant<ExportAudit>, _: AuditQuery) -> Result<BoxStream<'static, Result<String, PortError>>, PortError> {
        Ok(futures::stream::empty().boxed())
    }
    fn refused(&self, refused: Refused<'_>) {
        if let Ok(mut told) = self.1.lock() {
            told.push(format!("{} {} {}", refused.verb, refused.noun, refused.resource));
        }
    }
}
