//! Browser sessions: the cookie names one, the access token stays on the server inside it and never reaches a script.

use async_trait::async_trait;
use reeve_model::UnixMs;
use reeve_ports::SignedIn;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{Id, Record},
    session_store,
};

/// Key of the sign-in inside a session.
const KEY: &str = "sign_in";
/// Key of the note for the next page.
const NOTE: &str = "note";
/// While the store is away, a session it showed within this time still reads, milliseconds.
const GRACE_MS: i64 = 15 * 60_000;
/// Longer than this no page waits for the store.
const PATIENCE: Duration = Duration::from_millis(400);
/// Sessions kept in memory for that case.
const MOST_KEPT: usize = 10_000;

/// What a browser session holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// The sign-in's session id.
    pub session: String,
    /// The newest access token.
    pub token: String,
    /// The account's epoch when it was signed.
    #[serde(default)]
    pub epoch: i64,
}

impl From<&SignedIn> for Kept {
    fn from(signed: &SignedIn) -> Self {
        Self { session: signed.principal.session.clone(), token: signed.access_token.clone(), epoch: signed.epoch }
    }
}

/// Reads the sign-in of a session; none for a stranger or when the store can't say.
pub async fn read(session: &Session) -> Option<Kept> {
    session.get::<Kept>(KEY).await.ok().flatten()
}

/// Keeps a renewed sign-in, under a new id if asked. A failure only means that the next request signs a token anew.
pub async fn keep(session: &Session, signed: &SignedIn, anew: bool) {
    let kept = async {
        if anew {
            session.cycle_id().await?;
        }
        session.insert(KEY, Kept::from(signed)).await
    };
    if let Err(error) = kept.await {
        tracing::debug!(%error, "the renewed token was not kept");
    }
}

/// Begins a sign-in under a new session id, so that an id from before is worth nothing (AT-15).
///
/// # Errors
/// When the store can't keep it.
pub async fn begin(session: &Session, signed: &SignedIn) -> Result<(), tower_sessions::session::Error> {
    session.cycle_id().await?;
    session.insert(KEY, Kept::from(signed)).await
}

/// What a form did, kept for the page that follows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Note {
    /// Whether it was done.
    pub done: bool,
    /// One sentence.
    pub text: String,
}

/// Keeps a note for the next page.
pub async fn leave_note(session: &Session, note: Note) {
    if let Err(error) = session.insert(NOTE, note).await {
        tracing::debug!(%error, "a note for the next page was not kept");
    }
}

/// Takes the note, if there is one. Nothing is written when there is none.
pub async fn take_note(session: &Session) -> Option<Note> {
    // Asked first: to remove what is not there counts as a change, and each page view would write the session.
    session.get::<Note>(NOTE).await.ok().flatten()?;
    session.remove::<Note>(NOTE).await.ok().flatten()
}

/// Ends a browser session.
pub async fn forget(session: &Session) {
    if let Err(error) = session.flush().await {
        tracing::debug!(%error, "the ended browser session was not removed; it holds nothing that still works");
    }
}

/// The layer that reads the cookie. `__Host-` binds it to this host over TLS; without TLS browsers refuse that name.
pub fn layer<S: SessionStore + Clone>(store: S, tls: bool) -> SessionManagerLayer<Patient<S>> {
    SessionManagerLayer::new(Patient { inner: store, seen: Arc::default() })
        .with_name(if tls { "__Host-reeve" } else { "reeve" })
        .with_secure(tls)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(time::Duration::hours(12)))
}

/// A session store that never keeps a page waiting: what the store showed lately is remembered for when it is away.
#[derive(Debug, Clone)]
pub struct Patient<S> {
    inner: S,
    seen: Arc<Mutex<HashMap<Id, (Record, UnixMs)>>>,
}

impl<S> Patient<S> {
    fn remember(&self, record: &Record) {
        let now = UnixMs::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_KEPT {
            seen.retain(|_, (_, at)| now.ms_since(*at) <= GRACE_MS);
        }
        if seen.len() < MOST_KEPT {
            seen.insert(record.id, (record.clone(), now));
        }
    }

    fn recall(&self, id: &Id) -> Option<Record> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(id).filter(|(_, at)| UnixMs::now().ms_since(*at) <= GRACE_MS).map(|(record, _)| record.clone())
    }
}

async fn patiently<T>(work: impl Future<Output = session_store::Result<T>>) -> session_store::Result<T> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(session_store::Error::Backend("Reeve's own database does not answer.".to_owned())))
}

#[async_trait]
impl<S: SessionStore + Clone> SessionStore for Patient<S> {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        self.inner.create(record).await?;
        self.remember(record);
        Ok(())
    }

    /// A page that is ready is not withheld because its session could not be written in time: what it holds is remembered, and the
    /// writing goes on behind it.
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.remember(record);
        let (inner, given) = (self.inner.clone(), record.clone());
        let writing = tokio::spawn(async move { inner.save(&given).await });
        match tokio::time::timeout(PATIENCE, writing).await {
            Ok(Ok(Err(session_store::Error::Backend(error)))) => {
                tracing::warn!(error, "a browser session is kept in memory only");
                Ok(())
            }
            Ok(Ok(outcome)) => outcome,
            Ok(Err(broken)) => Err(session_store::Error::Backend(format!("Writing the session broke: {broken}."))),
            Err(_) => {
                tracing::warn!("a browser session is written later than its page");
                Ok(())
            }
        }
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        match patiently(self.inner.load(id)).await {
            Ok(Some(record)) => {
                self.remember(&record);
                Ok(Some(record))
            }
            Ok(None) => {
                self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
                Ok(None)
            }
            Err(error) => self.recall(id).map_or(Err(error), |record| Ok(Some(record))),
        }
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        patiently(self.inner.delete(id)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store that answers nothing, refuses, or works.
    #[derive(Debug, Clone)]
    enum Fake {
        Silent,
        Refuses,
        Works(Arc<Mutex<HashMap<Id, Record>>>),
    }

    impl Fake {
        async fn answer<T>(&self, work: impl FnOnce(&mut HashMap<Id, Record>) -> T + Send) -> session_store::Result<T> {
            match self {
                Self::Silent => std::future::pending().await,
                Self::Refuses => Err(session_store::Error::Backend("refused".to_owned())),
                Self::Works(kept) => Ok(work(&mut kept.lock().expect("no test panics with it"))),
            }
        }
    }

    #[async_trait]
    impl SessionStore for Fake {
        async fn save(&self, record: &Record) -> session_store::Result<()> {
            self.answer(|kept| drop(kept.insert(record.id, record.clone()))).await
        }

        async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
            self.answer(|kept| kept.get(id).cloned()).await
        }

        async fn delete(&self, id: &Id) -> session_store::Result<()> {
            self.answer(|kept| drop(kept.remove(id))).await
        }
    }

    fn record() -> Record {
        let data = [(KEY.to_owned(), serde_json::json!("what it holds"))].into();
        Record { id: Id::default(), data, expiry_date: time::OffsetDateTime::now_utc() + time::Duration::hours(1) }
    }

    #[tokio::test]
    async fn a4_a_page_is_not_withheld_because_its_session_can_t_be_written() {
        for fake in [Fake::Silent, Fake::Refuses] {
            let patient = Patient { inner: fake, seen: Arc::default() };
            let record = record();
            patient.save(&record).await.expect("the page goes out");
            assert_eq!(patient.load(&record.id).await.expect("from memory"), Some(record));
        }
    }

    #[tokio::test]
    async fn g1_a_page_view_writes_no_session() {
        let kept = record();
        let store = Fake::Works(Arc::new(Mutex::new([(kept.id, kept.clone())].into())));
        let session = Session::new(Some(kept.id), Arc::new(store), None);
        assert!(take_note(&session).await.is_none() && !session.is_modified());
        leave_note(&session, Note { done: true, text: "Done.".to_owned() }).await;
        assert_eq!(take_note(&session).await.map(|note| note.text).as_deref(), Some("Done."));
        assert!(take_note(&session).await.is_none(), "said once");
    }

    #[tokio::test]
    async fn a4_a_session_that_was_written_is_read_from_the_store() {
        let patient = Patient { inner: Fake::Works(Arc::default()), seen: Arc::default() };
        let record = record();
        patient.save(&record).await.expect("saved");
        assert_eq!(patient.inner.load(&record.id).await.expect("the store answers"), Some(record.clone()));
        patient.inner.delete(&record.id).await.expect("gone");
        assert_eq!(patient.load(&record.id).await.expect("the store answers"), None, "the store's word counts");
    }
}
