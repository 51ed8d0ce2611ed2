//! Whose turn it is. So many requests are worked on at once, few of them for one person. Others wait, the
//! urgent first, and among equals whoever has the least under way. Very many that come at once wait as well;
//! but while too many come all the time, few may wait, none of them for long, and the rest is refused at once,
//! before any work was done for it. So who is served is served soon, who is not is told so soon, and very many
//! requests of one person slow down that person.

use http::Method;
use platform::{Error, Result, principal::Caller};
use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

/// How long whoever is refused should stay away.
const PAUSE: Duration = Duration::from_secs(1);
/// When many have been waiting for so long without a break, too many come.
const STANDING: Duration = Duration::from_secs(1);
/// And go on coming until for so long nobody found all places to wait taken. Otherwise each moment in which
/// few wait would allow a burst again, and the tail of what is served would be that of a burst.
const CALM: Duration = Duration::from_secs(3);
/// The longest anybody waits.
const PATIENCE: Duration = Duration::from_secs(4);
/// The longest anybody waits while too many come: there is always somebody else to serve.
const BRIEF: Duration = Duration::from_millis(25);
/// How many times those who are worked on may wait for a moment.
const BURST: usize = 16;
/// From so many bytes on, of a request or of its answer, something is large.
pub(crate) const LARGE: usize = 64 << 10;
/// After something large its person's place stays taken for so many times as long as it took, so that whoever
/// asks for large things all the time leaves most of the processors and of the disk to others.
const REST: u32 = 3;
const LONGEST_REST: Duration = Duration::from_millis(500);

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
    people: HashMap<Who, Own>,
    waiting: Vec<Waiting>,
    /// Since when many have been waiting.
    many: Option<Instant>,
    /// Until when too many come, unless more do.
    flooded: Option<Instant>,
}

/// What one person has under way, places that rest among it.
#[derive(Clone, Copy, Default)]
struct Own {
    places: usize,
    /// Those among them that are for something large.
    large: usize,
}

/// Where to wait.
#[derive(Clone, Copy)]
struct Room {
    all: usize,
    /// Of one person.
    own: usize,
    /// For how long.
    patience: Duration,
}

struct Waiting {
    who: Who,
    urgency: Urgency,
    large: bool,
    wake: oneshot::Sender<Turn>,
}

/// Leave to be worked on; given back when dropped.
pub(crate) struct Turn {
    turns: Turns,
    /// None when it never was one's turn.
    who: Option<Who>,
    since: Instant,
    large: AtomicBool,
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

    /// Waits for `who`'s turn with a request, which may be a large one.
    ///
    /// # Errors
    /// `unavailable` when too much waits, `rate_limited` when most of that is `who`'s own.
    pub(crate) async fn take(&self, who: Who, urgency: Urgency, large: bool) -> Result<Turn> {
        let (patience, waiting) = {
            let mut state = self.state();
            if self.may_begin(&state, &who, urgency, large) {
                return Ok(self.begin(&mut state, who, large));
            }
            let room = self.room_to_wait(&mut state, &who, urgency);
            if !state.has_room(&who, room) && !state.make_room(&who, urgency, room) {
                return Err(state.refusal(&who, room.own));
            }
            let (wake, waiting) = oneshot::channel();
            state.waiting.push(Waiting { who: who.clone(), urgency, large, wake });
            self.count(&mut state);
            (room.patience, waiting)
        };
        match timeout(patience, waiting).await {
            Ok(Ok(turn)) => Ok(turn),
            // displaced by somebody who has less, or something more urgent; or nothing moves
            Ok(Err(_)) | Err(_) => Err(self.state().refusal(&who, self.most / 4)),
        }
    }

    /// Whether `who` would be refused now: asked before anything is done for a request.
    ///
    /// # Errors
    /// As [`Turns::take`].
    pub(crate) fn look(&self, who: &Who, urgency: Urgency) -> Result<()> {
        let mut state = self.state();
        if self.may_begin(&state, who, urgency, false) {
            return Ok(());
        }
        let room = self.room_to_wait(&mut state, who, urgency);
        if state.has_room(who, room) || state.gives_way(who, urgency, room).is_some() {
            return Ok(());
        }
        Err(state.refusal(who, room.own))
    }

    /// How many may wait now, and how long one of them.
    fn room_to_wait(&self, state: &mut State, who: &Who, urgency: Urgency) -> Room {
        // those who have gone away
        state.waiting.retain(|waiting| !waiting.wake.is_closed());
        self.count(state);
        let now = Instant::now();
        let stands = state.many.is_some_and(|since| now - since >= STANDING);
        let flooded = state.flooded.is_some_and(|until| now < until);
        if !stands && !flooded {
            return Room { all: BURST * self.most, own: 2 * self.most, patience: PATIENCE };
        }
        let full = state.waiting.len() >= self.most;
        if full {
            state.flooded = Some(now + CALM);
        }
        // whoever waits for a few of their own requests is no part of it
        let part = state.at_work >= self.room(urgency) || state.waits(who) >= self.most / 8;
        let patience = if part && (full || flooded) { BRIEF } else { PATIENCE };
        Room { all: self.most, own: self.most / 4, patience }
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

    /// Of one person's large things one comes after the other, but none waits for small ones.
    fn may_begin(&self, state: &State, who: &Who, urgency: Urgency, large: bool) -> bool {
        let own = state.own(who);
        state.at_work < self.room(urgency) && own.places < self.own_room(urgency) && !(large && own.large > 0)
    }

    fn begin(&self, state: &mut State, who: Who, large: bool) -> Turn {
        state.at_work += 1;
        let own = state.people.entry(who.clone()).or_default();
        own.places += 1;
        own.large += usize::from(large);
        Turn { turns: self.clone(), who: Some(who), since: Instant::now(), large: AtomicBool::new(large) }
    }

    /// The next one there is room for: the most urgent, then whose person has the least under way, then
    /// whoever came first.
    fn next(&self, state: &mut State) -> Option<Waiting> {
        let next = state
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, waiting)| self.may_begin(state, &waiting.who, waiting.urgency, waiting.large));
        let (at, _) =
            next.min_by_key(|(at, waiting)| (Reverse(waiting.urgency), state.own(&waiting.who).places, *at))?;
        Some(state.waiting.remove(at))
    }

    /// The place is free for others; a person's own rests after something large.
    fn end(&self, who: Who, large: bool, took: Duration) {
        let mut state = self.state();
        state.at_work -= 1;
        // without a runtime the process ends
        match Handle::try_current().ok().filter(|_| large) {
            None => state.give_back(&who, large),
            Some(runtime) => {
                let (turns, rest) = (self.clone(), (took * REST).min(LONGEST_REST));
                runtime.spawn(async move {
                    sleep(rest).await;
                    let mut state = turns.state();
                    state.give_back(&who, large);
                    turns.go_on(&mut state);
                });
            }
        }
        self.go_on(&mut state);
    }

    /// Whoever can begin begins.
    fn go_on(&self, state: &mut State) {
        while let Some(next) = self.next(state) {
            let turn = self.begin(state, next.who, next.large);
            let Err(mut turn) = next.wake.send(turn) else { continue };
            // gone away: it never was their turn
            if let Some(who) = turn.who.take() {
                state.at_work -= 1;
                state.give_back(&who, next.large);
            }
        }
        self.count(state);
    }

    /// Notes since when many have been waiting.
    fn count(&self, state: &mut State) {
        let many = state.waiting.len() >= self.most / 2;
        state.many = many.then(|| state.many.unwrap_or_else(Instant::now));
    }
}

impl State {
    /// A place of a person's own.
    fn give_back(&mut self, who: &Who, large: bool) {
        if let Some(own) = self.people.get_mut(who) {
            own.places -= 1;
            own.large -= usize::from(large);
            if own.places == 0 {
                self.people.remove(who);
            }
        }
    }

    fn own(&self, who: &Who) -> Own {
        self.people.get(who).copied().unwrap_or_default()
    }

    fn waits(&self, who: &Who) -> usize {
        self.waiting.iter().filter(|waiting| waiting.who == *who).count()
    }

    fn has_room(&self, who: &Who, room: Room) -> bool {
        self.waiting.len() < room.all && self.waits(who) < room.own
    }

    /// The last one that is less urgent, or whose person has more waiting.
    fn gives_way(&self, who: &Who, urgency: Urgency, room: Room) -> Option<usize> {
        let mut counts = HashMap::<&Who, usize>::new();
        for waiting in &self.waiting {
            *counts.entry(&waiting.who).or_default() += 1;
        }
        let count = |who: &Who| counts.get(who).copied().unwrap_or(0);
        let weight = |(at, waiting): &(usize, &Waiting)| (Reverse(waiting.urgency), count(&waiting.who), *at);
        let (at, worst) = self.waiting.iter().enumerate().max_by_key(weight)?;
        let gives_way = worst.urgency < urgency || (worst.urgency == urgency && count(&worst.who) > count(who) + 1);
        (count(who) < room.own && gives_way).then_some(at)
    }

    /// Lets that one go; whether there is one.
    fn make_room(&mut self, who: &Who, urgency: Urgency, room: Room) -> bool {
        let gone = self.gives_way(who, urgency, room).map(|at| self.waiting.remove(at));
        gone.is_some()
    }

    /// `most` of one person are too many.
    fn refusal(&self, who: &Who, most: usize) -> Error {
        let own = self.own(who).places + self.waits(who);
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

impl Turn {
    /// What comes of it is large.
    pub(crate) fn is_for_something_large(&self) {
        let Some(who) = &self.who else { return };
        if !self.large.swap(true, Ordering::Relaxed)
            && let Some(own) = self.turns.state().people.get_mut(who)
        {
            own.large += 1;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(who) = self.who.take() {
            self.turns.end(who, *self.large.get_mut(), self.since.elapsed());
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
        Box::pin(async move { turns.take(person(number), urgency, false).await })
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
            at_work.push(turns.take(person(number), Urgency::First, false).await.unwrap());
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
    async fn while_too_many_come_nobody_waits_for_long() {
        let (turns, at_work, first) = overrun().await;
        let mut waiting: Vec<_> = (100..130).map(|number| wish(&turns, number, Urgency::Write)).collect();
        assert!(waiting.iter_mut().all(waits));
        tokio::time::advance(STANDING).await;
        let look = |number| turns.look(&person(number), Urgency::Read).map_err(|error| error.code());
        assert_eq!(look(500), Err(Code::Unavailable));
        assert!(turns.look(&person(500), Urgency::First).is_ok());
        drop((waiting, first));
        // there is room again, but nobody waits in vain
        let (mut brief, looks) = (wish(&turns, 501, Urgency::Write), look(502));
        assert!(waits(&mut brief) && looks.is_ok());
        tokio::time::advance(BRIEF).await;
        assert_eq!(code(brief), Some(Code::Unavailable));
        // and no burst, until it has been calm
        let mut few: Vec<_> = (600..616).map(|number| wish(&turns, number, Urgency::Write)).collect();
        assert!(few.iter_mut().all(waits));
        assert_eq!(look(503), Err(Code::Unavailable));
        tokio::time::advance(CALM).await;
        assert!(few.into_iter().all(|wish| code(wish) == Some(Code::Unavailable)));
        let mut many: Vec<_> = (700..800).map(|number| wish(&turns, number, Urgency::Write)).collect();
        assert!(many.iter_mut().all(waits));
        drop(at_work);
        assert!(many.into_iter().all(|wish| wish.now_or_never().is_some_and(|turn| turn.is_ok())));
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
    async fn who_asks_for_large_things_does_so_one_after_the_other_and_with_pauses() {
        let turns = Turns::new(64);
        let large = || Box::pin(turns.take(person(1), Urgency::Write, true));
        let first = large().await.unwrap();
        let mut second = large();
        assert!((&mut second).now_or_never().is_none());
        tokio::time::advance(Duration::from_millis(20)).await;
        drop(first);
        assert!((&mut second).now_or_never().is_none());
        // what is small goes on, and so do others
        assert!(wish(&turns, 1, Urgency::Write).now_or_never().unwrap().is_ok());
        assert!(turns.take(person(2), Urgency::Write, true).await.is_ok());
        sleep(Duration::from_millis(59)).await;
        assert!((&mut second).now_or_never().is_none());
        sleep(Duration::from_millis(2)).await;
        let second = second.now_or_never().unwrap().unwrap();
        // an answer may be large, though it was asked for in few words
        let answer = wish(&turns, 3, Urgency::Read).now_or_never().unwrap().unwrap();
        answer.is_for_something_large();
        assert!(turns.take(person(3), Urgency::Write, true).now_or_never().is_none());
        drop((second, answer));
        sleep(LONGEST_REST).await;
        let state = turns.state();
        assert!(state.at_work == 0 && state.people.is_empty() && state.waiting.is_empty());
    }

    /// A large thing begins beside what is small, and whoever waits only for their own few places has time,
    /// though somebody else asks for too much.
    #[tokio::test(start_paused = true)]
    async fn who_asks_for_little_is_no_part_of_a_flood() {
        let turns = Turns::new(64);
        let held: Vec<_> = (0..3).filter_map(|_| wish(&turns, 1, Urgency::Write).now_or_never()).collect();
        let large = turns.take(person(1), Urgency::Write, true).now_or_never();
        assert!(held.len() == 3 && large.is_some_and(|turn| turn.is_ok()));
        let busy: Vec<_> = (0..2).filter_map(|_| wish(&turns, 2, Urgency::Read).now_or_never()).collect();
        let mut flood: Vec<_> = (0..100).map(|_| wish(&turns, 2, Urgency::Read)).collect();
        assert!(busy.len() == 2 && flood.iter_mut().all(waits));
        tokio::time::advance(STANDING).await;
        assert_eq!(code(wish(&turns, 2, Urgency::Read)), Some(Code::RateLimited));
        let own: Vec<_> = (0..2).filter_map(|_| wish(&turns, 3, Urgency::Read).now_or_never()).collect();
        let mut few: Vec<_> = (0..4).map(|_| wish(&turns, 3, Urgency::Read)).collect();
        assert!(own.len() == 2 && few.iter_mut().all(waits));
        tokio::time::advance(4 * BRIEF).await;
        assert!(few.iter_mut().all(waits));
        drop(own);
        let two = few.drain(..2).filter_map(|wish| wish.now_or_never()).filter(|turn| turn.is_ok()).count();
        assert_eq!(two, 2);
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
