//! An S3 object store: how it is reached, how long it may keep silent, and what is looked at before it is trusted.
//!
//! Everything is told, nothing is looked up: no `AWS_*` variable, no file of a profile, no metadata service of a machine, no proxy of the
//! environment. A backup must not go to another account because a variable was set.

mod said;
mod wire;

use super::Location;
use crate::BackupError;
use object_store::{
    BackoffConfig, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut},
    path::Path as Key,
    prefix::PrefixStore,
};
use secrecy::{ExposeSecret, SecretString};
use std::{path::PathBuf, sync::Arc, time::Duration};

pub(crate) use said::explain;

/// A bucket from a prefix on.
pub type Bucket = Arc<PrefixStore<AmazonS3>>;

/// How long a store may keep a job waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// To connect, one try.
    pub connect: Duration,
    /// Without a byte in either direction while something is asked or answered, one try.
    pub silence: Duration,
    /// From the first try of a call; after that it is not tried again.
    pub retry: Duration,
    /// The longest pause between two tries.
    pub pause: Duration,
}

impl Patience {
    /// For work: a store that is gone for a minute does not cost a backup that took hours. A call fails after three minutes at most.
    pub const WORK: Self = Self {
        connect: Duration::from_secs(10),
        silence: Duration::from_secs(30),
        retry: Duration::from_secs(120),
        pause: Duration::from_secs(15),
    };
    /// For the first look, when somebody waits for the sentence.
    pub const LOOK: Self = Self {
        connect: Duration::from_secs(5),
        silence: Duration::from_secs(10),
        retry: Duration::from_secs(5),
        pause: Duration::from_secs(1),
    };

    pub(super) fn no_more_than(self, other: Self) -> Self {
        Self {
            connect: self.connect.min(other.connect),
            silence: self.silence.min(other.silence),
            retry: self.retry.min(other.retry),
            pause: self.pause.min(other.pause),
        }
    }
}

/// How an S3 object store is reached.
#[derive(Debug, Clone)]
pub struct S3Access {
    /// Scheme, host and port, like `https://minio.example:9000`; none: that of AWS in the region.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket stands in the path; otherwise in the host's name.
    pub path_style: bool,
    /// The key's name.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: SecretString,
    /// PEM file with the certificates to trust; none: the public authorities.
    pub ca_file: Option<PathBuf>,
    /// How long the store may keep a job waiting.
    pub patience: Patience,
}

impl S3Access {
    /// AWS in a region, with a key.
    #[must_use]
    pub fn new(region: String, access_key_id: String, secret_access_key: SecretString) -> Self {
        Self { endpoint: None, region, path_style: false, access_key_id, secret_access_key, ca_file: None, patience: Patience::WORK }
    }

    /// Whether an endpoint can be used.
    ///
    /// # Errors
    /// One sentence: it is no scheme with a host, or it would send what is signed in the clear to another machine.
    pub fn check_endpoint(endpoint: &str, allow_http: bool) -> Result<(), String> {
        let Some((scheme, host, _)) = taken_apart(endpoint) else {
            return Err("This is no endpoint: write scheme and host, like https://s3.example.com or https://10.0.0.7:9000.".to_owned());
        };
        let here = host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        match (scheme, here, allow_http) {
            ("https", _, _) | ("http", true, true) => Ok(()),
            ("http", true, false) => Err("An http:// endpoint needs allow_http = true, too; it is for tests on one machine.".to_owned()),
            _ => Err("Over http:// anybody on the way could read and change backups: write an https:// endpoint.".to_owned()),
        }
    }

    /// A bucket of it, from `prefix` on. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// The certificates can't be read, or what is configured can't be an address.
    pub fn bucket(&self, bucket: &str, prefix: &str) -> Result<Bucket, BackupError> {
        let retry = RetryConfig {
            backoff: BackoffConfig { init_backoff: Duration::from_millis(200), max_backoff: self.patience.pause, base: 2.0 },
            max_retries: 100,
            retry_timeout: self.patience.retry,
        };
        let mut builder = AmazonS3Builder::new()
            .with_http_connector(wire::Connector::new(self)?)
            .with_bucket_name(bucket)
            .with_region(&self.region)
            .with_access_key_id(&self.access_key_id)
            .with_secret_access_key(self.secret_access_key.expose_secret())
            .with_virtual_hosted_style_request(!self.path_style)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            // One by one: not every store knows the other way, and this one asks for the same right.
            .with_disable_bulk_delete(true)
            .with_retry(retry);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(self.endpoint_for(endpoint, bucket));
        }
        let store = builder.build().map_err(|e| BackupError::system("preparing the connection to S3", e))?;
        Ok(Arc::new(PrefixStore::new(store, Key::from(prefix))))
    }

    /// What people are told of where it is.
    #[must_use]
    pub fn shown(&self) -> String {
        self.endpoint.clone().unwrap_or_else(|| format!("AWS in {}", self.region))
    }

    fn endpoint_for(&self, endpoint: &str, bucket: &str) -> String {
        match (self.path_style, taken_apart(endpoint)) {
            (false, Some((scheme, host, port))) => format!("{scheme}://{bucket}.{host}{port}"),
            _ => endpoint.trim_end_matches('/').to_owned(),
        }
    }
}

/// Scheme, host, and `:port` or nothing; none for anything more or less.
fn taken_apart(endpoint: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = endpoint.split_once("://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let bracket = rest.find(']').map_or(0, |at| at + 1);
    let colon = rest[bracket..].find(':').map_or(rest.len(), |at| bracket + at);
    let (host, port) = rest.split_at(colon);
    let good_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._[]:".contains(c));
    let good_port = port.is_empty() || port[1..].parse::<u16>().is_ok_and(|port| port > 0);
    (matches!(scheme, "http" | "https") && good_host && good_port).then_some((scheme, host, port))
}

/// The refusal of a location that nothing was said about.
pub(super) fn no_access(location: &Location) -> BackupError {
    BackupError::Refused(format!(
        "{location} needs a key, and a region or an endpoint: give them under [backup.s3]; they are taken from nowhere else"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_endpoints_are_https_or_on_this_machine() {
        for good in ["https://s3.example.com", "https://10.0.0.7:9000/", "https://[fe80::1]:9000"] {
            assert_eq!(S3Access::check_endpoint(good, false), Ok(()), "{good}");
        }
        for good in ["http://127.0.0.1:9000", "http://localhost", "http://[::1]:9000"] {
            assert_eq!(S3Access::check_endpoint(good, true), Ok(()), "{good}");
            assert!(S3Access::check_endpoint(good, false).expect_err("not allowed").contains("allow_http"), "{good}");
        }
        for bad in [
            "http://10.0.0.7",
            "http://s3.example.com",
            "http://127.0.0.1.example.com",
            "ftp://a",
            "s3.example.com",
            "https://",
            "https://a/b",
        ] {
            assert!(S3Access::check_endpoint(bad, true).is_err(), "{bad}");
        }
        let sentence = S3Access::check_endpoint("https://AKIA:hunter2secret@s3.example.com", true).expect_err("holds a key");
        assert!(!sentence.contains("hunter2"), "{sentence}");
    }

    #[test]
    fn d6_the_bucket_stands_in_the_path_or_in_the_name() {
        let mut access = S3Access::new("eu-1".to_owned(), "id".to_owned(), SecretString::from("hunter2secret"));
        assert_eq!(access.endpoint_for("https://s3.example.com:9000/", "b"), "https://b.s3.example.com:9000");
        access.path_style = true;
        assert_eq!(access.endpoint_for("https://s3.example.com:9000/", "b"), "https://s3.example.com:9000");
        assert!(!format!("{access:?}").contains("hunter2"));
    }
}
