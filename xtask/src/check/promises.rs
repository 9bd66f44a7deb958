//! A promise in the security documents names the tests that prove it: each must exist, or the promise is an empty one.

use std::collections::BTreeSet;

use super::Source;

/// Where promises stand.
const DOCUMENTS: &str = "docs/SECURITY";

/// Every name of a test in the documents that is no function in the sources.
pub fn judge(files: &[Source]) -> Vec<String> {
    let known: BTreeSet<&str> = files.iter().filter(|f| f.path.ends_with(".rs")).flat_map(|f| functions(&f.text)).collect();
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| f.path.starts_with(DOCUMENTS)) {
        for (number, line) in file.text.lines().enumerate() {
            for name in line.split('`').skip(1).step_by(2).filter(|name| is_test(name)) {
                let exists = match name.strip_suffix('…') {
                    Some(beginning) => known.iter().any(|k| k.starts_with(beginning)),
                    None => known.contains(name),
                };
                if !exists {
                    findings.push(format!("{}:{} promises the test {name}, and there is none", file.path, number + 1));
                }
            }
        }
    }
    findings
}

/// `g2_…`, `at_06_…`: what tests are called here.
fn is_test(name: &str) -> bool {
    let (id, rest) = name.split_once('_').unwrap_or((name, ""));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let spec = id.len() >= 2 && id.as_bytes()[0].is_ascii_lowercase() && digits(&id[1..]) && rest.len() > 3;
    let attack = id == "at" && rest.split('_').next().is_some_and(digits) && rest.contains('_') && !rest.ends_with("_…");
    (spec || attack) && !name.contains(['/', ' ', '.', '(', '='])
}

fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ").skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_without_its_test_is_refused() {
        let file = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let files = [
            file("a/tests/x.rs", "#[test]\nfn g2_a_thing_holds() {}\nasync fn at_06_bites_at_once() {}\n"),
            file(
                "docs/SECURITY.md",
                "| good | `g2_a_thing_holds`, `at_06_bites…` |\n| bad | `g2_another_thing`, `at_07_nothing_here` and `code.rs` |\n",
            ),
            file("docs/API.md", "`g9_elsewhere_nobody_looks`\n"),
        ];
        assert_eq!(
            judge(&files),
            [
                "docs/SECURITY.md:2 promises the test g2_another_thing, and there is none",
                "docs/SECURITY.md:2 promises the test at_07_nothing_here, and there is none"
            ]
        );
    }
}
