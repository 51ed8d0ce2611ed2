//! The scripted provider keeps to its script: the text, the place of each fault, and going on exactly.

use std::time::{Duration, Instant};

use ai::providers::{
    Ask, Continuation, EndReason, Fault, FaultKind, GO_ON, Piece, Provider, Role, Turn,
    scripted::{Failure, Named, Script, Scripted, Style, script_text},
};
use proptest::prelude::*;

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
    for style in [Style::Words, Style::Markdown] {
        for tokens in [0, 1, 40, 3_000] {
            let script = Script { style, tokens, ..quick() };
            let truth = script_text(&script);
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
fn the_text_depends_on_the_seed() {
    for style in [Style::Words, Style::Markdown] {
        let script = Script { style, ..quick() };
        assert_ne!(script_text(&script), script_text(&Script { seed: 2, ..script.clone() }));
    }
    // Fixed for ever: stored replies of one version must go on in the next.
    assert_eq!(script_text(&Script { tokens: 6, ..quick() }).concat(), "River follows lantern juniper holds valley.");
    let markdown = script_text(&Script { style: Style::Markdown, tokens: 3_000, ..quick() }).concat();
    for sign in ["# ", "- ", "1. ", "```rust", "|:---|", "> ", "](https", "👩‍🚀", "e\u{301}", "~~", "---\n"] {
        assert!(markdown.contains(sign), "{sign}");
    }
}

/// Every token of a text, and that there is nothing else in it.
fn named(text: &str) -> Vec<Named> {
    let tokens: Vec<_> = Named::all(text).map(Result::unwrap).collect();
    assert_eq!(tokens.iter().map(Named::to_string).collect::<String>(), text);
    tokens
}

#[tokio::test]
async fn named_tokens_say_whose_they_are_and_who_said_them() {
    let script = Script { style: Style::Named, tokens: 30, seed: 99, ..quick() };
    let (pieces, _) = run(scripted("asks", &script)).await;
    assert_eq!(pieces[3], Piece::Text("⟨0000000b.0000000c.0000000d.00000007.1.3.99⟩".into()));
    let whole = text(&pieces);
    assert_eq!(named(&whole).len(), 30);
    // an attempt goes on behind any place, also behind a part of a token, which is finished as it began
    for at in (0..=whole.len()).filter(|at| whole.is_char_boundary(*at)) {
        let ask = Ask { prefix: whole[..at].to_owned(), attempt: 12, ..scripted("continues", &script) };
        let (pieces, fault) = run(ask).await;
        assert_eq!(fault, None, "after {at} bytes");
        let tokens = named(&format!("{}{}", &whole[..at], text(&pieces)));
        assert!(tokens.iter().enumerate().all(|(seq, token)| token.seq == seq) && tokens.len() == 30);
        assert!(tokens.is_sorted_by_key(|token| token.attempt), "{tokens:?}");
        let own = tokens.iter().filter(|token| token.attempt == 12).count();
        assert_eq!(own, 30 - whole[..at].matches('⟨').count(), "after {at} bytes");
    }
    // of another question, person, chat, reply, or out of order: not gone on with
    let first = named(&whole)[0];
    for foreign in [
        Named { seed: 98, ..first },
        Named { space: 1, ..first },
        Named { person: 1, ..first },
        Named { chat: 1, ..first },
        Named { reply: 1, ..first },
        Named { seq: 1, ..first },
        Named { attempt: 3, ..first },
    ] {
        let ask = Ask { prefix: foreign.to_string(), attempt: 2, ..scripted("continues", &script) };
        assert_eq!(run(ask).await.1.unwrap().kind, FaultKind::BadRequest, "{foreign}");
    }
    let bad = format!("{first}⟨0000000b.c.d.7.1.3.99⟩{first}⟨0000000b.00");
    let found: Vec<_> = Named::all(&bad).collect();
    assert!(found.len() == 3 && found[1].is_err() && found[2] == Ok(first), "{found:?}");
}

proptest! {
    /// However often it is cut, each token is there once, in order, and later attempts say later ones.
    #[test]
    fn any_chain_of_attempts_names_each_token_once(cuts in prop::collection::vec(0..9_usize, 0..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let script = Script { style: Style::Named, ..quick() };
        let (mut shown, mut said) = (String::new(), Vec::new());
        for (attempt, cut) in (1..).zip(cuts.into_iter().map(Some).chain([None])) {
            let script = Script { cut_after: cut, cut_attempts: 99, ..script.clone() };
            let ask = Ask { prefix: shown.clone(), attempt, ..scripted("continues", &script) };
            let piece = text(&runtime.block_on(run(ask)).0);
            said.extend(named(&piece).iter().map(|_| attempt));
            shown.push_str(&piece);
        }
        let tokens = named(&shown);
        prop_assert!(tokens.iter().enumerate().all(|(seq, token)| token.seq == seq) && tokens.len() == 40);
        prop_assert_eq!(tokens.iter().map(|token| token.attempt).collect::<Vec<_>>(), said);
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
    let truth = script_text(&quick());
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
    let whole = script_text(&script).concat();
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
    fn any_chain_of_attempts_adds_up(seed in any::<u64>(), cuts in prop::collection::vec(0..30_usize, 0..5), style in prop_oneof![Just(Style::Words), Just(Style::Markdown)]) {
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
        prop_assert_eq!(shown, script_text(&script).concat());
    }
}
