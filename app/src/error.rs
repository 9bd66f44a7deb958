//! Why a server function did not answer, as it crosses the wire.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use reeve_access::Denied;
use reeve_ports::PortError;
use serde::{Deserialize, Serialize};

/// A [`PortError`] as a server function returns it: JSON `{"error": kind, "message": sentence}` with the status
/// of [`AppError::status`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppError(pub PortError);

impl AppError {
    /// The HTTP status that says the same.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.0 {
            PortError::Unauthenticated(_) => 401,
            PortError::Denied(_) => 403,
            PortError::NotFound(_) => 404,
            PortError::Invalid(_) => 422,
            PortError::Unavailable(_) => 503,
            PortError::TooMany(_) => 429,
        }
    }
}

impl std::fmt::Display for AppError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for AppError {}

impl From<PortError> for AppError {
    fn from(error: PortError) -> Self {
        Self(error)
    }
}

impl From<Denied> for AppError {
    fn from(denied: Denied) -> Self {
        Self(denied.into())
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        Self(match value {
            ServerFnErrorErr::Args(why) => PortError::Invalid(format!("The request can't be used: {why}.")),
            ServerFnErrorErr::MissingArg(what) => PortError::Invalid(format!("The request lacks {what}.")),
            ServerFnErrorErr::Deserialization(_) => PortError::Invalid("The request can't be read.".into()),
            _ => PortError::Unavailable("Reeve could not answer. Try again in a moment.".into()),
        })
    }
}
