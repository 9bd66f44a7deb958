//! Files and folders that a reader, a build or a newcomer counts on.

use std::path::Path;

const REQUIRED: &[&str] = &[
    ".ci/run",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "docs/ARCHITECTURE.md",
    "docs/DEPENDENCIES.md",
    "end2end/package-lock.json",
    "migrations/analytics",
    "migrations/main",
    "public/favicon.svg",
    "README.md",
    "style/main.css",
];

/// A finding for each that is missing.
pub fn judge(root: &Path) -> Vec<String> {
    REQUIRED.iter().filter(|place| !root.join(place).exists()).map(|place| format!("{place} is missing")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_checkout_lacks_everything() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("Makefile"), "").expect("writes");
        let findings = judge(dir.path());
        assert_eq!(findings.len(), REQUIRED.len() - 1);
        assert!(findings.contains(&"README.md is missing".to_owned()));
    }
}
