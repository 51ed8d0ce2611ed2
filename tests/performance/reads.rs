//! What people wait for all day: their profile, their session, their list, a chat, a search; each
//! asked for by many at the same time.

use crate::{
    Setting,
    figures::{Row, Samples, at_most, median, section},
    instance::Instance,
    people::{Amount, Member, Words, settle},
    wire::{Connection, request},
};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const ROUNDS: usize = 3;
/// Asked by each person in one round, and the pause in between: half to one and a half times this.
const EACH: usize = 40;
const THINK: Duration = Duration::from_millis(150);
/// Of whom the chats can be searched: everybody who searches is one of them.
const SEARCHERS: usize = 10;
const EVERYBODY: usize = usize::MAX;
/// How long everybody asks without a pause.
const RUSH: Duration = Duration::from_secs(2);

/// One thing to ask for; its p99 in ms may be at most `bound`.
struct Question {
    name: &'static str,
    path: fn(&Member, &mut Words) -> String,
    /// The least an answer may have in bytes: a refusal is not fast, it is wrong.
    least: usize,
    bound: Option<f64>,
    /// The first so many people ask, each from several browsers.
    of: usize,
}

const TRIVIAL: Question =
    Question { name: "/healthz", path: |_, _| "/healthz".into(), least: 2, bound: None, of: EVERYBODY };
const QUESTIONS: [Question; 6] = [
    Question { name: "own profile", path: |_, _| "/api/v1/me".into(), least: 50, bound: Some(10.0), of: EVERYBODY },
    Question {
        name: "session look-up",
        path: |_, _| "/api/v1/session".into(),
        least: 50,
        bound: Some(5.0),
        of: EVERYBODY,
    },
    Question {
        name: "chat list, the page the app shows",
        path: |_, _| "/api/v1/chats?limit=28".into(),
        least: 1_000,
        bound: Some(5.0),
        of: EVERYBODY,
    },
    Question {
        name: "chat list, the largest page (100)",
        path: |_, _| "/api/v1/chats?limit=100".into(),
        least: 1_000,
        bound: Some(5.0),
        of: EVERYBODY,
    },
    Question {
        name: "open the long chat",
        path: |member, _| format!("/api/v1/chats/{}", member.long),
        least: 2_000,
        bound: Some(10.0),
        of: EVERYBODY,
    },
    Question {
        name: "search, a word and the beginning of another",
        path: |_, words| {
            let (one, other) = (words.one(), words.one());
            format!("/api/v1/search?q={one}%20{}&limit=20", &other[..other.len().min(4)])
        },
        least: 10,
        bound: Some(10.0),
        of: SEARCHERS,
    },
];

pub async fn run(setting: &Setting) -> Result<()> {
    let amount = Amount {
        people: setting.scaled(50),
        chats: setting.scaled(1_000),
        turns_of_the_long_one: setting.scaled(100),
        searchers: SEARCHERS,
    };
    section(
        "What everybody reads",
        &format!(
            "{} people with an account, {} chats and one chat of {} messages each; searched are those of {SEARCHERS}. They ask at the same time, every {} ms \
             or so; control: the same people and the same pace asking for `/healthz`. Then without any pause: how many \
             answers a second. Medians of {ROUNDS} alternating rounds.",
            amount.people,
            amount.chats,
            amount.turns_of_the_long_one * 2,
            THINK.as_millis(),
        ),
    )?;
    let (instance, members) = settle(setting, "reads", amount).await?;
    let each = setting.scaled(EACH);
    // Caches and connections are warm, as they are in use.
    for question in &QUESTIONS {
        question.paced(&instance, &members, 2).await.with_context(|| question.name.to_owned())?;
    }
    for question in &QUESTIONS {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let mut control = TRIVIAL.paced(&instance, &members, each).await?;
            let before = instance.cpu()?;
            let mut samples = question.paced(&instance, &members, each).await?;
            let cpu = (instance.cpu()? - before).as_secs_f64() * 1e3 / samples.len() as f64;
            let rush = question.rush(&instance, &members).await?;
            let rush_control = TRIVIAL.rush(&instance, &members).await?;
            let of = |samples: &mut Samples| [50, 99].map(|percent| samples.percentile(percent));
            rounds.push((of(&mut samples), of(&mut control), cpu, rush, rush_control));
        }
        let of = |pick: &dyn Fn(&Round) -> f64| median(rounds.iter().map(pick).collect());
        let p99 = of(&|round| round.0[1]);
        Row::new(format!("{}, p50 and p99", question.name), format!("{:.2} ms, {p99:.2} ms", of(&|round| round.0[0])))
            .control(format!("{:.2} ms, {:.2} ms", of(&|round| round.1[0]), of(&|round| round.1[1])))
            .against(format!("p99 + {:.2} ms", of(&|round| round.0[1] - round.1[1])))
            .target(question.bound.and_then(|bound| at_most(p99, bound, "ms p99")))
            .print()?;
        Row::new(
            "… answers a second without a pause, server CPU an answer",
            format!("{:.0}/s, {:.2} ms", of(&|round| round.3), of(&|round| round.2)),
        )
        .control(format!("{:.0}/s", of(&|round| round.4)))
        .against(format!("× {:.2}", of(&|round| round.3 / round.4)))
        .print()?;
    }
    instance.stop().await
}

/// p50 and p99 of the question and of the control; CPU; answers a second of both.
type Round = ([f64; 2], [f64; 2], f64, f64, f64);

impl Question {
    /// Everybody asks `each` times, with pauses.
    async fn paced(&self, instance: &Instance, members: &[Member], each: usize) -> Result<Samples> {
        let people = (0..members.len()).map(async |number| {
            let member = &members[number % self.of.min(members.len())];
            let mut connection = Connection::open(instance.address).await?;
            let mut words = Words(number as u64);
            let mut samples = Samples::default();
            for turn in 0..each {
                // Spread evenly, the same in every round: randomness would only add noise.
                let spread = ((number * 7 + turn * 13) % 50) as f64 / 50.0;
                sleep(THINK.mul_f64(0.5 + spread)).await;
                samples.add(self.ask(&mut connection, member, &mut words).await?);
            }
            anyhow::Ok(samples)
        });
        let mut all = Samples::default();
        try_join_all(people).await?.into_iter().for_each(|samples| all.extend(samples));
        Ok(all)
    }

    /// Everybody asks again and again; answers a second.
    async fn rush(&self, instance: &Instance, members: &[Member]) -> Result<f64> {
        let start = Instant::now();
        let people = (0..members.len()).map(async |number| {
            let member = &members[number % self.of.min(members.len())];
            let mut connection = Connection::open(instance.address).await?;
            let mut words = Words(1_000 + number as u64);
            let mut answers = 0;
            while start.elapsed() < RUSH {
                self.ask(&mut connection, member, &mut words).await?;
                answers += 1;
            }
            anyhow::Ok(answers)
        });
        let answers: i32 = try_join_all(people).await?.into_iter().sum();
        Ok(f64::from(answers) / start.elapsed().as_secs_f64())
    }

    async fn ask(&self, connection: &mut Connection, member: &Member, words: &mut Words) -> Result<Duration> {
        let path = (self.path)(member, words);
        let request = request(&format!("GET {path}"), &format!("cookie: {}\r\n", member.cookie), "");
        let start = Instant::now();
        let (head, body) = connection.ask(&request).await?;
        let took = start.elapsed();
        ensure!(
            head.status() == 200 && body.len() >= self.least,
            "{path}: {} {}",
            head.first,
            String::from_utf8_lossy(&body[..body.len().min(300)])
        );
        Ok(took)
    }
}
