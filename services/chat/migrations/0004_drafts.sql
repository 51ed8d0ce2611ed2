-- What a person has begun to write. An empty text stays as long as its version counts: a device that
-- did not hear of the sending must not bring the text back.
create table chat_drafts (
    space_id blob not null,
    -- a chat's id, a project's id, or new
    key text not null,
    text text not null,
    version bigint not null,
    updated_at bigint not null,
    primary key (space_id, key)
);
