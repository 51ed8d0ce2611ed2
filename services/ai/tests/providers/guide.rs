//! Guide says nothing that is not in the documentation, and says so when there is nothing.

use ai::providers::{
    Continuation, End, EndReason, FaultKind, Piece, Provider,
    guide::{DOCUMENTS, Document, EMPTY, FOUND, Guide, NOT_FOUND},
};

use crate::{all, ask, text};

const DOCS: &[Document] = &[
    Document {
        path: "README.md",
        text: "# Taifas\n\nA chat platform that runs on a machine of your own.\n\n## Installation\n\nDownload the binary and start it.\nIt prints a link for setting up.\n\n```sh\ntaifas --data ./data\n```\n",
    },
    Document {
        path: "docs/architecture.md",
        text: "# Architecture\n\n## Sending a message\n\nA message is stored in one transaction before the answer begins.\n\n- Stopping an answer keeps the text that was shown.\n- An answer goes on after a crash of the server.\n\n| State | Meaning |\n|---|---|\n| queued | waits for a worker |\n",
    },
];

/// Every line is a frame, a quotation from the document of the link after it, or a link.
fn check(answer: &str, documents: &[Document]) {
    let mut lines = answer.lines();
    let frame = lines.next().unwrap();
    assert!([FOUND, NOT_FOUND, EMPTY].contains(&frame), "{frame}");
    let mut quotation = Vec::new();
    let mut quotations = 0;
    for line in lines.filter(|line| !line.is_empty()) {
        if let Some(quoted) = line.strip_prefix('>') {
            quotation.push(quoted.strip_prefix(' ').unwrap_or(quoted));
            continue;
        }
        let link = line.strip_prefix("- ").unwrap_or(line);
        let (label, target) = link
            .strip_prefix('[')
            .and_then(|link| link.strip_suffix(')')?.split_once("](/"))
            .unwrap_or_else(|| panic!("no link: {line}"));
        let (path, _) = target.split_once('#').unwrap_or((target, ""));
        let document =
            documents.iter().find(|document| document.path == path).unwrap_or_else(|| panic!("no document: {path}"));
        assert!(label.starts_with(path), "{label}");
        if frame == FOUND {
            let quoted = std::mem::take(&mut quotation).join("\n");
            assert!(
                !quoted.is_empty() && document.text.lines().collect::<Vec<_>>().join("\n").contains(&quoted),
                "not in {path}: {quoted}"
            );
            quotations += 1;
        }
    }
    assert!(quotation.is_empty(), "a quotation without its link");
    assert_eq!(frame == FOUND, (1..=3).contains(&quotations));
}

#[test]
fn quotes_what_answers_the_question() {
    let guide = Guide::over(DOCS);
    for (question, quoted, link) in [
        (
            "How do I install it?",
            "> Download the binary and start it.\n> It prints a link for setting up.",
            "[README.md, Installation](/README.md#installation)",
        ),
        (
            "what happens when I stop an answer",
            "> - Stopping an answer keeps the text that was shown.",
            "[docs/architecture.md, Sending a message](/docs/architecture.md#sending-a-message)",
        ),
        (
            "Are messages stored?",
            "> A message is stored in one transaction before the answer begins.",
            "(/docs/architecture.md#sending-a-message)",
        ),
        (
            "meaning of the state queued",
            "> | State | Meaning |\n> |---|---|\n> | queued | waits for a worker |",
            "sending-a-message",
        ),
    ] {
        let answer = guide.answer(question);
        check(&answer, DOCS);
        let (_, rest) = answer.split_once(quoted).unwrap_or_else(|| panic!("{question}: {answer}"));
        assert!(rest.trim_start().lines().next().unwrap().contains(link), "{question}: {answer}");
        assert_eq!(answer, guide.answer(question));
    }
}

#[test]
fn says_so_when_nothing_matches() {
    let guide = Guide::over(DOCS);
    for question in [
        "Hello!",
        "",
        "What is the capital of France?",
        "Write a poem about the sea and a lonely transaction",
        "¿?",
        "\u{0}\u{202e}",
    ] {
        let answer = guide.answer(question);
        assert!(answer.starts_with(NOT_FOUND), "{question}: {answer}");
        assert!(
            answer.contains("\n- [docs/architecture.md, Sending a message](/docs/architecture.md#sending-a-message)"),
            "{answer}"
        );
        check(&answer, DOCS);
    }
    assert_eq!(Guide::over(&[]).answer("How do I install it?"), EMPTY);
}

#[test]
fn the_built_in_documentation_is_quoted_word_for_word() {
    let guide = Guide::default();
    assert!(!DOCUMENTS.is_empty(), "this build contains no documentation");
    let headings = DOCUMENTS.iter().flat_map(|document| document.text.lines()).filter(|line| line.starts_with('#'));
    for question in headings.take(500) {
        check(&guide.answer(question), DOCUMENTS);
    }
}

#[tokio::test]
async fn goes_on_from_any_prefix() {
    let guide = Guide::over(DOCS);
    let model = guide.models().await.unwrap().remove(0);
    assert_eq!(model.continuation, Continuation::Prefix);
    for question in ["How do I install it?", "Hello"] {
        let whole = guide.answer(question);
        for at in (0..=whole.len()).filter(|at| whole.is_char_boundary(*at)) {
            let mut ask = ask(&model.id, question);
            ask.prefix = whole[..at].to_owned();
            let (pieces, fault) = all(guide.stream(ask).await.unwrap()).await;
            assert_eq!((text(&pieces).as_str(), fault), (&whole[at..], None));
            assert_eq!(pieces.last(), Some(&Piece::End(End { reason: EndReason::Stop, usage: None })));
        }
    }
    let mut foreign = ask(&model.id, "Hello");
    foreign.prefix = "Once upon a time".to_owned();
    assert_eq!(guide.stream(foreign).await.err().unwrap().kind, FaultKind::BadRequest);
    assert_eq!(guide.stream(ask("other", "Hello")).await.err().unwrap().kind, FaultKind::NotFound);
}
