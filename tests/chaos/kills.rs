//! One message, one kill (or more), one judgement.

use super::ledger::{Ledger, Stage};
use crate::harness::{Binary, Client, Draft, Seen, Sending, Server, TERMINAL, Watch};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::time::Duration;

pub const MODELS: [&str; 3] = ["continues", "asks", "cannot"];

/// When the program dies.
#[derive(Clone, Debug)]
pub enum Kill {
    /// By itself, at a crash point.
    Point { name: &'static str, pass: u32, stage: Stage },
    /// From outside, so long after the send began (and so long after each restart).
    After(Vec<Duration>),
    /// From outside, as soon as the send is acknowledged.
    Acknowledged,
}

#[derive(Clone, Debug)]
pub struct Case {
    pub model: &'static str,
    pub kill: Kill,
    pub script: Value,
    /// The reader drops its connection after so many events, besides the kills.
    pub breaks: Option<usize>,
}

impl Case {
    pub fn new(model: &'static str, kill: Kill, seed: usize) -> Self {
        // where one is asked to go on, the seam is to be seen: whose a token is says where it is
        let style = if model == "asks" { "named" } else { ["named", "words", "markdown"][seed % 3] };
        let script = json!({"tokens": 40, "delay_ms": 8, "seed": seed + 1, "style": style});
        Self { model, kill, script, breaks: (seed % 2 == 1).then_some(5) }
    }
}

/// A server that is set up and stopped.
pub async fn prepared(binary: Binary) -> Result<(Server, Client)> {
    let mut server = Server::start(binary, &[]).await?;
    let client = server.owner().await?;
    server.stop().await?;
    Ok((server, client))
}

/// Runs a case on a stopped server. Without an error the server runs, and `ledger` knows more.
pub async fn run(server: &mut Server, client: &Client, case: &Case, mutant: &str, ledger: &mut Ledger) -> Result<()> {
    let point = match &case.kill {
        Kill::Point { name, pass, .. } => format!("{name}:{pass}"),
        Kill::After(_) | Kill::Acknowledged => String::new(),
    };
    server.again(&[("TAIFAS_FAILPOINT", point.as_str()), ("TAIFAS_MUTANT", mutant)]).await?;
    let draft = Draft::new(case.model, &case.script);
    let sending = tokio::spawn({
        let (client, draft) = (client.clone(), draft.clone());
        async move { client.send_raw(&draft).await }
    });
    let moments: &[Duration] = if let Kill::After(moments) = &case.kill { moments } else { &[] };
    let (first, further) = moments.split_first().unzip();
    // the reader is there before the kill
    let answering = async {
        let acknowledged = match sending.await? {
            Ok(answer) if answer.status == 202 => Some(answer.body),
            Ok(answer) => bail!("a send is answered {}: {}", answer.status, answer.text),
            // cut off: it may be stored or not
            Err(_) => None,
        };
        let sent = acknowledged.clone().map(Sending::read).transpose()?;
        let watch = sent.map(|sent| Watch::begin(client, sent.reply, case.breaks));
        Ok((acknowledged, watch))
    };
    let killing = async {
        match first {
            Some(moment) => {
                tokio::time::sleep(*moment).await;
                server.kill().await
            }
            None => Ok(()),
        }
    };
    let ((acknowledged, watch), ()) = tokio::try_join!(answering, killing)?;
    match &case.kill {
        Kill::Point { .. } => server.dies(TERMINAL).await?,
        Kill::Acknowledged => server.kill().await?,
        Kill::After(_) => {}
    }
    ledger.kills += 1;
    // what travels already arrives
    tokio::time::sleep(Duration::from_millis(40)).await;
    let mut before = watch.as_ref().map(Watch::seen).unwrap_or_default();
    server.again(&[("TAIFAS_MUTANT", mutant)]).await?;
    for moment in further.unwrap_or_default() {
        tokio::time::sleep(*moment).await;
        server.kill().await?;
        ledger.kills += 1;
        before = watch.as_ref().map(Watch::seen).unwrap_or_default();
        server.again(&[("TAIFAS_MUTANT", mutant)]).await?;
    }

    let Some(sent) = ledger.check_message(client, &draft, acknowledged.as_ref()).await? else { return Ok(()) };
    let watch = watch.unwrap_or_else(|| Watch::begin(client, sent.reply, case.breaks));
    let seen: Seen = watch.done(TERMINAL).await?;
    let stage = match case.kill {
        Kill::Point { stage, .. } => stage,
        Kill::After(_) | Kill::Acknowledged => Stage::Within,
    };
    ledger.check_reply(client, &draft, &sent, &before, stage, seen).await
}
