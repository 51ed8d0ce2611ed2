//! The answers that one client follows over its live feed. Each is asked for as on its own stream:
//! chat says every time whether this person may read it.

use crate::{
    Gateway,
    follow::{self, Door, Follower, Out},
};
use futures_util::{
    Stream, StreamExt as _,
    future::{AbortHandle, Abortable},
    stream::{self, BoxStream, SelectAll},
};
use platform::{
    Error,
    principal::{Caller, Permission, Person},
};
use std::{
    collections::HashMap,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use uuid::Uuid;

/// Answers followed at the same time on one feed.
const LIMIT: usize = 64;

/// All of them, as one stream of messages.
#[derive(Default)]
pub struct Follows {
    running: SelectAll<Abortable<BoxStream<'static, Step>>>,
    /// By reply: which following it is, and how it is ended.
    known: HashMap<Uuid, (u64, AbortHandle)>,
    count: u64,
}

enum Step {
    Frames(Vec<String>),
    Over(Uuid, u64),
}

enum Stage {
    Asked,
    Following(Box<Follower>),
    Over,
}

impl Follows {
    /// Follows `reply`; in place of an earlier following of the same one.
    pub fn follow(&mut self, gateway: &Gateway, person: &Person, reply: Uuid, from: Option<&str>) -> Option<String> {
        self.unfollow(reply);
        if self.known.len() >= LIMIT {
            let why = format!("{LIMIT} answers are followed here already; unfollow one");
            return refused(reply, &Error::rate_limited(why, Duration::from_secs(5)));
        }
        if let Err(error) = person.require(Permission::ChatsRead) {
            return refused(reply, &error);
        }
        let (gateway, caller) = (gateway.clone(), Caller::Person(person.clone()));
        let from = from.and_then(follow::read_place);
        self.count += 1;
        let count = self.count;
        let messages = stream::unfold(Stage::Asked, move |stage| {
            let (gateway, caller) = (gateway.clone(), caller.clone());
            async move {
                let mut follower = match stage {
                    Stage::Asked => match follow::open(&gateway, &caller, reply, from, None).await {
                        Ok(follower) => Box::new(follower),
                        Err(error) => {
                            return Some((Step::Frames(refused(reply, &error).into_iter().collect()), Stage::Over));
                        }
                    },
                    Stage::Following(follower) => follower,
                    Stage::Over => return None,
                };
                let frames = follower.next().await?.into_frames();
                Some((Step::Frames(frames), Stage::Following(follower)))
            }
        });
        let ended = stream::once(async move { Step::Over(reply, count) });
        let (handle, registration) = AbortHandle::new_pair();
        self.known.insert(reply, (count, handle));
        self.running.push(Abortable::new(messages.chain(ended).boxed(), registration));
        None
    }

    pub fn unfollow(&mut self, reply: Uuid) {
        if let Some((_, handle)) = self.known.remove(&reply) {
            handle.abort();
        }
    }
}

impl Stream for Follows {
    type Item = Vec<String>;

    /// Pending while nothing is followed: there is always a next following.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Vec<String>>> {
        loop {
            match self.running.poll_next_unpin(context) {
                Poll::Ready(Some(Step::Frames(frames))) if !frames.is_empty() => return Poll::Ready(Some(frames)),
                Poll::Ready(Some(Step::Frames(_))) => {}
                Poll::Ready(Some(Step::Over(reply, count))) => {
                    if self.known.get(&reply).is_some_and(|(known, _)| *known == count) {
                        self.known.remove(&reply);
                    }
                }
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// What stands in place of an answer that cannot be followed: nothing of it, whosever it is.
fn refused(reply: Uuid, error: &Error) -> Option<String> {
    let mut out = Out::new(Door::Feed, reply);
    follow::refuse(&mut out, error);
    out.into_frames().pop()
}
