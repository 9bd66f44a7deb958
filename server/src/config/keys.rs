//! The keys of stored secrets, as configured: one source for the key that seals, files for those that only open.

use super::{KeyConfig, KeySource, Problems, file::Placed};
use reeve_service::vault::VaultKey;
use secrecy::SecretString;
use std::{collections::BTreeMap, path::Path};

/// What was said of them, not yet checked.
#[derive(Debug, Default)]
pub struct KeysDraft {
    /// The key itself; the environment only.
    pub key: Option<Placed<SecretString>>,
    /// A file that holds it.
    pub key_file: Option<Placed<String>>,
    /// A program that writes it.
    pub key_command: Option<Placed<Vec<String>>>,
    /// Files with keys that only open.
    pub old_key_files: Option<Placed<Vec<String>>>,
}

/// Takes in the environment; it wins over the file, setting by setting.
pub fn from_environment(env: &BTreeMap<String, String>, draft: &mut KeysDraft, problems: &mut Problems) {
    let get = |name: &str| env.get(name).filter(|v| !v.is_empty()).map(|value| Placed { value: value.clone(), place: name.to_owned() });
    draft.key = get("REEVE_SECRET_KEY").map(|p| Placed { value: SecretString::from(p.value), place: p.place });
    draft.key_file = get("REEVE_SECRET_KEY_FILE").or(draft.key_file.take());
    if let Some(command) = get("REEVE_SECRET_KEY_COMMAND") {
        let words = words(&command.value);
        if words.is_none() {
            problems
                .add(&command.place, "This is no list of words: write program and arguments with blanks between, or as [\"…\", \"…\"].");
        }
        draft.key_command = Some(Placed { value: words.unwrap_or_default(), place: command.place });
    }
    if let Some(files) = get("REEVE_SECRET_OLD_KEY_FILES") {
        let value = files.value.split(':').filter(|f| !f.is_empty()).map(str::to_owned).collect();
        draft.old_key_files = Some(Placed { value, place: files.place });
    }
}

/// A JSON list of texts, or words with blanks between. No shell will see them, so there is no quoting.
fn words(text: &str) -> Option<Vec<String>> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    Some(text.split_whitespace().map(str::to_owned).collect())
}

/// Checks what was drafted, and reads the files.
pub fn finish(draft: KeysDraft, problems: &mut Problems) -> KeyConfig {
    let said = [
        draft.key.as_ref().map(|p| p.place.as_str()),
        draft.key_file.as_ref().map(|p| p.place.as_str()),
        draft.key_command.as_ref().map(|p| p.place.as_str()),
    ];
    let said: Vec<&str> = said.into_iter().flatten().collect();
    if let [first, others @ ..] = said.as_slice()
        && !others.is_empty()
    {
        problems.add(*first, format!("The key of stored secrets is given more than once, also as {}; keep one.", others.join(" and ")));
    }
    let mut source = KeySource::DataDir;
    if let Some(command) = draft.key_command {
        if command.value.first().is_none_or(String::is_empty) {
            problems.add(&command.place, "The command that writes the key has no program; write [\"program\", \"argument\"].");
        }
        source = KeySource::Command(command.value);
    }
    if let Some(file) = draft.key_file
        && let Some(key) = read(&file.place, &file.value, problems)
    {
        source = KeySource::Given(key);
    }
    if let Some(key) = draft.key {
        match VaultKey::parse(&key.value) {
            Ok(key) => source = KeySource::Given(key),
            Err(error) => problems.add(&key.place, error.to_string()),
        }
    }
    let old = draft
        .old_key_files
        .map_or_else(Vec::new, |files| files.value.iter().filter_map(|file| read(&files.place, file, problems)).collect());
    KeyConfig { source, old }
}

fn read(place: &str, path: &str, problems: &mut Problems) -> Option<VaultKey> {
    let text = match std::fs::read_to_string(Path::new(path)) {
        Ok(text) => SecretString::from(text),
        Err(error) => {
            problems.add(place, format!("The file {path:?} can't be read ({error})."));
            return None;
        }
    };
    VaultKey::parse(&text).map_err(|error| problems.add(place, format!("The file {path:?} holds no key. {error}"))).ok()
}
