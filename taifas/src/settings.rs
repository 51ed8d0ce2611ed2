//! All settings of a process: a section a service, a section for the ports.

use platform::{Error, Result, config, network, telemetry::LogFormat};
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// `taifas.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The services of this process; `*` is all of them.
    pub services: Vec<String>,
    /// The folder that holds everything this instance keeps.
    pub data: PathBuf,
    /// Seconds that running answers and open connections get when the process is asked to end.
    pub drain_seconds: u64,
    pub log: LogSettings,
    pub backup: Backup,
    pub platform: config::Ports,
    pub network: network::Config,
    pub gateway: gateway::Config,
    pub user: user::Config,
    pub auth: auth::Config,
    pub session: session::Config,
    pub chat: chat::Config,
    pub ai: ai::Config,
    pub analytics: analytics::Config,
    pub notification: notification::Config,
}

/// Section `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    pub format: Log,
    /// As in `RUST_LOG`: `info`, `info,chat=debug`.
    pub filter: String,
}

/// Section `[backup]`: continuous archiving.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Where changes are archived; nothing turns it off. Best on another disk.
    pub folder: Option<PathBuf>,
    /// Seconds between two archivings: what a lost machine loses at most, nearly.
    pub every_seconds: u64,
    /// Hours between two whole copies of the database: a restore reads one, and the changes after it.
    pub base_hours: u64,
    /// Days that one can go back.
    pub keep_days: u32,
    /// The file with the passphrase that encrypts the archive and backups.
    pub passphrase_file: Option<PathBuf>,
}

impl Default for Backup {
    fn default() -> Self {
        Self { folder: None, every_seconds: 5, base_hours: 24, keep_days: 14, passphrase_file: None }
    }
}

impl Backup {
    /// # Errors
    /// A sentence that names what cannot be used.
    pub fn check(&self, data: &Path) -> Result<()> {
        let limits = [
            ("every_seconds", self.every_seconds, 1..=3600),
            ("base_hours", self.base_hours, 1..=720),
            ("keep_days", self.keep_days.into(), 1..=3650),
        ];
        for (key, value, limits) in limits {
            if !limits.contains(&value) {
                let (from, to) = limits.into_inner();
                return Err(Error::malformed(format!("backup.{key} = {value} must be from {from} to {to}")));
            }
        }
        if self.folder.as_ref().is_some_and(|folder| folder.starts_with(data)) {
            return Err(Error::malformed(
                "backup.folder lies in the data folder, and would be lost with it; name a folder on another disk",
            ));
        }
        Ok(())
    }

    #[must_use]
    pub fn base_every(&self) -> Duration {
        Duration::from_secs(self.base_hours * 3600)
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    /// One JSON object a line
    Json,
    /// For people
    Text,
}

impl From<Log> for LogFormat {
    fn from(log: Log) -> Self {
        match log {
            Log::Json => Self::Json,
            Log::Text => Self::Text,
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: Log::Json, filter: "info".into() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            services: vec!["*".into()],
            data: "data".into(),
            drain_seconds: 10,
            log: LogSettings::default(),
            backup: Backup::default(),
            platform: config::Ports::default(),
            network: network::Config::default(),
            gateway: gateway::Config::default(),
            user: user::Config::default(),
            auth: auth::Config::default(),
            session: session::Config::default(),
            chat: chat::Config::default(),
            ai: ai::Config::default(),
            analytics: analytics::Config::default(),
            notification: notification::Config::default(),
        }
    }
}

/// Variables that other programs have taught people to set; ours win.
const KNOWN_ELSEWHERE: &[(&str, &str)] = &[
    ("OPENAI_API_KEY", "TAIFAS__AI__OPENAI_API_KEY"),
    ("OPENAI_BASE_URL", "TAIFAS__AI__OPENAI_BASE_URL"),
    ("ANTHROPIC_API_KEY", "TAIFAS__AI__ANTHROPIC_API_KEY"),
    ("ANTHROPIC_BASE_URL", "TAIFAS__AI__ANTHROPIC_BASE_URL"),
    ("OLLAMA_HOST", "TAIFAS__AI__OLLAMA_BASE_URL"),
    // the first of them that is set
    ("HTTPS_PROXY", "TAIFAS__NETWORK__PROXY"),
    ("https_proxy", "TAIFAS__NETWORK__PROXY"),
    ("HTTP_PROXY", "TAIFAS__NETWORK__PROXY"),
    ("http_proxy", "TAIFAS__NETWORK__PROXY"),
    ("NO_PROXY", "TAIFAS__NETWORK__NO_PROXY"),
    ("no_proxy", "TAIFAS__NETWORK__NO_PROXY"),
];

impl Settings {
    /// Defaults, then the file, then the environment.
    ///
    /// # Errors
    /// A sentence that names the file or variable and what is wrong.
    pub fn load(file: Option<&Path>, mut variables: Vec<(String, String)>) -> Result<Self> {
        let found = Path::new("taifas.toml");
        let file = file.or_else(|| found.exists().then_some(found));
        for (theirs, ours) in KNOWN_ELSEWHERE {
            let value = variables
                .iter()
                .find(|(name, value)| name == theirs && !value.is_empty())
                .map(|(_, value)| value.clone());
            if let Some(value) = value.filter(|_| !variables.iter().any(|(name, _)| name == ours)) {
                variables.push(((*ours).into(), if *theirs == "OLLAMA_HOST" { ollama_url(&value) } else { value }));
            }
        }
        config::load(file, variables)
    }

    /// What was said on the command line.
    pub fn apply(
        &mut self,
        data: Option<PathBuf>,
        listen: Option<SocketAddr>,
        services: Option<Vec<String>>,
        demo: bool,
        log: Option<Log>,
    ) {
        self.data = data.unwrap_or_else(|| std::mem::take(&mut self.data));
        self.gateway.listen = listen.unwrap_or(self.gateway.listen);
        self.services = services.unwrap_or_else(|| std::mem::take(&mut self.services));
        self.ai.demo |= demo;
        self.log.format = log.unwrap_or(self.log.format);
    }

    /// Refuses a set of services that cannot work with these ports.
    ///
    /// # Errors
    /// A sentence that says which name is unknown, or which ports cannot be shared.
    pub fn check_services(&self, known: &[&str]) -> Result<()> {
        if let Some(unknown) = self.services.iter().find(|name| *name != "*" && !known.contains(&name.as_str())) {
            return Err(Error::malformed(format!("there is no service \"{unknown}\"; there are {}", known.join(", "))));
        }
        let all = self.services.iter().any(|name| name == "*")
            || known.iter().all(|name| self.services.iter().any(|s| s == name));
        if all {
            return Ok(());
        }
        let ports = &self.platform;
        let embedded = [
            ("database", &ports.database, "sqlite:"),
            ("bus", &ports.bus, "db:"),
            ("cache", &ports.cache, "memory:"),
            ("streams", &ports.streams, "file:"),
            ("tasks", &ports.tasks, "db:"),
            ("objects", &ports.objects, "file:"),
            ("peers", &ports.peers, "local:"),
        ];
        let named: Vec<_> = embedded
            .into_iter()
            .filter(|(_, url, scheme)| url.starts_with(scheme))
            .map(|(name, url, _)| format!("platform.{name} = \"{url}\""))
            .collect();
        Err(Error::malformed(format!(
            "services {} cannot run without the others: they reach each other through ports that live in one process here ({}); \
             run all services together with --services '*'",
            self.services.join(","),
            named.join(", ")
        )))
    }
}

/// `OLLAMA_HOST` may be a host, a host with a port, or a URL; a server that listens on all addresses
/// is reached on this machine.
fn ollama_url(host: &str) -> String {
    let host = host.trim_end_matches('/').replace("0.0.0.0", "127.0.0.1");
    match (host.contains("://"), host.contains(':')) {
        (true, _) => host,
        (false, true) => format!("http://{host}"),
        (false, false) => format!("http://{host}:11434"),
    }
}

#[cfg(test)]
mod fuzz {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    proptest! {
        /// Whatever a configuration holds is read or refused with a sentence that names the file.
        #[test]
        fn files(text in prop_oneof![
            any::<String>(),
            "(\\[(log|backup|gateway|ai|platform|chat)\\]\n|[a-z_]{1,12} = (\"[a-z:/]{0,8}\"|-?[0-9]{1,20}|true|\\[\\])\n){0,6}",
        ]) {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            match Settings::load(Some(file.path()), Vec::new()) {
                Ok(settings) => {
                    let _ = settings.backup.check(Path::new("data"));
                    let _ = settings.check_services(&["chat"]);
                }
                Err(error) => prop_assert!(error.to_string().contains(file.path().to_str().unwrap())),
            }
        }

        #[test]
        fn variables(
            section in "[A-Za-z_]{0,10}", key in "[A-Za-z_]{0,16}", value in any::<String>(),
            known in prop_oneof![Just("BACKUP__EVERY_SECONDS"), Just("GATEWAY__LISTEN"), Just("GATEWAY__TRUSTED_PROXIES"), Just("SERVICES"), Just("DATA")],
        ) {
            for name in [format!("TAIFAS__{section}__{key}"), format!("TAIFAS__{known}")] {
                if let Err(error) = Settings::load(None, vec![(name.clone(), value.clone())]) {
                    prop_assert!(error.to_string().contains(&name), "{}", error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn what_others_taught_people_to_set_is_found_and_ours_wins() {
        let found = Settings::load(
            None,
            vec![
                pair("OPENAI_BASE_URL", "http://a/v1"),
                pair("OLLAMA_HOST", "0.0.0.0"),
                pair("ANTHROPIC_API_KEY", "k"),
            ],
        )
        .unwrap();
        assert_eq!(found.ai.openai_base_url.as_deref(), Some("http://a/v1"));
        assert_eq!(found.ai.ollama_base_url, "http://127.0.0.1:11434");
        assert!(found.ai.anthropic_api_key.is_some());
        let network = Settings::load(
            None,
            vec![
                pair("http_proxy", "http://second:3128"),
                pair("HTTPS_PROXY", "http://first:3128"),
                pair("NO_PROXY", "localhost,.example.org"),
            ],
        );
        let network = network.unwrap().network;
        assert_eq!(network.proxy.unwrap().expose_secret(), "http://first:3128");
        assert_eq!(network.no_proxy, ["localhost", ".example.org"]);
        let off = Settings::load(None, vec![pair("HTTPS_PROXY", "http://first"), pair("TAIFAS__NETWORK__PROXY", "")]);
        assert_eq!(off.unwrap().network.proxy.unwrap().expose_secret(), "");
        let ours = vec![pair("OPENAI_BASE_URL", "http://a/v1"), pair("TAIFAS__AI__OPENAI_BASE_URL", "http://b/v1")];
        assert_eq!(Settings::load(None, ours).unwrap().ai.openai_base_url.as_deref(), Some("http://b/v1"));
    }

    #[test]
    fn a_part_of_the_services_is_refused_with_the_ports_that_keep_it_from_working() {
        let known = ["gateway", "chat"];
        let some = Settings { services: vec!["chat".into()], ..Settings::default() };
        let sentence = some.check_services(&known).unwrap_err().to_string();
        assert!(sentence.contains("platform.database") && sentence.contains("platform.peers"), "{sentence}");
        let unknown = Settings { services: vec!["chatt".into()], ..Settings::default() };
        assert!(unknown.check_services(&known).unwrap_err().to_string().contains("chatt"));
        assert!(Settings::default().check_services(&known).is_ok());
    }

    #[test]
    fn a_key_that_looks_like_a_number_stays_text() {
        let settings = Settings::load(None, vec![pair("OPENAI_API_KEY", "12345")]).unwrap();
        assert!(settings.ai.openai_api_key.is_some());
    }
}
