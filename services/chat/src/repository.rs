//! Every SQL statement of chat. Each names the space it touches.

pub mod chats;
pub mod messages;
pub mod sends;
