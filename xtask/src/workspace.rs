//! What cargo knows of this workspace: its crates, what they depend on, and where things go.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::shell;

/// The checkout that this xtask belongs to.
pub struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, wherever configuration put it.
    pub target: PathBuf,
    /// `[workspace.metadata.leptos]`: names and paths of the site.
    pub site: SiteNames,
    /// The whole of `cargo metadata`.
    pub metadata: Metadata,
}

/// The names and paths that cargo-leptos would read too.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SiteNames {
    /// Base name of the script and the wasm.
    pub name: String,
    /// The crate that is compiled to wasm.
    pub lib_package: String,
    /// The folder, below the target folder, that is served.
    pub site_root: PathBuf,
    /// Below it, the folder of the script, the wasm and the style sheet.
    pub site_pkg_dir: String,
    /// The style sheet that imports all others.
    pub style_file: PathBuf,
    /// The folder of files that are served as they are.
    pub assets_dir: PathBuf,
}

/// The part of `cargo metadata --format-version 1` that the checks read.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Metadata {
    /// Every package of the graph.
    pub packages: Vec<Package>,
    /// Ids of the workspace's own packages.
    pub workspace_members: Vec<String>,
    /// The resolved graph.
    pub resolve: Option<Resolve>,
    /// Cargo's target folder.
    #[serde(default)]
    pub target_directory: PathBuf,
    /// `[workspace.metadata]`.
    #[serde(default)]
    pub metadata: Option<WorkspaceMetadata>,
}

/// `[workspace.metadata]`
#[derive(Debug, Clone, Default, Deserialize)]
pub struct WorkspaceMetadata {
    /// A table, or an array of tables of which the first counts.
    #[serde(default)]
    pub leptos: serde_json::Value,
}

/// One package, ours or foreign.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// Cargo's opaque id.
    pub id: String,
    /// SPDX expression, where the package states one.
    #[serde(default)]
    pub license: Option<String>,
    /// What its manifest names.
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependencies.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Dependency {
    /// The package's name.
    pub name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    #[serde(default)]
    pub kind: Option<String>,
    /// Set when it comes from a registry or from git.
    #[serde(default)]
    pub source: Option<String>,
}

/// The resolved graph.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Resolve {
    /// One node per package.
    pub nodes: Vec<Node>,
}

/// One package of the resolved graph.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Node {
    /// The package's id.
    pub id: String,
    /// Its edges.
    #[serde(default)]
    pub deps: Vec<Edge>,
}

/// One edge of the resolved graph.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Edge {
    /// Id of the package depended upon.
    pub pkg: String,
    /// Why: normal, dev, build.
    #[serde(default)]
    pub dep_kinds: Vec<EdgeKind>,
}

/// Why an edge exists.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct EdgeKind {
    /// `None` for a normal dependency, else `dev` or `build`.
    #[serde(default)]
    pub kind: Option<String>,
}

impl Workspace {
    /// Asks cargo. Needs no network: `Cargo.lock` is taken as it stands.
    pub fn load() -> Result<Self> {
        let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir.parent().context("xtask has no parent folder")?.to_path_buf();
        let text =
            shell::read(shell::cargo().current_dir(&root).args(["metadata", "--format-version", "1", "--all-features", "--locked"]))?;
        let metadata: Metadata = serde_json::from_str(&text).context("could not read what `cargo metadata` printed")?;
        let leptos = metadata.metadata.as_ref().map(|meta| &meta.leptos).unwrap_or(&serde_json::Value::Null);
        let first = leptos.as_array().and_then(|tables| tables.first()).unwrap_or(leptos);
        let site = SiteNames::deserialize(first).context("[workspace.metadata.leptos] in Cargo.toml is incomplete")?;
        Ok(Self { target: metadata.target_directory.clone(), root, site, metadata })
    }

    /// The folder that the server embeds.
    ///
    /// Always below the checkout, also when the target folder is elsewhere: the server's source names it relative to itself.
    pub fn site_root(&self) -> PathBuf {
        self.root.join(&self.site.site_root)
    }
}

impl Metadata {
    /// The workspace's own packages, in the order of their names.
    pub fn members(&self) -> Vec<&Package> {
        let mut members: Vec<_> = self.packages.iter().filter(|package| self.workspace_members.contains(&package.id)).collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        members
    }

    /// Every package by id.
    pub fn by_id(&self) -> BTreeMap<&str, &Package> {
        self.packages.iter().map(|package| (package.id.as_str(), package)).collect()
    }
}
