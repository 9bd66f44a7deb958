//! The connection that a collector keeps, for others to use when the server has no other left.

use reeve_adapter::Guarded;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Where the collector of a target puts the connection that it keeps. Clones see the same. Whoever takes it out keeps it no longer than
/// one look: statements of both go over it in turns, and the collector may let it go at any time.
#[derive(Clone, Default)]
pub struct Standing(Arc<Mutex<Weak<Guarded>>>);

impl Standing {
    pub(crate) fn put(&self, session: &Arc<Guarded>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(session);
    }

    /// The connection; none while there is none, or when it has ended.
    pub(crate) fn get(&self) -> Option<Arc<Guarded>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade().filter(|session| !session.is_closed())
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.get().is_some() { "a connection" } else { "no connection" })
    }
}
