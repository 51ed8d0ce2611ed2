//! The files of the repository, without what is built or installed.

use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Built, installed, or data of a running instance.
const NOT_OURS: &[&str] = &["target", "node_modules", "dist", "data", "tmp", "test-results"];

/// A file of ours.
pub struct Source {
    /// From the root of the repository, with slashes.
    pub path: String,
    pub text: String,
}

pub fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(root.context("the tests have no folder above them")?.to_path_buf())
}

/// Every text file, in the order of their paths.
pub fn files() -> Result<Vec<Source>> {
    let (root, mut files) = (root()?, Vec::new());
    collect(&root, &root, &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    ensure!(files.len() > 200, "only {} files are found: the search looks in the wrong place", files.len());
    Ok(files)
}

/// Those whose path begins and ends so.
pub fn below(begin: &str, end: &str) -> Result<Vec<Source>> {
    let found: Vec<_> = files()?.into_iter().filter(|f| f.path.starts_with(begin) && f.path.ends_with(end)).collect();
    ensure!(!found.is_empty(), "there is no {end} below {begin}");
    Ok(found)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<Source>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            // a tool's own folder is not the product's, but the one of CI is
            if !NOT_OURS.contains(&&*name) && (!name.starts_with('.') || name.starts_with(".ci")) {
                collect(root, &path, files)?;
            }
        } else if kind.is_file()
            // in a worktree, where git keeps its folder
            && name != ".git"
            && let Ok(text) = fs::read_to_string(&path)
        {
            let path = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            files.push(Source { path, text });
        }
    }
    Ok(())
}
