//! What a store's answer means, in one sentence that says what to do. Never the answer itself: stores put what was signed into it.

use crate::{BackupError, repository::Location};
use object_store::client::{HttpError, HttpErrorKind};
use std::error::Error;

/// The longest piece of a store's own words that is repeated, characters.
const LONGEST: usize = 160;

/// Turns a failed call into what people are told. `shown` is where the store is.
pub(crate) fn explain(location: &Location, shown: &str, what: &str, error: &object_store::Error) -> BackupError {
    if let Some(lost) = found_in(error) {
        let why = match lost.kind() {
            HttpErrorKind::Connect => format!("no connection to {shown}: {}", innermost(lost)),
            _ => format!("the connection to {shown} broke: {}", innermost(lost)),
        };
        return storage(location, what, why);
    }
    let answer = Answer::of(&error.to_string());
    let bucket = match location {
        Location::S3 { bucket, .. } => bucket.as_str(),
        Location::Directory(_) => "",
    };
    let told = answer.code.clone().unwrap_or_else(|| answer.status.map_or_else(String::new, |status| format!("HTTP {status}")));
    match (answer.code.as_deref(), answer.status) {
        (Some("NoSuchBucket"), _) => {
            refused(location, format!("there is no bucket {bucket} at {shown}: make it, or correct the repository's address"))
        }
        (Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" | "NotSignedUp"), _) | (None, Some(401)) => {
            refused(
                location,
                format!("the store at {shown} does not take the key ({told}): correct access_key_id and the secret key under [backup.s3]"),
            )
        }
        (Some("RequestTimeTooSkewed"), _) => {
            refused(location, format!("the clocks of this machine and of the store at {shown} differ too much: set this machine's clock"))
        }
        (Some("PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"), _)
        | (None, Some(301 | 307)) => {
            refused(location, format!("the bucket {bucket} is not in this region ({told}): correct region, or endpoint, under [backup.s3]"))
        }
        (Some("AccessDenied" | "AllAccessDisabled" | "AccountProblem"), _) | (None, Some(403)) => refused(
            location,
            format!("the store at {shown} forbids it ({what}, {told}): give the key the rights that docs/BACKUP.md names for this bucket"),
        ),
        (Some("NotImplemented"), _) | (_, Some(501)) => {
            refused(location, format!("the store at {shown} can't do what a repository needs ({what}): use one that knows If-None-Match"))
        }
        (Some("QuotaExceeded" | "InsufficientStorage" | "XMinioStorageFull"), _) | (_, Some(507)) => {
            BackupError::Full { place: location.to_string() }
        }
        _ => storage(location, what, answer.words(error)),
    }
}

fn refused(location: &Location, sentence: String) -> BackupError {
    BackupError::Refused(format!("{location}: {sentence}"))
}

fn storage(location: &Location, what: &str, why: String) -> BackupError {
    BackupError::Storage { location: location.to_string(), what: what.to_owned(), why }
}

fn found_in(error: &object_store::Error) -> Option<&HttpError> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(lost) = inner.downcast_ref::<HttpError>() {
            return Some(lost);
        }
        cause = inner.source();
    }
    None
}

/// The cause below all others says most: `Connection refused`, `certificate expired`.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string()
}

/// A store's answer, as far as it can be told apart.
struct Answer {
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
}

impl Answer {
    /// The library keeps status and XML in the text of its error only; tests on real servers hold it to that.
    fn of(text: &str) -> Self {
        let status = text.split_once("status code: ").and_then(|(_, rest)| rest.get(..3)?.parse().ok());
        let status = status.or_else(|| text.contains("redirect without LOCATION").then_some(301));
        Self { status, code: tag(text, "Code"), message: tag(text, "Message") }
    }

    fn words(&self, error: &object_store::Error) -> String {
        match (self.status, &self.code, &self.message) {
            (_, Some(code), Some(message)) => format!("the store answers {code}: {message}"),
            (_, Some(code), None) => format!("the store answers {code}"),
            (Some(status), None, _) => format!("the store answers HTTP {status}"),
            (None, None, _) => short(&innermost(error)),
        }
    }
}

fn tag(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = rest.split_once(&format!("</{name}>"))?;
    (!inner.is_empty()).then(|| short(inner))
}

fn short(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_a_stores_answer_becomes_a_sentence_without_what_was_signed() {
        let location = Location::S3 { bucket: "backups".to_owned(), prefix: "a".to_owned() };
        let xml = |code: &str| {
            format!(
                "Error performing PUT https://s3/x in 1ms - Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\"?><Error>\
                 <Code>{code}</Code><Message>No.</Message><AWSAccessKeyId>AKIA9</AWSAccessKeyId><StringToSign>AWS4 abc</StringToSign></Error>"
            )
        };
        for (code, expected) in [
            ("SignatureDoesNotMatch", "does not take the key"),
            ("NoSuchBucket", "no bucket backups at https://s3"),
            ("AccessDenied", "forbids it"),
            ("PermanentRedirect", "not in this region"),
            ("RequestTimeTooSkewed", "clocks"),
            ("SlowDown", "the store answers SlowDown: No"),
        ] {
            let error = object_store::Error::Generic { store: "S3", source: xml(code).into() };
            let sentence = explain(&location, "https://s3", "writing", &error).to_string();
            assert!(sentence.contains(expected), "{sentence}");
            assert!(!sentence.contains("AKIA9") && !sentence.contains("AWS4") && !sentence.contains('<'), "{sentence}");
        }
    }
}
