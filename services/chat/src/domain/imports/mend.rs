//! Trees that came broken are mended as far as possible, and each loss is said: parents that are
//! missing, circles, ids that are there twice, turns in which nobody said anything.

use super::Raw;
use crate::domain::{Incoming, Problem, Turn, check_title, first_title};
use chrono::TimeDelta;
use std::collections::{HashMap, HashSet};

/// The most messages of one chat.
const MESSAGES: usize = 10_000;
/// The longest message, in bytes: longer than any that can be written here.
const LONGEST: usize = 1 << 20;

/// A whole tree, each parent before its children.
pub fn mend(Raw { mut incoming, dropped }: Raw) -> (Incoming, Vec<Problem>) {
    let mut losses: Vec<String> = Vec::new();
    let mut say = |count: usize, what: &str| {
        if count > 0 {
            losses.push(format!("{count} {what}"));
        }
    };
    say(dropped, "pictures, files or other parts that are no text were left out");

    let before = incoming.turns.len();
    let mut seen = HashSet::new();
    incoming.turns.retain(|turn| seen.insert(turn.key.clone()));
    say(before - incoming.turns.len(), "messages had the id of another one and were left out");
    let missing = |turn: &&mut Turn| turn.parent.as_ref().is_some_and(|parent| !seen.contains(parent));
    let mut orphans = 0;
    for turn in incoming.turns.iter_mut().filter(missing) {
        turn.parent = None;
        // an empty one is a mark of the other system, not a message
        orphans += usize::from(!turn.text.trim().is_empty());
    }
    say(orphans, "messages answered one that is missing; they begin branches of their own");
    say(break_circles(&mut incoming.turns), "messages answered each other in a circle, which was broken");

    let mut cut = 0;
    for turn in &mut incoming.turns {
        turn.text.retain(|sign| sign != '\0');
        if turn.text.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|at| turn.text.is_char_boundary(*at)).unwrap_or(0);
            turn.text.truncate(end);
            cut += 1;
        }
    }
    say(cut, "messages were too long and were cut");
    let active = close_gaps(&mut incoming);
    join(&mut incoming.turns);
    say(incoming.turns.len().saturating_sub(MESSAGES), "messages were more than a chat may have and were left out");
    order(&mut incoming.turns);
    incoming.turns.truncate(MESSAGES);
    incoming.active = active;

    let first = incoming.turns.first().map_or("", |turn| turn.text.as_str());
    let title: String = incoming.title.chars().take(200).collect();
    incoming.title = check_title(&title).unwrap_or_else(|_| first_title(first));
    if let Some(last) = incoming.turns.iter().map(|turn| turn.created_at).max() {
        incoming.updated_at = incoming.updated_at.max(last.min(incoming.updated_at + TimeDelta::days(1)));
    }
    let problems = losses.into_iter().map(|why| Problem::new(incoming.title.as_str(), why)).collect();
    (incoming, problems)
}

/// Makes one turn of each circle a first one; answers how many circles there were.
fn break_circles(turns: &mut [Turn]) -> usize {
    let places: HashMap<String, usize> = turns.iter().enumerate().map(|(at, turn)| (turn.key.clone(), at)).collect();
    // 0: not looked at, otherwise the walk that came by
    let (mut walks, mut broken) = (vec![0_usize; turns.len()], 0);
    for start in 0..turns.len() {
        let (walk, mut at) = (start + 1, start);
        while walks[at] == 0 {
            walks[at] = walk;
            match turns[at].parent.as_ref().and_then(|parent| places.get(parent)) {
                Some(next) => at = *next,
                None => break,
            }
            if walks[at] == walk {
                turns[at].parent = None;
                broken += 1;
                break;
            }
        }
    }
    broken
}

/// Takes out turns in which nothing was said; what answered them answers the one before. Answers
/// where the shown path ends then.
fn close_gaps(incoming: &mut Incoming) -> Option<String> {
    let turns = std::mem::take(&mut incoming.turns);
    let speaks = |turn: &Turn| !turn.text.trim().is_empty() || !turn.attachments.is_empty();
    let silent: HashMap<String, Option<String>> =
        turns.iter().filter(|turn| !speaks(turn)).map(|turn| (turn.key.clone(), turn.parent.clone())).collect();
    let above = |mut key: Option<String>| {
        while let Some(next) = key.as_ref().and_then(|key| silent.get(key)) {
            key = next.clone();
        }
        key
    };
    let kept = turns.into_iter().filter(speaks);
    incoming.turns = kept.map(|turn| Turn { parent: above(turn.parent.clone()), ..turn }).collect();
    above(incoming.active.take())
}

/// An answer that came in several pieces, one after the other, is one answer.
fn join(turns: &mut Vec<Turn>) {
    let mut children: HashMap<String, usize> = HashMap::new();
    for parent in turns.iter().filter_map(|turn| turn.parent.clone()) {
        *children.entry(parent).or_default() += 1;
    }
    let places: HashMap<String, usize> = turns.iter().enumerate().map(|(at, turn)| (turn.key.clone(), at)).collect();
    let follows = |turn: &Turn| {
        let parent = turn.parent.as_ref()?;
        let at = *places.get(parent)?;
        (!turn.by_person && !turns[at].by_person && children.get(parent) == Some(&1)).then_some(at)
    };
    // The last piece takes the text of those before it, so that whoever answers it still does.
    let before: Vec<Option<usize>> = turns.iter().map(follows).collect();
    let taken: HashSet<usize> = before.iter().flatten().copied().collect();
    let mut joined = Vec::new();
    for at in (0..turns.len()).filter(|at| !taken.contains(at)) {
        let (mut turn, mut texts, mut first) = (turns[at].clone(), vec![turns[at].text.clone()], at);
        while let Some(earlier) = before[first] {
            texts.push(turns[earlier].text.clone());
            first = earlier;
        }
        texts.reverse();
        turn.text = texts.join("\n\n");
        turn.parent.clone_from(&turns[first].parent);
        turn.created_at = turns[first].created_at;
        joined.push(turn);
    }
    *turns = joined;
}

/// Parents before children; children of one parent at different times, in their order.
fn order(turns: &mut Vec<Turn>) {
    let mut families: HashMap<Option<String>, Vec<Turn>> = HashMap::new();
    for turn in turns.drain(..) {
        families.entry(turn.parent.clone()).or_default().push(turn);
    }
    let mut open = vec![None];
    while let Some(parent) = open.pop() {
        let Some(mut family) = families.remove(&parent) else { continue };
        family.sort_by_key(|turn| turn.created_at);
        let mut last = None;
        for mut turn in family {
            if last.is_some_and(|last| turn.created_at <= last) {
                turn.created_at = last.unwrap_or(turn.created_at) + TimeDelta::milliseconds(1);
            }
            last = Some(turn.created_at);
            open.push(Some(turn.key.clone()));
            turns.push(turn);
        }
    }
}
