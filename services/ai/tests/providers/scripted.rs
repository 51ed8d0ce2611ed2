//! The scripted provider keeps to its script: the text, the place of each fault, and going on exactly.

use std::time::{Duration, Instant};

use ai::providers::{
    Ask, Continuation, EndReason, Fault, FaultKind, GO_ON, Piece, Provider, Role, Turn,
    scripted::{Failure, Script, Scripted, Style, script_text},
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{all, ask, text};

fn scripted(model: &str, script: &Script) -> Ask {
    ask(model, &format!("Please.\n  script: {}\nThank you.", serde_json::to_string(script).unwrap()))
}

async fn run(ask: Ask) -> (Vec<Piece>, Option<Fault>) {
    match Scripted::new(Duration::from_secs(30)).stream(ask).await {
        Ok(pieces) => all(pieces).await,
        Err(fault) => (Vec::new(), Some(fault)),
    }
}

fn quick() -> Script {
    Script { delay_ms: 0, tokens: 40, ..Script::default() }
}

#[tokio::test]
async fn says_the_text_of_the_script() {
    for style in [Style::Words, Style::Markdown, Style::Named] {
        for tokens in [0, 1, 40, 3_000] {
            let script = Script { style, tokens, ..quick() };
            let truth = script_text(&script, Uuid::from_u128(7));
            assert_eq!(truth.len(), tokens);
            assert!(truth.iter().all(|token| !token.is_empty()));
            let (mut pieces, fault) = run(scripted("asks", &script)).await;
            assert_eq!(fault, None);
            let Some(Piece::End(end)) = pieces.pop() else { panic!("no end") };
            assert_eq!((end.reason, end.usage.unwrap().output), (EndReason::Stop, u64::try_from(tokens).unwrap()));
            assert_eq!(pieces, truth.into_iter().map(Piece::Text).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_text_depends_on_the_seed_and_named_tokens_on_the_reply() {
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for style in [Style::Words, Style::Markdown] {
        let script = Script { style, ..quick() };
        assert_eq!(script_text(&script, one), script_text(&script, two));
        assert_ne!(script_text(&script, one), script_text(&Script { seed: 2, ..script.clone() }, one));
    }
    let named = script_text(&Script { style: Style::Named, tokens: 2, ..quick() }, one);
    assert_eq!(named, [format!("⟨{one}.0⟩"), format!("⟨{one}.1⟩")]);
    // Fixed for ever: stored replies of one version must go on in the next.
    assert_eq!(
        script_text(&Script { tokens: 6, ..quick() }, one).concat(),
        "River follows lantern juniper holds valley."
    );
    let markdown = script_text(&Script { style: Style::Markdown, tokens: 3_000, ..quick() }, one).concat();
    for sign in ["# ", "- ", "1. ", "```rust", "|:---|", "> ", "](https", "👩‍🚀", "e\u{301}", "~~", "---\n"] {
        assert!(markdown.contains(sign), "{sign}");
    }
}

#[tokio::test]
async fn a_message_without_script_gets_a_short_answer_of_its_own() {
    let (first, _) = run(ask("cannot", "Hello")).await;
    assert_eq!(run(ask("cannot", "Hello")).await.0, first);
    assert_ne!(text(&run(ask("cannot", "Good morning")).await.0), text(&first));
    assert!(first.len() < 50);
}

#[tokio::test]
async fn faults_come_where_the_script_says_and_in_those_attempts_only() {
    let truth = script_text(&quick(), Uuid::nil());
    for after in [0, 1, 17, 40] {
        let faults = [
            (Script { cut_after: Some(after), cut_attempts: 2, ..quick() }, FaultKind::Cut),
            (
                Script { error_after: Some(after), error: Failure::Overloaded, error_attempts: 2, ..quick() },
                FaultKind::Overloaded,
            ),
            (
                Script { error_after: Some(after), error: Failure::RateLimited, error_attempts: 2, ..quick() },
                FaultKind::RateLimited,
            ),
            (
                Script { error_after: Some(after), error: Failure::RefusedKey, error_attempts: 2, ..quick() },
                FaultKind::RefusedKey,
            ),
            (
                Script { error_after: Some(after), error: Failure::Malformed, error_attempts: 2, ..quick() },
                FaultKind::Malformed,
            ),
            (Script { error_after: Some(after), error_attempts: 2, ..quick() }, FaultKind::Provider),
        ];
        for (script, kind) in faults {
            for attempt in 1..=3 {
                let (pieces, fault) = run(Ask { attempt, ..scripted("continues", &script) }).await;
                if attempt == 3 {
                    assert_eq!((text(&pieces), fault), (truth.concat(), None));
                } else {
                    assert_eq!(text(&pieces), truth[..after].concat());
                    assert_eq!(fault.unwrap().kind, kind, "after {after}");
                }
            }
        }
    }
    let provider = Scripted::default();
    let refused = Script { error_after: Some(0), ..quick() };
    assert!(
        provider.stream(scripted("asks", &refused)).await.is_err(),
        "an error before the first token refuses the request"
    );
}

#[tokio::test]
async fn delays_and_silence_last_as_long_as_said() {
    let begun = Instant::now();
    let script = Script { tokens: 11, delay_ms: 20, first_delay_ms: 300, ..Script::default() };
    assert_eq!(run(scripted("asks", &script)).await.1, None);
    let took = begun.elapsed().as_millis();
    assert!((500..2_500).contains(&took), "{took} ms");

    let begun = Instant::now();
    let script = Script { hang_after: Some(3), ..quick() };
    let hanging = Scripted::new(Duration::from_millis(300)).stream(scripted("asks", &script)).await.unwrap();
    let (pieces, fault) = all(hanging).await;
    assert_eq!((pieces.len(), fault.unwrap().kind), (3, FaultKind::Timeout));
    let took = begun.elapsed().as_millis();
    assert!((300..2_300).contains(&took), "{took} ms");
    let (_, fault) = run(Ask { attempt: 2, ..scripted("asks", &script) }).await;
    assert_eq!(fault, None);
}

#[tokio::test]
async fn goes_on_from_every_character() {
    let script = Script { style: Style::Markdown, tokens: 150, ..quick() };
    let whole = script_text(&script, Uuid::nil()).concat();
    for at in (0..=whole.len()).filter(|at| whole.is_char_boundary(*at)) {
        let (shown, rest) = whole.split_at(at);
        let (pieces, fault) = run(Ask { prefix: shown.to_owned(), attempt: 2, ..scripted("continues", &script) }).await;
        assert_eq!((text(&pieces).as_str(), fault), (rest, None), "after {at} bytes");
        for model in ["asks", "cannot"] {
            let mut ask = scripted(model, &script);
            ask.turns.push(Turn::new(Role::Assistant, shown));
            ask.turns.push(Turn::new(Role::User, GO_ON));
            let (pieces, fault) = run(ask).await;
            assert_eq!((text(&pieces).as_str(), fault), (rest, None), "after {at} bytes");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_a_reason() {
    for (line, reason) in [
        ("script: {\"tokens\":5,\"colour\":1}", "colour"),
        ("script: {\"tokens\":", "EOF"),
        ("script:", "EOF"),
        ("script: {\"tokens\":100001}", "100000"),
        ("script: {\"tokens\":-1}", "-1"),
        ("script: {\"delay_ms\":3600001}", "delay"),
        ("script: {\"style\":\"verse\"}", "verse"),
    ] {
        let fault = run(ask("asks", line)).await.1.unwrap();
        assert_eq!(fault.kind, FaultKind::BadRequest, "{line}");
        assert!(fault.detail.contains(reason), "{line}: {fault}");
    }
    for model in ["continues", "asks"] {
        let foreign = Ask { prefix: "Not mine".to_owned(), ..scripted(model, &quick()) };
        assert_eq!(run(foreign).await.1.unwrap().kind, FaultKind::BadRequest);
    }
    assert_eq!(run(ask("other", "Hello")).await.1.unwrap().kind, FaultKind::NotFound);
    let models = Scripted::default().models().await.unwrap();
    let facts: Vec<_> = models.iter().map(|model| (model.id.as_str(), model.continuation)).collect();
    assert_eq!(
        facts,
        [("continues", Continuation::Prefix), ("asks", Continuation::Asked), ("cannot", Continuation::None)]
    );
}

proptest! {
    /// Any chain of cuts and continuations ends with exactly the text of the script.
    #[test]
    fn any_chain_of_attempts_adds_up(seed in any::<u64>(), cuts in prop::collection::vec(0..30_usize, 0..5), style in prop_oneof![Just(Style::Words), Just(Style::Markdown), Just(Style::Named)]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let script = Script { seed, style, ..quick() };
        let mut shown = String::new();
        let mut attempt = 1;
        for cut in cuts {
            let script = Script { cut_after: Some(cut), cut_attempts: 99, ..script.clone() };
            let (pieces, _) = runtime.block_on(run(Ask { prefix: shown.clone(), attempt, ..scripted("continues", &script) }));
            shown.push_str(&text(&pieces));
            attempt += 1;
        }
        let (pieces, fault) = runtime.block_on(run(Ask { prefix: shown.clone(), attempt, ..scripted("continues", &script) }));
        prop_assert_eq!(fault, None);
        shown.push_str(&text(&pieces));
        prop_assert_eq!(shown, script_text(&script, Uuid::from_u128(7)).concat());
    }
}
