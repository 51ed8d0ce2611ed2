//! Finds the passages that answer a question best: Okapi BM25 (Robertson & Zaragoza 2009) over stems.

use std::collections::{BTreeSet, HashMap};

use super::words::stems;

const K1: f64 = 1.2;
const B: f64 = 0.75;
/// The words of the heading are worth this many in the text.
const HEADING_WEIGHT: u32 = 2;
/// A passage that covers less of the question's meaning (by the rarity of words) is no answer to it.
const COVERAGE: f64 = 0.4;
/// Passages below this share of the best one's score are left out.
const NEAR: f64 = 0.6;
/// Most different words of a question that are looked at.
const MOST_WORDS: usize = 100;

/// How often each stem is where.
pub(super) struct Index {
    /// Per passage, how often it has each stem.
    passages: Vec<HashMap<String, u32>>,
    /// Per passage, its number of stems.
    lengths: Vec<u32>,
    /// In how many passages a stem is.
    spread: HashMap<String, u32>,
    average: f64,
}

impl Index {
    /// Indexes passages given as heading and text; they are known by their position.
    pub fn new<'a>(given: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut index = Self { passages: Vec::new(), lengths: Vec::new(), spread: HashMap::new(), average: 0.0 };
        for (heading, text) in given {
            let mut counts: HashMap<String, u32> = HashMap::new();
            for stem in stems(text) {
                *counts.entry(stem).or_default() += 1;
            }
            index.lengths.push(counts.values().sum());
            for stem in stems(heading) {
                *counts.entry(stem).or_default() += HEADING_WEIGHT;
            }
            for stem in counts.keys() {
                *index.spread.entry(stem.clone()).or_default() += 1;
            }
            index.passages.push(counts);
        }
        let total: f64 = index.lengths.iter().map(|length| f64::from(*length)).sum();
        index.average = (total / index.count()).max(1.0);
        index
    }

    /// The positions of at most `most` passages that answer the question, the best first; none if nothing does.
    pub fn best(&self, question: &str, most: usize) -> Vec<usize> {
        let words: BTreeSet<String> = stems(question).take(MOST_WORDS).collect();
        let weights: Vec<(&String, f64)> = words.iter().map(|word| (word, self.rarity(word))).collect();
        let whole: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut scored: Vec<(usize, f64)> = Vec::new();
        for (at, (passage, length)) in self.passages.iter().zip(&self.lengths).enumerate() {
            let (mut score, mut covered) = (0.0, 0.0);
            for (word, weight) in &weights {
                if let Some(times) = passage.get(*word).copied().map(f64::from) {
                    let norm = K1 * (1.0 - B + B * f64::from(*length) / self.average);
                    score += weight * times * (K1 + 1.0) / (times + norm);
                    covered += weight;
                }
            }
            if covered > 0.0 && covered >= COVERAGE * whole {
                scored.push((at, score));
            }
        }
        scored.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
        let least = scored.first().map_or(0.0, |(_, score)| score * NEAR);
        scored.into_iter().take_while(|(_, score)| *score >= least).take(most).map(|(at, _)| at).collect()
    }

    fn rarity(&self, word: &str) -> f64 {
        let spread = self.spread.get(word).copied().map_or(0.0, f64::from);
        (1.0 + (self.count() - spread + 0.5) / (spread + 0.5)).ln()
    }

    fn count(&self) -> f64 {
        u32::try_from(self.passages.len()).map_or(f64::MAX, f64::from)
    }
}
