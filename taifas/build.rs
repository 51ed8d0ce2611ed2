//! The steps of every service's tables as one constant, from the files in `services/*/migrations`, so that
//! commands which start no service know them; and the commit, when it is known.

use std::{env, error::Error, fs, path::Path, process::Command};

fn main() -> Result<(), Box<dyn Error>> {
    let services = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../services").canonicalize()?;
    let mut text = String::from("&[\n");
    for service in sorted(&services)? {
        let folder = service.join("migrations");
        println!("cargo::rerun-if-changed={}", folder.display());
        if !folder.is_dir() {
            continue;
        }
        let name = name(&service)?;
        text += &format!("    (\"{name}\", &[\n");
        for file in sorted(&folder)? {
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            let (number, what) = stem.split_once('_').ok_or_else(|| format!("{stem} is not NNNN_what.sql"))?;
            let (version, path) = (number.parse::<u32>()?, file.display().to_string());
            text +=
                &format!("        Migration {{ version: {version}, name: {what:?}, sql: include_str!({path:?}) }},\n");
        }
        text += "    ]),\n";
    }
    text += "]\n";
    fs::write(Path::new(&env::var("OUT_DIR")?).join("schema.rs"), text)?;

    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TAIFAS_COMMIT");
    // Asked only of those who build what they ship: git's state would otherwise rebuild at every commit.
    let commit = env::var("TAIFAS_COMMIT").ok().filter(|commit| !commit.is_empty()).or_else(|| {
        let shipped = env::var("PROFILE").is_ok_and(|profile| profile == "release");
        let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok().filter(|_| shipped)?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    });
    println!("cargo::rustc-env=TAIFAS_COMMIT={}", commit.unwrap_or_default());
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<std::path::PathBuf>, Box<dyn Error>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> Result<String, Box<dyn Error>> {
    Ok(path.file_name().and_then(|name| name.to_str()).ok_or("no name")?.to_owned())
}
