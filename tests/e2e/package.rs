//! The Debian package: what is in it, that its unit is one, and that the settings it brings can be used.

use crate::harness::Binary;
use anyhow::{Context as _, Result, ensure};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(said)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_package_holds_what_a_server_needs() -> Result<()> {
    if !has("dpkg-deb") {
        writeln!(std::io::stderr(), "SKIPPED the package: dpkg-deb is not installed")?;
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    // the debug program, stripped so that packing it takes a moment
    let binary = folder.path().join("taifas");
    fs::copy(Binary::Shipped.path()?, &binary)?;
    let _ = Command::new("strip").arg(&binary).status();
    // as somebody builds it whose files are for nobody else
    let careful = "umask 077; exec \"$0\" \"$@\"";
    let tool = root().join("tools/package");
    let printed = run(Command::new("sh").args(["-c", careful]).arg(tool).arg(&binary).arg(folder.path()))?;
    let package = printed.trim();
    let listed = run(Command::new("dpkg-deb").args(["--contents", package]))?;
    for (mode, name) in [
        ("drwxr-xr-x", " ./"),
        ("drwxr-xr-x", "./usr/bin/"),
        ("-rwxr-xr-x", "./usr/bin/taifas"),
        ("-rw-r--r--", "./usr/lib/systemd/system/taifas.service"),
        ("-rw-r--r--", "./usr/lib/systemd/system/taifas-backup.timer"),
        ("-rw-r-----", "./etc/taifas/taifas.toml"),
        ("-rw-r--r--", "./usr/share/doc/taifas/operating.md"),
    ] {
        let line =
            listed.lines().find(|line| line.ends_with(name)).with_context(|| format!("no {name} in: {listed}"))?;
        ensure!(line.starts_with(mode) && line.contains("root/root"), "{line}");
    }
    let control = run(Command::new("dpkg-deb").args(["--field", package]))?;
    let version = run(Command::new(&binary).arg("--version"))?;
    let version = version.trim().trim_start_matches("taifas ");
    ensure!(control.contains(&format!("Version: {version}\n")), "{version} is not in: {control}");

    let scripts = folder.path().join("control");
    run(Command::new("dpkg-deb").arg("--control").arg(package).arg(&scripts))?;
    ensure!(fs::read_to_string(scripts.join("conffiles"))?.contains("/etc/taifas/taifas.toml"), "no conffile");
    for script in ["postinst", "prerm", "postrm"] {
        run(Command::new("sh").arg("-n").arg(scripts.join(script)))?;
    }
    let unpacked = folder.path().join("unpacked");
    run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&unpacked))?;
    let unit = fs::read_to_string(unpacked.join("usr/lib/systemd/system/taifas.service"))?;
    for line in
        ["NoNewPrivileges=yes", "ProtectSystem=strict", "StateDirectory=taifas", "SystemCallFilter=@system-service"]
    {
        ensure!(unit.contains(line), "the unit has no {line}");
    }
    // each setting that it shows is one that exists: with all of them, the program reads the file
    let settings = fs::read_to_string(unpacked.join("etc/taifas/taifas.toml"))?;
    let shown = settings.lines().map(|line| match line.strip_prefix("# ") {
        Some(setting) if setting.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => setting,
        _ => line,
    });
    let all = folder.path().join("all.toml");
    fs::write(&all, shown.collect::<Vec<_>>().join("\n"))?;
    for file in [&unpacked.join("etc/taifas/taifas.toml"), &all] {
        let mut look = Command::new(&binary);
        look.args(["migrate", "--check", "--data"]).arg(folder.path().join("data")).arg("--config").arg(file);
        let said = run(look.env_clear())?;
        ensure!(said.contains("To do:"), "{said}");
    }
    Ok(())
}

#[test]
fn the_units_are_units() -> Result<()> {
    if !has("systemd-analyze") {
        writeln!(std::io::stderr(), "SKIPPED the units: systemd-analyze is not installed")?;
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let binary = Binary::Shipped.path()?.display().to_string();
    for name in ["taifas.service", "taifas-backup.service", "taifas-backup.timer"] {
        let unit = fs::read_to_string(root().join("packaging").join(name))?;
        fs::write(folder.path().join(name), unit.replace("/usr/bin/taifas", &binary))?;
    }
    for name in ["taifas.service", "taifas-backup.timer"] {
        let output =
            Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(folder.path().join(name)).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let ours: Vec<_> = said.lines().filter(|line| line.contains("taifas")).collect();
        ensure!(ours.is_empty(), "{ours:?}");
    }
    // how much of the machine is open to it: 0 is nothing, 10 everything
    let security = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=30", "--no-pager"])
        .arg(folder.path().join("taifas.service"))
        .output()?;
    let said = String::from_utf8_lossy(&security.stdout).into_owned();
    let offline = !String::from_utf8_lossy(&security.stderr).contains("unrecognized option");
    ensure!(!offline || security.status.success(), "{}", said.lines().last().unwrap_or_default());
    Ok(())
}
