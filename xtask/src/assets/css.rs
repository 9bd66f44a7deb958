//! One style sheet out of many: `@import` lines are replaced by what they name, in their order, in their layer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The style sheet with all it imports, as one text.
///
/// An import is a line of its own: `@import url("x.css") layer(name);`, the layer being optional. Paths are relative to the file that
/// names them. A media query on an import, a missing file and a cycle are errors.
pub fn bundle(main: &Path) -> Result<String> {
    let mut open = Vec::new();
    expand(main, &mut open)
}

fn expand(file: &Path, open: &mut Vec<PathBuf>) -> Result<String> {
    let real = file.canonicalize().with_context(|| format!("the style sheet {} is missing", file.display()))?;
    if open.contains(&real) {
        bail!("{} imports itself", file.display());
    }
    open.push(real);
    let text = std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
    let mut out = String::with_capacity(text.len());
    for (number, line) in text.lines().enumerate() {
        let place = || format!("{}:{}", file.display(), number + 1);
        if !line.trim_start().starts_with("@import") {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let import = parse_import(line.trim()).with_context(place)?;
        let path = file.parent().unwrap_or(Path::new(".")).join(&import.path);
        let inner = expand(&path, open).with_context(place)?;
        match import.layer {
            Some(layer) => out.push_str(&format!("@layer {layer} {{\n{inner}}}\n")),
            None => out.push_str(&inner),
        }
    }
    open.pop();
    Ok(out)
}

struct Import {
    path: String,
    layer: Option<String>,
}

fn parse_import(line: &str) -> Result<Import> {
    let rest = line.strip_prefix("@import").unwrap_or(line).trim();
    let rest = rest.strip_suffix(';').context("an @import must end in `;` on its own line")?.trim();
    let (path, rest) = match rest.strip_prefix("url(") {
        Some(inner) => inner.split_once(')').context("`url(` without `)`")?,
        None => {
            let quote =
                rest.chars().next().filter(|c| matches!(c, '"' | '\'')).context("an @import must name a file in quotes or url()")?;
            rest[1..].split_once(quote).context("the name of the imported file is not closed")?
        }
    };
    let path = path.trim().trim_matches(['"', '\'']).to_owned();
    let rest = rest.trim();
    let layer = match rest.strip_prefix("layer(").and_then(|inner| inner.strip_suffix(')')) {
        Some(name) => Some(name.trim().to_owned()),
        None if rest.is_empty() => None,
        None => bail!("`{rest}` on an @import is not understood: only layer(name) is"),
    };
    Ok(Import { path, layer })
}

/// Replaces what `url(/…)` names by the hashed name of that public file.
///
/// A reference to a public file that does not exist is an error, so that a lost font is seen at build time.
pub fn rewrite_urls(css: &str, hashed: &BTreeMap<String, String>) -> Result<String> {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(at) = rest.find("url(") {
        let (before, tail) = rest.split_at(at + "url(".len());
        out.push_str(before);
        let (inner, tail) = tail.split_once(')').context("`url(` without `)` in the style sheet")?;
        let name = inner.trim().trim_matches(['"', '\'']);
        if name.starts_with('/') {
            let (path, fragment) = name.split_once('#').map_or((name, None), |(path, fragment)| (path, Some(fragment)));
            let target = hashed.get(path).with_context(|| format!("the style sheet names {path}, which is not in the public folder"))?;
            out.push_str(target);
            if let Some(fragment) = fragment {
                out.push('#');
                out.push_str(fragment);
            }
        } else {
            out.push_str(inner);
        }
        out.push(')');
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(files: &[(&str, &str)]) -> Result<String> {
        let dir = tempfile::tempdir()?;
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().context("no parent")?)?;
            std::fs::write(path, text)?;
        }
        bundle(&dir.path().join("main.css"))
    }

    #[test]
    fn imports_are_inlined_in_order_and_in_their_layer() {
        let css = sheet(&[
            ("main.css", "@layer a, b;\n@import url(\"a.css\") layer(a);\n@import 'sub/b.css';\nmain {}\n"),
            ("a.css", "a {}\n"),
            ("sub/b.css", "@import url(c.css) layer(b);\n"),
            ("sub/c.css", "c {}\n"),
        ])
        .expect("bundles");
        assert_eq!(css, "@layer a, b;\n@layer a {\na {}\n}\n@layer b {\nc {}\n}\nmain {}\n");
    }

    #[test]
    fn a_missing_file_a_cycle_and_a_media_query_are_refused() {
        let missing = sheet(&[("main.css", "@import url(\"gone.css\");\n")]).expect_err("missing");
        assert!(format!("{missing:#}").contains("gone.css"), "{missing:#}");
        let cycle = sheet(&[("main.css", "@import \"main.css\";\n")]).expect_err("cycle");
        assert!(format!("{cycle:#}").contains("imports itself"), "{cycle:#}");
        let media = sheet(&[("main.css", "@import url(\"a.css\") print;\n"), ("a.css", "")]).expect_err("media");
        assert!(format!("{media:#}").contains("print"), "{media:#}");
    }

    #[test]
    fn urls_of_public_files_get_their_hashed_names() {
        let hashed = BTreeMap::from([("/fonts/a.woff2".to_owned(), "/fonts/a.1234.woff2".to_owned())]);
        let css = "@font-face{src:url(\"/fonts/a.woff2\") format(\"woff2\")}b{mask:url(data:image/svg+xml,x)}";
        let out = rewrite_urls(css, &hashed).expect("rewrites");
        assert_eq!(out, "@font-face{src:url(/fonts/a.1234.woff2) format(\"woff2\")}b{mask:url(data:image/svg+xml,x)}");
        assert!(rewrite_urls("a{b:url(/fonts/lost.woff2)}", &hashed).is_err());
    }
}
