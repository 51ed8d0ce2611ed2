-- files that people gave to a model to look at; their bytes are objects
create table chat_files (
    space_id blob not null,
    id blob not null,
    name text not null,
    -- found by looking into it
    type text not null,
    size bigint not null,
    width bigint,
    height bigint,
    created_at bigint not null,
    -- being removed: its bytes go before its row, and nobody attaches it any more
    leaving bigint not null default 0,
    primary key (space_id, id)
);

create index chat_files_by_age on chat_files (created_at);

create table chat_attachments (
    space_id blob not null,
    message_id blob not null,
    position bigint not null,
    file_id blob not null,
    primary key (space_id, message_id, position)
);

create index chat_attachments_by_file on chat_attachments (space_id, file_id);
