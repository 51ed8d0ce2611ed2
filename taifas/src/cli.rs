//! The command line: what there is, and help that teaches it.

use crate::settings;
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// Taifas: a chat platform that an organisation runs itself.
#[derive(Parser)]
#[command(
    version,
    after_help = "Everything an instance keeps is in its data folder (default: data). Settings come from taifas.toml, \
                  from TAIFAS__SECTION__KEY variables and from flags; docs/configuration.md lists all of them.\n\n\
                  Examples:\n  \
                  taifas serve                            run an instance at http://127.0.0.1:8420\n  \
                  taifas backup --to /backups             back up while it runs\n  \
                  taifas doctor                           look for what is wrong, and what to do"
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run an instance: everything in this process, on embedded defaults
    #[command(after_long_help = "Examples:\n  \
        taifas serve\n  \
        taifas serve --data /srv/taifas --listen 0.0.0.0:8420 --log text\n  \
        TAIFAS__GATEWAY__PUBLIC_URL=https://chat.example.org taifas serve\n\n\
        The first start prints a link that makes the administrator's account. Tables are brought up to date at \
        the start. Ctrl+C or SIGTERM ends it; running answers get some seconds, and go on after the next start.")]
    Serve(Serve),
    /// Bring the tables of a stopped instance to this program's version
    #[command(
        after_long_help = "`taifas serve` does the same at its start; this is for upgrades in which you want to see it \
        done first. Make a backup before: an older program refuses a database that a newer one has brought further.\n\n\
        Examples:\n  taifas migrate --check     say what there is to do, change nothing\n  taifas migrate"
    )]
    Migrate {
        #[command(flatten)]
        place: Place,
        /// Say what there is to do and change nothing; also beside a running instance
        #[arg(long)]
        check: bool,
    },
    /// Make an administrator, or let somebody set a new password, on a stopped instance
    #[command(
        after_long_help = "For whoever is locked out: the instance must be stopped, and nobody has to be signed in. The link \
        works once; start Taifas before you open it.\n\n\
        Examples:\n  \
        taifas admin create --name 'Ana Pop' --email ana@example.org\n  \
        taifas admin reset-password ana@example.org --data /var/lib/taifas/data"
    )]
    Admin {
        #[command(subcommand)]
        what: Admin,
        #[command(flatten)]
        place: Place,
    },
    /// Back up everything into one file, while the instance runs or when it is stopped
    #[command(
        after_long_help = "The file holds the database as of one moment, the stored files, and a manifest with the SHA-256 of \
        each. With a passphrase it is encrypted and also holds the secrets (among them the key that opens the keys of \
        providers); keep the passphrase elsewhere than the backup. The text of answers that are being written right now \
        is not in it: they begin anew after a restore. Beside it lies erased.jsonl, which names what people have erased: \
        keep the two together, so that it does not come back.\n\n\
        Examples:\n  \
        taifas backup --to /backups\n  \
        taifas backup --to /backups/monday.tar.gz --passphrase-file /etc/taifas/passphrase\n  \
        TAIFAS_BACKUP_PASSPHRASE=… taifas backup"
    )]
    Backup {
        #[command(flatten)]
        place: Place,
        /// A folder, or the file to write [default: taifas-DATE.tar.gz here]
        #[arg(long, value_name = "PATH")]
        to: Option<PathBuf>,
        /// The file with the passphrase that encrypts it; - is standard input [default: `backup.passphrase_file`,
        /// else TAIFAS_BACKUP_PASSPHRASE]
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Make a data folder of a backup, or of an archive as of any moment
    #[command(
        after_long_help = "Everything is compared with the manifest before the folder appears: sizes, SHA-256, the \
        soundness of the database and the number of rows of each table. A folder that is not empty is never touched, \
        unless --replace says that it is to be moved aside. What the journals of erasures (erased.jsonl beside the \
        backup and in the folder that is replaced, and those of --erased) say was erased since is erased again.\n\n\
        Examples:\n  \
        taifas restore /backups/taifas-2026-11-26-030000.tar.gz --data restored\n  \
        taifas restore /archive --at 2026-01-31T12:00:00Z --data restored\n  \
        taifas restore monday.tar.gz.sealed --passphrase-file /etc/taifas/passphrase --replace"
    )]
    Restore {
        /// The backup, or the folder of continuous archiving
        #[arg(value_name = "BACKUP")]
        from: PathBuf,
        #[command(flatten)]
        place: Place,
        /// Go back to this moment, such as 2026-01-31T12:00:00Z [default: the latest]
        #[arg(long, value_name = "TIME")]
        at: Option<DateTime<Utc>>,
        /// Move what is in the data folder aside, to a folder beside it
        #[arg(long)]
        replace: bool,
        /// A further journal of erasures, such as the one of the lost data folder; may be repeated
        #[arg(long, value_name = "FILE")]
        erased: Vec<PathBuf>,
        /// The file with the passphrase of the backup; - is standard input [default: `backup.passphrase_file`, else
        /// TAIFAS_BACKUP_PASSPHRASE]
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Compare the audit trail with its seals, or a transcript with its signature
    #[command(
        after_long_help = "Events (sign-ins, changes of accounts and rights, sent messages: ids and facts, no text) are \
        sealed every minute under signed Merkle roots. `verify` finds events that were changed, removed or added since, \
        and with a file of seals (audit.jsonl in the data folder, in the archive and beside backups) an end that was cut \
        off. It changes nothing and works beside a running instance; status 1 means that something is wrong.\n\n\
        Examples:\n  \
        taifas audit verify\n  \
        taifas audit verify --seals /mnt/archive/taifas/audit.jsonl\n  \
        taifas audit key                                          what others check transcripts with\n  \
        taifas audit verify --transcript chat.json --key 3b6a…    without an instance"
    )]
    Audit {
        #[command(subcommand)]
        what: Audit,
        #[command(flatten)]
        place: Place,
    },
    /// Look for what is wrong with an instance, running or stopped, and say what to do
    #[command(
        after_long_help = "Looks at the configuration, the certificate and how long it is good, the folder and its \
        permissions, the database and its version, the disk, the last backup, the clock, the address, the proxy, and all \
        providers, also those that were added in the browser. It changes nothing, and ends with status 1 when something \
        keeps the instance from working. Run it as the user who runs Taifas, with the same --config and variables.\n\n\
        Examples:\n  taifas doctor\n  taifas doctor --config /etc/taifas/taifas.toml --thorough"
    )]
    Doctor {
        #[command(flatten)]
        place: Place,
        /// Compare every index with its table: as slow as reading the whole database
        #[arg(long)]
        thorough: bool,
    },
    /// Print the OpenAPI description of the API
    #[command(
        after_help = "Example:\n  taifas openapi > openapi.json\n\nA running instance gives the same at /api/v1/openapi.json."
    )]
    Openapi,
    /// Print the version of this program and of what is in it
    Version,
}

/// What to look at.
#[derive(Subcommand)]
pub enum Audit {
    /// Compare the audit trail, or a transcript
    Verify {
        /// A chat that was exported as JSON
        #[arg(long, value_name = "FILE")]
        transcript: Option<PathBuf>,
        /// The public key [default: that of the data folder]
        #[arg(long, value_name = "HEX")]
        key: Option<String>,
        /// A further file of seals to compare with; may be repeated
        #[arg(long, value_name = "FILE")]
        seals: Vec<PathBuf>,
    },
    /// Print the public key that seals and transcripts are checked with
    Key,
}

/// What to do with an account.
#[derive(Subcommand)]
pub enum Admin {
    /// Make a further administrator and print the link that sets the password
    #[command(after_help = "Example:\n  taifas admin create --name 'Ana Pop' --email ana@example.org")]
    Create {
        /// The name that others see
        #[arg(long)]
        name: String,
        /// The e-mail address with which they sign in
        #[arg(long)]
        email: String,
    },
    /// Print a link with which somebody sets a new password
    #[command(after_help = "Example:\n  taifas admin reset-password ana@example.org --data /var/lib/taifas/data")]
    ResetPassword {
        /// The account's e-mail address
        email: String,
    },
}

/// Which instance.
#[derive(Args)]
pub struct Place {
    /// The configuration file [default: taifas.toml, if there is one]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The folder that holds everything this instance keeps [default: data]
    #[arg(long, value_name = "FOLDER", global = true)]
    pub data: Option<PathBuf>,
}

/// Flags win over the environment (`TAIFAS__…`), which wins over the configuration file.
#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    pub place: Place,
    /// Where to listen [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// The services of this process, with commas [default: *, which is all of them]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub services: Option<Vec<String>>,
    /// Offer the scripted provider: prepared answers for demonstrations and tests
    #[arg(long)]
    pub demo: bool,
    /// How log lines on standard error look
    #[arg(long, value_enum)]
    pub log: Option<settings::Log>,
}
