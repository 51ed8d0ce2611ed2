//! Tokens that name themselves, wherever they are stored: in a row of their own person, and in an answer
//! each at its place.

use super::Database;
use ai::providers::scripted::Named;
use anyhow::Result;
use rusqlite::types::ValueRef;
use uuid::Uuid;

impl Database {
    /// Tokens in rows of another person, and answers whose tokens are not theirs or not in order.
    pub fn misplaced(&self) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        self.tokens(|table, space, token| {
            if let Some(space) = space.filter(|space| Named::short(*space) != token.space) {
                faults.push(format!("{table} of {space} holds {token}"));
            }
        })?;
        let mut statement = self.0.prepare(
            "select space_id, chat_id, id, attempt, text from chat_messages where role = 'assistant' and text like '⟨%'",
        )?;
        let id = |bytes: Vec<u8>| Uuid::from_slice(&bytes).unwrap_or_default();
        let rows = statement.query_map([], |row| {
            let ids = (id(row.get(0)?), id(row.get(1)?), id(row.get(2)?));
            Ok((ids, row.get::<_, u32>(3)?, row.get::<_, String>(4)?))
        })?;
        for row in rows {
            let ((space, chat, reply), attempt, text) = row?;
            let ids = [space, space, chat, reply].map(Named::short);
            let tokens: Vec<_> = Named::all(&text).collect::<Result<_, _>>().unwrap_or_default();
            let in_place = |(seq, token): (usize, &Named)| {
                [token.space, token.person, token.chat, token.reply] == ids && token.seq == seq
            };
            let holds = tokens.iter().enumerate().all(in_place)
                && tokens.is_sorted_by_key(|token| token.attempt)
                && tokens.last().is_some_and(|last| last.attempt <= attempt);
            if !holds {
                faults.push(format!("reply {reply} in chat {chat} of {space}, attempt {attempt}: {text:?}"));
            }
        }
        Ok(faults)
    }

    /// How many tokens are stored, in whatever row, of which this holds.
    pub fn tokens_of(&self, wanted: impl Fn(&Named) -> bool) -> Result<usize> {
        let mut count = 0;
        self.tokens(|_, _, token| count += usize::from(wanted(&token)))?;
        Ok(count)
    }

    /// Every token in every table, with whose row it is in.
    fn tokens(&self, mut found: impl FnMut(&str, Option<Uuid>, Named)) -> Result<()> {
        let mut tables = self.0.prepare("select name from sqlite_master where type = 'table'")?;
        let tables = tables.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        for table in tables {
            let mut statement = self.0.prepare(&format!("select * from {table}"))?;
            let columns: Vec<_> = statement.column_names().map(str::to_owned).collect();
            let owner = columns.iter().position(|name| name == "space_id");
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let space = owner.and_then(|at| row.get::<_, Vec<u8>>(at).ok());
                let space = space.and_then(|bytes| Uuid::from_slice(&bytes).ok());
                for column in 0..columns.len() {
                    let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = row.get_ref(column)? else { continue };
                    for token in Named::all(&String::from_utf8_lossy(bytes)).flatten() {
                        found(&table, space, token);
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::{Connection, params};

    #[test]
    fn a_token_at_another_place_is_found() -> Result<()> {
        let [space, other, chat, reply] = [1, 2, 3, 4].map(Uuid::from_u128);
        let token = |attempt: u32, seq: usize| {
            let [space, chat, reply] = [space, chat, reply].map(Named::short);
            Named { space, person: space, chat, reply, attempt, seq, seed: 7 }.to_string()
        };
        let right = [token(1, 0), token(1, 1), token(2, 2)].concat();
        for (owner, attempt, text, found) in [
            (space, 2, right.clone(), false),
            (other, 2, right.clone(), true),
            // of an attempt that has not been
            (space, 1, right, true),
            (space, 2, [token(2, 0), token(1, 1)].concat(), true),
            (space, 2, [token(1, 0), token(1, 2)].concat(), true),
            (space, 2, [token(1, 0), token(1, 0)].concat(), true),
        ] {
            let connection = Connection::open_in_memory()?;
            connection.execute_batch("create table chat_messages (space_id, chat_id, id, role, attempt, text)")?;
            let ids = [owner, chat, reply].map(Uuid::into_bytes);
            connection.execute(
                "insert into chat_messages values (?1, ?2, ?3, 'assistant', ?4, ?5)",
                params![ids[0], ids[1], ids[2], attempt, text],
            )?;
            let faults = Database(connection).misplaced()?;
            assert_eq!(!faults.is_empty(), found, "{text}: {faults:?}");
        }
        Ok(())
    }
}
