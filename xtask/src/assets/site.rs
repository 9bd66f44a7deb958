//! `target/site`: every file under a name that changes with its content, and the manifest that the server reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::compress::compress;
use super::islands::Islands;
use super::{Quality, css, textual};
use crate::workspace::SiteNames;

/// `manifest.json`: where the pages find their files.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// URL path of the islands' script.
    pub js: String,
    /// URL path of the islands' wasm.
    pub wasm: String,
    /// URL path of the style sheet.
    pub css: String,
    /// URL path of each public file by the name that sources use; the same where the name is not hashed.
    pub assets: BTreeMap<String, String>,
    /// Whether every file that gains by it has its compressed forms.
    #[serde(default)]
    pub compressed: bool,
    /// Everything that may be served, by URL path.
    pub files: BTreeMap<String, Entry>,
}

/// One served file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The first 16 hex digits of the content's SHA-256: its entity tag.
    pub hash: String,
    /// Bytes, uncompressed.
    pub size: usize,
    /// Bytes of the `.br` beside it, where there is one.
    pub brotli_size: Option<usize>,
    /// Bytes of the `.gz` beside it, where there is one.
    pub gzip_size: Option<usize>,
    /// Whether the name holds the hash, so that a browser may keep it for ever.
    pub immutable: bool,
}

/// The site in the making.
pub struct Site<'a> {
    names: &'a SiteNames,
    quality: Quality,
    manifest: Manifest,
    contents: BTreeMap<String, Vec<u8>>,
}

impl<'a> Site<'a> {
    /// An empty one.
    pub fn new(names: &'a SiteNames, quality: Quality) -> Self {
        Self { names, quality, manifest: Manifest::default(), contents: BTreeMap::new() }
    }

    /// Takes the public folder: files at its top keep their names (`/favicon.ico`, `/robots.txt`: the names are not ours to choose),
    /// files in its folders get hashed ones beside the script and the style sheet.
    pub fn add_public(&mut self, folder: &Path) -> Result<()> {
        let mut found = Vec::new();
        walk(folder, "", &mut found)?;
        for name in found {
            let path = folder.join(&name);
            let bytes = std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
            let plain = format!("/{name}");
            let hashed = format!("/{}{plain}", self.names.site_pkg_dir);
            let served = if name.contains('/') { self.put_hashed(&hashed, bytes) } else { self.put(&plain, bytes, false) };
            self.manifest.assets.insert(plain, served);
        }
        Ok(())
    }

    /// Takes the style sheet. Public files must be there already: it names them.
    pub fn add_style(&mut self, sheet: &str) -> Result<()> {
        let sheet = css::rewrite_urls(sheet, &self.manifest.assets)?;
        let sheet = if self.quality == Quality::Full { textual::minify_css(&sheet) } else { sheet };
        self.manifest.css = self.put_hashed(&format!("/{}/{}.css", self.names.site_pkg_dir, self.names.name), sheet.into_bytes());
        Ok(())
    }

    /// Takes the islands, writing hashed names into the glue.
    pub fn add_islands(&mut self, islands: Islands) -> Result<()> {
        let (folder, name) = (&self.names.site_pkg_dir, &self.names.name);
        let wasm = self.put_hashed(&format!("/{folder}/{name}_bg.wasm"), islands.wasm);
        let plain = format!("{name}_bg.wasm");
        let mut js = islands.js.replace(&plain, file_name(&wasm));
        for (import, text) in islands.snippets {
            let plain = format!("/{folder}/{}", import.trim_start_matches("./"));
            let served = self.put_hashed(&plain, text.into_bytes());
            let relative = served.strip_prefix(&format!("/{folder}/")).unwrap_or(&served);
            js = js.replace(&import, &format!("./{relative}"));
        }
        self.manifest.js = self.put_hashed(&format!("/{folder}/{name}.js"), js.into_bytes());
        self.manifest.wasm = wasm;
        Ok(())
    }

    fn put_hashed(&mut self, path: &str, bytes: Vec<u8>) -> String {
        let hash = digest(&bytes);
        let (stem, extension) = path.rsplit_once('.').unwrap_or((path, "bin"));
        self.put(&format!("{stem}.{hash}.{extension}"), bytes, true)
    }

    fn put(&mut self, path: &str, bytes: Vec<u8>, immutable: bool) -> String {
        let entry = Entry { hash: digest(&bytes), size: bytes.len(), brotli_size: None, gzip_size: None, immutable };
        self.manifest.files.insert(path.to_owned(), entry);
        self.contents.insert(path.to_owned(), bytes);
        path.to_owned()
    }

    /// Writes what is new, removes what is no longer named, and returns how many files were written.
    pub fn write(&mut self, root: &Path) -> Result<usize> {
        let before = Manifest::read(root);
        let quick = self.quality == Quality::Quick;
        self.manifest.compressed = !quick;
        let mut keep = BTreeSet::from(["/manifest.json".to_owned()]);
        let mut written = 0;
        for (path, bytes) in &self.contents {
            let Some(entry) = self.manifest.files.get_mut(path) else { continue };
            // A full build over a quick one still has to compress.
            let old = before.files.get(path).filter(|_| quick || before.compressed);
            if let Some(old) = old.filter(|old| old.hash == entry.hash && on_disk(root, path, old)) {
                *entry = Entry { immutable: entry.immutable, ..old.clone() };
            } else {
                put_file(root, path, bytes)?;
                written += 1;
                if let Some(done) = if quick { None } else { compress(path, bytes)? } {
                    put_file(root, &format!("{path}.br"), &done.brotli)?;
                    put_file(root, &format!("{path}.gz"), &done.gzip)?;
                    (entry.brotli_size, entry.gzip_size) = (Some(done.brotli.len()), Some(done.gzip.len()));
                }
            }
            keep.insert(path.clone());
            if entry.brotli_size.is_some() {
                keep.extend([format!("{path}.br"), format!("{path}.gz")]);
            }
        }
        if self.manifest != before {
            put_file(root, "/manifest.json", &serde_json::to_vec_pretty(&self.manifest)?)?;
        }
        let mut there = Vec::new();
        walk(root, "", &mut there)?;
        for stale in there.iter().filter(|name| !keep.contains(&format!("/{name}"))) {
            let path = root.join(stale);
            std::fs::remove_file(&path).with_context(|| format!("could not remove {}", path.display()))?;
        }
        Ok(written)
    }

    /// A line per file with its sizes, for the terminal.
    pub fn summary(&self) -> String {
        let mut out = String::new();
        for (path, entry) in &self.manifest.files {
            let packed = entry.brotli_size.map(|size| format!(", {} brotli", kilobytes(size))).unwrap_or_default();
            out.push_str(&format!("  {path}  {}{packed}\n", kilobytes(entry.size)));
        }
        out
    }
}

impl Manifest {
    /// The manifest of an earlier build; an unreadable one counts as none.
    fn read(root: &Path) -> Self {
        std::fs::read(root.join("manifest.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }
}

/// Whether an earlier build's file and its compressed forms are still there at their sizes.
fn on_disk(root: &Path, path: &str, entry: &Entry) -> bool {
    let sizes = [(String::new(), Some(entry.size)), (".br".to_owned(), entry.brotli_size), (".gz".to_owned(), entry.gzip_size)];
    let at = |suffix: &str| root.join(format!("{}{suffix}", path.trim_start_matches('/')));
    sizes.iter().all(|(suffix, size)| size.is_none_or(|size| at(suffix).metadata().is_ok_and(|meta| meta.len() == size as u64)))
}

fn put_file(root: &Path, path: &str, bytes: &[u8]) -> Result<()> {
    let path = root.join(path.trim_start_matches('/'));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    }
    std::fs::write(&path, bytes).with_context(|| format!("could not write {}", path.display()))
}

/// Names of all files below a folder, relative to it, in order. A folder that does not exist has none. Dot files are passed over.
fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let mut entries =
        std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>().with_context(|| format!("could not list {}", folder.display()))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let relative = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{relative}/"), found)?;
        } else {
            found.push(relative);
        }
    }
    Ok(())
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..8])
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn kilobytes(bytes: usize) -> String {
    format!("{:.1} kB", bytes as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> SiteNames {
        SiteNames {
            name: "reeve".into(),
            lib_package: "reeve-client".into(),
            site_root: "target/site".into(),
            site_pkg_dir: "pkg".into(),
            style_file: "style/main.css".into(),
            assets_dir: "public".into(),
        }
    }

    fn islands(text: &str) -> Islands {
        Islands {
            js: format!(
                "import * as a from './snippets/x-1/inline0.js';\nnew URL('reeve_bg.wasm', import.meta.url); // {}",
                text.repeat(100)
            ),
            wasm: text.repeat(400).into_bytes(),
            snippets: BTreeMap::from([("./snippets/x-1/inline0.js".to_owned(), "export const a = 1;".to_owned())]),
        }
    }

    fn build(root: &Path, quality: Quality, text: &str) -> (usize, Manifest) {
        let names = names();
        let public = root.join("public");
        std::fs::create_dir_all(public.join("fonts")).expect("makes a folder");
        std::fs::write(public.join("robots.txt"), "User-agent: *\n".repeat(50)).expect("writes");
        std::fs::write(public.join("fonts/a.woff2"), [7; 900]).expect("writes");
        let mut site = Site::new(&names, quality);
        site.add_public(&public).expect("takes the public files");
        site.add_style(&"a { b: url(/fonts/a.woff2) }\n".repeat(40)).expect("takes the style");
        site.add_islands(islands(text)).expect("takes the islands");
        let written = site.write(&root.join("site")).expect("writes");
        (written, Manifest::read(&root.join("site")))
    }

    #[test]
    fn names_hold_hashes_and_the_glue_follows_them() {
        let dir = tempfile::tempdir().expect("a folder");
        let (_, manifest) = build(dir.path(), Quality::Full, "one");
        let js = std::fs::read_to_string(dir.path().join("site").join(manifest.js.trim_start_matches('/'))).expect("reads");
        assert!(js.contains(file_name(&manifest.wasm)) && !js.contains("'reeve_bg.wasm'"), "{js}");
        assert!(js.contains("./snippets/x-1/inline0.") && !js.contains("inline0.js"), "{js}");
        let css = std::fs::read_to_string(dir.path().join("site").join(manifest.css.trim_start_matches('/'))).expect("reads");
        assert!(css.contains(&manifest.assets["/fonts/a.woff2"]));
        assert_eq!(manifest.assets["/robots.txt"], "/robots.txt");
        assert!(!manifest.files["/robots.txt"].immutable && manifest.files[&manifest.wasm].immutable);
        for (path, entry) in &manifest.files {
            assert!(on_disk(&dir.path().join("site"), path, entry), "{path}");
        }
    }

    #[test]
    fn a_second_build_writes_nothing_and_a_change_replaces_its_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let (first, before) = build(dir.path(), Quality::Full, "one");
        assert_eq!(first, 6);
        let (second, same) = build(dir.path(), Quality::Full, "one");
        assert_eq!(second, 0);
        assert_eq!(before, same);
        let (_, after) = build(dir.path(), Quality::Full, "two");
        assert_ne!(before.wasm, after.wasm);
        let site = dir.path().join("site");
        assert!(!site.join(before.wasm.trim_start_matches('/')).exists(), "the old one is gone");
        assert!(!site.join(format!("{}.br", before.wasm.trim_start_matches('/'))).exists());
    }

    #[test]
    fn a_full_build_over_a_quick_one_compresses() {
        let dir = tempfile::tempdir().expect("a folder");
        let (_, quick) = build(dir.path(), Quality::Quick, "one");
        assert!(quick.files[&quick.wasm].brotli_size.is_none());
        let (_, full) = build(dir.path(), Quality::Full, "one");
        assert!(full.files[&full.wasm].brotli_size.is_some());
    }
}
