//! Hands an endpoint to the two drivers.

use super::{Endpoint, Host, TlsMode};
use crate::AdapterError;
use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::time::Duration;

impl Endpoint {
    /// For tokio-postgres. TLS is decided by the caller, by [`Endpoint::tls`].
    #[must_use]
    pub fn to_tokio_postgres(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        match &self.host {
            Host::Socket(dir) => config.host_path(dir),
            Host::Tcp(host) => config.host(host),
        };
        config.port(self.port).user(&self.user).dbname(&self.database);
        if let Some(password) = &self.password {
            config.password(password.expose_secret());
        }
        // A firewall that forgets a quiet connection must not leave us waiting for ever.
        config.keepalives(true).keepalives_idle(Duration::from_secs(30)).tcp_user_timeout(Duration::from_secs(30));
        if let Some(options) = startup_options(&self.settings) {
            config.options(options);
        }
        config
    }

    /// For sqlx.
    ///
    /// # Errors
    /// sqlx reads `PG*` variables of its own accord. All that can be overridden is; when one is set that can't be
    /// (`PGOPTIONS`, and client certificates or roots where TLS is used), the answer is an error that names it.
    pub fn to_sqlx(&self, application_name: &str) -> Result<PgConnectOptions, AdapterError> {
        self.to_sqlx_in(application_name, &|name| std::env::var_os(name).is_some())
    }

    fn to_sqlx_in(&self, application_name: &str, is_set: &dyn Fn(&str) -> bool) -> Result<PgConnectOptions, AdapterError> {
        let mut blocking = vec!["PGOPTIONS"];
        if self.tls != TlsMode::Disable && self.client_cert.is_none() {
            blocking.extend(["PGSSLCERT", "PGSSLKEY"]);
        }
        if matches!(self.tls, TlsMode::VerifyCa | TlsMode::VerifyFull) && self.root_cert.is_none() {
            blocking.push("PGSSLROOTCERT");
        }
        if let Some(variable) = blocking.into_iter().find(|name| is_set(name)) {
            return Err(AdapterError::Environment { variable: variable.to_owned() });
        }
        let password = self.password.as_ref().map_or("", |p| p.expose_secret());
        let options = PgConnectOptions::new_without_pgpass();
        let mut options = match &self.host {
            Host::Socket(dir) => options.host("").socket(dir),
            Host::Tcp(host) => options.host(host),
        };
        options = options
            .port(self.port)
            .username(&self.user)
            .password(password)
            .database(&self.database)
            .application_name(application_name)
            .ssl_mode(match self.tls {
                TlsMode::Disable => PgSslMode::Disable,
                TlsMode::Prefer => PgSslMode::Prefer,
                TlsMode::Require => PgSslMode::Require,
                TlsMode::VerifyCa => PgSslMode::VerifyCa,
                TlsMode::VerifyFull => PgSslMode::VerifyFull,
            });
        if let Some(root) = &self.root_cert {
            options = options.ssl_root_cert(root);
        }
        if let Some(client) = &self.client_cert {
            options = options.ssl_client_cert(&client.certificate).ssl_client_key(&client.key);
        }
        if !self.settings.is_empty() {
            options = options.options(self.settings.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        }
        Ok(options)
    }
}

/// `-c name=value …` with blanks and backslashes escaped; none for no settings.
pub(crate) fn startup_options(settings: &[(String, String)]) -> Option<String> {
    let escape = |text: &str| text.replace('\\', "\\\\").replace(' ', "\\ ");
    let all: Vec<_> = settings.iter().map(|(name, value)| format!("-c {name}={}", escape(value))).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint::parse(url).expect("a good URL")
    }

    #[test]
    fn a2_a_variable_that_the_driver_would_obey_is_refused_by_name() {
        let socket = endpoint("postgresql:///d?host=/tmp&user=u");
        let remote = endpoint("postgresql://u@db.example/d");
        let sure = endpoint("postgresql://u@db.example/d?sslmode=verify-full");
        let refused = |e: &Endpoint, name: &str| e.to_sqlx_in("reeve", &|n| n == name).is_err();
        assert!(refused(&socket, "PGOPTIONS") && !refused(&socket, "PGSSLCERT"));
        assert!(refused(&remote, "PGSSLKEY") && !refused(&remote, "PGSSLROOTCERT"));
        assert!(refused(&sure, "PGSSLROOTCERT"));
        let error = remote.to_sqlx_in("reeve", &|n| n == "PGOPTIONS").expect_err("set").to_string();
        assert!(error.contains("PGOPTIONS") && error.contains("unset"), "{error}");
    }

    #[test]
    fn startup_options_are_escaped() {
        let settings = [("search_path".to_owned(), "a, b".to_owned()), ("x.y".to_owned(), "\\".to_owned())];
        assert_eq!(startup_options(&settings).as_deref(), Some("-c search_path=a,\\ b -c x.y=\\\\"));
        assert_eq!(startup_options(&[]), None);
    }
}
