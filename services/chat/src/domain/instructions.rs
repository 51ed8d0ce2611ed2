//! What a person wants models to know of them, in words for a model.

use proto::user::v1::InstructionsAnswer;

/// One text, or none when there is nothing to say or it is switched off.
#[must_use]
pub fn instructions(said: &InstructionsAnswer) -> Option<String> {
    let parts = [
        ("What to call the user", &said.nickname),
        ("The user's occupation", &said.occupation),
        ("About the user", &said.about),
        ("How the user wants answers to be", &said.style),
    ];
    let told = parts.iter().filter(|(_, text)| said.enabled && !text.trim().is_empty());
    let told = told.map(|(what, text)| format!("{what}: {}", text.trim())).collect::<Vec<_>>().join("\n\n");
    (!told.is_empty()).then_some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_said_is_told() {
        let mut said = InstructionsAnswer {
            enabled: true,
            style: " Briefly. ".into(),
            nickname: "Ana".into(),
            ..Default::default()
        };
        assert_eq!(
            instructions(&said).as_deref(),
            Some("What to call the user: Ana\n\nHow the user wants answers to be: Briefly.")
        );
        said.enabled = false;
        assert_eq!(instructions(&said), None);
        assert_eq!(instructions(&InstructionsAnswer { enabled: true, ..Default::default() }), None);
    }
}
