//! Forms of pages: read once, with the proof that they come from the session's own page.

use super::{Web, csrf, refusal::Refusal};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use reeve_access::{Principal, Via};
use reeve_app::route::pairs;
use reeve_ports::PortError;
use secrecy::{ExposeSecret, SecretString};

/// The fields of a form that was sent by the caller's own session.
pub struct Fields {
    pairs: Vec<(String, SecretString)>,
}

impl Fields {
    /// The first value of a field; empty when it is missing.
    pub fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.expose_secret())
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.expose_secret().to_owned()).collect()
    }

    /// Reads a body in the encoding of forms.
    pub fn read(body: &str) -> Self {
        Self { pairs: pairs(body).into_iter().map(|(key, value)| (key, SecretString::from(value))).collect() }
    }
}

impl FromRequest<Web> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Self::Rejection> {
        let principal = request.extensions().get::<Principal>().cloned();
        let body = Bytes::from_request(request, web).await.map_err(IntoResponse::into_response)?;
        let unreadable = || Refusal(PortError::Invalid("The form can't be read; send it as the page does.".to_owned())).into_response();
        let fields = Self::read(std::str::from_utf8(&body).map_err(|_| unreadable())?);
        if let Some(who) = principal
            && who.via == Via::Session
            && !csrf::matches(&who.session, fields.get("csrf"))
        {
            let sentence = "This form is not from the present session. Reload the page and try again.";
            return Err(Refusal(PortError::Denied(sentence.to_owned())).into_response());
        }
        Ok(fields)
    }
}
