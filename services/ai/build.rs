//! Collects the product's own documentation for the Guide model: `README.md` and every Markdown file below `docs`, as far as they exist.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let from_cargo = |name| env::var_os(name).map(PathBuf::from).ok_or(io::ErrorKind::NotFound);
    let root = from_cargo("CARGO_MANIFEST_DIR")?.join("../..").canonicalize()?;
    let mut found = Vec::new();
    let readme = root.join("README.md");
    if readme.is_file() {
        println!("cargo:rerun-if-changed={}", readme.display());
        found.push(readme);
    }
    let docs = root.join("docs");
    if docs.is_dir() {
        println!("cargo:rerun-if-changed={}", docs.display());
        collect(&docs, &mut found)?;
    }
    println!("cargo:rerun-if-changed=build.rs");

    let mut module = String::from("pub static DOCUMENTS: &[Document] = &[\n");
    for file in found {
        let name = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        module += &format!("    Document {{ path: {name:?}, text: include_str!({file:?}) }},\n");
    }
    module += "];\n";
    fs::write(from_cargo("OUT_DIR")?.join("documents.rs"), module)
}

/// In the order of names, so that the same documentation always makes the same binary.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    Ok(())
}
