-- a person's data on its way out
create table chat_exports (
    space_id blob not null,
    id blob not null,
    -- queued | running | ready | failed
    state text not null,
    size bigint,
    created_at bigint not null,
    expires_at bigint,
    primary key (space_id, id)
);

create index chat_exports_by_age on chat_exports (created_at);

-- chats of another system on their way in
create table chat_imports (
    space_id blob not null,
    id blob not null,
    -- queued | running | ready | failed
    state text not null,
    -- chatgpt | claude | open-webui | librechat | taifas, once it is known
    source text,
    chats bigint not null,
    messages bigint not null,
    -- [{"what": "…", "why": "…"}]
    problems text not null,
    created_at bigint not null,
    primary key (space_id, id)
);

-- which import brought it
alter table chat_chats add column import_id blob;
alter table chat_messages add column import_id blob;
create index chat_chats_by_import on chat_chats (space_id, import_id) where import_id is not null;
create index chat_messages_by_import on chat_messages (space_id, import_id) where import_id is not null;
