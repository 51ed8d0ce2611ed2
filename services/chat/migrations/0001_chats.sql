create table chat_chats (
    space_id blob not null,
    id blob not null,
    title text not null,
    model text not null,
    -- of what a person changes: title. A stale write is refused.
    version bigint not null,
    -- where the shown path ends
    active_leaf blob not null,
    created_at bigint not null,
    -- last activity: the order of the list
    updated_at bigint not null,
    deleted_at bigint,
    primary key (space_id, id)
);

create index chat_chats_by_activity on chat_chats (space_id, updated_at desc, id desc) where deleted_at is null;

create table chat_messages (
    space_id blob not null,
    id blob not null,
    chat_id blob not null,
    parent_id blob,
    -- user | assistant
    role text not null,
    text text not null,
    -- complete | queued | streaming | stopped | interrupted | failed
    state text not null,
    reason_code text,
    reason_detail text,
    model text,
    -- the fence: only this attempt may finish a reply
    attempt bigint not null,
    -- the next position of the reply's stream behind the stored text
    next_seq bigint not null,
    -- [{"kind": "continued", "at": 120}]
    marks text not null,
    -- a person asked to stop; honoured by whoever comes next
    stop_asked bigint not null,
    -- a person asked to go on from a stopped or interrupted text
    continued bigint not null,
    created_at bigint not null,
    finished_at bigint,
    primary key (space_id, id)
);

create index chat_messages_by_chat on chat_messages (space_id, chat_id, created_at, id);
create index chat_messages_running on chat_messages (space_id, chat_id) where state in ('queued', 'streaming');

-- what a send answered, by the sender's key: the same request again gets the same answer
create table chat_sends (
    space_id blob not null,
    key text not null,
    request blob not null,
    answer text not null,
    created_at bigint not null,
    primary key (space_id, key)
);

create index chat_sends_by_age on chat_sends (created_at);

create table chat_events (
    position integer primary key autoincrement,
    space_id blob not null,
    aggregate_id blob not null,
    version bigint not null,
    kind text not null,
    actor blob,
    payload blob not null,
    change text,
    at bigint not null
);
