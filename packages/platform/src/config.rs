//! Configuration: code defaults, then `taifas.toml`, then the environment (`TAIFAS__…`), then
//! flags. A key that nobody knows, or a value of the wrong kind, is named with where it stands.

use crate::{Error, Result};
use config::{Environment, File, FileFormat, Map};
use serde::{Deserialize, de::DeserializeOwned};
use std::path::Path;

/// The URLs of the ports (section `[platform]`).
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ports {
    /// `sqlite:PATH`; a relative path lies in the data folder.
    pub database: String,
    /// `db:` reads the services' events tables in place.
    pub bus: String,
    /// `memory:`.
    pub cache: String,
    /// `file:PATH`: one append-only log for the text of running answers.
    pub streams: String,
    /// `db:`: a table of this database.
    pub tasks: String,
    /// `file:PATH`: a folder with one file an object.
    pub objects: String,
    /// Days that events are kept once every reader has had them.
    pub keep_events_days: u32,
    /// `local:`: all services in this process.
    pub peers: String,
    /// `file:PATH`: one file a secret, mode 0600.
    pub secrets: String,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            database: "sqlite:taifas.db".into(),
            bus: "db:".into(),
            cache: "memory:".into(),
            streams: "file:streams".into(),
            tasks: "db:".into(),
            objects: "file:objects".into(),
            keep_events_days: 90,
            peers: "local:".into(),
            secrets: "file:secrets".into(),
        }
    }
}

impl Ports {
    /// The value of a port's URL after `scheme`, or a sentence that says what is possible.
    ///
    /// # Errors
    /// When the URL has another scheme: this program has no adapter for it.
    pub fn after<'u>(url: &'u str, key: &str, scheme: &str) -> Result<&'u str> {
        url.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(':')).ok_or_else(|| {
            Error::malformed(format!(
                "platform.{key} = \"{url}\" is not possible; this program knows \"{scheme}:…\" there"
            ))
        })
    }
}

/// Reads settings of type `T` from `file` (if given) and from `variables` (pairs as in the
/// environment).
///
/// # Errors
/// A sentence that names the file or variable, the key, and what is wrong with it.
pub fn load<T: DeserializeOwned>(file: Option<&Path>, variables: Vec<(String, String)>) -> Result<T> {
    let mut all = config::Config::builder();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        let alone = config::Config::builder().add_source(File::from_str(&text, FileFormat::Toml));
        // Alone first, so that a mistake in the file is reported as one of the file.
        read::<T>(alone, &format!("in {}", path.display()))?;
        all = all.add_source(File::from_str(&text, FileFormat::Toml));
    }
    let variables: Map<String, String> =
        variables.into_iter().filter(|(name, _)| name.starts_with("TAIFAS__")).collect();
    let names = variables.keys().cloned().collect::<Vec<_>>().join(", ");
    let environment = Environment::with_prefix("TAIFAS")
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("services")
        .with_list_parse_key("gateway.trusted_proxies")
        .with_list_parse_key("network.no_proxy")
        .source(Some(variables));
    read(all.add_source(environment), &format!("in the environment (one of {names})"))
}

fn read<T: DeserializeOwned>(builder: config::ConfigBuilder<config::builder::DefaultState>, place: &str) -> Result<T> {
    builder
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| Error::malformed(format!("the configuration {place} cannot be used: {error}")))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let to_do = match error.kind() {
        std::io::ErrorKind::NotFound => "name the right file with --config, or leave it out",
        std::io::ErrorKind::PermissionDenied => "run this as the user who runs Taifas (sudo -u taifas …)",
        _ => "look at the file",
    };
    Error::malformed(format!("cannot read the configuration {}: {error}; {to_do}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        platform: Ports,
        services: Vec<String>,
    }

    fn variable(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.into(), value.into())]
    }

    #[test]
    fn the_environment_wins_and_lists_are_split() {
        let variables =
            [variable("TAIFAS__PLATFORM__CACHE", "redis:"), variable("TAIFAS__SERVICES", "chat,ai")].concat();
        let sample: Sample = load(None, variables).unwrap();
        assert_eq!(sample.platform.cache, "redis:");
        assert_eq!(sample.services, ["chat", "ai"]);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taifas.toml");
        std::fs::write(&path, "[platform]\ndatabse = \"sqlite:x\"\n").unwrap();
        let error = load::<Sample>(Some(&path), Vec::new()).unwrap_err().to_string();
        assert!(error.contains("databse") && error.contains("taifas.toml"), "{error}");
    }

    #[test]
    fn an_unknown_variable_is_named() {
        let error = load::<Sample>(None, variable("TAIFAS__PLATFORM__DATABSE", "x")).unwrap_err().to_string();
        assert!(error.contains("databse") && error.contains("TAIFAS__PLATFORM__DATABSE"), "{error}");
    }
}
