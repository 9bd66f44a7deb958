//! From sources to `target/site`: islands, style sheet and public files, hashed, compressed and listed in a manifest.

mod compress;
mod css;
mod islands;
mod optimise;
mod site;
mod textual;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// How much work the result is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// Optimised for size and compressed: what is served to people and embedded in the binary.
    Full,
    /// Unoptimised and uncompressed, for the edit loop.
    Quick,
}

impl Quality {
    /// Reads the arguments of `cargo xtask assets`.
    pub fn parse(args: &[String]) -> Result<Self> {
        match args {
            [] => Ok(Self::Full),
            [one] if one == "--quick" => Ok(Self::Quick),
            _ => bail!("`assets` takes `--quick` or nothing"),
        }
    }
}

/// Brings `target/site` up to date and prints what is in it. What has not changed is not written again,
/// so that cargo does not rebuild the server for it.
pub fn run(workspace: &Workspace, quality: Quality) -> Result<()> {
    let islands = islands::build(workspace, quality)?;
    let style = css::bundle(&workspace.root.join(&workspace.site.style_file))?;
    let mut site = site::Site::new(&workspace.site, quality);
    site.add_public(&workspace.root.join(&workspace.site.assets_dir))?;
    site.add_style(&style)?;
    site.add_islands(islands)?;
    let written = site.write(&workspace.site_root())?;
    print!("{}", site.summary());
    println!(
        "  {} in {}",
        if written == 0 { "nothing new".to_owned() } else { format!("{written} files written") },
        workspace.site_root().display()
    );
    Ok(())
}
