//! Every variable of the environment that Reeve reads. The table in `docs/CONFIGURATION.md` is made of this list.

use std::collections::BTreeMap;

/// One row: variables that belong together.
pub struct Row {
    /// Their names. `<NAME>` stands for a target's name in capitals with `_` for `-`.
    pub names: &'static [&'static str],
    /// What they say.
    pub what: &'static str,
    /// What holds where they are not set; may be empty.
    pub unset: &'static str,
}

/// A row with these names.
const fn row(names: &'static [&'static str], what: &'static str, unset: &'static str) -> Row {
    Row { names, what, unset }
}

/// All of them, in the order in which they are shown.
pub const ROWS: &[Row] = &[
    row(&["REEVE_LISTEN"], "address to listen on; port 0 takes a free one", "`127.0.0.1:4400`"),
    row(
        &["REEVE_DATA_DIR"],
        "where the embedded store, its passwords and the sample estate live; absolute",
        "`/var/lib/reeve` as root, else `$XDG_DATA_HOME/reeve` or `~/.local/share/reeve`",
    ),
    row(&["REEVE_ADMIN_EMAIL"], "e-mail of the first admin, used when there is no account yet", "`admin@reeve.local`"),
    row(&["REEVE_ADMIN_PASSWORD"], "password of the first admin, at least 8 characters", "made at random and shown once"),
    row(&["DATABASE_URL"], "Reeve's main database (20 connections at most, 30 s to wait for one)", "an embedded cluster"),
    row(&["ANALYTICS_DATABASE_URL"], "history (15, 45 s)", "main"),
    row(&["DOCUMENTS_DATABASE_URL"], "documents (25, 60 s)", "main"),
    row(&["COMPLIANCE_DATABASE_URL"], "evidence (10, 30 s)", "main"),
    row(&["READ_REPLICA_DATABASE_URL"], "a replica of main for reads (30, 20 s)", "main"),
    row(&["REEVE_OWNER_DATABASE_URL"], "the login that migrates main; without it main's own login does", "`DATABASE_URL`"),
    row(&["REEVE_TARGET_<NAME>_URL"], "address of a target; `<NAME>` in capitals with `_` for `-`", ""),
    row(
        &[
            "REEVE_TARGET_<NAME>_ENVIRONMENT",
            "REEVE_TARGET_<NAME>_REGION",
            "REEVE_TARGET_<NAME>_OWNER",
            "REEVE_TARGET_<NAME>_TAGS",
            "REEVE_TARGET_<NAME>_DATABASES",
        ],
        "more of the same target; tags and databases with commas between",
        "what `reeve.toml` says; `prod`, nothing, all databases",
    ),
    row(
        &["REEVE_SECRET_KEY"],
        "the key that seals stored secrets: 32 bytes, as 64 hexadecimal digits or in base64",
        "a key made at random, in `secret.key` in the data directory",
    ),
    row(&["REEVE_SECRET_KEY_FILE"], "a file that holds it", ""),
    row(
        &["REEVE_SECRET_KEY_COMMAND"],
        r#"a program that writes it to its standard output: words with blanks between, or `["…", "…"]`; run once at the start, without a shell, 10 s at most"#,
        "",
    ),
    row(&["REEVE_SECRET_OLD_KEY_FILES"], "files (separated by `:`) with keys that only open, while keys are changed", ""),
    row(&["REEVE_TARGET_<NAME>_BACKUP_URL"], "the same target with another login, for backups", "the target's address"),
    row(
        &["REEVE_BACKUP_REPOSITORY"],
        "where backups lie: a directory, absolute, or `s3://bucket/prefix`",
        "`backups` in the data directory",
    ),
    row(
        &["REEVE_BACKUP_S3_ENDPOINT", "REEVE_BACKUP_S3_REGION"],
        "the store of an `s3://` repository; its region",
        "AWS, which needs a region; with an endpoint `us-east-1`",
    ),
    row(&["REEVE_BACKUP_S3_ACCESS_KEY_ID"], "the name of the key to it", ""),
    row(
        &["REEVE_BACKUP_S3_SECRET_ACCESS_KEY", "REEVE_BACKUP_S3_SECRET_ACCESS_KEY_FILE"],
        "the key, or a file that holds it; one of the two. `AWS_*` variables are never read",
        "",
    ),
    row(
        &["REEVE_BACKUP_S3_PATH_STYLE"],
        "whether the bucket stands in the path, not in the host's name",
        "`true` with an endpoint, else `false`",
    ),
    row(&["REEVE_BACKUP_S3_CA_FILE"], "PEM file with the certificates to trust", "the public authorities"),
    row(
        &["REEVE_BACKUP_S3_ALLOW_HTTP"],
        "whether an `http://` endpoint on this machine may be used; on another one it never is",
        "`false`",
    ),
    row(
        &["REEVE_BACKUP_SCRATCH"],
        "a directory for dumps while a job runs, as large as the largest database's tables",
        "`scratch` in the data directory",
    ),
    row(&["REEVE_BACKUP_RECIPIENTS"], "public keys (`age1…`, separated by commas) that backups are encrypted to", "they are not encrypted"),
    row(&["REEVE_BACKUP_IDENTITY_FILE"], "the file with the secret key that opens them", ""),
    row(
        &["REEVE_BACKUP_JOBS", "REEVE_BACKUP_COMPRESSION", "REEVE_BACKUP_RTO_MINUTES"],
        "processes of `pg_dump`; zstd's level; how long a restore may take",
        "2; 3; 15",
    ),
    row(
        &["REEVE_POSTGRES_BIN"],
        "directories (separated by `:`) in which PostgreSQL's programs are looked for, instead of the usual ones",
        "PATH and the distribution's places",
    ),
    row(
        &["REEVE_TLS_CERTIFICATE"],
        "PEM file with Reeve's own certificate and those that vouch for it; read again when it changes",
        "plain HTTP",
    ),
    row(&["REEVE_TLS_KEY"], "PEM file with its key; both or none", "plain HTTP"),
    row(&["REEVE_PUBLIC_URL"], "scheme and host under which people reach Reeve through a proxy, like `https://reeve.example.com`", ""),
    row(
        &["REEVE_TRUSTED_PROXIES"],
        "addresses and networks of the proxies, separated by commas, whose `X-Forwarded-For` and `X-Request-Id` count",
        "none count",
    ),
    row(
        &["REEVE_DEMO_SYSTEMS"],
        "which servers `reeve demo` brings up, separated by commas: `findawise`, `systems` (the databases of the other four systems), `systems-replica` (their streaming replica, which brings `systems` along)",
        "all three",
    ),
    row(&["REEVE_CONFIG"], "the configuration file", "see above"),
    row(&["REEVE_LOG"], "what is logged, as `tracing` filters say it", "`info`"),
    row(&["REEVE_LOG_FORMAT"], "`text` or `json`", "`text`"),
];

/// The table of them all, as Markdown.
pub fn table() -> String {
    let mut out = String::from("| variable | what | when unset |\n|---|---|---|\n");
    for row in ROWS {
        let names: Vec<String> = row.names.iter().map(|name| format!("`{name}`")).collect();
        out.push_str(&format!("| {} | {} | {} |\n", names.join(", "), row.what, row.unset).replace("|  |\n", "| |\n"));
    }
    out
}

/// Variables that look like a slip of the pen, each with what was probably meant. One that resembles nothing may be somebody else's
/// (an orchestrator's `REEVE_SERVICE_HOST`), and is none of them.
pub fn slips(env: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let ours = |name: &str| name.strip_prefix("REEVE_").filter(|rest| !rest.is_empty()).map(str::to_owned);
    let strangers = env.keys().filter(|name| !is_known(name)).filter_map(|name| Some((name.clone(), ours(name)?)));
    strangers
        .filter_map(|(name, rest)| {
            let known = ROWS.iter().flat_map(|row| row.names).filter_map(|known| Some((spelled(known, &name), ours(known)?)));
            let near = known.map(|(full, _)| (strsim::normalized_damerau_levenshtein(ours(&full).as_deref().unwrap_or(""), &rest), full));
            let (likeness, meant) = near.max_by(|a, b| a.0.total_cmp(&b.0))?;
            (likeness >= ALIKE).then_some((name, meant))
        })
        .collect()
}

/// From which likeness on (0 to 1) a name is taken for a misspelt one: a letter too many, two changed places.
const ALIKE: f64 = 0.75;

fn is_known(name: &str) -> bool {
    ROWS.iter().flat_map(|row| row.names).any(|known| spelled(known, name) == name)
}

/// A name of the list with the target's name as `like` has it.
fn spelled(known: &str, like: &str) -> String {
    let Some((before, after)) = known.split_once("<NAME>") else { return known.to_owned() };
    let rest = like.strip_prefix(before).unwrap_or("");
    let target = rest.strip_suffix(after).or_else(|| rest.rsplit_once('_').map(|(target, _)| target)).unwrap_or("");
    // Without a name between there is no target, and `<NAME>` equals nothing that can be set.
    if target.is_empty() { known.to_owned() } else { format!("{before}{target}{after}") }
}
