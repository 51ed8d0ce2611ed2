//! Places in which answers are produced. So many are produced at once; and as answers take long, and one person
//! can ask for very many, the places are shared by person: nobody takes more of them than are left for others,
//! and the next free one goes to whoever has the fewest.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;
use uuid::Uuid;

/// Cheap to clone.
#[derive(Clone)]
pub struct Places {
    most: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    taken: usize,
    /// Places by space, of those who have some.
    own: HashMap<Uuid, usize>,
    waiting: BTreeMap<Uuid, Queue>,
    /// Counts who came and who was served.
    count: u64,
}

/// The answers of one space that wait.
struct Queue {
    /// When it came, or was served last: among equals everybody has their turn.
    since: u64,
    wakes: VecDeque<oneshot::Sender<Place>>,
}

/// Leave to produce an answer; given back when dropped.
pub struct Place {
    places: Places,
    space: Uuid,
}

impl Places {
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, if there is one now.
    pub fn try_take(&self, space: Uuid) -> Option<Place> {
        let mut state = self.state();
        state.may_begin(space, self.most).then(|| self.begin(&mut state, space))
    }

    /// Waits for a place; none only when all places are gone. A call that is dropped waits no more.
    pub async fn take(&self, space: Uuid) -> Option<Place> {
        let waiting = {
            let mut state = self.state();
            if state.may_begin(space, self.most) {
                return Some(self.begin(&mut state, space));
            }
            let (wake, waiting) = oneshot::channel();
            state.count += 1;
            let since = state.count;
            let queue = state.waiting.entry(space).or_insert_with(|| Queue { since, wakes: VecDeque::new() });
            queue.wakes.push_back(wake);
            waiting
        };
        waiting.await.ok()
    }

    fn begin(&self, state: &mut State, space: Uuid) -> Place {
        state.taken += 1;
        *state.own.entry(space).or_default() += 1;
        Place { places: self.clone(), space }
    }

    /// Whoever can begin begins.
    fn go_on(&self) {
        loop {
            let (wake, place) = {
                let mut state = self.state();
                let Some((space, wake)) = state.next(self.most) else { return };
                (wake, self.begin(&mut state, space))
            };
            // Gone in this moment: the place comes back by itself, which needs the lock.
            drop(wake.send(place));
        }
    }
}

impl State {
    fn own(&self, space: Uuid) -> usize {
        self.own.get(&space).copied().unwrap_or_default()
    }

    /// One alone has half of the places, a second one a quarter, and there is one for whoever comes next.
    fn may_begin(&self, space: Uuid, most: usize) -> bool {
        let free = most - self.taken;
        free > 0 && self.own(space) <= free
    }

    /// The next one there is a place for.
    fn next(&mut self, most: usize) -> Option<(Uuid, oneshot::Sender<Place>)> {
        self.waiting.retain(|_, queue| {
            // those who have gone away
            while queue.wakes.front().is_some_and(oneshot::Sender::is_closed) {
                queue.wakes.pop_front();
            }
            !queue.wakes.is_empty()
        });
        let can = self.waiting.iter().filter(|(space, _)| self.may_begin(**space, most));
        let (&space, _) = can.min_by_key(|(space, queue)| (self.own(**space), queue.since))?;
        self.count += 1;
        let queue = self.waiting.get_mut(&space)?;
        queue.since = self.count;
        Some((space, queue.wakes.pop_front()?))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let mut state = self.places.state();
            state.taken -= 1;
            if let Some(own) = state.own.get_mut(&self.space) {
                *own -= 1;
                if *own == 0 {
                    state.own.remove(&self.space);
                }
            }
        }
        self.places.go_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt as _, future::BoxFuture};

    fn space(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// As many as there are now.
    fn all(places: &Places, number: u128) -> Vec<Place> {
        std::iter::from_fn(|| places.try_take(space(number))).collect()
    }

    /// Waits already.
    fn waits(places: &Places, number: u128) -> BoxFuture<'static, Option<Place>> {
        let places = places.clone();
        let mut waiting = async move { places.take(space(number)).await }.boxed();
        assert!((&mut waiting).now_or_never().is_none());
        waiting
    }

    #[test]
    fn nobody_takes_more_than_is_left_for_others() {
        let places = Places::new(16);
        let (one, two, three) = (all(&places, 1), all(&places, 2), all(&places, 3));
        assert_eq!([one.len(), two.len(), three.len()], [9, 4, 2]);
        assert_eq!(all(&places, 4).len(), 1);
        drop((one, two, three));
        assert_eq!(places.state().taken, 0);
        // few places are not left empty for somebody who may not come
        for (most, alone) in [(1, 1), (2, 2), (3, 2), (4, 3)] {
            assert_eq!(all(&Places::new(most), 1).len(), alone, "of {most}");
        }
    }

    #[test]
    fn the_next_place_goes_to_whoever_has_the_fewest_and_among_equals_to_each_in_turn() {
        let places = Places::new(1);
        let mut place = places.try_take(space(1));
        let mut waiting = vec![(1, waits(&places, 1)), (1, waits(&places, 1)), (1, waits(&places, 1))];
        waiting.extend([(2, waits(&places, 2)), (2, waits(&places, 2)), (3, waits(&places, 3))]);
        let mut order = Vec::new();
        while place.take().is_some() {
            let next = waiting.iter_mut().enumerate().find_map(|(at, (_, one))| Some((at, one.now_or_never()?)));
            let Some((at, next)) = next else { break };
            order.push(waiting.remove(at).0);
            place = next;
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 1]);

        let places = Places::new(4);
        let (mut heavy, _other) = (all(&places, 1), places.try_take(space(2)));
        let (mut again, mut another) = (waits(&places, 1), waits(&places, 2));
        heavy.pop();
        assert!((&mut again).now_or_never().is_none() && (&mut another).now_or_never().is_some());
    }

    #[test]
    fn whoever_goes_away_holds_no_place() {
        let places = Places::new(1);
        let place = places.try_take(space(1));
        let (gone, given) = (waits(&places, 2), waits(&places, 3));
        drop(gone);
        drop(place);
        assert_eq!(places.state().own(space(3)), 1);
        // given in the moment in which it went
        drop(given);
        assert!(places.try_take(space(4)).is_some() && places.state().waiting.is_empty());
    }
}
