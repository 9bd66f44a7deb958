//! Every dependency's licence is on the list, or the build stops. New ones are a person's decision, made by adding a line here.

use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace::Metadata;

/// Licences that may be compiled into a binary that is passed on.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Besides those, for tools that only run beside the tests and are not passed on.
const ALLOWED_FOR_TESTS: &[&str] = &["MPL-2.0"];

/// Where npm packages are: those of the browser tests, and servers of PostgreSQL.
pub const NPM_FOLDERS: [&str; 2] = ["end2end", "scripts/majors"];

/// An npm package.
pub struct NpmPackage {
    /// Its name.
    pub name: String,
    /// SPDX expression, where it states one.
    pub licence: Option<String>,
}

/// A finding for each dependency whose licence is missing, unreadable or unlisted.
pub fn judge(metadata: &Metadata, npm: &[NpmPackage]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let verdict = verdict(package.license.as_deref(), &|id| ALLOWED.contains(&id));
        findings.extend(verdict.err().map(|why| format!("{} {}: {why}", package.name, package.version)));
    }
    for package in npm {
        let verdict = verdict(package.licence.as_deref(), &|id| ALLOWED.contains(&id) || ALLOWED_FOR_TESTS.contains(&id));
        findings.extend(verdict.err().map(|why| format!("npm {}: {why}", package.name)));
    }
    findings.sort();
    findings
}

/// The packages that the locks of [`NPM_FOLDERS`] name; none where there is no lock yet.
pub fn npm_packages(root: &Path) -> Result<Vec<NpmPackage>> {
    let all = NPM_FOLDERS.iter().map(|folder| locked(&root.join(folder).join("package-lock.json")));
    Ok(all.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn locked(path: &Path) -> Result<Vec<NpmPackage>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let lock: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path)?).with_context(|| format!("{} is not JSON", path.display()))?;
    let packages = lock["packages"].as_object().with_context(|| format!("{} lists no packages", path.display()))?;
    // The empty key is the project itself.
    let foreign = packages.iter().filter(|(at, _)| !at.is_empty());
    Ok(foreign
        .map(|(at, package)| NpmPackage {
            name: at.rsplit("node_modules/").next().unwrap_or(at).to_owned(),
            licence: package["license"].as_str().map(str::to_owned),
        })
        .collect())
}

fn verdict(licence: Option<&str>, allowed: &dyn Fn(&str) -> bool) -> Result<(), String> {
    let Some(expression) = licence else { return Err("it states no licence".to_owned()) };
    // Older crates write `MIT/Apache-2.0` for a choice.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut parser = Parser { words: spaced.split_whitespace().peekable(), allowed };
    match parser.either() {
        Some(true) if parser.words.peek().is_none() => Ok(()),
        Some(false) if parser.words.peek().is_none() => Err(format!("`{expression}` is not on the list")),
        _ => Err(format!("`{expression}` can't be read as a licence expression")),
    }
}

/// SPDX expressions: `AND` binds closer than `OR`, `WITH` closer than both. Each step answers whether what it read is allowed, or `None`
/// when it could not be read.
struct Parser<'a, I: Iterator<Item = &'a str>> {
    words: std::iter::Peekable<I>,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl<'a, I: Iterator<Item = &'a str>> Parser<'a, I> {
    fn either(&mut self) -> Option<bool> {
        let mut good = self.both()?;
        while self.words.next_if_eq(&"OR").is_some() {
            good |= self.both()?;
        }
        Some(good)
    }

    fn both(&mut self) -> Option<bool> {
        let mut good = self.one()?;
        while self.words.next_if_eq(&"AND").is_some() {
            good &= self.one()?;
        }
        Some(good)
    }

    fn one(&mut self) -> Option<bool> {
        let word = self.words.next()?;
        if word == "(" {
            let good = self.either()?;
            return self.words.next_if_eq(&")").map(|_| good);
        }
        if matches!(word, "OR" | "AND" | "WITH" | ")") {
            return None;
        }
        if self.words.next_if_eq(&"WITH").is_some() {
            let exception = self.words.next()?;
            return Some((self.allowed)(&format!("{word} WITH {exception}")));
        }
        Some((self.allowed)(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mit_or_apache(expression: &str) -> Result<(), String> {
        verdict(Some(expression), &|id| ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].contains(&id))
    }

    #[test]
    fn expressions_are_evaluated() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR GPL-3.0) AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "GPL-3.0 AND X OR MIT",
        ] {
            assert_eq!(mit_or_apache(good), Ok(()), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0 WITH Other-exception", "MIT AND (GPL-3.0 OR AGPL-3.0)"] {
            assert!(mit_or_apache(bad).is_err_and(|why| why.contains("not on the list")), "{bad}");
        }
        for broken in ["", "MIT OR", "(MIT", "MIT MIT", "AND"] {
            assert!(mit_or_apache(broken).is_err_and(|why| why.contains("can't be read")), "{broken}");
        }
    }

    #[test]
    fn a_crate_without_a_licence_or_with_another_one_is_refused() {
        let json = serde_json::json!({
            "packages": [
                {"name": "silent", "version": "1.0.0", "id": "a"},
                {"name": "viral", "version": "2.0.0", "id": "b", "license": "AGPL-3.0"},
                {"name": "fine", "version": "3.0.0", "id": "c", "license": "MIT"},
            ],
            "workspace_members": [],
        });
        let metadata: Metadata = serde_json::from_value(json).expect("metadata");
        assert_eq!(judge(&metadata, &[]), ["silent 1.0.0: it states no licence", "viral 2.0.0: `AGPL-3.0` is not on the list"]);
    }

    #[test]
    fn what_only_tests_run_may_be_under_the_mozilla_licence() {
        let npm = |name: &str, licence: &str| NpmPackage { name: name.into(), licence: Some(licence.into()) };
        assert_eq!(
            judge(&Metadata::default(), &[npm("axe-core", "MPL-2.0"), npm("x", "SSPL-1.0")]),
            ["npm x: `SSPL-1.0` is not on the list"]
        );
    }
}
