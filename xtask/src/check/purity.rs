//! What the import rules cannot see: the standard library also does I/O and reads clocks. Judgement must depend on its input alone.

use super::Source;

/// A folder and what its sources must not say.
const PURE: &[(&str, &[&str])] = &[
    (
        "crates/rules/src/",
        &["std::fs", "std::net", "std::process", "std::env", "SystemTime::now", "Instant::now", "async fn", "async move"],
    ),
    ("crates/model/src/", &["std::fs", "std::net", "std::process", "std::env", "async fn", "async move"]),
    ("crates/access/src/", &["std::fs", "std::net", "std::process", "async fn", "async move"]),
];

/// Every line of a pure room that reaches outside it.
pub fn judge(files: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let Some((_, words)) = PURE.iter().find(|(folder, _)| file.path.starts_with(folder)) else { continue };
        for (number, line) in file.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in words.iter().filter(|word| code.contains(**word)) {
                findings.push(format!("{}:{} says `{word}`, and this room is pure", file.path, number + 1));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_in_the_rules_is_refused_and_a_word_about_one_is_not() {
        let file = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let files = [
            file("crates/rules/src/health.rs", "// not SystemTime::now\nlet now = SystemTime::now();\n"),
            file("crates/store/src/lib.rs", "let now = SystemTime::now();\n"),
            file("crates/model/src/lib.rs", "pub async fn read() {}\n"),
        ];
        assert_eq!(
            judge(&files),
            [
                "crates/rules/src/health.rs:2 says `SystemTime::now`, and this room is pure",
                "crates/model/src/lib.rs:1 says `async fn`, and this room is pure"
            ]
        );
    }
}
