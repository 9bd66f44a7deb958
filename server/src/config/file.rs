//! Reading `reeve.toml`: a walk over the spanned document, so that every mistake has its line.

use super::{Problems, backup::BackupDraft, keys::KeysDraft, s3::S3Draft};
use std::{collections::BTreeMap, path::Path};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A value and where it stood.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// `reeve.toml:12: target[0].url`.
    pub place: String,
}

/// What a file or the environment said, not yet checked.
#[derive(Debug, Default)]
pub struct Draft {
    pub listen: Option<Placed<String>>,
    pub data_dir: Option<Placed<String>>,
    pub admin_email: Option<Placed<String>>,
    pub admin_password: Option<Placed<String>>,
    pub store: BTreeMap<&'static str, Placed<String>>,
    pub owner: Option<Placed<String>>,
    pub history_days: Option<Placed<i64>>,
    pub compliance_interval: Option<Placed<String>>,
    pub intervals: IntervalDraft,
    pub keys: KeysDraft,
    pub backup: BackupDraft,
    pub targets: Vec<TargetDraft>,
    pub trusted_proxies: Vec<Placed<String>>,
    pub public_url: Option<Placed<String>>,
    pub tls_certificate: Option<Placed<String>>,
    pub tls_key: Option<Placed<String>>,
    pub limits: LimitsDraft,
}

/// `[limits]` as written.
#[derive(Debug, Clone, Default)]
pub struct LimitsDraft {
    pub credentials: RateDraft,
    pub pages: RateDraft,
    pub files: RateDraft,
    pub connections_per_address: Option<Placed<i64>>,
}

/// `[limits.pages]` and the like as written.
#[derive(Debug, Clone, Default)]
pub struct RateDraft {
    pub burst: Option<Placed<i64>>,
    pub per_minute: Option<Placed<i64>>,
}

/// Intervals as written.
#[derive(Debug, Clone, Default)]
pub struct IntervalDraft {
    pub live: Option<Placed<String>>,
    pub critical: Option<Placed<String>>,
    pub metrics: Option<Placed<String>>,
    pub health: Option<Placed<String>>,
    pub budget: Option<Placed<String>>,
}

/// One `[[target]]` as written.
#[derive(Debug, Clone, Default)]
pub struct TargetDraft {
    pub place: String,
    pub name: Option<Placed<String>>,
    pub kind: Option<Placed<String>>,
    pub environment: Option<Placed<String>>,
    pub url: Option<Placed<String>>,
    /// The file that the address was read from.
    pub url_file: Option<Placed<String>>,
    /// The address is a stored secret; an address that is given as well wins.
    pub url_stored: bool,
    /// Another login, for backups.
    pub backup_url: Option<Placed<String>>,
    pub tags: Vec<String>,
    pub region: Option<Placed<String>>,
    pub owner: Option<Placed<String>>,
    pub databases: Vec<String>,
    pub intervals: IntervalDraft,
}

/// Walks one file.
struct Walk<'a> {
    name: &'a str,
    text: &'a str,
    env: &'a BTreeMap<String, String>,
    problems: &'a mut Problems,
}

pub fn read(name: &str, text: &str, env: &BTreeMap<String, String>, draft: &mut Draft, problems: &mut Problems) {
    let mut walk = Walk { name, text, env, problems };
    match DeTable::parse(text) {
        Ok(document) => walk.root(document.get_ref(), draft),
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            // Only the first line: toml's second shows the source line, which may hold a password.
            let message = error.message().lines().next().unwrap_or("not valid TOML").to_owned();
            walk.problems.add(format!("{name}:{line}"), format!("This is not valid TOML ({message}). Nothing of the file was read."));
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1
}

type Value<'i> = Spanned<DeValue<'i>>;

impl Walk<'_> {
    fn place(&self, value: &Value<'_>, path: &str) -> String {
        format!("{}:{}: {path}", self.name, line_of(self.text, value.span().start))
    }

    fn root(&mut self, table: &DeTable<'_>, draft: &mut Draft) {
        for (key, value) in table {
            let key = key.get_ref().as_ref();
            match key {
                "listen" => draft.listen = self.string(value, key),
                "data_dir" => draft.data_dir = self.string(value, key),
                "history_days" => draft.history_days = self.integer(value, key),
                "admin" => self.section(value, key, |walk, name, value, path| match name {
                    "email" => set(&mut draft.admin_email, walk.string(value, path)),
                    "password_file" => set(&mut draft.admin_password, walk.text_of_file(value, path)),
                    _ => false,
                }),
                "store" => self.section(value, key, |walk, name, value, path| {
                    let key = match name {
                        "main" => "DATABASE_URL",
                        "analytics" => "ANALYTICS_DATABASE_URL",
                        "documents" => "DOCUMENTS_DATABASE_URL",
                        "compliance" => "COMPLIANCE_DATABASE_URL",
                        "read_replica" => "READ_REPLICA_DATABASE_URL",
                        "owner" => return set(&mut draft.owner, walk.string(value, path)),
                        _ => return false,
                    };
                    if let Some(url) = walk.string(value, path) {
                        draft.store.insert(key, url);
                    }
                    true
                }),
                "intervals" => self.intervals(value, key, &mut draft.intervals),
                "http" => self.section(value, key, |walk, name, value, path| match name {
                    "trusted_proxies" => walk.placed_strings(value, path, &mut draft.trusted_proxies),
                    "public_url" => set(&mut draft.public_url, walk.string(value, path)),
                    _ => false,
                }),
                "tls" => self.section(value, key, |walk, name, value, path| match name {
                    "certificate" => set(&mut draft.tls_certificate, walk.string(value, path)),
                    "key" => set(&mut draft.tls_key, walk.string(value, path)),
                    _ => false,
                }),
                "limits" => self.section(value, key, |walk, name, value, path| match name {
                    "credentials" => walk.rate(value, path, &mut draft.limits.credentials),
                    "pages" => walk.rate(value, path, &mut draft.limits.pages),
                    "files" => walk.rate(value, path, &mut draft.limits.files),
                    "connections_per_address" => set(&mut draft.limits.connections_per_address, walk.integer(value, path)),
                    _ => false,
                }),
                "secrets" => self.section(value, key, |walk, name, value, path| match name {
                    "key_file" => set(&mut draft.keys.key_file, walk.string(value, path)),
                    "key_command" => set(&mut draft.keys.key_command, walk.list(value, path)),
                    "old_key_files" => set(&mut draft.keys.old_key_files, walk.list(value, path)),
                    _ => false,
                }),
                "compliance" => self.section(value, key, |walk, name, value, path| match name {
                    "interval" => set(&mut draft.compliance_interval, walk.string(value, path)),
                    _ => false,
                }),
                "backup" => self.section(value, key, |walk, name, value, path| match name {
                    "repository" => set(&mut draft.backup.repository, walk.string(value, path)),
                    "scratch" => set(&mut draft.backup.scratch, walk.string(value, path)),
                    "recipients" => set(&mut draft.backup.recipients, walk.list(value, path)),
                    "identity_file" => set(&mut draft.backup.identity_file, walk.string(value, path)),
                    "jobs" => set(&mut draft.backup.jobs, walk.integer(value, path)),
                    "compression" => set(&mut draft.backup.compression, walk.integer(value, path)),
                    "rto_minutes" => set(&mut draft.backup.rto_minutes, walk.integer(value, path)),
                    "keep_daily" => set(&mut draft.backup.keep_daily, walk.integer(value, path)),
                    "keep_weekly" => set(&mut draft.backup.keep_weekly, walk.integer(value, path)),
                    "keep_monthly" => set(&mut draft.backup.keep_monthly, walk.integer(value, path)),
                    "s3" => walk.s3(value, path, &mut draft.backup.s3),
                    _ => false,
                }),
                "target" => self.targets(value, draft),
                _ => {
                    let known = "listen, data_dir, history_days, [admin], [http], [tls], [limits], [store], [intervals], [compliance], [secrets], [backup] and [[target]]";
                    self.unknown(value, key, known);
                }
            }
        }
    }

    fn section(&mut self, value: &Value<'_>, path: &str, mut each: impl FnMut(&mut Self, &str, &Value<'_>, &str) -> bool) {
        let DeValue::Table(table) = value.get_ref() else {
            let place = self.place(value, path);
            self.problems.add(place, format!("Expected a table; write [{path}]."));
            return;
        };
        for (key, value) in table {
            let full = format!("{path}.{}", key.get_ref());
            if !each(self, key.get_ref(), value, &full) {
                let place = self.place(value, &full);
                self.problems.add(place, "There is no such setting; see docs/CONFIGURATION.md for those there are.");
            }
        }
    }

    fn s3(&mut self, value: &Value<'_>, path: &str, into: &mut S3Draft) -> bool {
        self.section(value, path, |walk, name, value, path| match name {
            "endpoint" => set(&mut into.endpoint, walk.string(value, path)),
            "region" => set(&mut into.region, walk.string(value, path)),
            "path_style" => set(&mut into.path_style, walk.boolean(value, path)),
            "allow_http" => set(&mut into.allow_http, walk.boolean(value, path)),
            "ca_file" => set(&mut into.ca_file, walk.string(value, path)),
            "access_key_id" => set(&mut into.access_key_id, walk.string(value, path)),
            "secret_access_key_file" => into.secret(walk.text_of_file(value, path)),
            "secret_access_key_env" => into.secret(walk.text_of_variable(value, path)),
            _ => false,
        });
        true
    }

    fn rate(&mut self, value: &Value<'_>, path: &str, into: &mut RateDraft) -> bool {
        self.section(value, path, |walk, name, value, path| match name {
            "burst" => set(&mut into.burst, walk.integer(value, path)),
            "per_minute" => set(&mut into.per_minute, walk.integer(value, path)),
            _ => false,
        });
        true
    }

    fn intervals(&mut self, value: &Value<'_>, path: &str, into: &mut IntervalDraft) {
        self.section(value, path, |walk, name, value, path| match name {
            "live" => set(&mut into.live, walk.string(value, path)),
            "critical" => set(&mut into.critical, walk.string(value, path)),
            "metrics" => set(&mut into.metrics, walk.string(value, path)),
            "health" => set(&mut into.health, walk.string(value, path)),
            "budget" => set(&mut into.budget, walk.string(value, path)),
            _ => false,
        });
    }

    fn targets(&mut self, value: &Value<'_>, draft: &mut Draft) {
        let DeValue::Array(array) = value.get_ref() else {
            let place = self.place(value, "target");
            self.problems.add(place, "Expected a list of tables; write [[target]], once for each.");
            return;
        };
        for (index, value) in array.iter().enumerate() {
            let path = format!("target[{index}]");
            let mut target = TargetDraft { place: self.place(value, &path), ..TargetDraft::default() };
            self.one_address(value, &path);
            self.section(value, &path, |walk, name, value, path| match name {
                "name" => set(&mut target.name, walk.string(value, path)),
                "kind" => set(&mut target.kind, walk.string(value, path)),
                "environment" => set(&mut target.environment, walk.string(value, path)),
                "url" => set(&mut target.url, walk.string(value, path)),
                "url_file" => {
                    target.url_file = walk.string(value, path);
                    set(&mut target.url, target.url_file.clone().and_then(|named| walk.text_of(named)))
                }
                "url_env" => set(&mut target.url, walk.text_of_variable(value, path)),
                "url_stored" => {
                    target.url_stored = walk.boolean(value, path).is_some_and(|said| said.value);
                    true
                }
                "backup_url" => set(&mut target.backup_url, walk.string(value, path)),
                "backup_url_file" => set(&mut target.backup_url, walk.text_of_file(value, path)),
                "backup_url_env" => set(&mut target.backup_url, walk.text_of_variable(value, path)),
                "region" => set(&mut target.region, walk.string(value, path)),
                "owner" => set(&mut target.owner, walk.string(value, path)),
                "tags" => walk.strings(value, path, &mut target.tags),
                "databases" => walk.strings(value, path, &mut target.databases),
                "intervals" => {
                    walk.intervals(value, path, &mut target.intervals);
                    true
                }
                _ => false,
            });
            draft.targets.push(target);
        }
    }

    /// Two addresses of one target could be two servers: which one is meant must not depend on the order of lines.
    fn one_address(&mut self, value: &Value<'_>, path: &str) {
        let DeValue::Table(table) = value.get_ref() else { return };
        let given = table.iter().filter(|(key, value)| match key.get_ref().as_ref() {
            "url" | "url_file" | "url_env" => true,
            "url_stored" => !matches!(value.get_ref(), DeValue::Boolean(false)),
            _ => false,
        });
        if given.count() > 1 {
            let place = self.place(value, path);
            self.problems.add(place, "This target has more than one address; keep one of url, url_file, url_env and url_stored.");
        }
    }

    fn boolean(&mut self, value: &Value<'_>, path: &str) -> Option<Placed<bool>> {
        let place = self.place(value, path);
        if let DeValue::Boolean(said) = value.get_ref() {
            return Some(Placed { value: *said, place });
        }
        self.problems.add(place, "Expected true or false.");
        None
    }

    fn list(&mut self, value: &Value<'_>, path: &str) -> Option<Placed<Vec<String>>> {
        let mut all = Vec::new();
        self.strings(value, path, &mut all);
        Some(Placed { value: all, place: self.place(value, path) })
    }

    fn string(&mut self, value: &Value<'_>, path: &str) -> Option<Placed<String>> {
        let place = self.place(value, path);
        if let DeValue::String(text) = value.get_ref() {
            return Some(Placed { value: text.to_string(), place });
        }
        self.problems.add(place, "Expected text in double quotes.");
        None
    }

    fn integer(&mut self, value: &Value<'_>, path: &str) -> Option<Placed<i64>> {
        let place = self.place(value, path);
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.problems.add(place.clone(), "Expected a whole number.");
        }
        number.map(|value| Placed { value, place })
    }

    fn strings(&mut self, value: &Value<'_>, path: &str, into: &mut Vec<String>) -> bool {
        let mut placed = Vec::new();
        self.placed_strings(value, path, &mut placed);
        into.extend(placed.into_iter().map(|text| text.value));
        true
    }

    fn placed_strings(&mut self, value: &Value<'_>, path: &str, into: &mut Vec<Placed<String>>) -> bool {
        let place = self.place(value, path);
        if let DeValue::Array(items) = value.get_ref() {
            for item in items {
                into.extend(self.string(item, path));
            }
        } else {
            self.problems.add(place, "Expected a list of texts, like [\"a\", \"b\"].");
        }
        true
    }

    fn text_of_file(&mut self, value: &Value<'_>, path: &str) -> Option<Placed<String>> {
        let named = self.string(value, path)?;
        self.text_of(named)
    }

    fn text_of(&mut self, named: Placed<String>) -> Option<Placed<String>> {
        match std::fs::read_to_string(Path::new(&named.value)) {
            Ok(text) => Some(Placed { value: text.trim_end_matches(['\n', '\r']).to_owned(), place: named.place }),
            Err(error) => {
                self.problems.add(named.place, format!("The file {:?} can't be read ({error}).", named.value));
                None
            }
        }
    }

    fn text_of_variable(&mut self, value: &Value<'_>, path: &str) -> Option<Placed<String>> {
        let named = self.string(value, path)?;
        let found = self.env.get(&named.value).cloned();
        if found.is_none() {
            self.problems.add(named.place.clone(), format!("The environment variable {} is not set.", named.value));
        }
        found.map(|value| Placed { value, place: named.place })
    }

    fn unknown(&mut self, value: &Value<'_>, path: &str, known: &str) {
        let place = self.place(value, path);
        self.problems.add(place, format!("There is no such setting. At this level there are {known}."));
    }
}

fn set<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    if value.is_some() {
        *slot = value;
    }
    true
}
