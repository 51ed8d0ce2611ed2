//! F49: one person with very many things, who asks for all of them all the time, and somebody else who wants to
//! chat meanwhile. Rounds with and without the first one follow each other, so that the machine is the same.

use super::wire::{Connection, request};
use crate::harness::{Client, Database, Draft, Feed, Server, Sse, TERMINAL, WITHOUT_END, ready, until};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;
use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// Requests that the heavy one has under way.
const AT_ONCE: usize = 8;
const THREAD: usize = 1_000;
const TABS: usize = 200;
/// The limits of one person, as they are set unless somebody changes them.
const FEEDS: usize = 64;

/// What the other one's requests took, alone and beside the heavy one.
#[derive(Debug, Default)]
pub struct Beside {
    first_tokens: [Vec<Duration>; 2],
    reads: [Vec<Duration>; 2],
    /// What the heavy one was answered, by status.
    pub answers: BTreeMap<u16, usize>,
}

impl Beside {
    /// How many times as long it took beside the heavy one, for so many of a hundred: first tokens, reads.
    pub fn ratios(&self, percent: usize) -> [f64; 2] {
        [&self.first_tokens, &self.reads]
            .map(|[alone, beside]| part(beside, percent).as_secs_f64() / part(alone, percent).as_secs_f64())
    }
}

impl fmt::Display for Beside {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, [alone, beside]) in [("first token", &self.first_tokens), ("read", &self.reads)] {
            for percent in [50, 99] {
                write!(out, "{what} p{percent} {:?} after {:?}; ", part(beside, percent), part(alone, percent))?;
            }
        }
        write!(out, "the heavy one was answered {:?}", self.answers)
    }
}

/// The time that so many of a hundred do not exceed.
pub fn part(times: &[Duration], percent: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// So many chats, and so many rounds of each kind, of such a length.
pub async fn heavy(chats: usize, rounds: usize, length: Duration) -> Result<Beside> {
    let (mut server, owner) = ready(&[WITHOUT_END]).await?;
    let (heavy, other) = (owner.invite("heavy@example.org").await?, owner.invite("other@example.org").await?);
    let thread = amass(&mut server, &heavy, chats).await?;
    // every tab has a feed and follows an answer, as far as one may
    let slow = heavy.send(&Draft::new("continues", &json!({"tokens": 5_000, "delay_ms": 100}))).await?;
    let (mut feeds, mut streams): (Vec<Feed>, Vec<Sse>) = (Vec::new(), Vec::new());
    for _ in 0..TABS {
        match Feed::knock(&heavy, None, Some(&format!("http://{}", heavy.host()))).await? {
            Ok(feed) => feeds.push(feed),
            Err(status) => ensure!(status == 429, "a feed too many is answered {status}"),
        }
        let (status, stream) = heavy.stream(slow.reply, None).await?;
        ensure!(status == 200, "the stream of a tab is answered {status}");
        streams.push(stream);
    }
    ensure!(feeds.len() == FEEDS, "{} feeds are open", feeds.len());
    let mut beside = Beside::default();
    let address = SocketAddr::from(([127, 0, 0, 1], server.port));
    let (cookie, heavy_cookie) = (other.cookie().context("a session")?, heavy.cookie().context("a session")?);
    usual(address, &cookie, length, &mut Vec::new(), &mut Vec::new()).await?;
    for _ in 0..rounds {
        for loaded in [false, true] {
            let (ends, (mut tokens, mut reads)) = (AtomicBool::new(false), (Vec::new(), Vec::new()));
            let heavy_one = async {
                let busy = 0..if loaded { AT_ONCE } else { 0 };
                let busy = busy.map(|number| want(address, &heavy_cookie, &thread, number, &ends));
                try_join_all(busy).await
            };
            let other_one = async {
                let done = usual(address, &cookie, length, &mut tokens, &mut reads).await;
                ends.store(true, Ordering::Relaxed);
                done
            };
            let (answers, ()) = tokio::try_join!(heavy_one, other_one)?;
            for (status, count) in answers.into_iter().flatten() {
                *beside.answers.entry(status).or_default() += count;
            }
            beside.first_tokens[usize::from(loaded)].append(&mut tokens);
            beside.reads[usize::from(loaded)].append(&mut reads);
        }
    }
    ensure!(
        beside.answers.keys().all(|status| matches!(status, 200 | 202 | 413 | 429 | 503)),
        "something has no name: {:?}",
        beside.answers
    );
    heavy.stop(slow.reply).await?;
    drop((feeds, streams));
    Database::settled(&server).await?;
    server.stop().await?;
    Ok(beside)
}

/// Gives somebody so many chats, some of which can be searched, and a thread of a thousand messages.
async fn amass(server: &mut Server, heavy: &Client, chats: usize) -> Result<String> {
    let template = heavy.send(&Draft::new("continues", &json!({"tokens": 20, "delay_ms": 0}))).await?.chat;
    Database::settled(server).await?;
    server.stop().await?;
    let database = Database::open(server)?;
    let template = template.simple();
    let numbers = |most: usize| {
        format!("with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < {most})")
    };
    database.execute(&format!(
        "insert into chat_chats (space_id, id, title, model, version, active_leaf, created_at, updated_at)
         {} select space_id, unhex(printf('1%031x', n)), 'Chat ' || n, model, 1, unhex(printf('3%031x', n)),
             created_at - n, updated_at - n
         from chat_chats, numbers where id = x'{template}'",
        numbers(chats)
    ))?;
    let message = "space_id, id, chat_id, parent_id, role, text, state, model, attempt, next_seq, marks, stop_asked,
        continued, created_at, finished_at";
    database.execute(&format!(
        "insert into chat_messages ({message})
         {} select space_id, unhex(printf('%d%031x', case role when 'user' then 2 else 3 end, n)),
             unhex(printf('1%031x', n)), case role when 'user' then null else unhex(printf('2%031x', n)) end,
             role, text, state, model, attempt, next_seq, marks, 0, 0, created_at - n, finished_at - n
         from chat_messages, numbers where chat_id = x'{template}'",
        numbers(chats)
    ))?;
    database.execute(&format!(
        "insert into chat_chats (space_id, id, title, model, version, active_leaf, created_at, updated_at)
         select space_id, unhex(printf('4%031x', 0)), 'Thread', model, 1, unhex(printf('5%031x', {THREAD})),
             created_at, updated_at + 1
         from chat_chats where id = x'{template}'"
    ))?;
    database.execute(&format!(
        "insert into chat_messages ({message})
         {} select space_id, unhex(printf('5%031x', n)), unhex(printf('4%031x', 0)),
             case n when 1 then null else unhex(printf('5%031x', n - 1)) end,
             case n % 2 when 1 then 'user' else 'assistant' end,
             'Word ' || n || replace(hex(zeroblob(250)), '00', ' and'), 'complete', model, 1, 1, '[]', 0, 0,
             created_at + n, created_at + n
         from chat_messages, numbers where chat_id = x'{template}' and role = 'user'",
        numbers(THREAD)
    ))?;
    database.execute(
        "insert into chat_search_backlog (space_id, chat_id)
         select space_id, id from chat_chats where title = 'Thread' or title like 'Chat %0'",
    )?;
    drop(database);
    server.again(&[WITHOUT_END]).await?;
    let database = Database::beside(server)?;
    until("everything can be found", 8 * TERMINAL, async || Ok((database.to_index()? == 0).then_some(()))).await?;
    Ok(format!("/api/v1/chats/4{:031}", 0))
}

/// The heavy one, with one request after the other, until the other one has enough.
async fn want(
    address: SocketAddr,
    cookie: &str,
    thread: &str,
    number: usize,
    ends: &AtomicBool,
) -> Result<BTreeMap<u16, usize>> {
    let (mut answers, mut turn) = (BTreeMap::new(), number);
    let mut connection = Connection::open(address).await?;
    let long = "long ".repeat(20_000);
    let too_long = "x".repeat(1 << 20);
    let asking = |path: &str| request(&format!("GET {path}"), &format!("cookie: {cookie}\r\n"), "");
    let sending = |text: &str| {
        let draft = Draft::of(uuid::Uuid::now_v7(), None, text, "continues");
        let headers = format!("cookie: {cookie}\r\nx-csrf: 1\r\nidempotency-key: {}\r\n", draft.key);
        request(&format!("POST /api/v1/chats/{}/messages", draft.chat), &headers, &draft.body.to_string())
    };
    while !ends.load(Ordering::Relaxed) {
        turn += 1;
        let question = match turn % 5 {
            0 => asking("/api/v1/chats?limit=100"),
            1 => asking(thread),
            2 => asking("/api/v1/search?q=word"),
            3 => sending(&long),
            _ => sending(&too_long),
        };
        let (head, _) = connection.ask(&question).await?;
        *answers.entry(head.status()).or_default() += 1;
        if matches!(head.status(), 429 | 503) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(answers)
}

/// The other one: a question, its first token, the list and the chat, and a pause.
async fn usual(
    address: SocketAddr,
    cookie: &str,
    length: Duration,
    tokens: &mut Vec<Duration>,
    reads: &mut Vec<Duration>,
) -> Result<()> {
    let start = Instant::now();
    let mut connection = Connection::open(address).await?;
    while start.elapsed() < length {
        let draft = Draft::new("continues", &json!({"tokens": 3, "delay_ms": 1}));
        let headers =
            format!("cookie: {cookie}\r\nx-csrf: 1\r\nidempotency-key: {}\r\naccept: text/event-stream\r\n", draft.key);
        let path = format!("/api/v1/chats/{}", draft.chat);
        let asked = Instant::now();
        connection.write(&request(&format!("POST {path}/messages"), &headers, &draft.body.to_string())).await?;
        let head = connection.head().await?.context("no answer")?;
        ensure!(head.status() == 202, "a question is answered {}", head.first);
        let mut came = false;
        while let Some(piece) = connection.piece().await? {
            if !came && shows(&piece) {
                came = true;
                tokens.push(asked.elapsed());
            }
        }
        for path in ["/api/v1/chats", &path] {
            let asked = Instant::now();
            let (head, _) =
                connection.ask(&request(&format!("GET {path}"), &format!("cookie: {cookie}\r\n"), "")).await?;
            ensure!(head.status() == 200, "{path} is answered {}", head.first);
            reads.push(asked.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    Ok(())
}

/// Whether text of the answer is in this part of its stream: pieces, or a snapshot of what is there.
fn shows(piece: &[u8]) -> bool {
    let text = String::from_utf8_lossy(piece);
    let snapshot = text.split_once("event: snapshot\ndata: {\"text\":\"");
    text.contains("event: text") || snapshot.is_some_and(|(_, text)| !text.starts_with('"'))
}
