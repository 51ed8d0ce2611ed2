//! A small mail server (RFC 5321) on a port of its own, that takes letters or does not, as told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
};

/// How it treats whoever comes.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    Takes,
    /// Answers the receiver with this number.
    Receiver(u16),
    /// Answers the text of the letter with this number.
    Text(u16),
    /// Answers a sign-in with this number.
    SignIn(u16),
    /// Says nothing.
    Hangs,
    /// Closes the connection in the middle of the letter.
    Drops,
}

#[derive(Clone)]
pub struct MailServer {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    manner: Option<Manner>,
    letters: Vec<Letter>,
    connections: usize,
}

/// A letter that was taken.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: Vec<String>,
    pub text: String,
}

impl MailServer {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { manner: Some(manner), ..State::default() }));
        let server = Self { address, state };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        server
    }

    pub fn behaves(&self, manner: Manner) {
        self.state.lock().unwrap().manner = Some(manner);
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.state.lock().unwrap().letters.clone()
    }

    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    pub fn config(&self) -> notification::Config {
        notification::Config {
            host: "127.0.0.1".into(),
            port: Some(self.address.port()),
            security: notification::config::Security::None,
            from: "Taifas <taifas@example.org>".into(),
            timeout_seconds: 1,
            retry_seconds: 1,
            ..notification::Config::default()
        }
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let manner = {
            let mut state = self.state.lock().unwrap();
            state.connections += 1;
            state.manner.unwrap()
        };
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        if matches!(manner, Manner::Hangs) {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return None;
        }
        say(&mut write, "220 test").await?;
        let mut to = Vec::new();
        while let Ok(Some(line)) = lines.next_line().await {
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            match (verb.as_str(), manner) {
                ("EHLO", _) => say(&mut write, "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN").await?,
                ("AUTH", Manner::SignIn(code)) => say(&mut write, &format!("{code} no <ana@example.org>")).await?,
                ("AUTH", _) => say(&mut write, "235 ok").await?,
                ("RCPT", Manner::Receiver(code)) => say(&mut write, &format!("{code} no {line}")).await?,
                ("RCPT", _) => {
                    to.push(line.split(['<', '>']).nth(1).unwrap_or_default().to_owned());
                    say(&mut write, "250 ok").await?;
                }
                ("DATA", _) => {
                    say(&mut write, "354 go on").await?;
                    let mut text = String::new();
                    loop {
                        let line = lines.next_line().await.ok()??;
                        if line == "." {
                            break;
                        }
                        text.push_str(&line);
                        text.push('\n');
                        if matches!(manner, Manner::Drops) {
                            return None;
                        }
                    }
                    if let Manner::Text(code) = manner {
                        say(&mut write, &format!("{code} no")).await?;
                        continue;
                    }
                    self.state.lock().unwrap().letters.push(Letter { to: std::mem::take(&mut to), text });
                    say(&mut write, "250 taken").await?;
                }
                ("QUIT", _) => {
                    say(&mut write, "221 bye").await?;
                    return None;
                }
                _ => say(&mut write, "250 ok").await?,
            }
        }
        None
    }
}

async fn say(write: &mut OwnedWriteHalf, text: &str) -> Option<()> {
    write.write_all(format!("{text}\r\n").as_bytes()).await.ok()
}
