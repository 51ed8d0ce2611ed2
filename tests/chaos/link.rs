//! A bad link between a client and the program: a proxy on TCP that delays, throttles, cuts off at a byte,
//! lets connections come to nothing, or passes nothing any more and says so to nobody. And a peer that is
//! gone without a word, which no proxy can be: its kernel would still acknowledge.

use super::dice::Dice;
use anyhow::{Context as _, Result, bail};
use socket2::{SockFilter, SockRef};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::AbortHandle,
    time::{Instant, sleep, sleep_until},
};

/// How a link treats what goes over it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// What each way takes.
    pub delay: Duration,
    /// Bytes in a second each way.
    pub rate: Option<u32>,
    /// So many of a hundred connections are cut off, after up to `within` bytes towards the client.
    pub dropped: u64,
    pub within: u64,
    /// Every connection is cut off with this byte towards the client.
    pub cut: Option<u64>,
    /// From this byte towards the client on nothing passes, and both sides stay connected.
    pub silent: Option<u64>,
    /// Nothing passes towards the program but what came before this byte.
    pub deaf: Option<u64>,
}

/// A link; it ends when dropped.
pub struct Link {
    pub address: SocketAddr,
    /// Connections that went over it, and those it cut off.
    pub counted: Arc<[AtomicUsize; 2]>,
    task: AbortHandle,
}

impl Link {
    pub async fn to(host: &str, manner: Manner, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, host) = (listener.local_addr()?, host.to_owned());
        let counted = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let dice = Arc::new(Mutex::new(Dice::new(seed)));
        let noted = counted.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                noted[0].fetch_add(1, Ordering::Relaxed);
                let mut manner = manner;
                if manner.dropped > 0 {
                    let mut dice = dice.lock().unwrap_or_else(PoisonError::into_inner);
                    manner.cut = (dice.roll(100) < manner.dropped).then(|| dice.roll(manner.within));
                }
                let (host, noted) = (host.clone(), noted.clone());
                tokio::spawn(async move {
                    if join(client, &host, manner).await.is_err() {
                        noted[1].fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Ok(Self { address, counted, task: task.abort_handle() })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Until one side closes, or the link cuts both off: that is the error.
async fn join(mut client: TcpStream, host: &str, manner: Manner) -> Result<()> {
    let mut program = TcpStream::connect(host).await?;
    for side in [&client, &program] {
        side.set_nodelay(true)?;
        // a slow link holds little
        SockRef::from(side).set_recv_buffer_size(8 << 10)?;
    }
    let ended = {
        let ((from_client, to_client), (from_program, to_program)) = (client.split(), program.split());
        tokio::select! {
            passed = pass(from_client, to_program, manner, manner.deaf, None) => passed,
            passed = pass(from_program, to_client, manner, manner.silent, manner.cut) => passed,
        }
    };
    if ended.is_err() {
        // what is cut off is lost: a reset, no end
        SockRef::from(&client).set_linger(Some(Duration::ZERO))?;
        SockRef::from(&program).set_linger(Some(Duration::ZERO))?;
    }
    ended
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    manner: Manner,
    silent: Option<u64>,
    cut: Option<u64>,
) -> Result<()> {
    let piece = manner.rate.map_or(16 << 10, |rate| (rate as usize / 20).max(64));
    // what is under way
    let (sender, mut way) = mpsc::channel::<(Instant, Vec<u8>)>(32);
    let enter = async move {
        loop {
            let mut bytes = vec![0; piece];
            let read = from.read(&mut bytes).await?;
            bytes.truncate(read);
            if read == 0 || sender.send((Instant::now() + manner.delay, bytes)).await.is_err() {
                return Ok(());
            }
        }
    };
    let leave = async move {
        let mut passed = 0;
        while let Some((due, mut bytes)) = way.recv().await {
            sleep_until(due).await;
            if let Some(rate) = manner.rate {
                sleep(Duration::from_secs_f64(bytes.len() as f64 / f64::from(rate))).await;
            }
            let end = passed + bytes.len() as u64;
            if silent.is_some_and(|at| end > at) {
                std::future::pending::<()>().await;
            }
            if let Some(at) = cut.filter(|at| end > *at) {
                bytes.truncate(usize::try_from(at - passed)?);
                to.write_all(&bytes).await?;
                bail!("cut off at byte {at}");
            }
            to.write_all(&bytes).await?;
            passed = end;
        }
        Ok(())
    };
    tokio::try_join!(enter, leave).map(|_| ())
}

/// From now on nothing reaches this end of a connection, and nothing is acknowledged: as behind a pulled cable.
pub fn pull_cable(stream: &TcpStream) -> Result<()> {
    // BPF: return 0 bytes of every packet
    let nothing = [SockFilter::new(0x06, 0, 0, 0)];
    SockRef::from(stream).attach_filter(&nothing).context("a filter on a socket")
}
