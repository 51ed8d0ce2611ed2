-- active | disabled | leaving
alter table user_accounts add column state text not null default 'active';
-- en | ro | system
alter table user_accounts add column language text not null default 'system';
-- light | dark | system
alter table user_accounts add column theme text not null default 'system';
alter table user_accounts add column accent text not null default 'azurite';
-- last use, to the quarter of an hour
alter table user_accounts add column seen_at bigint;
-- when the account is deleted, while it is leaving
alter table user_accounts add column deletes_at bigint;
-- name and address in lower case, for the search of administrators
alter table user_accounts add column search_key text not null default '';

update user_accounts set search_key = lower(name) || ' ' || email_key;

create index user_accounts_by_id on user_accounts (id);
create index user_accounts_by_role on user_accounts (role, state);
create index user_accounts_by_end on user_accounts (deletes_at) where deletes_at is not null;

-- what a person wants models to know of them
create table user_instructions (
    space_id blob not null,
    enabled bigint not null,
    nickname text not null,
    occupation text not null,
    about text not null,
    style text not null,
    version bigint not null,
    updated_at bigint not null,
    primary key (space_id)
);
