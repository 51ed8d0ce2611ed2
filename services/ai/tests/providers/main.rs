//! The providers against what real servers send, against servers that misbehave, and against their own promises.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::large_futures)]

mod anthropic;
mod faults;
mod guide;
mod ollama;
mod openai;
mod recordings;
mod scripted;
mod server;
mod sse;

use std::{collections::VecDeque, time::Duration};

use ai::providers::{Ask, Fault, Origin, Piece, Pieces, Reading, Role, Timeouts, Turn, Wire, Wishes};
use futures_util::StreamExt;
use platform::network::Network;
use uuid::Uuid;

/// The HTTP clients, with TLS as the binary installs it.
fn wire() -> Wire {
    rustls::crypto::ring::default_provider().install_default().ok();
    Wire::new(Duration::from_secs(2), &Network::default()).unwrap()
}

/// Short enough for a test to wait for, long enough for a busy machine.
fn hasty() -> Timeouts {
    let short = Duration::from_millis(400);
    Timeouts { connect: short, first_byte: short, idle: short, total: Duration::from_secs(20) }
}

fn ask(model: &str, question: &str) -> Ask {
    let turns = vec![Turn::new(Role::User, question)];
    let (prefix, wishes) = (String::new(), Wishes::default());
    let origin = Origin { space: Uuid::from_u128(11), person: Uuid::from_u128(12), chat: Uuid::from_u128(13) };
    Ask { model: model.to_owned(), turns, prefix, origin, reply: Uuid::from_u128(7), attempt: 1, wishes }
}

/// Everything a stream yields. Checks that nothing comes after the end or the fault.
async fn all(mut pieces: Pieces) -> (Vec<Piece>, Option<Fault>) {
    let mut got = Vec::new();
    let mut fault = None;
    while let Some(item) = pieces.next().await {
        assert!(fault.is_none() && !matches!(got.last(), Some(Piece::End(_))), "an item after the last");
        match item {
            Ok(piece) => got.push(piece),
            Err(error) => fault = Some(error),
        }
    }
    assert_eq!(fault.is_none(), matches!(got.last(), Some(Piece::End(_))), "the end xor a fault: {got:?} {fault:?}");
    (got, fault)
}

/// The answer's text.
fn text(pieces: &[Piece]) -> String {
    let words = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.as_str(),
        Piece::Call(_) | Piece::End(_) => "",
    });
    words.collect()
}

/// Reads a whole answer given in parts, as over a connection that then ends.
fn read<R: Reading>(mut reading: R, parts: &[&[u8]]) -> (Vec<Piece>, Option<Fault>) {
    let mut out = VecDeque::new();
    for part in parts {
        if let Err(fault) = reading.push(part, &mut out) {
            return (out.into(), Some(fault));
        }
        if matches!(out.back(), Some(Piece::End(_))) {
            return (out.into(), None);
        }
    }
    let fault = reading.close(&mut out).err();
    (out.into(), fault)
}
