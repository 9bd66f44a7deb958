//! The audit trail: who did what, kept so that it can't be changed unseen.
//!
//! An event is [written](outbox::write()) to main's outbox by the transaction of the change it tells of, so neither exists without the
//! other. The [relay](mod@relay) moves events into the log of the compliance database, gives them their order and [seals](seal) them. The log
//! is [searched](mod@search), [verified](mod@verify) and [exported](export).

mod entry;
pub mod export;
pub mod head;
pub mod outbox;
pub mod relay;
pub mod seal;
pub mod search;
pub mod verify;

pub use head::Head;
pub use outbox::{Waiting, waiting, write, write_all};
pub use relay::{Relayed, relay};
pub use search::{AuditSlice, search};
pub use verify::{LogVerdict, RecordedHead, verify};
