//! The targets: what variables say of them, and the check of what was drafted.

use super::{
    Address, Problems, TargetConfig,
    file::{Draft, Placed, TargetDraft},
    values::{cadence, endpoint},
};
use reeve_estate::Cadence;
use reeve_model::{Environment, TargetInfo, TargetKind, TargetName, target::label};
use std::collections::BTreeMap;

/// What a variable `REEVE_TARGET_<NAME>_…` may say of a target beside its address.
const FURTHER: [&str; 6] = ["BACKUP_URL", "ENVIRONMENT", "REGION", "OWNER", "TAGS", "DATABASES"];

/// Takes in the variables about targets; they win over the file.
pub fn from_environment(env: &BTreeMap<String, String>, draft: &mut Draft, problems: &mut Problems) {
    let said = || {
        let all = env.iter().filter(|(_, value)| !value.is_empty());
        all.filter_map(|(name, value)| {
            let rest = name.strip_prefix("REEVE_TARGET_")?;
            let (target, what) = FURTHER
                .iter()
                .map(|what| (rest.strip_suffix(what).and_then(|t| t.strip_suffix('_')), *what))
                .find_map(|(target, what)| target.map(|target| (target, what)))
                .or_else(|| rest.strip_suffix("_URL").map(|target| (target, "URL")))?;
            Some((target.to_ascii_lowercase(), what, Placed { value: value.clone(), place: name.clone() }))
        })
    };
    for (wanted, _, url) in said().filter(|(_, what, _)| *what == "URL") {
        if let Some(known) = draft.targets.iter_mut().find(|t| is_called(t, &wanted)) {
            known.url = Some(url);
            known.url_file = None;
        } else if TargetName::new(wanted.clone()).is_ok() {
            let name = Placed { value: wanted, place: url.place.clone() };
            draft.targets.push(TargetDraft { place: url.place.clone(), name: Some(name), url: Some(url), ..TargetDraft::default() });
        } else {
            problems.add(url.place, "The part between REEVE_TARGET_ and _URL is no name for a target: use letters, digits and _.");
        }
    }
    // Only now are all targets known.
    for (wanted, what, said) in said().filter(|(_, what, _)| *what != "URL") {
        let Some(known) = draft.targets.iter_mut().find(|t| is_called(t, &wanted)) else {
            let gives = if what == "BACKUP_URL" { "gives one that is there another login" } else { "says more of one that is there" };
            problems.add(&said.place, format!("There is no target of this name; REEVE_TARGET_<NAME>_{what} {gives}."));
            continue;
        };
        match what {
            "BACKUP_URL" => known.backup_url = Some(said),
            "ENVIRONMENT" => known.environment = Some(said),
            "REGION" => known.region = Some(said),
            "OWNER" => known.owner = Some(said),
            "TAGS" => known.tags = words(&said.value),
            _ => known.databases = words(&said.value),
        }
    }
}

/// Words between commas.
fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether a target has this name, as variables write it.
fn is_called(target: &TargetDraft, wanted: &str) -> bool {
    target.name.as_ref().is_some_and(|n| n.value.replace('-', "_") == wanted)
}

/// Checks one target. `base` is how often it is read unless it says otherwise.
pub fn finish(draft: TargetDraft, base: Cadence, problems: &mut Problems) -> Option<TargetConfig> {
    let name = match draft.name {
        Some(name) => TargetName::new(name.value).map_err(|sentence| problems.add(name.place, sentence)).ok(),
        None => {
            problems.add(&draft.place, "This target has no name; add name = \"…\".");
            None
        }
    };
    let kind = match draft.kind.as_ref().map(|k| (k.value.as_str(), &k.place)) {
        None | Some(("postgres", _)) => Some(TargetKind::Postgres),
        Some((other, place)) => {
            problems.add(place, format!("{other:?} is no kind of target; postgres is the one there is."));
            None
        }
    };
    let environment = match draft.environment.as_ref().map(|e| (Environment::from_word(&e.value), e)) {
        None => Some(Environment::Prod),
        Some((Some(known), _)) => Some(known),
        Some((None, other)) => {
            problems.add(&other.place, format!("{:?} is no environment; use dev, staging or prod.", other.value));
            None
        }
    };
    let address = match &draft.url {
        Some(url) => endpoint(url, problems).map(|endpoint| match draft.url_file {
            Some(file) => Address::File { path: file.value.into(), endpoint },
            None => Address::Known(endpoint),
        }),
        None if draft.url_stored => Some(Address::Stored),
        None => {
            problems.add(&draft.place, "This target has no address; add url, url_file, url_env or url_stored = true.");
            None
        }
    };
    let backup = draft.backup_url.as_ref().and_then(|url| endpoint(url, problems));
    let cadence = cadence(&draft.intervals, base, problems);
    let region = draft.region.and_then(|said| kept("region", &said, problems));
    let owner = draft.owner.and_then(|said| kept("owner", &said, problems));
    let (name, kind, environment, address) = (name?, kind?, environment?, address?);
    let shown = address.known().map_or_else(|| "stored".to_owned(), ToString::to_string);
    let info = TargetInfo { name, kind, environment, address: shown, tags: draft.tags, region, owner };
    Some(TargetConfig { info, address, backup, cadence, databases: draft.databases, place: draft.place })
}

fn kept(what: &str, said: &Placed<String>, problems: &mut Problems) -> Option<String> {
    label(what, &said.value).map_err(|sentence| problems.add(&said.place, sentence)).ok()
}

#[cfg(test)]
mod tests {
    use crate::config::load;
    use reeve_model::Environment;
    use std::collections::BTreeMap;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a6_variables_say_all_of_a_target_and_win_over_the_file() {
        let file = "[[target]]\nname = \"web-shop\"\nregion = \"eu-1\"\nowner = \"team a\"\ntags = [\"x\"]\nurl = \"postgres://u@h/d\"\n";
        let plain = load(Some(("reeve.toml", file)), &BTreeMap::new()).expect("good");
        let info = &plain.targets[0].info;
        assert_eq!((info.region.as_deref(), info.owner.as_deref()), (Some("eu-1"), Some("team a")));
        assert_eq!(plain.targets[0].place, "reeve.toml:1: target[0]");
        let said = env(&[
            ("REEVE_TARGET_WEB_SHOP_REGION", "eu-2"),
            ("REEVE_TARGET_WEB_SHOP_TAGS", "eu, shop ,"),
            ("REEVE_TARGET_WEB_SHOP_DATABASES", "orders,stock"),
            ("REEVE_TARGET_LEDGER_URL", "postgres://u:p@h/d"),
            ("REEVE_TARGET_LEDGER_ENVIRONMENT", "staging"),
            ("REEVE_TARGET_LEDGER_OWNER", "dba@example.com"),
            ("REEVE_TARGET_LEDGER_BACKUP_URL", "postgres://b:p@h/d"),
        ]);
        let both = load(Some(("reeve.toml", file)), &said).expect("good");
        let (shop, ledger) = (&both.targets[0], &both.targets[1]);
        assert_eq!((shop.info.region.as_deref(), shop.info.tags.join("+").as_str()), (Some("eu-2"), "eu+shop"));
        assert_eq!(shop.databases, ["orders", "stock"]);
        assert_eq!((ledger.info.name.as_str(), ledger.info.environment), ("ledger", Environment::Staging));
        assert_eq!((ledger.info.owner.as_deref(), ledger.place.as_str()), (Some("dba@example.com"), "REEVE_TARGET_LEDGER_URL"));
        assert_eq!(ledger.backup.as_ref().map(|e| e.user()), Some("b"));
    }

    #[test]
    fn a6_what_is_wrong_with_variables_is_named_with_its_place() {
        let said = env(&[
            ("REEVE_TARGET_LEDGER_URL", "postgres://u:hunter2@h/d"),
            ("REEVE_TARGET_LEDGER_ENVIRONMENT", "live"),
            ("REEVE_TARGET_LEDGER_OWNER", "a\nb"),
            ("REEVE_TARGET_LEGER_REGION", "eu"),
        ]);
        let problems = load(None, &said).expect_err("three").to_string();
        for word in ["REEVE_TARGET_LEDGER_ENVIRONMENT", "\"live\"", "REEVE_TARGET_LEDGER_OWNER", "one line", "REEVE_TARGET_LEGER_REGION"] {
            assert!(problems.contains(word), "{word} is missing in {problems}");
        }
        assert!(!problems.contains("hunter2"), "{problems}");
    }
}
