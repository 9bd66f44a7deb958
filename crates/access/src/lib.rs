//! Who may do what.
//!
//! A [`Principal`] says who is asking. The [`policy`] table says which role holds which permission. [`authorize`]
//! is the only way to a [`Grant`], and every method behind a port takes one: a permission can't be forgotten,
//! because without it the call does not compile.

pub mod grant;
pub mod permission;
pub mod policy;
pub mod principal;

pub use grant::{Denied, Grant, authorize};
pub use permission::Permission;
pub use principal::{Principal, Right, Via};
pub use reeve_model::{Binding, Role, Scope};
