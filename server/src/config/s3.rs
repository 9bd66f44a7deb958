//! `[backup.s3]`: how the store of an `s3://` repository is reached. What is missing is a mistake, not a reason to look elsewhere.

use super::{Problems, file::Placed};
use reeve_backup::{Location, S3Access};
use secrecy::{ExposeSecret, SecretString};
use std::{collections::BTreeMap, path::PathBuf};

/// What stores of one's own, which have no regions, mostly want to see signed.
const ANY_REGION: &str = "us-east-1";

/// What was said of it, not yet checked.
#[derive(Debug, Default)]
pub struct S3Draft {
    pub endpoint: Option<Placed<String>>,
    pub region: Option<Placed<String>>,
    pub path_style: Option<Placed<bool>>,
    pub allow_http: Option<Placed<bool>>,
    pub ca_file: Option<Placed<String>>,
    pub access_key_id: Option<Placed<String>>,
    /// One at most is right.
    secrets: Vec<Placed<SecretString>>,
}

impl S3Draft {
    /// Takes in a secret key, if one was read. Answers true: the setting is known.
    pub fn secret(&mut self, said: Option<Placed<String>>) -> bool {
        self.secrets.extend(said.map(|said| Placed { value: SecretString::from(said.value), place: said.place }));
        true
    }

    /// The place of anything that was said.
    fn place(&self) -> Option<&str> {
        let texts = [&self.endpoint, &self.region, &self.ca_file, &self.access_key_id].into_iter().flatten().map(|said| &said.place);
        let flags = [&self.path_style, &self.allow_http].into_iter().flatten().map(|said| &said.place);
        texts.chain(flags).chain(self.secrets.iter().map(|said| &said.place)).next().map(String::as_str)
    }
}

/// Takes in the environment; it wins over the file, setting by setting.
pub fn from_environment(env: &BTreeMap<String, String>, draft: &mut S3Draft, problems: &mut Problems) {
    let get = |name: &str| env.get(name).filter(|v| !v.is_empty()).map(|value| Placed { value: value.clone(), place: name.to_owned() });
    draft.endpoint = get("REEVE_BACKUP_S3_ENDPOINT").or(draft.endpoint.take());
    draft.region = get("REEVE_BACKUP_S3_REGION").or(draft.region.take());
    draft.ca_file = get("REEVE_BACKUP_S3_CA_FILE").or(draft.ca_file.take());
    draft.access_key_id = get("REEVE_BACKUP_S3_ACCESS_KEY_ID").or(draft.access_key_id.take());
    for (name, slot) in [("REEVE_BACKUP_S3_PATH_STYLE", &mut draft.path_style), ("REEVE_BACKUP_S3_ALLOW_HTTP", &mut draft.allow_http)] {
        match get(name).map(|said| said.value.trim().parse()) {
            Some(Ok(value)) => *slot = Some(Placed { value, place: name.to_owned() }),
            Some(Err(_)) => problems.add(name, "Expected true or false."),
            None => {}
        }
    }
    let secret = get("REEVE_BACKUP_S3_SECRET_ACCESS_KEY");
    let file = get("REEVE_BACKUP_S3_SECRET_ACCESS_KEY_FILE");
    if secret.is_some() || file.is_some() {
        draft.secrets.clear();
    }
    draft.secret(secret);
    if let Some(file) = file {
        match std::fs::read_to_string(&file.value) {
            Ok(text) => drop(draft.secret(Some(Placed { value: text, place: file.place }))),
            Err(error) => problems.add(&file.place, format!("The file {:?} can't be read ({error}).", file.value)),
        }
    }
}

/// Checks what was drafted. None when the repository is a directory, or something is wrong. `place` is that of the repository's address.
pub fn finish(draft: S3Draft, repository: Option<&Location>, place: &str, problems: &mut Problems) -> Option<S3Access> {
    let Some(location @ Location::S3 { .. }) = repository else {
        if let (Some(said), None | Some(Location::Directory(_))) = (draft.place(), repository) {
            problems.add(
                said,
                "This is for a repository in an S3 store, and the repository is none: write repository = \"s3://bucket/prefix\".",
            );
        }
        return None;
    };
    if let [first, second, ..] = draft.secrets.as_slice() {
        problems.add(&first.place, format!("The secret key of the store is given more than once, also as {}; keep one.", second.place));
    }
    let allow_http = draft.allow_http.is_some_and(|said| said.value);
    if let Some(endpoint) = &draft.endpoint
        && let Err(sentence) = S3Access::check_endpoint(&endpoint.value, allow_http)
    {
        problems.add(&endpoint.place, sentence);
    }
    if let Some(file) = draft.ca_file.as_ref().filter(|file| !file.value.starts_with('/')) {
        problems.add(&file.place, "The file of certificates must be an absolute path.");
    }
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some(region) = draft.region.as_ref().filter(|region| region.value.is_empty() || !region.value.chars().all(word)) {
        problems.add(&region.place, "This is no region: write one like eu-central-1.");
    }
    let mut missing = Vec::new();
    if draft.access_key_id.as_ref().is_none_or(|id| id.value.trim().is_empty()) {
        missing.push("access_key_id");
    }
    let secret = draft.secrets.into_iter().next().map(|said| SecretString::from(said.value.expose_secret().trim().to_owned()));
    if secret.as_ref().is_none_or(|secret| secret.expose_secret().is_empty()) {
        missing.push("secret_access_key_file (or _env)");
    }
    if draft.region.is_none() && draft.endpoint.is_none() {
        missing.push("region (of AWS) or endpoint (of another store)");
    }
    if !missing.is_empty() {
        let missing = missing.join(", ");
        problems
            .add(place, format!("{location} needs {missing} under [backup.s3]; they are not taken from AWS_* variables or anywhere else."));
        return None;
    }
    let region = draft.region.map_or_else(|| ANY_REGION.to_owned(), |said| said.value);
    // AWS serves buckets by their own names, stores of one's own mostly by paths.
    let path_style = draft.path_style.map_or(draft.endpoint.is_some(), |said| said.value);
    Some(S3Access {
        endpoint: draft.endpoint.map(|said| said.value),
        path_style,
        ca_file: draft.ca_file.map(|said| PathBuf::from(said.value)),
        ..S3Access::new(region, draft.access_key_id?.value.trim().to_owned(), secret?)
    })
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Problems, load};
    use secrecy::ExposeSecret;
    use std::collections::BTreeMap;

    fn read(text: &str, env: &[(&str, &str)]) -> Result<Config, Problems> {
        let env: BTreeMap<String, String> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        load(Some(("reeve.toml", text)), &env)
    }

    #[test]
    fn d6_a_store_is_configured_in_the_file_and_the_environment_wins() {
        let text = "[backup]\nrepository = \"s3://backups/reeve\"\n[backup.s3]\nendpoint = \"https://s3.example.com\"\naccess_key_id = \"A\"\n\
                    secret_access_key_env = \"THE_KEY\"\n";
        let config = read(text, &[("THE_KEY", "hunter2secret\n")]).expect("good");
        let s3 = config.backup.s3.expect("a store");
        assert_eq!((s3.region.as_str(), s3.path_style, s3.access_key_id.as_str()), ("us-east-1", true, "A"));
        assert_eq!(s3.secret_access_key.expose_secret(), "hunter2secret");
        let env = [
            ("THE_KEY", "hunter2secret"),
            ("REEVE_BACKUP_S3_SECRET_ACCESS_KEY", "another"),
            ("REEVE_BACKUP_S3_REGION", "eu-central-1"),
            ("REEVE_BACKUP_S3_PATH_STYLE", "false"),
            ("REEVE_BACKUP_S3_ENDPOINT", "http://127.0.0.1:9000"),
            ("REEVE_BACKUP_S3_ALLOW_HTTP", "true"),
            ("REEVE_BACKUP_S3_ACCESS_KEY_ID", "B"),
        ];
        let s3 = read(text, &env).expect("good").backup.s3.expect("a store");
        assert_eq!((s3.region.as_str(), s3.path_style, s3.access_key_id.as_str()), ("eu-central-1", false, "B"));
        assert_eq!((s3.endpoint.as_deref(), s3.secret_access_key.expose_secret()), (Some("http://127.0.0.1:9000"), "another"));
    }

    #[test]
    fn d6_nothing_of_a_store_is_taken_from_the_surroundings() {
        let text = "[backup]\nrepository = \"s3://backups/reeve\"\n";
        let env = [("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "hunter2secret"), ("AWS_REGION", "eu-central-1")];
        let shown = read(text, &env).expect_err("nothing is said").to_string();
        for expected in ["reeve.toml:2: backup.repository", "access_key_id", "secret_access_key_file", "region", "AWS_*"] {
            assert!(shown.contains(expected), "{expected} is missing in:\n{shown}");
        }
        assert!(!shown.contains("hunter2secret"), "{shown}");
    }

    #[test]
    fn d6_mistakes_about_a_store_have_their_places_and_hold_no_key() {
        let text = "[backup]\nrepository = \"s3://backups/reeve\"\n[backup.s3]\nendpoint = \"http://10.0.0.7:9000\"\nallow_http = true\n\
                    region = \"EU central\"\nca_file = \"ca.pem\"\naccess_key_id = \"A\"\nsecret_access_key_env = \"K\"\nsecret_access_key_file = \"/nowhere\"\n\
                    secret_access_key = \"hunter2secret\"\n";
        let env = [("K", "hunter2secret"), ("REEVE_BACKUP_S3_PATH_STYLE", "perhaps")];
        let shown = read(text, &env).expect_err("mistakes").to_string();
        for expected in [
            "reeve.toml:4: backup.s3.endpoint",
            "reeve.toml:6: backup.s3.region",
            "reeve.toml:7: backup.s3.ca_file",
            "/nowhere",
            "reeve.toml:11: backup.s3.secret_access_key",
            "REEVE_BACKUP_S3_PATH_STYLE",
        ] {
            assert!(shown.contains(expected), "{expected} is missing in:\n{shown}");
        }
        assert!(!shown.contains("hunter2secret"), "{shown}");
        let twice = [("REEVE_BACKUP_S3_SECRET_ACCESS_KEY", "hunter2secret"), ("REEVE_BACKUP_S3_SECRET_ACCESS_KEY_FILE", "/dev/null")];
        let shown = read("[backup]\nrepository = \"s3://backups\"\n", &twice).expect_err("twice").to_string();
        assert!(shown.contains("more than once") && !shown.contains("hunter2secret"), "{shown}");
        let unused =
            read("[backup]\nrepository = \"/srv/backups\"\n[backup.s3]\nregion = \"eu-1\"\n", &[]).expect_err("unused").to_string();
        assert!(unused.contains("reeve.toml:4: backup.s3.region"), "{unused}");
    }
}
