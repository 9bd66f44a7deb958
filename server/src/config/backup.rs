//! `[backup]`: where backups lie, to whom they are encrypted, how many are kept.

use super::{
    Problems,
    file::Placed,
    s3::{self, S3Draft},
};
use reeve_backup::{Keys, Location, S3Access};
use reeve_model::backup::Keep;
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What was said of backups, not yet checked.
#[derive(Debug, Default)]
pub struct BackupDraft {
    pub repository: Option<Placed<String>>,
    pub scratch: Option<Placed<String>>,
    pub recipients: Option<Placed<Vec<String>>>,
    pub identity_file: Option<Placed<String>>,
    pub jobs: Option<Placed<i64>>,
    pub compression: Option<Placed<i64>>,
    pub rto_minutes: Option<Placed<i64>>,
    pub keep_daily: Option<Placed<i64>>,
    pub keep_weekly: Option<Placed<i64>>,
    pub keep_monthly: Option<Placed<i64>>,
    pub s3: S3Draft,
}

/// How backups are made and kept.
#[derive(Debug, Clone)]
pub struct BackupConfig {
    /// Where they lie; none: `backups` in the data directory.
    pub repository: Option<Location>,
    /// How the store of an `s3://` repository is reached.
    pub s3: Option<S3Access>,
    /// Space for dumps while a job runs; none: `scratch` in the data directory.
    pub scratch: Option<PathBuf>,
    /// To whom they are encrypted, and what opens them.
    pub keys: Keys,
    /// Processes of `pg_dump` and `pg_restore`.
    pub jobs: u32,
    /// zstd's level.
    pub compression: i32,
    /// How long a restore may take, minutes.
    pub rto_minutes: u32,
    /// How many to keep.
    pub keep: Keep,
}

/// Takes in the environment; it wins over the file, setting by setting.
pub fn from_environment(env: &BTreeMap<String, String>, draft: &mut BackupDraft, problems: &mut Problems) {
    let get = |name: &str| env.get(name).filter(|v| !v.is_empty()).map(|value| Placed { value: value.clone(), place: name.to_owned() });
    let mut number = |name: &str, slot: &mut Option<Placed<i64>>| {
        let Some(said) = get(name) else { return };
        match said.value.trim().parse() {
            Ok(value) => *slot = Some(Placed { value, place: said.place }),
            Err(_) => problems.add(&said.place, "Expected a whole number."),
        }
    };
    number("REEVE_BACKUP_JOBS", &mut draft.jobs);
    number("REEVE_BACKUP_COMPRESSION", &mut draft.compression);
    number("REEVE_BACKUP_RTO_MINUTES", &mut draft.rto_minutes);
    s3::from_environment(env, &mut draft.s3, problems);
    draft.repository = get("REEVE_BACKUP_REPOSITORY").or(draft.repository.take());
    draft.scratch = get("REEVE_BACKUP_SCRATCH").or(draft.scratch.take());
    draft.identity_file = get("REEVE_BACKUP_IDENTITY_FILE").or(draft.identity_file.take());
    if let Some(list) = get("REEVE_BACKUP_RECIPIENTS") {
        let value = list.value.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect();
        draft.recipients = Some(Placed { value, place: list.place });
    }
}

/// Checks what was drafted, and reads the identity's file.
pub fn finish(draft: BackupDraft, problems: &mut Problems) -> BackupConfig {
    let repository = draft.repository.as_ref().and_then(|said| {
        let read = Location::parse(&said.value);
        read.map_err(|sentence| problems.add(&said.place, sentence)).ok()
    });
    let place = draft.repository.as_ref().map_or("backup.repository", |said| said.place.as_str());
    let s3 = s3::finish(draft.s3, repository.as_ref(), place, problems);
    let scratch = draft.scratch.as_ref().map(|said| {
        let path = PathBuf::from(&said.value);
        if !path.is_absolute() {
            problems.add(&said.place, "The scratch directory must be an absolute path.");
        }
        path
    });
    let keys = keys(draft.recipients.as_ref(), draft.identity_file.as_ref(), problems);
    let mut number = |said: Option<Placed<i64>>, default: u32, least: i64, most: i64| {
        let Some(said) = said else { return default };
        u32::try_from(said.value).ok().filter(|n| (least..=most).contains(&i64::from(*n))).unwrap_or_else(|| {
            problems.add(&said.place, format!("Expected a whole number from {least} to {most}."));
            default
        })
    };
    let keep = Keep::default();
    BackupConfig {
        repository,
        s3,
        scratch,
        keys,
        jobs: number(draft.jobs, 2, 1, 64),
        compression: i32::try_from(number(draft.compression, 3, 1, 19)).unwrap_or(3),
        rto_minutes: number(draft.rto_minutes, 15, 1, 10_000),
        keep: Keep {
            daily: number(draft.keep_daily, keep.daily, 0, 10_000),
            weekly: number(draft.keep_weekly, keep.weekly, 0, 10_000),
            monthly: number(draft.keep_monthly, keep.monthly, 0, 10_000),
        },
    }
}

fn keys(recipients: Option<&Placed<Vec<String>>>, identity: Option<&Placed<String>>, problems: &mut Problems) -> Keys {
    let text = identity.and_then(|said| match std::fs::read_to_string(Path::new(&said.value)) {
        Ok(text) => Some(SecretString::from(text)),
        Err(error) => {
            problems.add(&said.place, format!("The file {:?} can't be read ({error}).", said.value));
            None
        }
    });
    let place = recipients.map(|said| &said.place).or(identity.map(|said| &said.place));
    let named = recipients.map_or(&[] as &[String], |said| &said.value);
    Keys::read(named, text.as_ref()).unwrap_or_else(|error| {
        problems.add(place.map_or("backup", String::as_str), format!("{error}."));
        Keys::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Problems, load};
    use reeve_backup::Location;
    use reeve_model::backup::Keep;
    use std::collections::BTreeMap;

    fn read(text: &str, env: &[(&str, &str)]) -> Result<Config, Problems> {
        let env: BTreeMap<String, String> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        load(Some(("reeve.toml", text)), &env)
    }

    #[test]
    fn d1_backups_are_configured_in_the_file_and_the_environment_wins() {
        let text = "[backup]\nrepository = \"/a\"\njobs = 4\nkeep_daily = 3\n[[target]]\nname = \"or-ders\"\nurl = \"postgres://m:p@127.0.0.1/o\"\n\
                    backup_url = \"postgres://b:p@127.0.0.1/o\"\n";
        let config = read(text, &[("REEVE_BACKUP_REPOSITORY", "file:///b"), ("REEVE_BACKUP_JOBS", "8")]).expect("good");
        assert_eq!(config.backup.repository, Some(Location::Directory("/b".into())));
        assert_eq!((config.backup.jobs, config.backup.keep), (8, Keep { daily: 3, ..Keep::default() }));
        assert_eq!(config.targets[0].backup.as_ref().map(|e| e.user()), Some("b"));
        let config = read(text, &[("REEVE_TARGET_OR_DERS_BACKUP_URL", "postgres://c:p@127.0.0.1/o")]).expect("good");
        assert_eq!((config.targets.len(), config.targets[0].backup.as_ref().map(|e| e.user())), (1, Some("c")));
    }

    #[test]
    fn d1_mistakes_about_backups_have_their_places_and_hold_no_key() {
        let text = "[backup]\nrepository = \"s3:backups\"\nscratch = \"here\"\njobs = 0\nrecipients = [\"age1nonsense\"]\nidentity_file = \"/nowhere\"\n\
                    keep_hourly = 1\n";
        let shown =
            read(text, &[("REEVE_TARGET_NONE_BACKUP_URL", "postgres://c:hunter2secret@127.0.0.1/o")]).expect_err("mistakes").to_string();
        for expected in [
            "reeve.toml:2: backup.repository",
            "reeve.toml:3: backup.scratch",
            "reeve.toml:4: backup.jobs",
            "age1nonsense",
            "/nowhere",
            "reeve.toml:7: backup.keep_hourly",
            "REEVE_TARGET_NONE_BACKUP_URL",
        ] {
            assert!(shown.contains(expected), "{expected} is missing in:\n{shown}");
        }
        assert!(!shown.contains("hunter2secret"), "{shown}");
    }
}
