//! Titles: after the first exchange a model is asked for a better one than the first line.

use super::{Chats, search::index_title};
use crate::{
    domain::{State, check_title},
    events,
    repository::{chats, messages, titles},
};
use futures_util::FutureExt as _;
use platform::{Error, Result, bus::Delivery};
use proto::{Message as _, ai::v1::TitleRequest, chat::v1::ReplyFinished};
use std::time::Duration;
use uuid::Uuid;

/// How long a model may think about a title.
const DEADLINE: Duration = Duration::from_secs(30);

/// How much of question and answer it is shown, in characters.
const SHOWN: usize = 2_000;

impl Chats {
    /// `reply.finished`: asks for a title when this was the first exchange. Without one the first line
    /// stays; nothing waits for it.
    pub async fn consider_title(self, delivery: Delivery) -> Result<()> {
        if delivery.kind != "reply.finished" {
            return Ok(());
        }
        let finished = ReplyFinished::decode(delivery.payload.as_slice()).map_err(Error::internal)?;
        if finished.state != State::Complete.name() {
            return Ok(());
        }
        let (space, chat) = (delivery.space, delivery.aggregate);
        let reply = Uuid::from_slice(&finished.reply).map_err(Error::internal)?;
        let exchange = self
            .platform
            .db
            .read(space, move |tx| {
                async move {
                    if !titles::is_first_line(tx, space, chat).await? {
                        return Ok(None);
                    }
                    let path = messages::path(tx, space, reply).await?;
                    let [question, answer] = path.as_slice() else { return Ok(None) };
                    Ok(Some((question.text.clone(), answer.text.clone(), answer.model.clone().unwrap_or_default())))
                }
                .boxed()
            })
            .await?;
        let Some((question, answer, model)) = exchange else { return Ok(()) };
        let begin = |text: String| text.chars().take(SHOWN).collect();
        let mut request = tonic::Request::new(TitleRequest {
            space: space.as_bytes().into(),
            model,
            question: begin(question),
            answer: begin(answer),
        });
        request.set_timeout(DEADLINE);
        let title = match self.ai.clone().title(request).await {
            Ok(titled) => titled.into_inner().title,
            Err(error) => {
                tracing::info!(code = ?error.code(), "a chat keeps its first line as its title");
                return Ok(());
            }
        };
        let Ok(title) = check_title(&title.chars().take(200).collect::<String>()) else { return Ok(()) };
        let now = self.platform.clock.now();
        self.write(space, move |tx| {
            let title = title.clone();
            async move {
                if titles::generated(tx, space, chat, &title).await?
                    && let Some(chat) = chats::find_anywhere(tx, space, chat).await?
                {
                    index_title(tx, space, &chat).await?;
                    let event = events::chat_changed(space, None, "chat.titled", &chat, None);
                    events::TOPIC.append(tx, event, now).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }
}
