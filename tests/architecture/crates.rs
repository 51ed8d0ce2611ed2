//! Who may depend on whom.

use crate::{Faults, none, repository::root};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::{fs, process::Command};

/// What a crate is, by the folder it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Platform,
    Proto,
    Cluster,
    Service,
    Taifas,
    Tests,
    Tool,
}

impl Kind {
    fn of(folder: &str) -> Option<Self> {
        match folder {
            "packages/platform" => Some(Self::Platform),
            "packages/proto" => Some(Self::Proto),
            "packages/cluster" => Some(Self::Cluster),
            "taifas" => Some(Self::Taifas),
            "tests" => Some(Self::Tests),
            _ if folder.starts_with("services/") => Some(Self::Service),
            _ if folder.starts_with("tools/") => Some(Self::Tool),
            _ => None,
        }
    }

    /// The picture in the architecture, as a table.
    fn may_use(self, other: Self) -> bool {
        match self {
            Self::Platform | Self::Proto => false,
            Self::Cluster => other == Self::Platform,
            Self::Service => matches!(other, Self::Platform | Self::Proto),
            Self::Taifas => matches!(other, Self::Service | Self::Platform | Self::Proto | Self::Cluster),
            Self::Tests | Self::Tool => true,
        }
    }
}

struct Crate {
    name: String,
    folder: String,
    manifest: String,
    /// The names of crates of ours, and whether tests alone need them.
    needs: Vec<(String, bool)>,
}

fn crates() -> Result<Vec<Crate>> {
    let root = root()?;
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(&root)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
    let mut crates = Vec::new();
    for package in metadata["packages"].as_array().context("no packages")? {
        let path = text(&package["manifest_path"])?;
        let folder = path.strip_suffix("/Cargo.toml").context("a manifest of another name")?;
        let folder = folder.strip_prefix(root.to_str().context("no text")?).context("outside of the repository")?;
        let ours = package["dependencies"].as_array().into_iter().flatten().filter(|need| need["path"].is_string());
        crates.push(Crate {
            name: text(&package["name"])?,
            folder: folder.trim_start_matches('/').to_owned(),
            manifest: fs::read_to_string(&path)?,
            needs: ours.map(|need| Ok((text(&need["name"])?, need["kind"] == "dev"))).collect::<Result<_>>()?,
        });
    }
    ensure!(crates.len() > 8, "only {} crates are found", crates.len());
    Ok(crates)
}

fn edges(crates: &[Crate]) -> Faults {
    let mut faults = Faults::new();
    for from in crates {
        let Some(kind) = Kind::of(&from.folder) else {
            faults.push(format!("{} lies in {}, where no crate belongs", from.name, from.folder));
            continue;
        };
        for (name, for_tests) in &from.needs {
            let to = crates.iter().find(|to| to.name == *name).and_then(|to| Kind::of(&to.folder));
            // a service's own tests may start its neighbours, as the real ones are the best doubles
            let neighbour = *for_tests && kind == Kind::Service && to == Some(Kind::Service);
            if !neighbour && !to.is_some_and(|to| kind.may_use(to)) {
                faults.push(format!("{} must not depend on {name}: {kind:?} on {to:?}", from.name));
            }
        }
    }
    faults
}

fn inherits(manifest: &str) -> Faults {
    let mut faults = Faults::new();
    let section = manifest.split("[lints]").nth(1).unwrap_or_default();
    if !section.trim_start().starts_with("workspace = true") {
        faults.push("does not inherit the lints of the workspace".into());
    }
    for key in ["version", "edition", "license", "publish"] {
        if !manifest.contains(&format!("\n{key}.workspace = true")) {
            faults.push(format!("does not inherit {key}"));
        }
    }
    faults
}

#[test]
fn nobody_depends_on_whom_they_must_not() -> Result<()> {
    none(&edges(&crates()?))
}

#[test]
fn each_crate_inherits_from_the_workspace() -> Result<()> {
    let crates = crates()?;
    let faults =
        crates.iter().flat_map(|c| inherits(&c.manifest).into_iter().map(move |fault| format!("{} {fault}", c.name)));
    none(&faults.collect())
}

/// A service that is not in the workspace is never checked.
#[test]
fn each_service_is_a_member() -> Result<()> {
    let crates = crates()?;
    for entry in fs::read_dir(root()?.join("services"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("no name")?.to_owned();
        if path.join("Cargo.toml").exists() {
            ensure!(
                crates.iter().any(|c| c.name == name),
                "services/{name} is not in the workspace, or named otherwise"
            );
        }
    }
    Ok(())
}

#[test]
fn the_rules_fire() {
    let folders =
        ["packages/platform", "packages/proto", "packages/cluster", "services/chat", "services/ai", "taifas", "tests"];
    let edge = |from: &str, to: &str, for_tests| {
        let make = |folder: &&str| Crate {
            name: folder.rsplit('/').next().unwrap_or(folder).to_owned(),
            folder: (*folder).to_owned(),
            manifest: String::new(),
            needs: if folder.ends_with(from) { vec![(to.to_owned(), for_tests)] } else { Vec::new() },
        };
        edges(&folders.iter().map(make).collect::<Vec<_>>()).is_empty()
    };
    for (from, to) in [
        ("chat", "ai"),
        ("chat", "cluster"),
        ("chat", "taifas"),
        ("chat", "tests"),
        ("platform", "chat"),
        ("platform", "proto"),
        ("platform", "cluster"),
        ("proto", "platform"),
        ("cluster", "proto"),
        ("cluster", "chat"),
        ("taifas", "tests"),
    ] {
        assert!(!edge(from, to, false), "{from} may depend on {to}");
    }
    for (from, to) in
        [("chat", "platform"), ("chat", "proto"), ("cluster", "platform"), ("taifas", "chat"), ("tests", "chat")]
    {
        assert!(edge(from, to, false), "{from} may not depend on {to}");
    }
    assert!(edge("chat", "ai", true) && !edge("chat", "cluster", true) && !edge("platform", "chat", true));
    assert!(
        edges(&[Crate { name: "a".into(), folder: "misc/a".into(), manifest: String::new(), needs: Vec::new() }]).len()
            == 1
    );

    let right = "[package]\nversion.workspace = true\nedition.workspace = true\nlicense.workspace = true\npublish.workspace = true\n[lints]\nworkspace = true\n";
    crate::fires(
        inherits,
        &[
            "",
            &right.replace("[lints]\nworkspace = true", "[lints.rust]"),
            &right.replace("edition.workspace = true", "edition = \"2018\""),
        ],
        &[right],
    );
}
