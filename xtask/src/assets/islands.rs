//! The islands: the client crate compiled to wasm, its JavaScript glue, and whatever snippets its dependencies bring.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use super::optimise::WasmOpt;
use super::{Quality, textual};
use crate::shell;
use crate::workspace::Workspace;

const TARGET: &str = "wasm32-unknown-unknown";

/// What the browser loads, before names are hashed.
#[derive(Serialize, Deserialize)]
pub struct Islands {
    /// The glue, an ES module. It names the wasm as `<name>_bg.wasm` and snippets as `./snippets/…`.
    pub js: String,
    /// The module.
    #[serde(skip)]
    pub wasm: Vec<u8>,
    /// Scripts that the glue imports, by the path it imports them by.
    pub snippets: BTreeMap<String, String>,
}

/// Compiles (cargo decides what is stale), then makes the glue and optimises, unless the very same wasm was treated before.
pub fn build(workspace: &Workspace, quality: Quality) -> Result<Islands> {
    let profile = match quality {
        Quality::Full => "wasm-release",
        Quality::Quick => "dev",
    };
    let package = &workspace.site.lib_package;
    shell::run(shell::cargo().current_dir(&workspace.root).args([
        "build",
        "--locked",
        "--package",
        package,
        "--target",
        TARGET,
        "--profile",
        profile,
    ]))
    .context("the islands do not compile")?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let compiled = workspace.target.join(TARGET).join(folder).join(format!("{}.wasm", package.replace('-', "_")));
    let bytes = std::fs::read(&compiled).with_context(|| format!("cargo left no {}", compiled.display()))?;

    let optimiser = if quality == Quality::Full { WasmOpt::find(workspace) } else { None };
    let cache = Cache::new(&workspace.target.join("islands"), &bytes, optimiser.as_ref().map(WasmOpt::version))?;
    if let Some(islands) = cache.read() {
        return Ok(islands);
    }
    let mut islands = glue(&workspace.site.name, bytes)?;
    if let Some(optimiser) = optimiser {
        islands.wasm = optimiser.run(&islands.wasm, &cache.folder)?;
    }
    cache.write(&islands)?;
    Ok(islands)
}

fn glue(name: &str, wasm: Vec<u8>) -> Result<Islands> {
    let mut bindgen = Bindgen::new();
    bindgen.input_bytes(name, wasm).web(true)?.typescript(false).remove_name_section(true).remove_producers_section(true);
    let mut output = bindgen.generate_output().context("wasm-bindgen could not make the glue")?;
    if let Some(package) = output.npm_dependencies().keys().next() {
        bail!("a crate of the islands wants the npm package `{package}`; the pages ship no npm code");
    }
    let mut snippets = BTreeMap::new();
    for (identifier, list) in output.snippets() {
        for (number, text) in list.iter().enumerate() {
            snippets.insert(format!("./snippets/{identifier}/inline{number}.js"), text.clone());
        }
    }
    for (path, text) in output.local_modules() {
        snippets.insert(format!("./snippets/{path}"), text.clone());
    }
    Ok(Islands { js: textual::minify_glue(output.js()), wasm: output.wasm_mut().emit_wasm(), snippets })
}

/// The last result, kept beside a key of all that went into it.
struct Cache {
    folder: PathBuf,
    key: String,
}

impl Cache {
    fn new(folder: &Path, compiled: &[u8], optimiser: Option<&str>) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
        let mut hash = Sha256::new();
        hash.update(compiled);
        hash.update(optimiser.unwrap_or("none"));
        // A change of this program may change the result.
        hash.update(std::fs::read(std::env::current_exe()?).context("could not read this program")?);
        Ok(Self { folder: folder.to_owned(), key: hex::encode(hash.finalize()) })
    }

    fn read(&self) -> Option<Islands> {
        let key = std::fs::read_to_string(self.folder.join("key")).ok()?;
        if key != self.key {
            return None;
        }
        let text = std::fs::read_to_string(self.folder.join("islands.json")).ok()?;
        let mut islands: Islands = serde_json::from_str(&text).ok()?;
        islands.wasm = std::fs::read(self.folder.join("islands.wasm")).ok()?;
        Some(islands)
    }

    /// The key goes last and is removed first: an interrupted write is no result.
    fn write(&self, islands: &Islands) -> Result<()> {
        let key = self.folder.join("key");
        if key.exists() {
            std::fs::remove_file(&key).with_context(|| format!("could not remove {}", key.display()))?;
        }
        let put = |name: &str, bytes: &[u8]| {
            let path = self.folder.join(name);
            std::fs::write(&path, bytes).with_context(|| format!("could not write {}", path.display()))
        };
        put("islands.wasm", &islands.wasm)?;
        put("islands.json", &serde_json::to_vec(islands)?)?;
        put("key", self.key.as_bytes())
    }
}
