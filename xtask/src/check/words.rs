//! What must not stand in any file of the project: where it lies on the machine at hand, and the hosts that packages come from. Neither
//! is listed here: places are those of the machine that checks, hosts are told by their form.

use super::Source;
use std::path::Path;

/// First words of hosts that serve packages.
const SERVES: &[&str] = &["registry", "index", "static", "files", "deb", "security", "ftp"];
/// Last words of names of hosts; without them `index.test.ts` would be one.
const ENDS: &[&str] = &["org", "io", "com", "net", "dev"];
/// Directories that are on every machine, so that naming one says nothing of this.
const EVERYWHERE: &[&str] = &["home", "tmp", "var", "usr", "opt", "srv", "mnt", "media", "run", "data", "etc", "proc", "dev"];

/// The places of this machine that no line may name: the top directory of the checkout, where that is not one that all machines have,
/// the checkout itself, and root's home.
pub fn places(root: &Path) -> Vec<String> {
    let mut places = vec![format!("{}/", root.display()), format!("/{}/", "root")];
    let top = root.components().nth(1).map(|c| c.as_os_str().to_string_lossy().into_owned());
    // A word that is also a directory of the project would refuse its own paths.
    let ours = |t: &String| root.join(t).exists() || root.join("crates").join(t).exists();
    places.extend(top.filter(|t| !EVERYWHERE.contains(&t.as_str()) && !ours(t)).map(|t| format!("/{t}/")));
    places
}

/// Every line that names such a place as a path of its own, or such a host.
pub fn judge(files: &[Source], places: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in file.text.lines().enumerate() {
            let place = places.iter().filter(|word| says(line, word)).map(String::as_str);
            for word in place.chain(hosts(line)) {
                findings.push(format!("{}:{} says `{word}`", file.path, number + 1));
            }
        }
    }
    findings
}

fn says(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '*')))
}

fn hosts(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.')).filter(|word| {
        let labels: Vec<&str> = word.split('.').filter(|l| !l.is_empty()).collect();
        let (Some(first), Some(last)) = (labels.first(), labels.last()) else { return false };
        labels.len() >= 3 && SERVES.contains(first) && ENDS.contains(last)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_this_machine_and_a_registry_are_refused() {
        let file = |text: String| [Source { path: "docs/A.md".into(), text }];
        let here = places(Path::new("/somewhere/clone"));
        let judge = |text: String| super::judge(&file(text), &here);
        assert_eq!(judge("cd /somewhere/else\n".into()), ["docs/A.md:1 says `/somewhere/`"]);
        assert_eq!(judge(format!("cd /{}/x\n", "root")).len(), 1);
        assert_eq!(judge(format!("\n\"resolved\": \"https://{}.example.org/a\"\n", "registry")).len(), 1);
        assert_eq!(judge(format!("from {}.example.io\n", "static")).len(), 1);
        assert_eq!(judge("src/elsewhere/somewhere/mod.rs, index.test.ts and https://docs.example.org/\n".into()), Vec::<String>::new());
        assert_eq!(places(Path::new("/tmp/clone")).len(), 2, "what every machine has is no secret");
    }
}
