//! Every direct dependency has its reason on a line of `docs/DEPENDENCIES.md`, and every line there is of one.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace::Metadata;

const LIST: &str = "docs/DEPENDENCIES.md";

/// A finding for each dependency without a line and each line without a dependency.
pub fn judge(root: &Path, metadata: &Metadata) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(root.join(LIST)).with_context(|| format!("could not read {LIST}"))?;
    let mut wanted = crates(metadata);
    wanted.extend(npm(root)?);
    Ok(compare(&wanted, &text))
}

/// The foreign crates that our own manifests name, for whatever purpose.
fn crates(metadata: &Metadata) -> BTreeSet<String> {
    let ours = metadata.members();
    let named = ours.iter().flat_map(|package| &package.dependencies);
    named.filter(|dependency| dependency.source.is_some()).map(|dependency| dependency.name.clone()).collect()
}

fn npm(root: &Path) -> Result<BTreeSet<String>> {
    let all = super::licences::NPM_FOLDERS.iter().map(|folder| named(&root.join(folder).join("package.json")));
    Ok(all.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The packages of a manifest; one under another name by its own.
fn named(path: &Path) -> Result<BTreeSet<String>> {
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path)?).with_context(|| format!("{} is not JSON", path.display()))?;
    let groups = ["dependencies", "devDependencies"].map(|group| manifest[group].as_object());
    let own = |(name, version): (&String, &serde_json::Value)| {
        let alias = version.as_str().and_then(|v| v.strip_prefix("npm:")).and_then(|v| v.rsplit_once('@'));
        alias.map_or_else(|| name.clone(), |(name, _)| name.to_owned())
    };
    Ok(groups.into_iter().flatten().flat_map(|group| group.iter().map(own)).collect())
}

fn compare(wanted: &BTreeSet<String>, text: &str) -> Vec<String> {
    // A line of the tables starts with the name in backticks.
    let names = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let listed: BTreeSet<String> = names.map(|(name, _)| name.to_owned()).collect();
    let missing = wanted.difference(&listed).map(|name| format!("`{name}` has no line in {LIST}"));
    let stale = listed.difference(wanted).map(|name| format!("`{name}` has a line in {LIST} but nothing depends on it"));
    missing.chain(stale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_without_a_line_and_a_line_without_one_are_refused() {
        let wanted = BTreeSet::from(["axum".to_owned(), "serde".to_owned()]);
        let text = "# Title\n| crate | why |\n| --- | --- |\n| `serde` | it reads |\n| `gone` | no more |\n";
        assert_eq!(
            compare(&wanted, text),
            ["`axum` has no line in docs/DEPENDENCIES.md", "`gone` has a line in docs/DEPENDENCIES.md but nothing depends on it"]
        );
    }
}
