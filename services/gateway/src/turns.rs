//! Whose turn it is. So many requests are worked on at once, few of them for one person. Others wait, the
//! urgent first, and among equals whoever has the least under way. Very many that come at once wait as well;
//! but while too many come all the time, few may wait, and the rest is refused at once, before any work was
//! done for it. So who is served is served soon, and very many requests of one person slow down that person.

use http::Method;
use platform::{Error, Result, principal::Caller};
use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};
use uuid::Uuid;

/// How long whoever is refused should stay away.
const PAUSE: Duration = Duration::from_secs(1);
/// When many have been waiting for so long without a break, too many come.
const STANDING: Duration = Duration::from_secs(1);
/// The longest anybody waits.
const PATIENCE: Duration = Duration::from_secs(4);
/// How many times those who are worked on may wait for a moment.
const BURST: usize = 16;

/// What is served first when not everything can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Exports, imports, search, statistics.
    Seldom,
    /// Lists, chats, settings.
    Read,
    /// Whatever changes something.
    Write,
    /// What a model is to answer.
    Ask,
    /// Stop, sign in, sign out.
    First,
}

impl Urgency {
    pub(crate) fn of(method: &Method, path: &str) -> Self {
        let path = path.strip_prefix("/api/v1/").unwrap_or(path);
        let begins = |with: &[&str]| with.iter().any(|with| path.starts_with(with));
        let ends = |with: &[&str]| with.iter().any(|with| path.ends_with(with));
        if begins(&["auth/", "session", "setup"]) || ends(&["/stop"]) {
            Self::First
        } else if *method == Method::POST && ends(&["/messages", "/regenerate", "/continue"]) {
            Self::Ask
        } else if begins(&["exports", "imports", "search", "usage", "admin/usage"]) {
            Self::Seldom
        } else if method.is_safe() {
            Self::Read
        } else {
            Self::Write
        }
    }
}

/// Who asks: a person, or nobody from an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Person(Uuid),
    Address(String),
}

impl Who {
    pub(crate) fn of(caller: &Caller, address: &str) -> Self {
        match caller {
            Caller::Person(person) => Self::Person(person.user),
            Caller::Nobody | Caller::Service(_) => Self::Address(address.to_owned()),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Turns {
    /// Requests worked on at once.
    most: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    at_work: usize,
    people: HashMap<Who, usize>,
    waiting: Vec<Waiting>,
    /// Since when many have been waiting.
    many: Option<Instant>,
}

struct Waiting {
    who: Who,
    urgency: Urgency,
    wake: oneshot::Sender<Turn>,
}

/// Leave to be worked on; given back when dropped.
pub(crate) struct Turn {
    turns: Turns,
    /// None when it never was one's turn.
    who: Option<Who>,
}

impl Turns {
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.max(4), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are worked on before a request of this urgency has to wait: some places are kept free for
    /// what is more urgent, and what is seldom never takes all.
    fn room(&self, urgency: Urgency) -> usize {
        match urgency {
            Urgency::First => self.most,
            Urgency::Ask => self.most - self.most / 16,
            Urgency::Write => self.most - self.most / 16,
            Urgency::Read => self.most - self.most / 8,
            Urgency::Seldom => (self.most / 4).max(1),
        }
    }

    /// Waits for `who`'s turn.
    ///
    /// # Errors
    /// `unavailable` when too much waits, `rate_limited` when most of that is `who`'s own.
    pub(crate) async fn take(&self, who: Who, urgency: Urgency) -> Result<Turn> {
        let waiting = {
            let mut state = self.state();
            if self.may_begin(&state, &who, urgency) {
                return Ok(self.begin(&mut state, who));
            }
            // those who have gone away
            state.waiting.retain(|waiting| !waiting.wake.is_closed());
            self.count(&mut state);
            let stands = state.many.is_some_and(|since| since.elapsed() >= STANDING);
            let (queue, own) = if stands { (self.most, self.most / 4) } else { (BURST * self.most, 2 * self.most) };
            if state.waits(&who) >= own || state.waiting.len() >= queue && !state.make_room(&who, urgency) {
                return Err(state.refusal(&who, own));
            }
            let (wake, waiting) = oneshot::channel();
            state.waiting.push(Waiting { who: who.clone(), urgency, wake });
            self.count(&mut state);
            waiting
        };
        match timeout(PATIENCE, waiting).await {
            Ok(Ok(turn)) => Ok(turn),
            // displaced by somebody who has less, or something more urgent; or nothing moves
            Ok(Err(_)) | Err(_) => Err(self.state().refusal(&who, self.most / 4)),
        }
    }

    /// The same for those of one person: who changes something waits for the disk, who reads takes the
    /// processor from others.
    fn own_room(&self, urgency: Urgency) -> usize {
        match urgency {
            Urgency::First | Urgency::Ask | Urgency::Write => (self.most / 16).max(2),
            Urgency::Read => (self.most / 32).max(1),
            Urgency::Seldom => 1,
        }
    }

    fn may_begin(&self, state: &State, who: &Who, urgency: Urgency) -> bool {
        state.at_work < self.room(urgency) && state.at_work_of(who) < self.own_room(urgency)
    }

    fn begin(&self, state: &mut State, who: Who) -> Turn {
        state.at_work += 1;
        *state.people.entry(who.clone()).or_default() += 1;
        Turn { turns: self.clone(), who: Some(who) }
    }

    /// The next one there is room for: the most urgent, then whose person has the least under way, then
    /// whoever came first.
    fn next(&self, state: &mut State) -> Option<Waiting> {
        let next = state
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, waiting)| self.may_begin(state, &waiting.who, waiting.urgency));
        let (at, _) =
            next.min_by_key(|(at, waiting)| (Reverse(waiting.urgency), state.at_work_of(&waiting.who), *at))?;
        Some(state.waiting.remove(at))
    }

    fn end(&self, who: &Who) {
        let mut state = self.state();
        state.leave(who);
        while let Some(next) = self.next(&mut state) {
            let turn = self.begin(&mut state, next.who);
            let Err(mut turn) = next.wake.send(turn) else { continue };
            // gone away: it never was their turn
            if let Some(who) = turn.who.take() {
                state.leave(&who);
            }
        }
        self.count(&mut state);
    }

    /// Notes since when many have been waiting.
    fn count(&self, state: &mut State) {
        let many = state.waiting.len() >= self.most / 2;
        state.many = many.then(|| state.many.unwrap_or_else(Instant::now));
    }
}

impl State {
    fn leave(&mut self, who: &Who) {
        self.at_work -= 1;
        if let Some(count) = self.people.get_mut(who) {
            *count -= 1;
            if *count == 0 {
                self.people.remove(who);
            }
        }
    }

    fn at_work_of(&self, who: &Who) -> usize {
        self.people.get(who).copied().unwrap_or(0)
    }

    fn waits(&self, who: &Who) -> usize {
        self.waiting.iter().filter(|waiting| waiting.who == *who).count()
    }

    /// Lets the last one go that is less urgent, or whose person has more waiting; whether there is one.
    fn make_room(&mut self, who: &Who, urgency: Urgency) -> bool {
        let mut counts = HashMap::<&Who, usize>::new();
        for waiting in &self.waiting {
            *counts.entry(&waiting.who).or_default() += 1;
        }
        let count = |who: &Who| counts.get(who).copied().unwrap_or(0);
        let weight = |(at, waiting): &(usize, &Waiting)| (Reverse(waiting.urgency), count(&waiting.who), *at);
        let Some((at, worst)) = self.waiting.iter().enumerate().max_by_key(weight) else { return false };
        let gives_way = worst.urgency < urgency || (worst.urgency == urgency && count(&worst.who) > count(who) + 1);
        if gives_way {
            self.waiting.remove(at);
        }
        gives_way
    }

    /// `most` of one person are too many.
    fn refusal(&self, who: &Who, most: usize) -> Error {
        let own = self.at_work_of(who) + self.waits(who);
        if own >= most {
            let message = format!("{own} of your requests are under way already; wait for some of them");
            return Error::rate_limited(message, PAUSE);
        }
        too_much()
    }
}

/// Not now, whoever asks.
pub(crate) fn too_much() -> Error {
    Error::unavailable("more is asked of this server than it can do; come again in a moment").retry_after(PAUSE)
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(who) = self.who.take() {
            self.turns.end(&who);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use platform::Code;
    use std::pin::Pin;

    type Wish = Pin<Box<dyn Future<Output = Result<Turn>>>>;

    fn person(number: u128) -> Who {
        Who::Person(Uuid::from_u128(number))
    }

    fn wish(turns: &Turns, number: u128, urgency: Urgency) -> Wish {
        let turns = turns.clone();
        Box::pin(async move { turns.take(person(number), urgency).await })
    }

    fn waits(wish: &mut Wish) -> bool {
        wish.now_or_never().is_none()
    }

    fn code(wish: Wish) -> Option<Code> {
        wish.now_or_never()?.err().map(|error| error.code())
    }

    /// Sixteen places, taken by as many people, and somebody who waits for long.
    async fn overrun() -> (Turns, Vec<Turn>, Wish) {
        let turns = Turns::new(16);
        let mut at_work = Vec::new();
        for number in 0..16 {
            at_work.push(turns.take(person(number), Urgency::First).await.unwrap());
        }
        let mut first = wish(&turns, 99, Urgency::Read);
        assert!(waits(&mut first));
        (turns, at_work, first)
    }

    #[tokio::test(start_paused = true)]
    async fn very_many_at_once_wait_and_too_many_for_long_are_refused() {
        let (turns, at_work, first) = overrun().await;
        let mut waiting: Vec<_> = (100..130).map(|number| wish(&turns, number, Urgency::Write)).collect();
        assert!(waiting.iter_mut().all(waits));
        tokio::time::advance(STANDING).await;
        assert_eq!(code(wish(&turns, 500, Urgency::Read)), Some(Code::Unavailable));
        // what is urgent takes the place of the last that is least urgent, and comes next
        let mut stop = wish(&turns, 501, Urgency::First);
        assert!(waits(&mut stop));
        assert_eq!(code(first), Some(Code::Unavailable));
        let mut at_work = at_work.into_iter();
        drop(at_work.next());
        let stop = stop.now_or_never().unwrap();
        assert!(stop.is_ok() && waiting.iter_mut().all(waits));
        // nobody waits for ever
        tokio::time::advance(PATIENCE).await;
        assert!(waiting.into_iter().all(|wish| code(wish) == Some(Code::Unavailable)));
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_come_to_their_turn() {
        let (turns, at_work, first) = overrun().await;
        let mut waiting: Vec<_> = (100..140).map(|number| wish(&turns, number, Urgency::Ask)).collect();
        assert!(waiting.iter_mut().all(waits));
        drop(at_work);
        // each gives the place to the next
        assert!(waiting.into_iter().all(|wish| wish.now_or_never().is_some_and(|turn| turn.is_ok())));
        assert!(first.now_or_never().unwrap().is_ok());
        let state = turns.state();
        assert!(state.at_work == 0 && state.people.is_empty() && state.waiting.is_empty() && state.many.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_very_much_is_slowed_down_alone() {
        let turns = Turns::new(64);
        let at_work: Vec<_> = (0..2).filter_map(|_| wish(&turns, 1, Urgency::Read).now_or_never()).collect();
        let mut waiting: Vec<_> = (0..64).map(|_| wish(&turns, 1, Urgency::Read)).collect();
        assert!(at_work.len() == 2 && waiting.iter_mut().all(waits));
        assert!(wish(&turns, 2, Urgency::Read).now_or_never().unwrap().is_ok());
        // others fill the house: they take the places of those who wait, and come before them
        let held: Vec<_> = (10..64).filter_map(|number| wish(&turns, number, Urgency::Read).now_or_never()).collect();
        let mut other = wish(&turns, 3, Urgency::Read);
        assert!(held.len() == 54 && waits(&mut other));
        tokio::time::advance(STANDING).await;
        assert!(waits(&mut wish(&turns, 4, Urgency::Read)));
        assert_eq!(code(waiting.pop().unwrap()), Some(Code::RateLimited));
        assert_eq!(code(wish(&turns, 1, Urgency::Read)), Some(Code::RateLimited));
        drop(at_work.into_iter().next());
        assert!(other.now_or_never().unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_leaves_nothing_behind() {
        let (turns, at_work, first) = overrun().await;
        let mut stays = wish(&turns, 100, Urgency::Read);
        assert!(waits(&mut stays));
        drop(first);
        drop(at_work);
        assert!(stays.now_or_never().unwrap().is_ok());
        let state = turns.state();
        assert!(state.at_work == 0 && state.people.is_empty() && state.waiting.is_empty());
    }

    #[test]
    fn what_comes_first() {
        let of = |method: &str, path: &str| Urgency::of(&method.parse().unwrap(), &format!("/api/v1/{path}"));
        let ordered = [
            of("GET", "search?q=x"),
            of("GET", "chats"),
            of("PATCH", "chats/1"),
            of("POST", "chats/1/messages"),
            of("POST", "replies/1/stop"),
        ];
        assert!(ordered.is_sorted() && ordered.windows(2).all(|pair| pair[0] != pair[1]), "{ordered:?}");
        assert_eq!(of("POST", "auth/sign-in"), Urgency::First);
        assert_eq!(of("GET", "exports/1/file"), Urgency::Seldom);
    }
}
