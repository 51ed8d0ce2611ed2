//! `taifas admin`: accounts of a stopped instance, for whoever is locked out. The services do it, in this
//! process, over the same calls as ever.

use crate::{compose, settings::Settings};
use anyhow::{Context as _, Result, ensure};
use chrono::DateTime;
use platform::{Code, config::Ports, folder::DataFolder};
use proto::auth::v1::{CreateAdminRequest, ResetLinkRequest, auth_client::AuthClient};
use std::{io::Write as _, time::Duration};

/// What is asked for.
pub enum Asked {
    Create { name: String, email: String },
    ResetPassword { email: String },
}

/// Does it and prints the link.
pub async fn admin(settings: Settings, asked: Asked) -> Result<()> {
    let database = settings.data.join(Ports::after(&settings.platform.database, "database", "sqlite")?);
    ensure!(
        database.exists(),
        "there is no instance in {}; name the data folder with --data, or the configuration with --config. The first \
         account of a new instance is made with the link that `taifas serve` prints",
        settings.data.display()
    );
    let folder = DataFolder::open(&settings.data).map_err(|error| match error.code() {
        Code::Unavailable if error.message().contains("is in use by") => anyhow::anyhow!(
            "{}. While it runs, an administrator does this on the page of people; when nobody can sign in, stop it \
             (systemctl stop taifas), run this again, and start it",
            error.message().split(';').next().unwrap_or_default()
        ),
        _ => error.into(),
    })?;
    let network = compose::network(&settings.network)?;
    let platform = compose::platform(&settings.platform, network, folder.path(), false).await?;
    let url = settings.gateway.url(settings.gateway.listen);
    let user = user::start(&platform, settings.user).await?;
    platform.peers.announce(user.name, user.router)?;
    let session = session::start(&platform, settings.session).await?;
    platform.peers.announce(session.name, session.router)?;
    let (auth, _) = auth::start(&platform, settings.auth, &url).await?;
    platform.peers.announce(auth.name, auth.router)?;

    let mut client = AuthClient::new(platform.acting_as("taifas").peer("auth"));
    let email = match &asked {
        Asked::Create { email, .. } | Asked::ResetPassword { email } => email.clone(),
    };
    let (what, linked) = match asked {
        Asked::Create { name, email } => {
            ("The account is made. Set its password", client.create_admin(CreateAdminRequest { name, email }).await)
        }
        Asked::ResetPassword { email } => ("Set a new password", client.reset_link(ResetLinkRequest { email }).await),
    };
    let linked = linked.map_err(platform::Error::from);
    platform.background.drain(Duration::from_secs(5)).await;
    platform.db.checkpoint().await?;
    let linked = linked.map_err(|error| match error.code() {
        Code::NotFound => anyhow::anyhow!(
            "there is no account with the e-mail address {email}; look at its spelling, or make one with `taifas admin create`"
        ),
        _ => error.into(),
    })?;
    let linked = linked.into_inner();
    let ends = DateTime::from_timestamp_millis(linked.expires_at).context("a time that is none")?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what} with this link; it works once, until {}:", ends.format("%Y-%m-%d %H:%M UTC"))?;
    writeln!(out, "{}", linked.link)?;
    writeln!(out, "Start Taifas before you open it.")?;
    Ok(())
}
