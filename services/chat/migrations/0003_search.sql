-- What can be found. A document is a message or a chat's title; its words come from domain/words.rs,
-- each behind a short form of its space, so that a search walks through the words of one space alone.
-- The text itself is not stored a second time.
create virtual table chat_search using fts5 (
    title, text, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '9 10'
);

-- which document stands in which place: the later, the higher
create table chat_search_rows (
    space_id blob not null,
    place bigint not null,
    chat_id blob not null,
    -- none for the title
    message_id blob,
    primary key (space_id, place)
);

create unique index chat_search_rows_by_place on chat_search_rows (place);
create index chat_search_rows_by_chat on chat_search_rows (space_id, chat_id, message_id);

-- chats from before there was a search: they are made findable after the start
create table chat_search_backlog (
    space_id blob not null,
    chat_id blob not null,
    primary key (space_id, chat_id)
);

insert into chat_search_backlog (space_id, chat_id) select space_id, id from chat_chats;
