//! The branches of a chat: which turns belong to the same parent, and which path is shown.

use crate::domain::{Message, Node, parents_first};
use platform::{Result, db::Tx, from_row};
use std::collections::HashMap;
use uuid::Uuid;

/// From the root to `leaf`, oldest first, each with its siblings: what a person is shown.
pub async fn shown(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, leaf: Uuid) -> Result<Vec<Message>> {
    let mut path = super::messages::path(tx, space, leaf).await?;
    let families = siblings(tx, space, chat, leaf).await?;
    for message in &mut path {
        message.siblings = families.get(&message.parent_id).cloned().unwrap_or_default();
    }
    super::files::fill(tx, space, chat, &mut path).await?;
    Ok(path)
}

struct Child {
    parent_id: Option<Uuid>,
    id: Uuid,
}
from_row!(Child { parent_id, id });

/// The children of every parent on the path to `leaf`, in one statement.
async fn siblings(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, leaf: Uuid) -> Result<HashMap<Option<Uuid>, Vec<Uuid>>> {
    let children: Vec<Child> = tx
        .query(
            "with recursive path (parent_id) as (
                 select parent_id from chat_messages where space_id = $1 and id = $3
                 union all
                 select m.parent_id from path join chat_messages m on m.space_id = $1 and m.id = path.parent_id
             )
             select parent_id, created_at, id from chat_messages
             where space_id = $1 and chat_id = $2 and parent_id in (select parent_id from path)
             union all
             select parent_id, created_at, id from chat_messages
             where space_id = $1 and chat_id = $2 and parent_id is null
             order by parent_id, created_at, id",
        )
        .bind(space)
        .bind(chat)
        .bind(leaf)
        .all()
        .await?;
    let mut families: HashMap<Option<Uuid>, Vec<Uuid>> = HashMap::new();
    for child in children {
        families.entry(child.parent_id).or_default().push(child.id);
    }
    Ok(families)
}

/// The children of `parent`, or the first messages of a chat, oldest first.
pub async fn children(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, parent: Option<Uuid>) -> Result<Vec<Uuid>> {
    let of = match parent {
        Some(parent) => tx
            .query(
                "select parent_id, id from chat_messages where space_id = $1 and chat_id = $2 and parent_id = $3
                 order by created_at, id",
            )
            .bind(space)
            .bind(chat)
            .bind(parent),
        None => tx
            .query(
                "select parent_id, id from chat_messages where space_id = $1 and chat_id = $2 and parent_id is null
                 order by created_at, id",
            )
            .bind(space)
            .bind(chat),
    };
    Ok(of.all::<Child>().await?.into_iter().map(|child| child.id).collect())
}

/// Every message of a chat: each behind the one it follows, else the oldest first.
pub async fn nodes(tx: &mut Tx<'_>, space: Uuid, chat: Uuid) -> Result<Vec<Node>> {
    let nodes = tx
        .query(
            "select id, parent_id, role, substr(text, 1, 120) as excerpt, state, model, created_at from chat_messages
             where space_id = $1 and chat_id = $2 order by created_at, id",
        )
        .bind(space)
        .bind(chat)
        .all()
        .await?;
    Ok(parents_first(nodes))
}

/// The leaf under `message` that was looked at last, else the newest.
pub async fn leaf_under(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, message: Uuid) -> Result<Option<Uuid>> {
    tx.query(
        "with recursive under (id) as (
             select id from chat_messages where space_id = $1 and id = $3 and chat_id = $2
             union all
             select m.id from under
             join chat_messages m on m.space_id = $1 and m.chat_id = $2 and m.parent_id = under.id
         )
         select m.id from under cross join chat_messages m
         where m.space_id = $1 and m.id = under.id and not exists (
             select 1 from chat_messages c where c.space_id = $1 and c.chat_id = $2 and c.parent_id = m.id
         )
         order by m.viewed desc, m.created_at desc, m.id desc limit 1",
    )
    .bind(space)
    .bind(chat)
    .bind(message)
    .value()
    .await
}
