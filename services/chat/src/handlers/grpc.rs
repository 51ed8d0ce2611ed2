//! The RPCs: a worker's context and finish, and the gateway's question whether a person may read a
//! reply.

use crate::{
    domain::{Mark, Reason, Reply, State},
    service::{Chats, Context, End},
};
use platform::{
    Error,
    principal::Caller,
    service::{require_service, rpc_caller},
};
use proto::chat::v1::{self as pb, chat_server::ChatServer};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

/// Longer than any answer: what a worker finished must reach the table.
const MESSAGE_LIMIT: usize = 64 << 20;

pub fn routes(chats: Chats) -> Routes {
    Routes::new(
        ChatServer::new(chats).max_decoding_message_size(MESSAGE_LIMIT).max_encoding_message_size(MESSAGE_LIMIT),
    )
}

#[tonic::async_trait]
impl pb::chat_server::Chat for Chats {
    async fn context(&self, request: Request<pb::ContextRequest>) -> Result<Response<pb::ContextAnswer>, Status> {
        require_service(&request, &["ai"])?;
        let asked = request.into_inner();
        let (space, reply) = (id(&asked.space)?, id(&asked.reply)?);
        let answer = match Self::context(self, space, reply, asked.attempt, !asked.without_turns).await? {
            Context::Settled(reply) => pb::context_answer::Answer::Settled(outcome(reply)),
            Context::Going { reply, turns, left_out, system } => pb::context_answer::Answer::Going(pb::Going {
                turns: turns
                    .into_iter()
                    .map(|turn| pb::Turn {
                        role: if turn.role == "user" { pb::turn::Role::User } else { pb::turn::Role::Assistant }.into(),
                        text: turn.text,
                        attachments: turn
                            .attachments
                            .into_iter()
                            .map(|file| pb::Attachment {
                                file: file.id.as_bytes().into(),
                                r#type: file.kind,
                                size: u64::try_from(file.size).unwrap_or(0),
                                name: file.name,
                            })
                            .collect(),
                    })
                    .collect(),
                system: system
                    .into_iter()
                    .map(|part| pb::SystemPart { kind: part.kind.into(), text: part.text })
                    .collect(),
                model: reply.message.model.unwrap_or_default(),
                text: reply.message.text,
                next: seq(reply.next_seq),
                marks: marks_out(reply.message.marks),
                stop: reply.stop_asked,
                continued: reply.continued,
                left_out,
            }),
        };
        Ok(Response::new(pb::ContextAnswer { answer: Some(answer) }))
    }

    async fn finish(&self, request: Request<pb::FinishRequest>) -> Result<Response<pb::Outcome>, Status> {
        require_service(&request, &["ai"])?;
        let end = request.into_inner();
        let end = End {
            space: id(&end.space)?,
            reply: id(&end.reply)?,
            attempt: end.attempt,
            state: State::parse(&end.state)?,
            reason: end.reason.map(|reason| Reason { code: reason.code, detail: reason.detail }),
            text: end.text,
            next_seq: i64::try_from(end.next).map_err(|_| Error::invalid("next", "is too large"))?,
            marks: end.marks.into_iter().map(|mark| Mark { kind: mark.kind, at: mark.at }).collect(),
        };
        if !end.state.is_terminal() {
            return Err(Error::invalid("state", "is not an end").into());
        }
        Ok(Response::new(outcome(Self::finish(self, end).await?)))
    }

    async fn attachment(
        &self,
        request: Request<pb::AttachmentRequest>,
    ) -> Result<Response<pb::AttachmentContent>, Status> {
        require_service(&request, &["ai"])?;
        let asked = request.into_inner();
        let (file, bytes) = Self::attachment(self, id(&asked.space)?, id(&asked.file)?).await?;
        Ok(Response::new(pb::AttachmentContent { r#type: file.kind, bytes: bytes.into(), name: file.name }))
    }

    async fn follow(&self, request: Request<pb::FollowRequest>) -> Result<Response<pb::Following>, Status> {
        let Caller::Person(person) = rpc_caller(&request) else {
            return Err(Error::forbidden("only a person follows a reply").into());
        };
        let asked = request.get_ref();
        let Reply { message, next_seq, .. } = Self::follow(self, &person, id(&asked.reply)?).await?;
        Ok(Response::new(pb::Following {
            space: person.space().as_bytes().into(),
            attempt: message.attempt,
            state: message.state.name().into(),
            reason: message.reason.map(reason_out),
            finished_at: message.finished_at.map_or(0, |at| at.timestamp_millis()),
            text: if asked.without_text { String::new() } else { message.text },
            next: seq(next_seq),
            marks: marks_out(message.marks),
        }))
    }
}

fn id(bytes: &[u8]) -> Result<Uuid, Error> {
    Uuid::from_slice(bytes).map_err(|_| Error::invalid("id", "has not 16 bytes"))
}

fn seq(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

fn outcome(Reply { message, next_seq, .. }: Reply) -> pb::Outcome {
    pb::Outcome {
        state: message.state.name().into(),
        reason: message.reason.map(reason_out),
        finished_at: message.finished_at.map_or(0, |at| at.timestamp_millis()),
        text: message.text,
        next: seq(next_seq),
        marks: marks_out(message.marks),
    }
}

fn reason_out(reason: Reason) -> pb::Reason {
    pb::Reason { code: reason.code, detail: reason.detail }
}

fn marks_out(marks: Vec<Mark>) -> Vec<pb::Mark> {
    marks.into_iter().map(|mark| pb::Mark { kind: mark.kind, at: mark.at }).collect()
}
