//! What must not stand in any file of the project: places of one machine, and hosts that only an installer should know.

use super::Source;

/// Put together here so that this file does not refuse itself.
const FORBIDDEN: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("registry.npm", "js.org"),
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("deb.debian", ".org"),
    concat!("files.python", "hosted.org"),
];

/// Every line that says one of them as a path or a host of its own (`/home/work/x` or `network/` are other words).
pub fn judge(files: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in file.text.lines().enumerate() {
            for word in FORBIDDEN.iter().filter(|word| says(line, word)) {
                findings.push(format!("{}:{} says `{word}`", file.path, number + 1));
            }
        }
    }
    findings
}

fn says(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '*')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_machine_and_a_registry_are_refused() {
        let file = |text: &str| [Source { path: "docs/A.md".into(), text: text.into() }];
        assert_eq!(judge(&file(concat!("cd /wo", "rk/main\n"))), [concat!("docs/A.md:1 says `/wo", "rk/`")]);
        assert_eq!(judge(&file(concat!("\n\"resolved\": \"https://registry.npm", "js.org/a\"\n"))).len(), 1);
        assert_eq!(judge(&file(concat!("src/netwo", "rk/mod.rs and ./wo", "rk/\n"))), Vec::<String>::new());
    }
}
