//! Secrets that a form just made, on their way to the page that shows them once. In memory only, and not for long: in a session's
//! record they would lie in the database.

use reeve_app::render::Flash;
use reeve_model::UnixMs;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A redirect is followed at once; what nobody came for is gone after this time, milliseconds.
const LIVES_MS: i64 = 60_000;

/// What waits, by the session that made it. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Reveals {
    waiting: Arc<Mutex<HashMap<String, (Flash, UnixMs)>>>,
}

impl Reveals {
    /// Keeps it for the session's next page. A newer one takes its place.
    pub fn put(&self, session: &str, flash: Flash) {
        let now = UnixMs::now();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, (_, at)| now.ms_since(*at) <= LIVES_MS);
        waiting.insert(session.to_owned(), (flash, now));
    }

    /// Takes what waits for the session.
    pub fn take(&self, session: &str) -> Option<Flash> {
        let (flash, at) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(session)?;
        (UnixMs::now().ms_since(at) <= LIVES_MS).then_some(flash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g1_a_secret_is_taken_once_and_by_its_session_only() {
        let reveals = Reveals::default();
        reveals.put("a", Flash::Done("first".into()));
        reveals.put("a", Flash::Done("second".into()));
        assert_eq!(reveals.take("b"), None);
        assert_eq!(reveals.take("a"), Some(Flash::Done("second".into())));
        assert_eq!(reveals.take("a"), None);
    }
}
