//! Bodies are gathered here before a service sees them, so that none is held up by a slow client. What is
//! gathered is memory, and anybody can begin to send: so each body has a time in which it must have come,
//! whoever is not signed in may send little, and there is a bound on all bodies together, of which nobody may
//! hold more than is left for the others.

use crate::uploads;
use axum::body::{Body, BodyDataStream};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use http::{HeaderMap, header};
use platform::{Code, Error, Result, principal::Caller};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// A body that fits behind its head into what a connection has room for. Connections are counted, and such
/// bodies are not.
pub(crate) const SHORT: usize = 8 << 10;
/// What may be sent without being signed in: passwords, tokens of links, names.
const OF_NOBODY: usize = 64 << 10;
/// The time that each body has, and a second more for each so many bytes of it.
const TIME: Duration = Duration::from_secs(30);
const RATE: usize = 16 << 10;
/// How long a body that was refused may go on coming: who is still sending would not read why.
const FAREWELL: Duration = Duration::from_secs(2);

/// All that are gathered, or were and are being worked on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Bodies {
    most: usize,
    held: Arc<Mutex<Held>>,
}

/// Bytes, all together and by person; of those who are not signed in, as if they were one.
#[derive(Default)]
struct Held {
    all: usize,
    people: HashMap<Option<Uuid>, usize>,
}

/// The room of one body; given back when dropped.
pub(crate) struct Room {
    bodies: Bodies,
    who: Option<Uuid>,
    bytes: usize,
}

impl Bodies {
    /// Room for `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, held: Arc::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self, caller: &Caller) -> Room {
        let who = if let Caller::Person(person) = caller { Some(person.user) } else { None };
        Room { bodies: self.clone(), who, bytes: 0 }
    }

    /// The whole body of a request, and the room that it takes for as long as it is there.
    ///
    /// # Errors
    /// `too_large` over the limit, `unauthenticated` when nobody may send so much, `timeout` when it comes too
    /// slowly, `unavailable` when there is no room for it.
    pub(crate) async fn gather(
        &self,
        caller: &Caller,
        body: Body,
        headers: &HeaderMap,
        limit: usize,
    ) -> Result<(Body, Room)> {
        let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let mut pieces = body.into_data_stream();
        let gathered = self.collect(caller, &mut pieces, announced, limit).await;
        if let Err(refusal) = &gathered
            && matches!(refusal.code(), Code::Unauthenticated | Code::Unavailable)
        {
            let _ = timeout(FAREWELL, go_by(&mut pieces, limit)).await;
        }
        gathered
    }

    async fn collect(
        &self,
        caller: &Caller,
        pieces: &mut BodyDataStream,
        announced: Option<usize>,
        limit: usize,
    ) -> Result<(Body, Room)> {
        let check = |length: usize| match caller {
            _ if length > limit => {
                Err(Error::too_large(format!("the body is larger than {limit} bytes; send less at a time")))
            }
            Caller::Nobody if length > OF_NOBODY => Err(Error::unauthenticated(format!(
                "without being signed in a body may have {OF_NOBODY} bytes at most; sign in first, or send less"
            ))),
            _ => Ok(()),
        };
        check(announced.unwrap_or(0))?;
        let (mut whole, mut room, start) = (BytesMut::new(), self.room(caller), Instant::now());
        loop {
            let length = announced.unwrap_or(whole.len());
            let time = TIME + Duration::from_secs(u64::try_from(length / RATE).unwrap_or(u64::MAX));
            let left = time.saturating_sub(start.elapsed());
            let Some(piece) = uploads::piece(pieces, left).await else { break };
            let piece = piece?;
            let length = whole.len() + piece.len();
            check(length)?;
            room.grow(length)?;
            whole.extend_from_slice(&piece);
        }
        Ok((whole.freeze().into(), room))
    }
}

/// Lets at most so many bytes come, and keeps none.
async fn go_by(pieces: &mut BodyDataStream, most: usize) {
    let mut come = 0;
    while come <= most
        && let Some(Ok(piece)) = pieces.next().await
    {
        come += piece.len();
    }
}

impl Room {
    /// Takes room for `bytes` in all.
    fn grow(&mut self, bytes: usize) -> Result<()> {
        if bytes <= SHORT {
            return Ok(());
        }
        let more = bytes - self.bytes;
        let mut held = self.bodies.held();
        let own = held.people.get(&self.who).copied().unwrap_or_default() + more;
        let all = held.all + more;
        if own > self.bodies.most.saturating_sub(all) {
            return Err(Error::unavailable(
                "more large requests are being sent to this server than it can hold; send it again in a moment",
            ));
        }
        held.people.insert(self.who, own);
        held.all = all;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut held = self.bodies.held();
        held.all -= self.bytes;
        if let Some(own) = held.people.get_mut(&self.who) {
            *own -= self.bytes;
            if *own == 0 {
                held.people.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::HttpBody as _;
    use bytes::Bytes;
    use futures_util::stream;
    use http::HeaderValue;
    use platform::principal::{Person, Role};
    use std::convert::Infallible;

    const LIMIT: usize = 4 << 20;

    fn person(number: u128) -> Caller {
        Caller::Person(Person::signed_in(Uuid::from_u128(number), Uuid::nil(), Role::USER))
    }

    /// So many bytes at once, and then as many others, one piece of `size` after each `pause`.
    fn body(at_once: usize, slowly: usize, size: usize, pause: Duration) -> Body {
        let rest = stream::unfold(slowly, move |left| async move {
            let size = size.min(left);
            (size > 0).then_some(())?;
            tokio::time::sleep(pause).await;
            Some((Bytes::from(vec![b'x'; size]), left - size))
        });
        let first = stream::iter((at_once > 0).then(|| Bytes::from(vec![b'x'; at_once])));
        Body::from_stream(first.chain(rest).map(Ok::<_, Infallible>))
    }

    fn announcing(length: usize) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from(length))])
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up_and_a_slow_link_is_not() {
        let bodies = Bodies::new(16 * LIMIT);
        let start = Instant::now();
        for headers in [announcing(LIMIT), HeaderMap::new()] {
            let endless = body(LIMIT - 100, 100, 1, Duration::from_secs(29));
            let refusal = bodies.gather(&person(1), endless, &headers, LIMIT).await.err().unwrap();
            assert_eq!(refusal.code(), Code::Timeout);
        }
        assert!(start.elapsed() < Duration::from_secs(600), "{:?}", start.elapsed());
        // one byte after the other, so that there is always a next one
        let drops = body(0, LIMIT, 1, Duration::from_millis(1));
        assert_eq!(
            bodies.gather(&person(1), drops, &HeaderMap::new(), LIMIT).await.err().unwrap().code(),
            Code::Timeout
        );
        // the longest message in ASCII over 64 kbit/s, and the longest body over 160
        for (length, pause) in [(200_000, 125), (LIMIT, 50)] {
            for headers in [announcing(length), HeaderMap::new()] {
                let slow = body(0, length, 1 << 10, Duration::from_millis(pause));
                let (whole, _room) = bodies.gather(&person(1), slow, &headers, LIMIT).await.unwrap();
                assert_eq!(whole.size_hint().exact(), Some(length as u64));
            }
        }
        assert_eq!(bodies.held().all, 0);
    }

    #[tokio::test]
    async fn whoever_is_not_signed_in_sends_little() {
        let bodies = Bodies::new(16 * LIMIT);
        let at_once = |length| body(length, 0, 1, Duration::ZERO);
        for (length, code) in
            [(OF_NOBODY + 1, Code::Unauthenticated), (LIMIT, Code::Unauthenticated), (LIMIT + 1, Code::TooLarge)]
        {
            for headers in [announcing(length), HeaderMap::new()] {
                let refusal = bodies.gather(&Caller::Nobody, at_once(length), &headers, LIMIT).await.err().unwrap();
                assert_eq!(refusal.code(), code, "{length} {headers:?}");
            }
        }
        assert!(bodies.gather(&Caller::Nobody, at_once(OF_NOBODY), &HeaderMap::new(), LIMIT).await.is_ok());
        assert!(bodies.gather(&person(1), at_once(LIMIT), &HeaderMap::new(), LIMIT).await.is_ok());
        assert_eq!(bodies.held().all, 0);
    }

    #[test]
    fn nobody_holds_more_than_is_left_for_others() {
        const PART: usize = 1 << 20;
        let bodies = Bodies::new(8 * PART);
        let hold = |who: &Caller, parts: usize| {
            let mut room = bodies.room(who);
            room.grow(parts * PART).map(|()| room)
        };
        let (one, other, third) = (person(1), person(2), person(3));
        let half = hold(&one, 4).unwrap();
        let refusal = hold(&one, 1).err().unwrap();
        assert_eq!((refusal.code(), refusal.waits().is_some()), (Code::Unavailable, true));
        // what is short is always taken
        bodies.room(&one).grow(SHORT).unwrap();
        let _quarter = hold(&other, 2).unwrap();
        assert!(hold(&other, 1).is_err());
        // all who are not signed in are one
        let _nobody = hold(&Caller::Nobody, 1).unwrap();
        assert!(hold(&Caller::Nobody, 1).is_err() && hold(&third, 1).is_err());
        drop(half);
        assert!(hold(&third, 2).is_ok());
        assert_eq!(bodies.held().all, 3 * PART);
    }
}
