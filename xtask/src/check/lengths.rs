//! Long files are hard to read. This only warns: some lists are long by nature.

use super::Source;

const LIMIT: usize = 400;
const KINDS: &[&str] = &[".rs", ".ts", ".css", ".sh"];

/// A warning for each source file over the limit.
pub fn judge(files: &[Source]) -> Vec<String> {
    let sources = files.iter().filter(|file| KINDS.iter().any(|kind| file.path.ends_with(kind)));
    let lengths = sources.map(|file| (file, file.text.lines().count()));
    lengths
        .filter(|(_, lines)| *lines > LIMIT)
        .map(|(file, lines)| format!("{} has {lines} lines; {LIMIT} are enough for one topic", file.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_source_is_named_and_a_long_lock_file_is_not() {
        let file = |path: &str, lines: usize| Source { path: path.into(), text: "x\n".repeat(lines) };
        let warnings = judge(&[file("a.rs", 401), file("b.rs", 400), file("package-lock.json", 9000)]);
        assert_eq!(warnings, ["a.rs has 401 lines; 400 are enough for one topic"]);
    }
}
