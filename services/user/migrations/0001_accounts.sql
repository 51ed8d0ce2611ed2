create table user_accounts (
    -- an account lies in its owner's space, which has the owner's id
    space_id blob not null,
    id blob not null,
    name text not null,
    -- as the person wrote it
    email text not null,
    -- the same for every spelling of it: trimmed, lower case
    email_key text not null,
    -- admin | user
    role text not null,
    version bigint not null,
    created_at bigint not null,
    primary key (space_id, id)
);

create unique index user_accounts_by_email on user_accounts (email_key);

create table user_events (
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
