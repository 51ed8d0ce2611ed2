//! Several people at once, over HTTP, event streams and WebSockets, while the program dies and comes
//! back; then everything is asked for anew and compared with what each of them was told.

use super::{
    dice::Dice,
    kills::MODELS,
    ledger::Ledger,
    memory::Little,
    platter::Platter,
    stories::{Log, Story},
};
use crate::harness::{Binary, Client, Database, Over, Server};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use rustix::process::Signal;
use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::{JoinHandle, LocalSet};
use uuid::Uuid;

/// How long consumers take at most to note where they are.
const NOTED: Duration = Duration::from_millis(300);
const OTHER: &str = "other@example.org";
/// What happens to the program in a round.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It dies by itself, at this pass of a point: `A4:7`.
    Point(String),
    /// Blows from outside, each so long after the one before, or after the start that followed it.
    Blows(Vec<(Duration, Blow)>),
}

#[derive(Clone, Copy, Debug)]
pub enum Blow {
    Kill,
    /// SIGTERM: it ends in order, and is started again.
    End,
    /// SIGSTOP, and SIGCONT so much later.
    Pause(Duration),
    /// The machine's clock is so many seconds off from now on.
    Clock(i64),
    /// It gets no more memory: it dies of it, or it is killed.
    Starve,
    /// The power goes, with what this seed says of the unsynced.
    Cut(u64),
}

/// Who it is, and how their story ended.
type Told = (usize, Result<Log>);

/// A server with two people: one reads event streams and is never seen on a feed, one holds a feed.
pub struct Crowd {
    pub server: Server,
    people: [Client; 2],
    chats: [Vec<Uuid>; 2],
    /// Files that were acknowledged, with what is in them.
    files: [Vec<(String, Vec<u8>)>; 2],
    pub ledger: Ledger,
    /// Of all rounds: acknowledged sends, requests without an answer, pieces that were read, connections.
    pub counted: Counted,
    /// How often it ended in order while people were at it.
    pub ends: usize,
    /// How often it died by itself of having too little memory.
    pub starved: usize,
    /// How long a story may wait for one thing.
    pub patience: Duration,
    environment: Vec<(&'static str, String)>,
    mutant: &'static str,
    /// Its disk, when the power may go; how often it went, and how many changes were lost.
    disk: Option<Platter>,
    cuts: Arc<AtomicUsize>,
    /// Why requests failed that had reached somebody.
    pub cut: Vec<String>,
    pub lost: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    pub rounds: usize,
    pub acknowledged: usize,
    pub unanswered: usize,
    pub replies: usize,
    /// Tokens that were read, each at its place.
    pub pieces: usize,
    /// Tokens in whatever came, each with its person's name.
    pub heard: usize,
    pub connections: usize,
}

impl Counted {
    pub fn add(&mut self, other: &Self) {
        self.rounds += other.rounds;
        self.acknowledged += other.acknowledged;
        self.unanswered += other.unanswered;
        self.replies += other.replies;
        self.pieces += other.pieces;
        self.heard += other.heard;
        self.connections += other.connections;
    }
}

impl Crowd {
    pub async fn gather(binary: Binary, mutant: &'static str) -> Result<Self> {
        let mut server = Server::start(binary, &[]).await?;
        let owner = server.owner().await?;
        let other = owner.invite(OTHER).await?;
        server.stop().await?;
        Ok(Self::of(server, [owner, other], mutant))
    }

    /// A crowd on a disk whose power may go, and went once already, as soon as they were there.
    pub async fn gather_on(mut disk: Platter, binary: Binary, mutant: &'static str, seed: u64) -> Result<Self> {
        let mut server = Server::prepare(binary)?;
        server.move_data(disk.data());
        let wrapper = disk.wrapper();
        server.within(&wrapper.iter().map(String::as_str).collect::<Vec<_>>());
        server.again(&[]).await?;
        let owner = server.owner().await?;
        let other = owner.invite(OTHER).await?;
        server.kill().await?;
        let lost = disk.cut(seed)?;
        Ok(Self { disk: Some(disk), lost, ..Self::of(server, [owner, other], mutant) })
    }

    fn of(server: Server, people: [Client; 2], mutant: &'static str) -> Self {
        let (ledger, counted) = (Ledger::default(), Counted::default());
        Self {
            server,
            people,
            chats: [vec![], vec![]],
            files: [vec![], vec![]],
            ledger,
            counted,
            ends: 0,
            starved: 0,
            patience: Duration::from_secs(30),
            environment: Vec::new(),
            mutant,
            disk: None,
            cuts: Arc::default(),
            cut: Vec::new(),
            lost: 0,
        }
    }

    /// How often the power went.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }

    /// One round. Without an error the server runs, and the ledger knows what was wrong.
    pub async fn round(&mut self, fate: &Fate, seed: u64) -> Result<()> {
        if self.server.pid().is_ok() {
            Database::settled(&self.server).await?;
            self.server.stop().await?;
        }
        let point = if let Fate::Point(point) = fate { point.as_str() } else { "" };
        self.begin(point).await?;
        let stories = self.stories(seed, point);
        // told by one thread, side by side with what happens to the program
        let local = LocalSet::new();
        let stories: Vec<_> = stories.into_iter().map(|story| local.spawn_local(story)).collect();
        let told = local.run_until(self.undergo(fate, stories)).await?;
        for outcome in told {
            match outcome {
                (person, Ok(log)) => self.take(person, log),
                (_, Err(why)) => self.ledger.broken(format!("a story has no end: {why:#}")),
            }
        }
        self.counted.rounds += 1;
        self.look_around().await
    }

    /// Lets happen what is to happen, until all stories have ended.
    async fn undergo(&mut self, fate: &Fate, stories: Vec<JoinHandle<Told>>) -> Result<Vec<Told>> {
        let mut telling = Box::pin(tokio::time::timeout(self.patience * 4, try_join_all(stories)));
        let (mut blows, mut dies) = match fate {
            Fate::Blows(blows) => (blows.clone(), false),
            Fate::Point(_) => (Vec::new(), true),
        };
        blows.reverse();
        loop {
            let wait = blows.last().map(|(pause, _)| *pause);
            tokio::select! {
                told = &mut telling => return Ok(told.context("the stories do not end")??),
                status = self.server.ended() => {
                    let status = status?;
                    ensure!(dies && status.signal() == Some(9), "the server ended by itself ({status}): {}", self.server.log_end());
                    dies = false;
                    self.ledger.kills += 1;
                    self.start("").await?;
                }
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {
                    if let Some((_, blow)) = blows.pop() {
                        self.strike(blow).await?;
                    }
                }
            }
        }
    }

    async fn start(&mut self, point: &str) -> Result<()> {
        let fixed = self.environment.iter().map(|(name, value)| (*name, value.as_str()));
        let environment: Vec<_> = fixed.chain([("TAIFAS_FAILPOINT", point), ("TAIFAS_MUTANT", self.mutant)]).collect();
        self.server.again(&environment).await
    }

    async fn strike(&mut self, blow: Blow) -> Result<()> {
        match blow {
            Blow::Kill => {
                self.server.kill().await?;
                self.ledger.kills += 1;
                self.start("").await
            }
            Blow::End => {
                self.server.stop().await?;
                self.ends += 1;
                self.start("").await
            }
            Blow::Pause(length) => {
                self.server.signal(Signal::STOP)?;
                tokio::time::sleep(length).await;
                self.server.signal(Signal::CONT)
            }
            Blow::Clock(seconds) => self.set_clock(seconds),
            Blow::Starve => {
                let pid = self.server.pid()?;
                let group = Little::new(&pid.to_string()).context("no memory can be bounded")?;
                group.confine(pid)?;
                match tokio::time::timeout(Duration::from_secs(2), self.server.ended()).await {
                    Ok(_) => self.starved += 1,
                    Err(_) => self.server.kill().await?,
                }
                self.ledger.kills += 1;
                self.start("").await
            }
            Blow::Cut(seed) => {
                self.server.kill().await?;
                self.lost += self.disk.as_mut().context("its disk always has power")?.cut(seed)?;
                self.cuts.fetch_add(1, Ordering::SeqCst);
                self.ledger.kills += 1;
                self.start("").await
            }
        }
    }

    /// From the next start on the program has a clock that can be set, apart from the machine's.
    pub fn own_clock(&mut self, library: &str) -> Result<()> {
        self.set_clock(0)?;
        let file = self.clock_file();
        self.environment = vec![
            ("LD_PRELOAD", library.into()),
            ("FAKETIME_TIMESTAMP_FILE", file.to_string_lossy().into()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ];
        Ok(())
    }

    fn clock_file(&self) -> PathBuf {
        self.server.scratch().join("clock")
    }

    fn set_clock(&self, seconds: i64) -> Result<()> {
        // replaced as a whole: it is read all the time
        let new = self.clock_file().with_extension("new");
        fs::write(&new, format!("{seconds:+}"))?;
        Ok(fs::rename(new, self.clock_file())?)
    }

    /// Starts with a point to die at. What is left of before may lead to the point during the start: then
    /// it has died there, and another start is for this round.
    async fn begin(&mut self, point: &str) -> Result<()> {
        for _ in 0..4 {
            match self.start(point).await {
                Ok(()) => return Ok(()),
                Err(why) if point.is_empty() => return Err(why),
                Err(_) => {
                    let status = self.server.ended().await?;
                    ensure!(status.signal() == Some(9), "the start ended with {status}: {}", self.server.log_end());
                    self.ledger.kills += 1;
                }
            }
            self.start("").await?;
            Database::settled(&self.server).await?;
            // consumers note where they are a moment after they have got there, or every start begins with the same
            tokio::time::sleep(NOTED).await;
            self.server.stop().await?;
        }
        // it has died there at every start; this round is lived through without
        self.start("").await
    }

    fn stories(&self, seed: u64, point: &str) -> Vec<impl Future<Output = Told> + use<>> {
        let mut dice = Dice::new(seed);
        let mut plan = vec![("talk", 0), ("talk", 1), ("edit", 1), ("tidy", 0), ("repeat", 1)];
        match point.split(':').next().unwrap_or_default() {
            "U1" => plan = vec![("talk", 0), ("talk", 1), ("sign-in", 1)],
            name if name.starts_with("T1") => plan = vec![("talk", 1), ("edit", 0), ("export", 0)],
            _ => {}
        }
        if self.disk.is_some() {
            plan.push(("keep", 1));
        }
        let story = |(number, (what, person)): (usize, (&'static str, usize))| {
            let over = match person {
                0 => Over::Stream(dice.odd().then(|| 5 + dice.below(30))),
                _ => Over::Feed,
            };
            let model = MODELS[dice.below(MODELS.len())];
            let email = if person == 0 { crate::harness::EMAIL } else { OTHER };
            let seed = seed.wrapping_mul(31).wrapping_add(number as u64) % 1_000_000;
            let mut story = Story::new(&self.people[person], email, over, model, seed);
            story.patience = self.patience;
            story.cuts = self.cuts.clone();
            async move {
                let ended = match what {
                    "talk" => story.talk().await,
                    "edit" => story.edit().await,
                    "tidy" => story.tidy().await,
                    "export" => story.export().await,
                    "keep" => story.keep().await,
                    "repeat" => story.repeat().await,
                    _ => story.sign_in().await,
                };
                (person, ended.with_context(|| format!("{what}, {model}, {over:?}")).map(|()| story.log))
            }
        };
        plan.into_iter().enumerate().map(story).collect()
    }

    fn take(&mut self, person: usize, mut log: Log) {
        let counted = Counted {
            rounds: 0,
            acknowledged: log.acknowledged,
            unanswered: log.unanswered,
            replies: log.replies.len(),
            pieces: log.pieces,
            heard: 0,
            connections: log.connections,
        };
        self.counted.add(&counted);
        self.cut.append(&mut log.cut);
        self.chats[person].extend(&log.chats);
        self.files[person].extend(log.files.iter().cloned());
        self.ledger.take(log);
    }

    /// What each of them sees is theirs.
    async fn look_around(&mut self) -> Result<()> {
        for (person, client) in self.people.iter().enumerate() {
            let mut story = Story::new(client, "", Over::Feed, MODELS[0], 0);
            story.look_around(&self.chats[person]).await?;
            story.look_at(&self.files[person]).await?;
            self.ledger.violations.append(&mut story.log.violations);
            let (tokens, foreign) = client.ear.take();
            self.counted.heard += tokens;
            self.ledger.violations.extend(foreign);
        }
        Ok(())
    }

    /// The end of all rounds: nothing is left to do, and what is stored is what was told.
    pub async fn leave(mut self) -> Result<(Ledger, Counted)> {
        self.ledger.close(&mut self.server).await?;
        Ok((self.ledger, self.counted))
    }
}
