//! From drafts to checked values.

use super::{
    Config, DEFAULT_LISTEN, Problems, TargetConfig, backup,
    file::{Draft, IntervalDraft, Placed},
    guards, keys, target,
};
use reeve_adapter::Endpoint;
use reeve_estate::Cadence;
use reeve_model::pool::StoreRole;
use reeve_service::compliance::DEFAULT_INTERVAL;
use secrecy::SecretString;
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

/// Takes in the environment; it wins over the file.
pub fn from_environment(env: &BTreeMap<String, String>, draft: &mut Draft, problems: &mut Problems) {
    let get = |name: &str| env.get(name).filter(|v| !v.is_empty()).map(|value| Placed { value: value.clone(), place: name.to_owned() });
    draft.listen = get("REEVE_LISTEN").or(draft.listen.take());
    draft.data_dir = get("REEVE_DATA_DIR").or(draft.data_dir.take());
    draft.admin_email = get("REEVE_ADMIN_EMAIL").or(draft.admin_email.take());
    draft.admin_password = get("REEVE_ADMIN_PASSWORD").or(draft.admin_password.take());
    draft.owner = get("REEVE_OWNER_DATABASE_URL").or(draft.owner.take());
    draft.public_url = get("REEVE_PUBLIC_URL").or(draft.public_url.take());
    draft.tls_certificate = get("REEVE_TLS_CERTIFICATE").or(draft.tls_certificate.take());
    draft.tls_key = get("REEVE_TLS_KEY").or(draft.tls_key.take());
    if let Some(list) = get("REEVE_TRUSTED_PROXIES") {
        let each = list.value.split(',').map(str::trim).filter(|text| !text.is_empty());
        draft.trusted_proxies = each.map(|text| Placed { value: text.to_owned(), place: list.place.clone() }).collect();
    }
    keys::from_environment(env, &mut draft.keys, problems);
    backup::from_environment(env, &mut draft.backup, problems);
    for role in StoreRole::ALL {
        if let Some(url) = get(role.variable()) {
            draft.store.insert(role.variable(), url);
        }
    }
    target::from_environment(env, draft, problems);
}

/// Checks everything that was drafted.
pub fn finish(draft: Draft, env: &BTreeMap<String, String>, problems: &mut Problems) -> Config {
    let http = guards::finish(&draft, problems);
    let listen = draft.listen.unwrap_or_else(|| Placed { value: DEFAULT_LISTEN.to_owned(), place: String::new() });
    let fallback = SocketAddr::from(([127, 0, 0, 1], 4400));
    let listen = listen.value.parse().unwrap_or_else(|_| {
        problems
            .add(&listen.place, format!("{:?} is no address to listen on; write one like {DEFAULT_LISTEN} or [::]:4400.", listen.value));
        fallback
    });
    let data_dir = draft.data_dir.map_or_else(|| default_data_dir(env), |p| PathBuf::from(p.value));
    if !data_dir.is_absolute() {
        problems.add("REEVE_DATA_DIR", "The data directory must be an absolute path.");
    }
    if let Some(email) = &draft.admin_email
        && !email.value.contains('@')
    {
        problems.add(&email.place, format!("{:?} is no e-mail address.", email.value));
    }
    if let Some(password) = &draft.admin_password
        && password.value.chars().count() < 8
    {
        problems.add(&password.place, "The admin's password must have at least 8 characters; 15 or more are better.");
    }
    let mut store = BTreeMap::new();
    for role in StoreRole::ALL {
        if let Some(url) = draft.store.get(role.variable()).and_then(|url| endpoint(url, problems)) {
            store.insert(role, url);
        }
    }
    if !store.is_empty() && !store.contains_key(&StoreRole::Main) && !draft.store.contains_key(StoreRole::Main.variable()) {
        problems.add("DATABASE_URL", "Other roles of the store are set, but main is not; set DATABASE_URL as well, or none of them.");
    }
    let history_days = draft.history_days.map_or(30, |days| {
        u32::try_from(days.value).ok().filter(|d| (1..=3650).contains(d)).unwrap_or_else(|| {
            problems.add(&days.place, "History is kept 1 to 3650 days.");
            30
        })
    });
    let compliance_interval = scan_interval(draft.compliance_interval.as_ref(), problems);
    let base = cadence(&draft.intervals, Cadence::default(), problems);
    let mut targets: Vec<TargetConfig> = Vec::new();
    for target in draft.targets {
        let place = target.place.clone();
        if let Some(checked) = target::finish(target, base, problems) {
            if targets.iter().any(|t| t.info.name == checked.info.name) {
                problems.add(place, format!("There are two targets called {}; give one of them another name.", checked.info.name));
            }
            targets.push(checked);
        }
    }
    Config {
        listen,
        http,
        data_dir,
        admin_email: draft.admin_email.map(|p| p.value),
        admin_password: draft.admin_password.map(|p| SecretString::from(p.value)),
        store,
        owner: draft.owner.and_then(|url| endpoint(&url, problems)),
        history_days,
        compliance_interval,
        keys: keys::finish(draft.keys, problems),
        backup: backup::finish(draft.backup, problems),
        cadence: base,
        targets,
    }
}

fn default_data_dir(env: &BTreeMap<String, String>) -> PathBuf {
    if nix::unistd::Uid::effective().is_root() {
        return PathBuf::from("/var/lib/reeve");
    }
    let home = env.get("HOME").map_or_else(|| PathBuf::from("/var/lib"), PathBuf::from);
    env.get("XDG_DATA_HOME").filter(|v| v.starts_with('/')).map_or_else(|| home.join(".local/share"), PathBuf::from).join("reeve")
}

pub(super) fn endpoint(url: &Placed<String>, problems: &mut Problems) -> Option<Endpoint> {
    Endpoint::parse(&url.value).map_err(|error| problems.add(&url.place, error.to_string())).ok()
}

/// Rarer than every 12 hours, evidence would be too old before the next scan.
fn scan_interval(text: Option<&Placed<String>>, problems: &mut Problems) -> Duration {
    const LEAST_MS: i64 = 60_000;
    const MOST_MS: i64 = 12 * 3_600_000;
    let Some(text) = text else { return DEFAULT_INTERVAL };
    match duration_ms(&text.value) {
        Some(ms) if (LEAST_MS..=MOST_MS).contains(&ms) => Duration::from_millis(ms.unsigned_abs()),
        Some(_) => {
            problems.add(&text.place, format!("{} is no interval of scans; at least 1m, at most 12h.", text.value));
            DEFAULT_INTERVAL
        }
        None => {
            problems.add(&text.place, format!("{:?} is no interval; write one like 15m or 1h.", text.value));
            DEFAULT_INTERVAL
        }
    }
}

pub(super) fn cadence(draft: &IntervalDraft, base: Cadence, problems: &mut Problems) -> Cadence {
    let mut read = |text: &Option<Placed<String>>, default: i64, least: i64| {
        let Some(text) = text else { return default };
        match duration_ms(&text.value) {
            Some(ms) if ms >= least => ms,
            Some(_) => {
                problems.add(&text.place, format!("{} is too often; at least {} s.", text.value, least / 1000));
                default
            }
            None => {
                problems.add(&text.place, format!("{:?} is no interval; write one like 10s, 3m or 1h.", text.value));
                default
            }
        }
    };
    let read_cadence = Cadence {
        live_ms: read(&draft.live, base.live_ms, 1_000),
        critical_ms: read(&draft.critical, base.critical_ms, 2_000),
        metrics_ms: read(&draft.metrics, base.metrics_ms, 5_000),
        health_ms: read(&draft.health, base.health_ms, 10_000),
        ..base
    };
    let budget_permille = draft.budget.as_ref().map_or(base.budget_permille, |text| {
        permille(&text.value).unwrap_or_else(|| {
            problems.add(&text.place, format!("{:?} is no budget; write a share of one core like \"2%\", from 0.1% to 100%.", text.value));
            base.budget_permille
        })
    });
    Cadence { budget_permille, ..read_cadence }
}

/// `2%` or `0.5 %` in thousandths; none for anything else.
fn permille(text: &str) -> Option<i64> {
    let share: f64 = text.trim().strip_suffix('%')?.trim().parse().ok()?;
    #[allow(clippy::cast_possible_truncation)] // checked to be small
    (0.1..=100.0).contains(&share).then(|| (share * 10.0).round() as i64)
}

/// `250ms`, `10s`, `3m`, `1h`; none for anything else.
pub fn duration_ms(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let number: i64 = text[..split].parse().ok()?;
    let unit = match text[split..].trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(unit)
}
