//! Chats, messages and their states: types and rules, no input or output.

mod chats;
mod drafts;
mod files;
mod imports;
mod instructions;
mod messages;
mod order;
mod projects;
mod texts;
mod transfers;
mod words;

pub use chats::{Chat, Shelf};
pub use drafts::{Draft, DraftKey};
pub use files::{File, HEAD, file_name, look, sniff};
pub use imports::read as read_import;
pub use instructions::instructions;
pub use messages::{Mark, Message, Node, Reason, Reply, State};
pub use order::parents_first;
pub use projects::{Project, check_color, check_instructions, check_name};
pub use texts::{check_instruction, check_text, check_title, first_title};
pub use transfers::{Export, ExportedChat, ExportedMessage, FORMAT, Import, Incoming, Problem, Turn};
pub use words::{Indexed, Piece, Sought};
