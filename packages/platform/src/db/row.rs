//! Values bound to statements and read from rows.

use crate::{Error, Result};
use chrono::{DateTime, Utc};
use rusqlite::types::{ToSqlOutput, ValueRef};
use uuid::Uuid;

/// A parameter of a statement. Times are stored as milliseconds since 1970 (UTC), ids as 16 bytes.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
    Id(Uuid),
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::Id(id) => ValueRef::Blob(id.as_bytes()),
        }))
    }
}

macro_rules! value {
    ($($type:ty => |$v:ident| $make:expr;)*) => {
        $(impl From<$type> for Value { fn from($v: $type) -> Self { $make } })*
    };
}
value! {
    i64 => |v| Self::Int(v);
    u32 => |v| Self::Int(v.into());
    bool => |v| Self::Int(v.into());
    &str => |v| Self::Text(v.into());
    String => |v| Self::Text(v);
    Vec<u8> => |v| Self::Blob(v);
    Uuid => |v| Self::Id(v);
    DateTime<Utc> => |v| Self::Int(v.timestamp_millis());
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A type that a column can be read as.
pub trait Column: Sized {
    /// # Errors
    /// `internal` when the column holds another type: a fault in our SQL.
    fn read(value: ValueRef<'_>) -> Result<Self>;
}

fn wrong(expected: &str, value: ValueRef<'_>) -> Error {
    Error::internal(format!("expected {expected} in a column that holds {}", value.data_type()))
}

impl Column for i64 {
    fn read(value: ValueRef<'_>) -> Result<Self> {
        value.as_i64().map_err(|_| wrong("an integer", value))
    }
}
impl Column for u32 {
    fn read(value: ValueRef<'_>) -> Result<Self> {
        Self::try_from(i64::read(value)?).map_err(|_| wrong("a small integer", value))
    }
}
impl Column for bool {
    fn read(value: ValueRef<'_>) -> Result<Self> {
        Ok(i64::read(value)? != 0)
    }
}
impl Column for String {
    fn read(value: ValueRef<'_>) -> Result<Self> {
        value.as_str().map(Into::into).map_err(|_| wrong("text", value))
    }
}
impl Column for Vec<u8> {
    fn read(value: ValueRef<'_>) -> Result<Self> {
        value.as_blob().map(Into::into).map_err(|_| wrong("bytes", value))
    }
}
impl Column for Uuid {
    fn read(value: ValueRef<'_>) -> Result<Self> {
        let bytes = value.as_blob().map_err(|_| wrong("an id", value))?;
        Self::from_slice(bytes).map_err(|_| wrong("16 bytes", value))
    }
}
impl Column for DateTime<Utc> {
    fn read(value: ValueRef<'_>) -> Result<Self> {
        Self::from_timestamp_millis(i64::read(value)?).ok_or_else(|| wrong("a time", value))
    }
}
impl<T: Column> Column for Option<T> {
    fn read(value: ValueRef<'_>) -> Result<Self> {
        if value == ValueRef::Null { Ok(None) } else { T::read(value).map(Some) }
    }
}

/// One row; columns are looked up once per statement, not once per row.
pub struct Row<'r> {
    pub(super) row: &'r rusqlite::Row<'r>,
    pub(super) at: &'r [usize],
}

impl Row<'_> {
    /// The column at `index` of [`FromRow::COLUMNS`].
    ///
    /// # Errors
    /// `internal` when the statement has no such column or it holds another type.
    pub fn get<T: Column>(&self, index: usize) -> Result<T> {
        let column = self.at.get(index).copied().ok_or_else(|| Error::internal("a column past the row"))?;
        T::read(self.row.get_ref(column).map_err(Error::internal)?)
    }
}

/// A struct read from a row; written by [`crate::from_row!`].
pub trait FromRow: Sized {
    /// The names of the columns it needs, in the order `from_row` asks for them.
    const COLUMNS: &'static [&'static str];
    /// # Errors
    /// `internal` when a column holds another type.
    fn from_row(row: &Row<'_>) -> Result<Self>;
}
