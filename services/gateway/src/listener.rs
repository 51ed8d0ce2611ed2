//! Sockets: accepted with `TCP_NODELAY` (a token must not wait for Nagle), bounded in number, in the time
//! a head may take and in what waits for a slow reader, let go when their peer is gone or takes nothing,
//! drained before the process ends.

mod silent;

use crate::{Config, tls::Certificate};
use axum::{Router, extract::ConnectInfo};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use platform::{Error, Result, descriptors, failpoint};
use silent::{Heard, Silent};
use socket2::{SockRef, TcpKeepalive};
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt as _;

/// What waits in this process for a reader that takes it slowly, beside one piece; and the longest head.
const WAITING: usize = 16 << 10;
/// What waits in the kernel besides, before it is sent: by itself it would take several megabytes of an answer
/// for a reader that takes nothing. What is sent and not yet acknowledged comes on top, so no link is slowed.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 64 << 10;

/// A packet filter that lets nothing through (BPF: `ret #0`).
#[cfg(target_os = "linux")]
const NOTHING: socket2::SockFilter = socket2::SockFilter::new(0x06, 0, 0, 0);

/// A bound socket that is not served yet.
pub struct Listening {
    listener: TcpListener,
    /// Where it listens.
    pub address: SocketAddr,
    connections: usize,
    head: Duration,
    unread: Duration,
    certificate: Option<Arc<Certificate>>,
}

/// Binds the configured address.
///
/// # Errors
/// A sentence that names the address and what to change.
pub async fn listen(config: &Config) -> Result<Listening> {
    config.check()?;
    let certificate = match (&config.tls_certificate, &config.tls_key) {
        (Some(certificate), Some(key)) => Some(Certificate::load(certificate, key)?),
        _ => None,
    };
    let wanted = config.listen;
    let listener = TcpListener::bind(wanted).await.map_err(|error| {
        Error::unavailable(match error.kind() {
            std::io::ErrorKind::AddrInUse => format!(
                "{wanted} is taken by another program; end it, or set gateway.listen (TAIFAS__GATEWAY__LISTEN) to another port"
            ),
            std::io::ErrorKind::PermissionDenied => {
                format!("this user may not listen on {wanted}; set gateway.listen to a port above 1023")
            }
            _ => format!("cannot listen on {wanted}: {error}; set gateway.listen to an address of this machine"),
        })
    })?;
    let address = listener.local_addr()?;
    let descriptors = descriptors::raise();
    // An answer that is being written holds a connection to its provider besides.
    let most = u64::try_from(config.connections).unwrap_or(u64::MAX).saturating_mul(2);
    if descriptors < most {
        tracing::warn!(
            "this process may hold {descriptors} files and connections open, which is less than gateway.connections may \
             need ({most}); raise the limit (ulimit -n, LimitNOFILE), or lower gateway.connections"
        );
    }
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let head = Duration::from_secs(config.head_seconds);
    let unread = Duration::from_secs(config.unread_seconds.max(1));
    Ok(Listening { listener, address, connections: config.connections, head, unread, certificate })
}

impl Listening {
    /// Serves until `ending`, then lets open requests end for at most `patience`.
    ///
    /// # Errors
    /// When TLS cannot be set up, or the system refuses to hand over a connection at the end.
    pub async fn serve(self, router: Router, ending: impl Future<Output = ()>, patience: Duration) -> Result<()> {
        let places = Arc::new(Semaphore::new(self.connections));
        let graceful = GracefulShutdown::new();
        let mut server = auto::Builder::new(TokioExecutor::new());
        server.http1().timer(TokioTimer::new()).header_read_timeout(self.head).max_headers(64).max_buf_size(WAITING);
        server
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(128)
            .max_send_buf_size(WAITING)
            .keep_alive_interval(Duration::from_secs(20));
        let acceptor = self.certificate.as_ref().map(Certificate::acceptor).transpose()?;
        let watching = self.certificate.map(|certificate| tokio::spawn(certificate.watch()));
        let server = Arc::new(server);
        let silent = Silent::default();
        let begin = |stream: TcpStream, client: SocketAddr, place: OwnedSemaphorePermit| {
            let (server, watcher) = (server.clone(), graceful.watcher());
            let (service, acceptor, head) = (service(router.clone(), client), acceptor.clone(), self.head);
            let (stream, silence) = (plain(stream, self.unread), silent.begin());
            tokio::spawn(async move {
                match acceptor {
                    None => hold(&server, watcher, Heard::new(stream, silence), service).await,
                    // A client that says nothing must not keep its place.
                    Some(acceptor) => match tokio::time::timeout(head, acceptor.accept(stream)).await {
                        Ok(Ok(stream)) => hold(&server, watcher, Heard::new(stream, silence), service).await,
                        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                        Err(_) => tracing::debug!("a TLS handshake took too long"),
                    },
                }
                drop(place);
            });
        };
        tokio::pin!(ending);
        loop {
            // No place, no accept: further clients wait in the kernel's queue.
            let place = tokio::select! {
                place = places.clone().acquire_owned() => place,
                () = &mut ending => break,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut ending => break,
            };
            let (stream, client) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors: the loop must outlive it.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(place) = place else { break };
            begin(stream, client, place);
        }
        // Whoever stands in the kernel's queue has connected: closing the socket would reset them. From here on
        // nobody joins the queue; who knocks meanwhile asks again and finds the next process, or none.
        #[cfg(target_os = "linux")]
        if let Err(error) = SockRef::from(&self.listener).attach_filter(&[NOTHING]) {
            tracing::debug!(%error, "who connects in this moment may be cut off");
        }
        // The kernel itself is asked: the runtime may not have heard yet that somebody stands there.
        let queue = self.listener.into_std()?;
        while let Ok(place) = places.clone().try_acquire_owned()
            && let Ok((stream, client)) = queue.accept()
        {
            stream.set_nonblocking(true)?;
            begin(TcpStream::from_std(stream)?, client, place);
        }
        drop(queue);
        silent.none().await;
        if let Some(watching) = watching {
            watching.abort();
        }
        if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
            tracing::warn!("closed connections that did not end in time");
        }
        Ok(())
    }
}

/// Serves one connection to its end.
async fn hold<S>(
    server: &auto::Builder<TokioExecutor>,
    watcher: Watcher,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: S,
) where
    S: hyper::service::Service<
            http::Request<Incoming>,
            Response = axum::response::Response,
            Error = Infallible,
            Future: Send + 'static,
        > + Send
        + 'static,
{
    let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn plain(stream: TcpStream, unread: Duration) -> impl AsyncRead + AsyncWrite + Unpin + Send + 'static {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    if let Err(error) = let_go(&stream, unread) {
        tracing::debug!(%error, "a peer that goes away in silence will be noticed late");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT) {
        tracing::debug!(%error, "the kernel will hold more for slow readers");
    }
    failpoint::wire(stream)
}

/// Nobody says goodbye when a cable is pulled. The kernel asks a silent peer whether it is there, and ends
/// the connection when nothing is acknowledged for so long, or the peer has no room for so long.
fn let_go(stream: &TcpStream, unread: Duration) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let probes = TcpKeepalive::new().with_time(unread / 2).with_interval((unread / 8).max(Duration::from_secs(1)));
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(unread))?;
    Ok(())
}

fn service(
    router: Router,
    client: SocketAddr,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = axum::response::Response,
    Error = Infallible,
    Future: Send + 'static,
> + Clone {
    service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(client));
        router.clone().oneshot(request)
    })
}
