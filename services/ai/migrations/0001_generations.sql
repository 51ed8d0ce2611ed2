-- the processes that produce answers; a worker that has not beaten for a while is dead
create table ai_workers (
    id blob primary key not null,
    beat_at bigint not null
);

-- one row a reply: who produces it now
create table ai_generations (
    space_id blob not null,
    reply_id blob not null,
    chat_id blob not null,
    model text not null,
    -- the fence: only this attempt may append and finish
    attempt bigint not null,
    worker blob not null,
    -- open | closed
    state text not null,
    -- takeovers in a row that brought no new text, and where the stream stood at the last one
    stalled bigint not null,
    last_next bigint not null,
    asked_at bigint not null,
    closed_at bigint,
    primary key (space_id, reply_id)
);

create index ai_generations_open on ai_generations (worker) where state = 'open';

create table ai_events (
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
