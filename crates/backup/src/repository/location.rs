//! Where a repository is, in one word that people write and read.

use std::path::PathBuf;

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A directory of this machine, absolute.
    Directory(PathBuf),
    /// A bucket of an S3 object store; which store and with what key is said apart, see [`super::s3::S3Access`].
    S3 {
        /// The bucket's name.
        bucket: String,
        /// What the keys of all objects begin with, without a slash at either end; empty: the whole bucket.
        prefix: String,
    },
}

impl Location {
    /// Reads `/absolute/path`, `file:///absolute/path` or `s3://bucket/prefix`.
    ///
    /// # Errors
    /// One sentence that says what can be written. It repeats nothing of an address that may hold a key.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(place) = text.strip_prefix("s3://") {
            return s3(place);
        }
        let path = text.strip_prefix("file://").unwrap_or(text);
        if path.starts_with('/') && path.len() > 1 {
            return Ok(Self::Directory(PathBuf::from(path)));
        }
        if text.contains('@') {
            return Err("This is no repository: write the absolute path of a directory, or s3://bucket/prefix.".to_owned());
        }
        Err(format!("{text:?} is no repository: write the absolute path of a directory, or s3://bucket/prefix."))
    }
}

fn s3(place: &str) -> Result<Location, String> {
    if place.contains(['@', '?', '#']) {
        return Err("An s3:// address is nothing but bucket and prefix: give the key and the rest under [backup.s3].".to_owned());
    }
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !(3..=63).contains(&bucket.len())
        || !bucket.chars().all(|c| plain(c) || c == '-' || c == '.')
        || !bucket.starts_with(plain)
        || !bucket.ends_with(plain)
    {
        return Err(format!("{bucket:?} is no name of a bucket: 3 to 63 of a-z, 0-9, - and ., as in s3://bucket/prefix."));
    }
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let good = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.=+".contains(c)) && part != "." && part != ".."
    };
    if !prefix.is_empty() && !prefix.split('/').all(good) {
        return Err(format!(
            "{prefix:?} is no prefix: words of letters, digits and - _ . = + with one / between, as in s3://bucket/prefix."
        ));
    }
    Ok(Location::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(path) => path.display().fmt(f),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_a_location_is_a_directory_or_a_bucket_and_reads_back_as_it_is_shown() {
        for text in ["/srv/backups", "s3://backups", "s3://back.ups-1/reeve/prod"] {
            assert_eq!(Location::parse(text).expect("good").to_string(), text);
        }
        assert_eq!(Location::parse("s3://backups/"), Ok(Location::S3 { bucket: "backups".to_owned(), prefix: String::new() }));
        assert_eq!(Location::parse("file:///srv"), Ok(Location::Directory("/srv".into())));
    }

    #[test]
    fn d6_what_is_no_location_is_refused_and_no_key_in_it_is_repeated() {
        for text in
            ["", "backups", "/", "s3:backups", "s3://", "s3://ab", "s3://Backups", "s3://-ab", "s3://backups//a", "s3://backups/../a"]
        {
            assert!(Location::parse(text).is_err(), "{text}");
        }
        for text in ["s3://AKIA:hunter2secret@backups/x", "https://AKIA:hunter2secret@host/backups"] {
            let sentence = Location::parse(text).expect_err("holds a key");
            assert!(!sentence.contains("hunter2secret") && !sentence.contains("AKIA"), "{sentence}");
        }
    }
}
