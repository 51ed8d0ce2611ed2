//! The order in which a chat's messages are listed. The chain of parents decides it; the clock, which
//! may stand still or be set back, only orders messages that do not depend on each other.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};
use uuid::Uuid;

/// Something that answers something: a message, or its picture.
pub trait Follows {
    fn id(&self) -> Uuid;
    fn parent(&self) -> Option<Uuid>;
}

/// Puts every parent before its children, and leaves the order as it is wherever that allows it.
pub fn parents_first<T: Follows>(rows: Vec<T>) -> Vec<T> {
    let places: HashMap<Uuid, usize> = rows.iter().enumerate().map(|(at, row)| (row.id(), at)).collect();
    let mut children: Vec<Vec<usize>> = rows.iter().map(|_| Vec::new()).collect();
    let mut ready = BinaryHeap::new();
    for (at, row) in rows.iter().enumerate() {
        match row.parent().and_then(|parent| places.get(&parent)) {
            Some(parent) => children[*parent].push(at),
            None => ready.push(Reverse(at)),
        }
    }
    let mut left: Vec<Option<T>> = rows.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(left.len());
    while let Some(Reverse(at)) = ready.pop() {
        ordered.extend(left[at].take());
        ready.extend(children[at].drain(..).map(Reverse));
    }
    // Messages that answer each other in a circle cannot be sent; were there any, they would be listed.
    ordered.extend(left.into_iter().flatten());
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Turn(u128, Option<u128>);

    impl Follows for Turn {
        fn id(&self) -> Uuid {
            Uuid::from_u128(self.0)
        }

        fn parent(&self) -> Option<Uuid> {
            self.1.map(Uuid::from_u128)
        }
    }

    fn order(turns: &[(u128, Option<u128>)]) -> Vec<u128> {
        let turns = turns.iter().map(|(id, parent)| Turn(*id, *parent)).collect();
        parents_first(turns).into_iter().map(|turn| turn.0).collect()
    }

    #[test]
    fn a_parent_comes_before_its_children_and_nothing_else_moves() {
        assert_eq!(order(&[(1, None), (2, Some(1)), (3, None), (4, Some(2))]), [1, 2, 3, 4]);
        assert_eq!(order(&[(4, Some(2)), (2, Some(1)), (3, None), (1, None)]), [3, 1, 2, 4]);
        // what follows something that is not here begins; a circle is listed all the same
        assert_eq!(order(&[(2, Some(9)), (5, Some(6)), (6, Some(5)), (3, Some(2))]), [2, 3, 5, 6]);
    }
}
