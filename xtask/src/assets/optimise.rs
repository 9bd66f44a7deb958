//! wasm-opt, where Node is there to run it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;
use crate::workspace::Workspace;

/// What Rust's wasm target may use. The linker's own list of them is stripped with the debug information, so wasm-opt is told.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// The optimiser: Node and the npm package `binaryen`.
pub struct WasmOpt {
    node: PathBuf,
    script: PathBuf,
    version: String,
}

impl WasmOpt {
    /// Looks for it among the browser tests' packages. `None`, with a word about it on the terminal, when it is not there: the pages
    /// then work all the same and weigh about twice as much.
    pub fn find(workspace: &Workspace) -> Option<Self> {
        let found = Self::locate(&workspace.root.join("end2end/node_modules/binaryen"));
        if found.is_none() {
            eprintln!(
                "note: no wasm-opt (it needs Node and `npm ci` in end2end): the islands' wasm stays about twice as large as it could be"
            );
        }
        found
    }

    fn locate(package: &Path) -> Option<Self> {
        let node = shell::find("node")?;
        let manifest = std::fs::read_to_string(package.join("package.json")).ok()?;
        let manifest: serde_json::Value = serde_json::from_str(&manifest).ok()?;
        let script = package.join(manifest["bin"]["wasm-opt"].as_str()?);
        let version = manifest["version"].as_str()?.to_owned();
        script.is_file().then_some(Self { node, script, version })
    }

    /// What distinguishes its results, for the cache's key.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Optimises for size.
    pub fn run(&self, wasm: &[u8], scratch: &Path) -> Result<Vec<u8>> {
        let (input, output) = (scratch.join("in.wasm"), scratch.join("out.wasm"));
        std::fs::write(&input, wasm).with_context(|| format!("could not write {}", input.display()))?;
        let mut command = Command::new(&self.node);
        shell::run(command.arg(&self.script).arg("-Oz").args(FEATURES).arg(&input).arg("-o").arg(&output))?;
        std::fs::read(&output).with_context(|| format!("wasm-opt left nothing at {}", output.display()))
    }
}
