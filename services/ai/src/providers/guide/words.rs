//! English words reduced to what they share: `stores`, `stored` and `storing` are one word to a search.

/// Words that are in every text and every question.
const EMPTY: [&str; 84] = [
    "a", "about", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can",
    "could", "did", "do", "does", "explain", "for", "from", "get", "give", "had", "has", "have", "hello", "help",
    "her", "hi", "his", "how", "i", "if", "in", "into", "is", "it", "its", "me", "mean", "my", "no", "not", "of", "on",
    "or", "our", "please", "say", "she", "should", "so", "tell", "than", "thank", "thanks", "that", "the", "their",
    "them", "then", "there", "these", "they", "this", "to", "up", "us", "was", "we", "what", "when", "where", "which",
    "who", "why", "will", "with", "would", "you", "your",
];

/// The meaningful words of a text as stems, in order, repetitions included.
pub(super) fn stems(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 1)
        .map(str::to_lowercase)
        .filter(|word| EMPTY.binary_search(&word.as_str()).is_err())
        .map(|word| stem(&word))
}

/// Takes the endings off, in the order they were put on. Rough on purpose: both sides of a search are treated alike.
fn stem(word: &str) -> String {
    if !word.is_ascii() {
        return word.to_owned();
    }
    let mut stem = word.to_owned();
    if stem.len() > 4 && stem.ends_with("ies") {
        stem.truncate(stem.len() - 3);
        stem.push('y');
    } else if stem.len() > 3 && stem.ends_with('s') && !["ss", "us", "is"].iter().any(|end| stem.ends_with(end)) {
        stem.pop();
    }
    for (ending, least) in [("ing", 3), ("ed", 3), ("ly", 4), ("ation", 4), ("ment", 4)] {
        if stem.len() >= ending.len() + least && stem.ends_with(ending) {
            stem.truncate(stem.len() - ending.len());
            let mut tail = stem.bytes().rev();
            if let (Some(last), Some(before)) = (tail.next(), tail.next())
                && last == before
                && !b"aeioulsz".contains(&last)
            {
                stem.pop();
            }
            break;
        }
    }
    if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_a_word_meet() {
        for forms in [
            ["stores", "stored", "storing", "store"],
            ["stops", "stopped", "stopping", "stop"],
            ["messages", "message", "messaging", "messaged"],
            ["installs", "installed", "installing", "installation"],
            ["configure", "configured", "configuration", "configures"],
            ["calls", "calling", "called", "call"],
        ] {
            let first = stem(forms[0]);
            assert!(forms.iter().all(|form| stem(form) == first), "{forms:?}: {:?}", forms.map(stem));
        }
        assert_eq!(stem("policies"), stem("policy"));
    }

    #[test]
    fn the_empty_words_can_be_searched() {
        assert!(EMPTY.is_sorted());
        assert_eq!(stems("What is the Größe of naïve e-mail?").collect::<Vec<_>>(), ["größe", "naïve", "mail"]);
    }
}
