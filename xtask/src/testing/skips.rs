//! A test that is skipped proves nothing, so the reasons are on a list that a person reads.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};

const LIST: &str = "xtask/allowed-skips.txt";

/// Tests that may be skipped, with the reason. A line is `name | reason`; `#` starts a comment.
pub fn read(root: &Path) -> Result<BTreeMap<String, String>> {
    parse(&std::fs::read_to_string(root.join(LIST)).with_context(|| format!("could not read {LIST}"))?)
}

fn parse(text: &str) -> Result<BTreeMap<String, String>> {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            let (name, reason) = line.split_once('|').with_context(|| format!("{LIST}:{number} gives no reason after `|`"))?;
            let (name, reason) = (name.trim(), reason.trim());
            if name.is_empty() || reason.is_empty() {
                bail!("{LIST}:{number} needs a name and a reason");
            }
            Ok((name.to_owned(), reason.to_owned()))
        })
        .collect()
}

/// Fails when a test was skipped that is not on the list.
pub fn judge(allowed: &BTreeMap<String, String>, skipped: &[String]) -> Result<()> {
    let (known, unknown): (Vec<_>, Vec<_>) = skipped.iter().partition(|name| allowed.contains_key(*name));
    for name in &known {
        println!("skipped: {name} ({})", allowed[*name]);
    }
    for name in &unknown {
        println!("skipped without leave: {name}");
    }
    if !unknown.is_empty() {
        bail!("{} skipped tests are not in {LIST}", unknown.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_off_the_list_is_refused_and_a_listed_one_is_not() {
        let allowed = parse("# why\n\nbackup::slow | needs a tape drive\n").expect("parses");
        assert!(judge(&allowed, &["backup::slow".to_owned()]).is_ok());
        assert!(judge(&allowed, &["backup::slow".to_owned(), "backup::other".to_owned()]).is_err());
    }

    #[test]
    fn a_line_without_a_reason_is_refused() {
        assert!(parse("backup::slow\n").is_err());
        assert!(parse("backup::slow | \n").is_err());
    }
}
