//! One seed, one history: people who use the product, and everything that can go wrong meanwhile.

use crate::{
    client::Client,
    dice::Dice,
    gate::Gate,
    history::{History, Outcome},
    judge,
    ledger::Ledger,
    network::Line,
    ports::{Appended, Broken, MemorySecrets, WallClock},
    process::{Process, Role, Site},
    provider::Simulated,
    template::Template,
};
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

/// After the last fault everything must have come to its end within this time: a lease runs out after
/// ten seconds, and 15 s more are promised; clients and readers that wait come again meanwhile.
const BOUND: Duration = Duration::from_secs(45);
/// The longest a history may be.
const LONGEST: Duration = Duration::from_secs(300);

pub struct World {
    pub site: Arc<Site>,
    pub history: Arc<History>,
    ledger: Mutex<Ledger>,
    people: usize,
    troubled: AtomicBool,
}

impl World {
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn people(&self) -> usize {
        self.people
    }

    /// Whether things go wrong on the way now.
    pub fn is_troubled(&self) -> bool {
        self.troubled.load(Ordering::Relaxed)
    }
}

/// Runs a seed. Half of the seeds heal at the end, and everything must finish; in the others things go
/// wrong until the last moment, and what is there then must be right.
pub fn run(seed: u64, broken: Option<Broken>, template: &Template) -> Result<Outcome> {
    let folder = template.copy()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let history = runtime.block_on(async {
        let history = Arc::new(History::begin());
        let world = build(seed, broken, folder.path(), history.clone(), template);
        live(&world, seed, template).await?;
        anyhow::Ok(history)
    });
    // every task that is left goes with it
    drop(runtime);
    Ok(history?.end())
}

fn build(seed: u64, broken: Option<Broken>, folder: &Path, history: Arc<History>, template: &Template) -> Arc<World> {
    let dice = Dice::new(seed);
    let provider = Arc::new(Simulated { dice: dice.fork(), history: history.clone(), stormy: AtomicBool::new(false) });
    let site = Arc::new(Site {
        folder: folder.into(),
        file: Mutex::new(folder.join("taifas.db")),
        seed,
        clock: Arc::new(WallClock::new()),
        secrets: Arc::new(MemorySecrets::default()),
        objects: Arc::new(object_store::memory::InMemory::new()),
        provider,
        wire: template.wire.clone(),
        history: history.clone(),
        appended: Arc::new(Appended::default()),
        broken,
        shared: dice.percent(35) || broken == Some(Broken::NoFence),
        streams: Mutex::default(),
        front: watch::Sender::default(),
        started: AtomicU64::new(1),
        dice,
    });
    let people = template.tokens.len();
    let mut ledger = Ledger::default();
    ledger.chats.resize(people, Vec::new());
    ledger.replies.resize(people, Vec::new());
    Arc::new(World { site, history, ledger: Mutex::new(ledger), people, troubled: AtomicBool::new(true) })
}

async fn live(world: &Arc<World>, seed: u64, template: &Template) -> Result<()> {
    let dice = world.site.dice.fork();
    let heals = seed.is_multiple_of(2);
    world.history.tell(
        "seed",
        format!(
            "{seed}, {} processes, {}",
            if world.site.shared { 2 } else { 1 },
            if heals { "heals" } else { "does not heal" }
        ),
    );
    let mut machines = vec![Machine::new(world, Role::All, &dice)];
    if world.site.shared {
        machines.push(Machine::new(world, Role::Worker, &dice));
    }
    for machine in &machines {
        tokio::spawn(machine.clone().keep());
    }
    let mut clients = Vec::new();
    for tab in 0..dice.between(2, 4) {
        let person = usize::try_from(tab)? % world.people;
        let line = Line { world: world.clone(), token: template.tokens[person].clone(), dice: dice.fork() };
        let client = Client { world: world.clone(), line, name: format!("tab {tab}"), person };
        clients.push(tokio::spawn(client.run(dice.between(4, 11))));
    }
    let nemesis = tokio::spawn(nemesis(world.clone(), machines.clone(), dice.fork()));
    let working = async {
        for client in clients {
            client.await.context("a client has panicked")?;
        }
        anyhow::Ok(())
    };
    if heals {
        timeout(LONGEST, working).await.context("the clients do not come to an end")??;
        nemesis.abort();
        heal(world, &machines);
        let start = world.history.now();
        loop {
            let left = judge::unfinished(world)?;
            if left.is_empty() {
                break;
            }
            if world.history.now() - start > BOUND {
                world.history.broken(format!("I3: not at rest after {BOUND:?}: {}", left.join(", ")));
                break;
            }
            sleep(Duration::from_millis(500)).await;
        }
    } else {
        let _ = timeout(Duration::from_secs(dice.between(3, 25)), working).await;
        nemesis.abort();
    }
    judge::judge(world, heals)
}

fn heal(world: &World, machines: &[Machine]) {
    world.history.tell("nemesis", "everything heals");
    world.troubled.store(false, Ordering::Relaxed);
    world.site.provider.stormy.store(false, Ordering::Relaxed);
    for machine in machines {
        let gate = machine.gate();
        gate.kill_after(u64::MAX >> 1);
        gate.fill_disk(false);
        gate.go_on();
    }
}

/// Where a process runs, and is started again when it dies.
#[derive(Clone)]
struct Machine {
    world: Arc<World>,
    role: Role,
    name: &'static str,
    dice: Arc<Dice>,
    gate: watch::Sender<Arc<Gate>>,
    running: watch::Sender<Option<Arc<Process>>>,
}

impl Machine {
    fn new(world: &Arc<World>, role: Role, dice: &Dice) -> Self {
        let (dice, name) = (Arc::new(dice.fork()), if role == Role::All { "first" } else { "second" });
        let gate = watch::Sender::new(Arc::new(Gate::new(dice.fork())));
        Self { world: world.clone(), role, name, dice, gate, running: watch::Sender::default() }
    }

    fn gate(&self) -> Arc<Gate> {
        self.gate.borrow().clone()
    }

    async fn keep(self) {
        loop {
            let gate = self.gate();
            let site = &self.world.site;
            let started = tokio::select! {
                biased;
                () = gate.dead() => None,
                started = site.start(gate.clone(), self.role) => Some(started),
            };
            match started {
                Some(Ok(process)) => {
                    self.world.history.tell(self.name, "has started");
                    let process = Arc::new(process);
                    self.running.send_replace(Some(process.clone()));
                    if self.role == Role::All {
                        site.front.send_replace(Some(process));
                    }
                    gate.dead().await;
                    self.world.history.tell(self.name, "dies");
                }
                // a full disk, say: whoever keeps it tries again
                Some(Err(error)) => {
                    self.world.history.tell(self.name, format!("does not start: {error}"));
                    gate.kill();
                }
                None => self.world.history.tell(self.name, "dies at its start"),
            }
            if site.broken == Some(Broken::LosesCommits) {
                let _ = lose_last_commits(site);
            }
            sleep(Duration::from_millis(self.dice.between(20, 1_500))).await;
            self.gate.send_replace(Arc::new(Gate::new(self.dice.fork())));
        }
    }
}

/// What goes wrong, one thing after another.
async fn nemesis(world: Arc<World>, machines: Vec<Machine>, dice: Dice) {
    loop {
        sleep(Duration::from_millis(dice.between(50, 2_500))).await;
        let Some(machine) = dice.pick(&machines) else { return };
        let (gate, name) = (machine.gate(), machine.name);
        let tell = |what: String| world.history.tell("nemesis", what);
        match dice.between(0, 100) {
            0..15 => {
                tell(format!("kills {name}"));
                gate.kill();
            }
            15..45 => {
                let crossings = dice.between(1, 60);
                tell(format!("kills {name} after {crossings}"));
                gate.kill_after(crossings);
            }
            45..60 => {
                let millis = dice.between(100, if world.site.shared { 25_000 } else { 5_000 });
                tell(format!("stops {name} for {millis} ms"));
                gate.stop();
                tokio::spawn(async move {
                    sleep(Duration::from_millis(millis)).await;
                    gate.go_on();
                });
            }
            60..75 => {
                let millis = dice.between(200, 8_000);
                tell(format!("a storm at the provider for {millis} ms"));
                world.site.provider.stormy.store(true, Ordering::Relaxed);
                let provider = world.site.provider.clone();
                tokio::spawn(async move {
                    sleep(Duration::from_millis(millis)).await;
                    provider.stormy.store(false, Ordering::Relaxed);
                });
            }
            75..83 => {
                let millis = dice.between(50, 4_000);
                tell(format!("the disk of {name} is full for {millis} ms"));
                gate.fill_disk(true);
                tokio::spawn(async move {
                    sleep(Duration::from_millis(millis)).await;
                    gate.fill_disk(false);
                });
            }
            83..90 => {
                let millis = i64::try_from(dice.between(0, 7_200_000)).unwrap_or(0) - 3_600_000;
                tell(format!("the clock jumps by {millis} ms"));
                world.site.clock.jump(millis);
            }
            _ => {
                tell(format!("asks {name} to end"));
                let process = machine.running.borrow().clone();
                if let Some(process) = process.filter(|process| !process.gate.is_dead()) {
                    tokio::spawn(async move {
                        process.background.drain(Duration::from_secs(2)).await;
                        process.gate.kill();
                    });
                }
            }
        }
    }
}

/// As a disk does that said "written" and lied: the end of the write-ahead log is not there.
fn lose_last_commits(site: &Site) -> Result<()> {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4096;
    let before = site.file();
    let log = |file: &Path| file.with_extension("db-wal");
    // elsewhere: what died still has the files open
    let after = site.folder.join(format!("after-{}.db", site.started.load(Ordering::Relaxed)));
    fs::copy(&before, &after)?;
    let bytes = fs::read(log(&before))?;
    let frames = bytes.get(HEADER..).unwrap_or_default().chunks_exact(FRAME).zip(1..);
    let commits: Vec<usize> = frames.filter(|(frame, _)| frame[4..8] != [0; 4]).map(|(_, number)| number).collect();
    let kept = commits.len().checked_sub(30).and_then(|at| commits.get(at)).copied().unwrap_or(0);
    fs::write(log(&after), bytes.get(..HEADER + kept * FRAME).unwrap_or_default())?;
    *site.file.lock().unwrap_or_else(PoisonError::into_inner) = after;
    Ok(())
}
