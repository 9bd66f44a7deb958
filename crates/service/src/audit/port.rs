//! The audit trail as pages and routes call it.

use super::Trail;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use reeve_access::{
    Grant, Principal,
    permission::{ExportAudit, ViewAudit},
};
use reeve_model::{
    UnixMs,
    audit::{AuditPage, AuditQuery, Outcome},
};
use reeve_ports::{AuditPort, PortError, Refused};
use reeve_store::StoreError;
use serde_json::json;

/// Reads the audit trail.
pub struct Audit {
    trail: Trail,
}

impl Audit {
    /// Over the trail.
    #[must_use]
    pub fn new(trail: Trail) -> Self {
        Self { trail }
    }
}

fn trouble(error: StoreError) -> PortError {
    match error {
        StoreError::Invalid(sentence) => PortError::Invalid(sentence),
        other => {
            tracing::warn!(error = %other, "the audit trail could not be read");
            let sentence = "The database that holds the audit trail does not answer. Nothing is lost: events wait. Try again in a moment.";
            PortError::Unavailable(sentence.to_owned())
        }
    }
}

/// What a query asks for, as the event of the asking keeps it.
fn asked(query: &AuditQuery) -> serde_json::Value {
    let fields = [
        ("actor", query.actor.clone()),
        ("verb", query.verb.clone()),
        ("noun", query.noun.clone()),
        ("resource", query.resource.clone()),
        ("outcome", query.outcome.map(|o| o.word().to_owned())),
        ("from", query.from.map(|at| at.0.to_string())),
        ("to", query.to.map(|at| at.0.to_string())),
    ];
    fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?)))).collect::<serde_json::Map<_, _>>().into()
}

/// Verbs and nouns are lower case, however they are asked for.
fn normal(query: AuditQuery) -> AuditQuery {
    let word = |text: Option<String>| text.map(|t| t.trim().to_lowercase()).filter(|t| !t.is_empty());
    AuditQuery { verb: word(query.verb), noun: word(query.noun), ..query }
}

fn checked(query: &AuditQuery) -> Result<(), PortError> {
    let texts = [&query.actor, &query.verb, &query.noun, &query.resource, &query.cursor];
    if texts.into_iter().flatten().any(|text| text.contains('\0') || text.len() > 500) {
        return Err(PortError::Invalid("A filter holds at most 500 bytes, and no zero byte.".to_owned()));
    }
    if query.limit > 500 {
        return Err(PortError::Invalid("limit is 1 to 500.".to_owned()));
    }
    if let (Some(from), Some(to)) = (query.from, query.to)
        && from > to
    {
        return Err(PortError::Invalid("The end of the time lies before its beginning: change one of them.".to_owned()));
    }
    Ok(())
}

impl Audit {
    fn draft(&self, principal: &Principal, verb: &str, query: &AuditQuery) -> super::Draft {
        let (draft, asked) = (self.trail.draft(verb, "audit", "").by(principal), asked(query));
        // Without a filter there is nothing to say.
        if asked.as_object().is_some_and(serde_json::Map::is_empty) { draft } else { draft.after(&asked) }
    }
}

#[async_trait]
impl AuditPort for Audit {
    async fn search(&self, grant: Grant<ViewAudit>, query: AuditQuery) -> Result<AuditPage, PortError> {
        checked(&query)?;
        let query = normal(query);
        let found = self.trail.inner.store.search_audit(query.clone()).await.map_err(trouble)?;
        // Turning pages is one look.
        if query.cursor.is_none() {
            self.trail.note(self.draft(grant.principal(), "view", &query).finish());
        }
        let state = self.trail.state();
        let waiting = self.trail.inner.store.audit_waiting().await.map(|w| w.count).unwrap_or(state.waiting);
        Ok(AuditPage {
            at: UnixMs::now(),
            items: found.items,
            next: found.next,
            waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
            stalled: state.stalled,
            head: found.head,
        })
    }

    async fn export(
        &self,
        grant: Grant<ExportAudit>,
        query: AuditQuery,
    ) -> Result<BoxStream<'static, Result<String, PortError>>, PortError> {
        checked(&query)?;
        let query = normal(query);
        // First the event: what leaves has its entry, even when the reader hangs up half way.
        let event = self.draft(grant.principal(), "export", &query).outcome(Outcome::Done).finish();
        self.trail.inner.store.write_audit(vec![event]).await.map_err(trouble)?;
        self.trail.written();
        let pieces = self.trail.inner.store.export_audit(query).map_err(trouble)?;
        Ok(pieces.map_err(trouble).boxed())
    }

    fn refused(&self, refused: Refused<'_>) {
        let draft = self.trail.draft(refused.verb, refused.noun, refused.resource);
        let draft = match refused.principal {
            Some(principal) => draft.by(principal),
            None => draft.by_stranger(""),
        };
        self.trail.note(draft.from(refused.origin).outcome(Outcome::Refused).finish());
    }
}
