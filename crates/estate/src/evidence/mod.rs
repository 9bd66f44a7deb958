//! Evidence for compliance controls: what a server and its databases answer to fixed questions (SPEC E1).
//!
//! A question is one entry in `server.rs`, `objects.rs`, `rows.rs` or `code.rs` and one line in [`QUESTIONS`]. Nothing here judges; `rules::compliance` does.
//! What the role may not read is not asked, so that no error of ours stands in the server's log: the answer carries the grant that would
//! change it. Nothing is read from the tables of users, and where a text could hold a secret the server itself answers with the place only.

mod code;
mod collect;
mod objects;
mod question;
mod rights;
mod rows;
mod secrets;
mod server;

pub use collect::{collect, digest};
pub use question::{Needs, QUESTIONS, Question, sql_for};
