//! The text of a scripted answer: a pure function of its script, the truth that tests compare with.

use super::{Script, Style};

const WORDS: [&str; 48] = [
    "amber", "bridge", "cedar", "dune", "ember", "fjord", "grove", "harbour", "island", "juniper", "kettle", "lantern",
    "meadow", "north", "orchard", "pebble", "quarry", "river", "summit", "thicket", "upland", "valley", "willow",
    "yarrow", "above", "beside", "between", "beyond", "carries", "crosses", "follows", "gathers", "holds", "keeps",
    "leads", "meets", "opens", "rests", "shelters", "turns", "bright", "calm", "deep", "early", "gentle", "quiet",
    "slow", "wide",
];

/// Characters that are several code points or bytes: a cut inside shows wherever somebody counts wrongly.
const SIGNS: [&str; 12] = ["é", "e\u{301}", "ñ", "n\u{303}", "👩‍🚀", "🏳️‍🌈", "👍🏽", "日本語", "العربية", "हिन्दी", "𝒳", "€"];

/// The tokens of the whole answer to the script. None for [`Style::Named`]: those follow from who asks and who answers.
pub fn script_text(script: &Script) -> Vec<String> {
    match script.style {
        Style::Named => Vec::new(),
        Style::Words => words(&mut Dice(script.seed), script.tokens),
        Style::Markdown => markdown(&mut Dice(script.seed), script.tokens),
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers in every version of everything.
struct Dice(u64);

impl Dice {
    /// A number below `sides`, which must not be 0.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let sides = u64::try_from(sides).unwrap_or(1);
        usize::try_from((mixed ^ (mixed >> 31)) % sides).unwrap_or(0)
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from.get(self.roll(from.len())).copied().unwrap_or_default()
    }

    fn phrase(&mut self, length: usize) -> String {
        let words: Vec<&str> = (0..length).map(|_| self.pick(&WORDS)).collect();
        words.join(" ")
    }
}

fn words(dice: &mut Dice, count: usize) -> Vec<String> {
    let mut left = 0;
    let mut tokens = Vec::with_capacity(count);
    for at in 0..count {
        let word = dice.pick(&WORDS);
        let begins = left == 0;
        if begins {
            left = 5 + dice.roll(9);
        }
        left -= 1;
        let space = if at == 0 { "" } else { " " };
        let stop = if left == 0 || at + 1 == count { "." } else { "" };
        let (head, tail) = word.split_at(1);
        let head = if begins { head.to_uppercase() } else { head.to_owned() };
        tokens.push(format!("{space}{head}{tail}{stop}"));
    }
    tokens
}

fn markdown(dice: &mut Dice, count: usize) -> Vec<String> {
    let mut tokens = Vec::with_capacity(count);
    let mut block: Vec<char> = Vec::new();
    let mut at = 0;
    while tokens.len() < count {
        if at == block.len() {
            block = self::block(dice).chars().collect();
            at = 0;
        }
        let end = (at + 1 + dice.roll(7)).min(block.len());
        tokens.push(block[at..end].iter().collect());
        at = end;
    }
    tokens
}

/// One block with the blank line after it.
fn block(dice: &mut Dice) -> String {
    let sign = dice.pick(&SIGNS);
    match dice.roll(10) {
        0 => format!("{} {} {sign}\n\n", "#".repeat(1 + dice.roll(4)), dice.phrase(3)),
        1 => format!(
            "- {}\n- **{}**\n  - {sign} {}\n- [x] {}\n\n",
            dice.phrase(3),
            dice.phrase(2),
            dice.phrase(2),
            dice.phrase(2)
        ),
        2 => format!("1. {}\n2. *{}* {sign}\n3. ~~{}~~\n\n", dice.phrase(4), dice.phrase(2), dice.phrase(2)),
        3 => format!("```rust\nfn {}() -> &'static str {{\n    \"{sign} <b>&amp;\"\n}}\n```\n\n", dice.pick(&WORDS)),
        4 => format!(
            "| {} | {} |\n|:---|---:|\n| {sign} | `{}` |\n| {} | {} |\n\n",
            dice.pick(&WORDS),
            dice.pick(&WORDS),
            dice.pick(&WORDS),
            dice.roll(1_000),
            dice.roll(1_000)
        ),
        5 => format!("> {}\n> {sign} {}\n\n", dice.phrase(5), dice.phrase(3)),
        6 => format!(
            "See [{}](https://example.com/{}?q={}) and `{}`.\n\n",
            dice.phrase(2),
            dice.pick(&WORDS),
            dice.roll(99),
            dice.pick(&WORDS)
        ),
        7 => format!("Where $x_{} = {}$ holds, {}.\n\n---\n\n", dice.roll(9), dice.roll(100), dice.phrase(4)),
        _ => format!(
            "{} {sign} {}. **{}** and *{}*.\n\n",
            dice.phrase(6),
            dice.phrase(7),
            dice.phrase(2),
            dice.phrase(2)
        ),
    }
}
