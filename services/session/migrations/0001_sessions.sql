create table session_sessions (
    -- whose session it is
    space_id blob not null,
    id blob not null,
    -- SHA-256; the token itself is nowhere
    token_hash blob not null,
    -- admin | user
    role text not null,
    device text not null,
    created_at bigint not null,
    -- last use, written at most once a minute
    seen_at bigint not null,
    -- ends whatever happens
    ends_at bigint not null,
    -- ended by somebody
    revoked_at bigint,
    primary key (space_id, id)
);

create unique index session_sessions_by_token on session_sessions (space_id, token_hash);

create table session_events (
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
