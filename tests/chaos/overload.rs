//! F41: more requests than can be served. Saturation is what a closed loop of people reaches; then so many
//! times that much is offered, whether it is served or not. Everything is compared with saturation in the
//! same run, by a client that costs as little as it can: it shares the machine. What it takes of the processors
//! is said beside what the server takes, because at five times saturation it is as much.

use crate::{
    chaos::{
        heavy::part,
        wire::{Connection, request},
    },
    harness::{Client, Database, Draft, Server, WITHOUT_END, ready},
};
use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, future::try_join_all, stream::FuturesUnordered};
use serde_json::json;
use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use uuid::Uuid;

/// People, and how many requests they have under way at saturation, all together.
const PEOPLE: usize = 8;
const TOGETHER: usize = 64;
/// What a refusal may take, and how soon all is as before.
const REFUSAL: Duration = Duration::from_millis(50);
const RECOVERY: Duration = Duration::from_secs(10);
/// How long many requests are a burst: these are served late rather than refused, see decision 0121.
const BURST: Duration = Duration::from_secs(3);
/// Requests that nobody has answered; more are not offered.
const OPEN: usize = 4000;

/// What was answered in a while.
#[derive(Default)]
pub struct Phase {
    /// How many times saturation was offered; 0 for saturation itself.
    times: u32,
    /// Accepted in a second.
    rate: f64,
    accepted: Vec<Duration>,
    at_first: usize,
    refused: Vec<Duration>,
    /// Neither accepted nor told to come again.
    wrong: usize,
    /// Time on a processor, of the server and of this client, and how long it lasted.
    spent: [Duration; 2],
    length: Duration,
}

pub struct Overload {
    saturated: Phase,
    offered: Vec<Phase>,
    after: Phase,
    recovery: Duration,
}

impl Overload {
    /// The target of F41.
    pub fn holds(&self) -> bool {
        let least = |times| if times == 2 { 0.9 } else { 0.8 };
        let offered = self.offered.iter().all(|phase| {
            phase.wrong == 0
                && phase.rate >= least(phase.times) * self.saturated.rate
                && part(&phase.accepted, 99) <= 2 * part(&self.saturated.accepted, 99)
                && part(&phase.refused, 99) <= REFUSAL
        });
        offered && self.after.rate >= 0.9 * self.saturated.rate && self.recovery <= RECOVERY
    }
}

impl fmt::Display for Overload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = |phase: &Phase| {
            let [server, client] = phase.spent.map(|spent| spent.as_secs_f64() / phase.length.as_secs_f64());
            format!(
                "{:.0}/s, p99 {:?}, {} refused (median {:?}, p99 {:?}), {} wrong, processors: server {server:.2}, client \
                 {client:.2}",
                phase.rate,
                part(&phase.accepted, 99),
                phase.refused.len(),
                part(&phase.refused, 50),
                part(&phase.refused, 99),
                phase.wrong
            )
        };
        write!(out, "saturation {}", phase(&self.saturated))?;
        for offered in &self.offered {
            let [server, client] = offered.a_refusal(&self.saturated);
            write!(out, "; {}×: {}, a refusal about {server:?} and {client:?} of that", offered.times, phase(offered))?;
        }
        write!(
            out,
            "; afterwards {}; an answer takes what it took before after {:?}",
            phase(&self.after),
            self.recovery
        )
    }
}

pub async fn overload(length: Duration) -> Result<Overload> {
    let limits = [WITHOUT_END];
    let (mut server, owner) = ready(&limits).await?;
    let load = Load::gather(&server, &owner).await?;
    let usual = load.turns(15).await?;
    load.closed(length / 3).await?;
    let saturated = load.closed(length).await?;
    let mut offered = Vec::new();
    for times in [2, 5] {
        offered.push(load.open(length, times, saturated.rate).await?);
    }
    let recovery = load.recovery(usual).await?;
    let after = load.closed(length).await?;
    ensure!(owner.get("/readyz").await?.status == 200, "it is not ready afterwards");
    Database::settled(&server).await?;
    server.stop().await?;
    Ok(Overload { saturated, offered, after, recovery })
}

/// People with connections that stay open.
struct Load {
    address: SocketAddr,
    server: u32,
    /// A message of each.
    questions: Vec<Question>,
    /// One that is answered with its answer's stream.
    streamed: Question,
    idle: Mutex<Vec<Connection>>,
    next: AtomicUsize,
}

impl Load {
    async fn gather(server: &Server, owner: &Client) -> Result<Self> {
        let mut cookies = vec![owner.cookie().context("a session")?];
        for number in 1..PEOPLE {
            let person = owner.invite(&format!("person{number}@example.org")).await?;
            cookies.push(person.cookie().context("a session")?);
        }
        let address = SocketAddr::from(([127, 0, 0, 1], server.port));
        let questions = cookies.iter().map(|cookie| Question::of(cookie, "")).collect::<Vec<_>>();
        let streamed = Question::of(&cookies[0], "accept: text/event-stream\r\n");
        let (server, idle) = (server.pid()?, Mutex::default());
        Ok(Self { address, server, questions, streamed, idle, next: AtomicUsize::new(0) })
    }

    fn question(&self) -> Vec<u8> {
        self.questions[self.next.fetch_add(1, Ordering::Relaxed) % self.questions.len()].again()
    }

    /// What the server and this client have had of the processors.
    fn spent(&self) -> Result<[Duration; 2]> {
        Ok([processor_time(self.server)?, processor_time(std::process::id())?])
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One message by somebody: the status, and what it took.
    async fn send(&self) -> Result<(u16, Duration)> {
        let question = self.question();
        let start = Instant::now();
        let idle = self.idle().pop();
        if let Some(mut connection) = idle
            && let Ok((head, _)) = connection.ask(&question).await
        {
            self.idle().push(connection);
            return Ok((head.status(), start.elapsed()));
        }
        // none is open, or it was closed because nobody used it; the same message again is the same message
        let mut connection = Connection::open(self.address).await?;
        let (head, _) = connection.ask(&question).await?;
        self.idle().push(connection);
        Ok((head.status(), start.elapsed()))
    }

    /// Everybody sends as soon as the message before is answered.
    async fn closed(&self, length: Duration) -> Result<Phase> {
        let (start, before) = (Instant::now(), self.spent()?);
        let people = (0..TOGETHER).map(|_| async {
            let mut phase = Phase::default();
            while start.elapsed() < length {
                phase.take(self.send().await?);
            }
            anyhow::Ok(phase)
        });
        let mut all = Phase::default();
        for mut phase in try_join_all(people).await? {
            all.accepted.append(&mut phase.accepted);
            all.refused.append(&mut phase.refused);
            all.wrong += phase.wrong;
        }
        all.ends(start, before, self.spent()?);
        Ok(all)
    }

    /// So many times `rate` is offered.
    async fn open(&self, length: Duration, times: u32, rate: f64) -> Result<Phase> {
        let (start, before) = (Instant::now(), self.spent()?);
        let (mut open, mut phase) = (FuturesUnordered::new(), Phase { times, ..Phase::default() });
        let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / (rate * f64::from(times))));
        loop {
            tokio::select! {
                Some((asked, answer)) = open.next(), if !open.is_empty() => match answer {
                    // what comes at first is a burst, and waits until it is served
                    Ok((202, _)) if asked < BURST => phase.at_first += 1,
                    Ok(answer) => phase.take(answer),
                    Err(_) => phase.wrong += 1,
                },
                _ = pace.tick(), if start.elapsed() < length => {
                    if open.len() < OPEN {
                        let asked = start.elapsed();
                        open.push(async move { (asked, self.send().await) });
                    }
                }
                else => break,
            }
        }
        // what came in while it was offered
        phase.ends(start, before, self.spent()?);
        Ok(phase)
    }

    /// What it takes from a question to the end of its short answer, when nobody else asks.
    async fn turn(&self) -> Result<Option<Duration>> {
        let question = self.streamed.again();
        let (start, mut connection) = (Instant::now(), Connection::open(self.address).await?);
        connection.write(&question).await?;
        let head = connection.head().await?.context("no answer")?;
        let body = connection.body().await?;
        let done = head.status() == 202 && body.windows(11).any(|window| window == b"event: done");
        Ok(done.then(|| start.elapsed()))
    }

    async fn turns(&self, count: usize) -> Result<Duration> {
        let mut times = Vec::new();
        for _ in 0..count {
            times.push(self.turn().await?.context("a question is refused while nobody else asks")?);
        }
        Ok(part(&times, 50))
    }

    /// How long it takes until three answers in a row are about as fast as usual.
    async fn recovery(&self, usual: Duration) -> Result<Duration> {
        let (start, mut good) = (Instant::now(), 0);
        while good < 3 {
            ensure!(start.elapsed() < 10 * RECOVERY, "it does not recover: {usual:?} is usual");
            let took = self.turn().await?;
            good = if took.is_some_and(|took| took <= 2 * usual + REFUSAL) { good + 1 } else { 0 };
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(start.elapsed())
    }
}

/// A message that can be sent again and again, each time as another one. To make each anew would cost as much
/// as to send it.
struct Question {
    bytes: Vec<u8>,
    /// Where its own id and that of its chat stand.
    ids: [Vec<usize>; 2],
}

impl Question {
    fn of(cookie: &str, headers: &str) -> Self {
        let draft = Draft::new("continues", &json!({"tokens": 2, "delay_ms": 0}));
        let headers = format!("cookie: {cookie}\r\nx-csrf: 1\r\nidempotency-key: {}\r\n{headers}", draft.key);
        let line = format!("POST /api/v1/chats/{}/messages", draft.chat);
        let bytes = request(&line, &headers, &draft.body.to_string());
        let ids = [draft.id, draft.chat].map(|id| {
            let id = id.to_string();
            let windows = bytes.windows(id.len()).enumerate();
            windows.filter_map(|(at, window)| (window == id.as_bytes()).then_some(at)).collect()
        });
        Self { bytes, ids }
    }

    fn again(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for places in &self.ids {
            let mut text = Uuid::encode_buffer();
            let id = Uuid::now_v7().hyphenated().encode_lower(&mut text);
            for at in places {
                bytes[*at..*at + id.len()].copy_from_slice(id.as_bytes());
            }
        }
        bytes
    }
}

impl Phase {
    fn ends(&mut self, start: Instant, before: [Duration; 2], after: [Duration; 2]) {
        self.length = start.elapsed();
        self.rate = self.served() as f64 / self.length.as_secs_f64();
        self.spent = [0, 1].map(|who| after[who].saturating_sub(before[who]));
    }

    fn served(&self) -> usize {
        self.accepted.len() + self.at_first
    }

    /// What a refusal takes of the processors, when whatever is served takes what it does at saturation.
    fn a_refusal(&self, saturated: &Self) -> [Duration; 2] {
        let part = self.served() as f64 / saturated.served().max(1) as f64;
        let count = u32::try_from(self.refused.len()).unwrap_or(u32::MAX).max(1);
        [0, 1].map(|who| self.spent[who].saturating_sub(saturated.spent[who].mul_f64(part)) / count)
    }

    fn take(&mut self, (status, took): (u16, Duration)) {
        match status {
            202 => self.accepted.push(took),
            429 | 503 => self.refused.push(took),
            _ => self.wrong += 1,
        }
    }
}

/// How long a process has been on a processor, in the program and in the kernel for it.
fn processor_time(process: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("the name of a process")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    // the kernel says it in hundredths of a second, whatever it counts in
    Ok(Duration::from_millis(10 * ticks))
}
