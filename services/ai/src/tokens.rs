//! How many tokens a text has, as far as can be told without the model's own tokenizer. An estimate, and marked as one wherever it is
//! shown: a provider's own count wins. It follows o200k: about four letters a token in Latin scripts, fewer elsewhere.

use crate::providers::Turn;

/// What every turn costs beside its text.
const TURN: u64 = 4;
/// A picture of usual size.
const IMAGE: u64 = 1_000;

/// Tokens of a text, never none for one that is not empty.
pub fn of_text(text: &str) -> u64 {
    let mut quarters: u64 = 0;
    let mut word = 0_u64;
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            word += 1;
            continue;
        }
        quarters += of_word(word);
        word = 0;
        quarters += match c {
            // Blanks belong to the word behind them.
            ' ' => 0,
            '0'..='9' => 2,
            '\n' | '\t' => 2,
            _ if c.is_ascii() => 4,
            // Letters of other alphabets; signs that are words; what has several bytes beyond them.
            _ if u32::from(c) < 0x0800 => 2,
            _ if u32::from(c) < 0x2000 => 3,
            _ if u32::from(c) < 0x1_0000 => 4,
            _ => 8,
        };
    }
    quarters += of_word(word);
    quarters.div_ceil(4)
}

/// Short words are one token; of longer ones each six letters.
fn of_word(letters: u64) -> u64 {
    if letters == 0 { 0 } else { 4 * letters.div_ceil(8) }
}

/// Tokens of a turn with its pictures and calls.
pub fn of_turn(turn: &Turn) -> u64 {
    let calls: u64 = turn.calls.iter().map(|call| of_text(&call.name) + of_text(&call.arguments) + TURN).sum();
    let images = u64::try_from(turn.images.len()).unwrap_or(u64::MAX).saturating_mul(IMAGE);
    of_text(&turn.text) + TURN + calls + images
}

/// Tokens of a piece of JSON that nobody has taken apart; pictures inside it count as pictures.
pub fn of_json(json: &str) -> u64 {
    let (mut bytes, mut images, mut rest) = (0_usize, 0_u64, json);
    while let Some((before, behind)) = rest.split_once(";base64,") {
        bytes += before.len();
        images += 1;
        rest = behind.find('"').map_or("", |end| &behind[end..]);
    }
    bytes += rest.len();
    u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(4) + images * IMAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_of_the_right_size() {
        // What tokenizers of that kind make of such texts; an estimate may be off by half.
        for (text, counted) in [
            ("Hello, world!", 4),
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("Să mergem acasă, e târziu.", 9),
            ("fn main() { println!(\"hi\"); }", 9),
            ("1234567890", 4),
            ("日本語のテキスト", 5),
        ] {
            let estimate = of_text(text);
            assert!(estimate * 2 >= counted && estimate <= counted * 2, "{text}: {estimate}, counted {counted}");
        }
        assert_eq!((of_text(""), of_text("a"), of_text("…")), (0, 1, 1));
    }

    #[test]
    fn a_picture_in_json_is_not_counted_by_its_bytes() {
        let image = format!("{{\"url\":\"data:image/png;base64,{}\"}}", "A".repeat(1 << 20));
        assert!(of_json(&image) < 1_100);
        assert_eq!(of_json("12345678"), 2);
    }
}
