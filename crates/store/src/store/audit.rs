//! The audit trail behind the pools.

use super::{Store, run, run_own};
use crate::{
    audit::{
        self, AuditSlice, Head, LogVerdict, RecordedHead, Relayed, Waiting, export,
        head::{self, MAIN},
        search::{self, Wanted},
        verify,
    },
    error::{Result, StoreError},
};
use futures::{
    TryStreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use reeve_model::{
    audit::{AuditEvent, AuditQuery},
    pool::StoreRole,
};
use sqlx::PgConnection;
use std::{collections::BTreeSet, sync::Arc};

impl Store {
    /// Writes events of their own, which no change in the store goes with. All or none; see [`audit::write_all()`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn write_audit(&self, events: Vec<AuditEvent>) -> Result<()> {
        self.main_with(events, |c, events| Box::pin(async move { audit::write_all(c, &events).await })).await
    }

    /// See [`audit::waiting`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn audit_waiting(&self) -> Result<Waiting> {
        let org = self.org;
        self.main(move |c| Box::pin(audit::waiting(c, org))).await
    }

    /// See [`audit::relay()`]. Not repeated here: the next run does what this one did not.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn relay_audit(&self, most: i64) -> Result<Relayed> {
        audit::relay(self.pools(), most).await
    }

    /// The end of the log that events go to now; none while it is empty.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn audit_head(&self) -> Result<Option<Head>> {
        let org = self.org;
        run_own(&self.pools, StoreRole::Compliance, move |c| Box::pin(head::newest(c, org))).await
    }

    /// One page of the log, newest first. When the log moved to a database of its own, that of before is shown with it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a bad cursor or limit; that a database is away.
    pub async fn search_audit(&self, query: AuditQuery) -> Result<AuditSlice> {
        let (org, wanted) = (self.org, Arc::new(Wanted::check(query)?));
        let mut found = Vec::new();
        for place in self.audit_places() {
            let wanted = wanted.clone();
            let look = self.at(place, move |c| {
                let wanted = wanted.clone();
                Box::pin(async move { search::look(c, org, &wanted, place).await })
            });
            found.push(look.await?);
        }
        Ok(search::page(&wanted, found))
    }

    /// The entries that match, with their proofs as lines of JSON, oldest first, in pieces of whole lines; each log begins with a line that
    /// names it ([`audit::export`]). Cursor and limit are of no meaning here.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a query that is none. Each piece can fail as well.
    pub fn export_audit(&self, query: AuditQuery) -> Result<BoxStream<'static, Result<String>>> {
        let wanted = Arc::new(Wanted::check(AuditQuery { cursor: None, limit: 0, ..query })?);
        let mut places = self.audit_places();
        places.reverse();
        let logs = stream::iter(places.into_iter().map(Ok::<_, StoreError>));
        let store = self.clone();
        let pieces = logs.map_ok(move |place| {
            let (store, wanted) = (store.clone(), wanted.clone());
            stream::try_unfold(Some(None), move |at: Option<Option<(i64, i64)>>| {
                let (store, wanted) = (store.clone(), wanted.clone());
                async move {
                    let Some(after) = at else { return Ok::<_, StoreError>(None) };
                    let org = store.org;
                    let read = store.at(place, move |c| {
                        let wanted = wanted.clone();
                        Box::pin(async move { export::piece(c, org, &wanted, after).await })
                    });
                    let piece = read.await?;
                    Ok(Some((piece.text, piece.next.map(Some))))
                }
            })
        });
        Ok(Box::pin(pieces.try_flatten()))
    }

    /// Checks every log there is, from its entries, against what main recorded and what is handed in. A log that is recorded and
    /// can't be found is reported as cut off at 0.
    ///
    /// # Errors
    /// That a database is away: then nothing can be said.
    pub async fn verify_audit(&self, recorded: &[RecordedHead]) -> Result<Vec<LogVerdict>> {
        let org = self.org;
        let in_main = self.main(move |c| Box::pin(head::all_recorded(c, org))).await?;
        let mut all: Vec<RecordedHead> = recorded.to_vec();
        all.extend(in_main.iter().map(|h| RecordedHead { by: MAIN.to_owned(), log: h.log, seq: h.seq, hash: h.hash }));
        let mut verdicts = Vec::new();
        for place in self.audit_places() {
            let mut lease = self.pools.acquire_own(place).await?;
            let log = head::log_id(&mut lease).await?;
            let verdict = verify::verify(&mut lease, org, &all).await?;
            // Main's own log stays empty where the log has always had its own database.
            if place == StoreRole::Compliance || verdict.checked > 0 || !verdict.problems.is_empty() {
                verdicts.push(LogVerdict { log, place: Some(place), verdict });
            }
        }
        let found: BTreeSet<_> = verdicts.iter().map(|v| v.log).collect();
        let lost: BTreeSet<_> = all.iter().map(|h| h.log).filter(|log| !found.contains(log)).collect();
        verdicts.extend(lost.into_iter().map(|log| verify::missing(org, log, &all)));
        Ok(verdicts)
    }

    /// The roles whose databases hold a log: the one that events go to now, then the one of before.
    fn audit_places(&self) -> Vec<StoreRole> {
        if self.pools.is_configured(StoreRole::Compliance) {
            vec![StoreRole::Compliance, StoreRole::Main]
        } else {
            vec![StoreRole::Compliance]
        }
    }

    async fn at<T: Send + 'static, F>(&self, place: StoreRole, work: F) -> Result<T>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T>>,
    {
        match place {
            StoreRole::Main => run(&self.pools, place, work).await,
            _ => run_own(&self.pools, place, work).await,
        }
    }
}
