//! A company's worth of accounts and chats, written straight into the database of an instance that
//! does not run: what is measured is reading it. Every row is a copy of one that the program itself
//! wrote, with other ids and other words, so that a new column needs no change here.

use crate::{
    Setting,
    instance::Instance,
    turn::{Asked, Client},
    wire::{Connection, request},
};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use rusqlite::{Connection as Database, OpenFlags, params_from_iter, types::Value};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How much of everything there is.
#[derive(Clone, Copy)]
pub struct Amount {
    pub people: usize,
    pub chats: usize,
    pub turns_of_the_long_one: usize,
    /// So many of them can search in what they have: making an index takes most of the time.
    pub searchers: usize,
}

/// Somebody signed in.
pub struct Member {
    pub cookie: String,
    /// Their chat with the most messages.
    pub long: Uuid,
}

const PASSWORD: &str = "correct horse battery";
/// Words of one message; two messages are a turn.
const WORDS: usize = 60;
/// What the search index may take to catch up.
const INDEXED: Duration = Duration::from_secs(180);

/// An instance with these people, their chats and their sessions.
pub async fn settle(setting: &Setting, name: &str, amount: Amount) -> Result<(Instance, Vec<Member>)> {
    let (instance, cookie) = setting.instance(name).await?;
    Client::of(&Asked::Taifas { address: instance.address, cookie }).await?.ask("short").await?;
    instance.stop().await?;
    let file = setting.folder(name).join("taifas.db");
    let long = fill(&file, amount).context("the people's rows")?;
    let instance = Instance::start(&setting.program, &setting.folder(name), setting.provider).await?;
    indexed(&file).await?;
    let members = long
        .into_iter()
        .enumerate()
        .map(async |(number, long)| anyhow::Ok(Member { cookie: sign_in(&instance, &address(number)).await?, long }));
    let members = try_join_all(members).await?;
    Ok((instance, members))
}

fn address(number: usize) -> String {
    format!("person-{number}@example.org")
}

async fn sign_in(instance: &Instance, email: &str) -> Result<String> {
    let body = format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#);
    let mut connection = Connection::open(instance.address).await?;
    let (head, body) = connection.ask(&request("POST /api/v1/auth/sign-in", "x-csrf: 1\r\n", &body)).await?;
    ensure!(head.status() == 200, "{email} was not signed in: {} {}", head.first, String::from_utf8_lossy(&body));
    head.session()
}

/// Gives each person's long chat.
fn fill(file: &Path, amount: Amount) -> Result<Vec<Uuid>> {
    let mut database = Database::open(file)?;
    let all = database.transaction()?;
    let account = Row::first(&all, "user_accounts", "role = 'admin'")?;
    let credential = Row::first(&all, "auth_credentials", "1")?;
    let chat = Row::first(&all, "chat_chats", "1")?;
    let turn = ["user", "assistant"].map(|role| Row::first(&all, "chat_messages", &format!("role = '{role}'")));
    let [question, answer] = turn;
    let turn = [question?, answer?];
    let backlog = all.table_exists(None, "chat_search_backlog")?;
    let mut word = Words(1);
    let mut long = Vec::new();
    for number in 0..amount.people {
        let person = Uuid::now_v7();
        let space = ("space_id", id(person));
        let (name, email) = (text(format!("Person {number}")), text(address(number)));
        let own = [space.clone(), ("id", id(person)), ("name", name), ("email", email.clone()), ("email_key", email)];
        account.copy(&all, &[&own[..], &[("role", text("user".into()))]].concat())?;
        credential.copy(&all, &[space.clone(), ("id", id(Uuid::now_v7()))])?;
        for chat_number in 0..amount.chats {
            let this = Uuid::now_v7();
            let turns = if chat_number == 0 { amount.turns_of_the_long_one } else { 1 };
            let mut parent = Value::Null;
            for at in 0..turns * 2 {
                let message = id(Uuid::now_v7());
                let own = [space.clone(), ("id", message.clone()), ("chat_id", id(this)), ("parent_id", parent)];
                turn[at % 2].copy(&all, &[&own[..], &[("text", text(word.many(WORDS)))]].concat())?;
                parent = message;
            }
            let own = [space.clone(), ("id", id(this)), ("title", text(word.many(5))), ("active_leaf", parent)];
            chat.copy(&all, &own)?;
            if backlog && number < amount.searchers {
                all.execute(
                    "insert into chat_search_backlog (space_id, chat_id) values (?1, ?2)",
                    [id(person), id(this)],
                )?;
            }
            if chat_number == 0 {
                long.push(this);
            }
        }
    }
    all.commit()?;
    Ok(long)
}

/// Waits until what was written behind the program's back can be found.
async fn indexed(file: &Path) -> Result<()> {
    let database = Database::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    database.busy_timeout(Duration::from_secs(10))?;
    let start = Instant::now();
    while database.table_exists(None, "chat_search_backlog")?
        && database.query_row("select exists (select 1 from chat_search_backlog)", [], |row| row.get(0))?
    {
        ensure!(start.elapsed() < INDEXED, "the search index does not catch up within {INDEXED:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

fn id(id: Uuid) -> Value {
    Value::Blob(id.as_bytes().to_vec())
}

fn text(text: String) -> Value {
    Value::Text(text)
}

/// A row that the program wrote, with every column there is.
struct Row {
    table: &'static str,
    columns: Vec<(String, Value)>,
}

impl Row {
    fn first(database: &Database, table: &'static str, which: &str) -> Result<Self> {
        let mut statement = database.prepare(&format!("select * from {table} where {which} limit 1"))?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let values = statement.query_row([], |row| (0..names.len()).map(|at| row.get(at)).collect())?;
        let values: Vec<Value> = values;
        Ok(Self { table, columns: names.into_iter().zip(values).collect() })
    }

    /// A copy of it in which the `other` columns it has are different.
    fn copy(&self, database: &Database, other: &[(&str, Value)]) -> Result<()> {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        let values = self.columns.iter().map(|(name, value)| {
            other.iter().find(|(changed, _)| changed == name).map_or_else(|| value.clone(), |(_, value)| value.clone())
        });
        let places = vec!["?"; names.len()].join(", ");
        let sql = format!("insert into {} ({}) values ({places})", self.table, names.join(", "));
        database.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        Ok(())
    }
}

/// Words as a language has them: few that are everywhere, many that are rare. The same in every run.
pub struct Words(pub u64);

impl Words {
    fn dice(&mut self) -> u64 {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn one(&mut self) -> String {
        const PARTS: [&str; 16] =
            ["ba", "lo", "mi", "ter", "san", "ru", "ve", "kal", "do", "ni", "pre", "so", "gar", "tu", "fi", "len"];
        // The square of an even share prefers the first of 5,000 words.
        let share = self.dice() % 1_000;
        let mut number = usize::try_from(share * share * 5_000 / 1_000_000).unwrap_or_default();
        let mut word = String::new();
        for _ in 0..2 + number % 3 {
            word.push_str(PARTS[number % PARTS.len()]);
            number = number / PARTS.len() + 7 * (number % 11);
        }
        word
    }

    fn many(&mut self, count: usize) -> String {
        (0..count).map(|_| self.one()).collect::<Vec<_>>().join(" ")
    }
}
