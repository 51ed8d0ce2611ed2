//! Every SQL statement of chat. Each names the space it touches.

pub mod chats;
pub mod drafts;
pub mod erasure;
pub mod exports;
pub mod files;
pub mod imports;
pub mod messages;
pub mod projects;
pub mod search;
pub mod sends;
pub mod titles;
pub mod trash;
pub mod tree;
