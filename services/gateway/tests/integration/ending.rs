//! Who has connected before the process ends gets an answer, whether or not it was accepted or has said anything.

use axum::{Router, routing::get};
use gateway::Config;
use std::{
    future::ready,
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";

/// Connects `clients` that speak after `delay`, then serves a listener that is to end at once.
async fn answered(clients: usize, delay: Duration) -> usize {
    let config = Config { listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
    let listening = gateway::listen(&config).await.unwrap();
    let clients: Vec<_> = (0..clients)
        .map(|_| {
            let mut client = TcpStream::connect(listening.address).unwrap();
            thread::spawn(move || {
                thread::sleep(delay);
                let mut answer = String::new();
                client.write_all(REQUEST).and_then(|()| client.read_to_string(&mut answer)).is_ok()
                    && answer.starts_with("HTTP/1.1 200")
            })
        })
        .collect();
    let router = Router::new().route("/", get(|| ready("here")));
    listening.serve(router, ready(()), Duration::from_secs(5)).await.unwrap();
    clients.into_iter().map(|client| usize::from(client.join().unwrap())).sum()
}

#[tokio::test]
async fn nobody_in_the_kernels_queue_is_cut_off() {
    assert_eq!(answered(50, Duration::ZERO).await, 50);
}

#[tokio::test]
async fn nobody_who_takes_a_moment_to_speak_is_cut_off() {
    assert_eq!(answered(5, Duration::from_millis(700)).await, 5);
}
