//! What a model is told: who it is, what the person and the project want, and as much of the conversation as it holds. The oldest turns
//! are left out first, and the reply says so.

use super::{
    Worker,
    shown::{Shown, encode},
};
use crate::{
    catalogue::Found,
    domain::Lease,
    providers::{Ask, Continuation, GO_ON, Image, Origin, Role, Turn, Wishes},
    tokens,
};
use platform::{Code, Error, Result, clock::Clock, failpoint};
use proto::{
    ai::v1 as pb,
    chat::v1::{self as chat, Going, turn},
};
use std::time::Duration;

/// Pictures one question carries at most.
const IMAGES: usize = 20;
/// How long chat may take for one of them.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is kept free for the answer at most, in tokens.
const ANSWER: u64 = 4_096;

/// The question as it can be asked, or why it cannot.
pub enum Told {
    Ask(Box<Ask>, u64),
    /// There is text already and this model cannot go on from it.
    CannotGoOn,
    /// The last message alone is more than the model takes.
    TooLong,
    /// There are pictures in the last message and this model does not see.
    Blind,
}

impl Worker {
    /// What to ask, so that shown text stays and is gone on with.
    pub(super) async fn tell(&self, lease: &Lease, going: &Going, shown: &mut Shown, found: &Found) -> Result<Told> {
        let parts = going.system.iter().map(|part| part.text.as_str());
        let system = system(&self.system_prompt, &*self.platform.clock, parts);
        let mut turns = Vec::with_capacity(going.turns.len() + 3);
        for told in &going.turns {
            let role = if told.role() == turn::Role::User { Role::User } else { Role::Assistant };
            turns.push(Turn::new(role, told.text.clone()));
        }
        if found.sees() {
            self.show(lease, going, &mut turns).await?;
        }
        if let Some(last) = going.turns.last().filter(|last| !last.attachments.is_empty())
            && last.role() == turn::Role::User
            && !found.sees()
        {
            return Ok(Told::Blind);
        }
        let mut prefix = String::new();
        // The question stays, and what follows it.
        let mut kept = 1;
        let asked = !shown.text.is_empty() && found.model.continuation != Continuation::Prefix;
        if asked {
            if !self.goes_on(found, going) {
                return Ok(Told::CannotGoOn);
            }
            turns.push(Turn::new(Role::Assistant, shown.text.clone()));
            turns.push(Turn::new(Role::User, GO_ON));
            kept += 2;
        } else if !failpoint::mutant("from-zero") {
            prefix.clone_from(&shown.text);
        }
        let fixed = tokens::of_text(&system) + tokens::of_text(&prefix);
        let Some(fitted) = fit(turns, kept, fixed, found.window()) else { return Ok(Told::TooLong) };
        let dropped = u32::try_from(fitted.dropped).unwrap_or(u32::MAX).saturating_add(going.left_out);
        if dropped > 0 && !shown.marks.iter().any(|mark| mark.kind == "trimmed") {
            let trimmed = pb::chunk::Kind::Trimmed(pb::Trimmed { turns: dropped });
            self.mark(lease, shown, trimmed, "trimmed").await?;
        }
        if asked && !shown.is_marked("continued") {
            self.mark(lease, shown, pb::chunk::Kind::Continued(pb::Continued {}), "continued").await?;
        }
        let mut turns = fitted.turns;
        if !system.is_empty() {
            turns.insert(0, Turn::new(Role::System, system));
        }
        let wishes = Wishes { window: found.settings.window(), ..Wishes::default() };
        let (model, reply, attempt) = (found.model.id.clone(), lease.reply_id, lease.attempt);
        // A space is the person's who has its id.
        let origin = Origin { space: lease.space_id, person: lease.space_id, chat: lease.chat_id };
        Ok(Told::Ask(Box::new(Ask { model, turns, prefix, origin, reply, attempt, wishes }), fitted.tokens))
    }

    /// Fetches the pictures of the turns, the newest first: of very many the oldest stay out.
    async fn show(&self, lease: &Lease, going: &Going, turns: &mut [Turn]) -> Result<()> {
        let mut left = IMAGES;
        for (told, turn) in going.turns.iter().zip(turns).rev() {
            for attachment in &told.attachments {
                if left == 0 {
                    return Ok(());
                }
                left -= 1;
                let asked =
                    chat::AttachmentRequest { space: lease.space_id.as_bytes().into(), file: attachment.file.clone() };
                let mut asked = tonic::Request::new(asked);
                asked.set_timeout(PATIENCE);
                match self.chat.clone().attachment(asked).await.map_err(Error::from) {
                    Ok(content) => {
                        let chat::AttachmentContent { r#type, bytes, .. } = content.into_inner();
                        turn.images.push(Image { kind: r#type, bytes: bytes.into() });
                    }
                    // It was erased since; the words stay.
                    Err(error) if error.code() == Code::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    async fn mark(&self, lease: &Lease, shown: &mut Shown, chunk: pb::chunk::Kind, kind: &str) -> Result<()> {
        shown.next = self.platform.streams.append(lease.reply_id, lease.attempt, vec![encode(chunk)]).await?;
        shown.mark(kind);
        Ok(())
    }
}

/// The instance's prompt, today's date in it, then what others add.
pub fn system<'a>(prompt: &str, clock: &dyn Clock, parts: impl Iterator<Item = &'a str>) -> String {
    let prompt = prompt.replace("{date}", &clock.now().format("%Y-%m-%d").to_string());
    let mut all = prompt.trim().to_owned();
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        if !all.is_empty() {
            all.push_str("\n\n");
        }
        all.push_str(part);
    }
    all
}

/// As much of a conversation as a model holds.
pub struct Fitted {
    pub turns: Vec<Turn>,
    /// Turns left out.
    pub dropped: usize,
    /// Tokens of all of it, estimated.
    pub tokens: u64,
}

/// Leaves out the oldest turns until the rest fits beside `fixed` tokens; never one of the last `kept`. None when those alone are too
/// many. What is left begins with a message of the person.
pub fn fit(mut turns: Vec<Turn>, kept: usize, fixed: u64, window: Option<u64>) -> Option<Fitted> {
    let mut total = fixed + turns.iter().map(tokens::of_turn).sum::<u64>();
    let Some(window) = window else { return Some(Fitted { turns, dropped: 0, tokens: total }) };
    let room = window.saturating_sub(ANSWER.min(window / 4));
    let mut dropped = 0;
    while dropped + kept < turns.len() {
        let begins = turns[dropped].role != Role::Assistant;
        if total <= room && (begins || dropped == 0) {
            break;
        }
        total -= tokens::of_turn(&turns[dropped]);
        dropped += 1;
    }
    turns.drain(..dropped);
    (total <= room).then_some(Fitted { turns, dropped, tokens: total })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(turns: usize) -> Vec<Turn> {
        let role = |at: usize| if at.is_multiple_of(2) { Role::User } else { Role::Assistant };
        (0..turns).map(|at| Turn::new(role(at), format!("word {at} ").repeat(100))).collect()
    }

    #[test]
    fn the_oldest_turns_go_first_and_the_question_stays() {
        let whole = conversation(9);
        let each = tokens::of_turn(&whole[0]);
        assert_eq!(fit(whole.clone(), 1, 0, None).unwrap().dropped, 0);
        for room in 1..9 {
            let window = each * room * 4 / 3 + 40;
            let fitted = fit(whole.clone(), 1, 0, Some(window)).unwrap();
            assert_eq!(fitted.turns.last().unwrap().text, whole[8].text);
            assert_eq!(fitted.turns[0].role, Role::User, "{room}");
            assert_eq!(fitted.turns[..], whole[fitted.dropped..]);
            assert!(fitted.tokens <= window * 3 / 4 + 1 && fitted.dropped > 0, "{room}");
            assert!(fitted.turns.len() + 2 > usize::try_from(room).unwrap(), "{room}: too much was left out");
        }
        assert!(fit(whole.clone(), 1, 0, Some(each)).is_none());
        assert!(fit(whole, 1, 1_000_000, Some(10_000)).is_none(), "what is said beside the turns counts");
    }
}
