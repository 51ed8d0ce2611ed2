-- What roles there are. The policies of `admin` are all there ever will be, and stand in no table.
create table auth_roles (
    name text not null primary key,
    label text not null,
    -- 1: comes with the program and cannot be removed
    builtin bigint not null,
    version bigint not null
);

-- One line of policy each: the role may do what the permission says.
create table auth_policies (
    role text not null,
    permission text not null,
    primary key (role, permission)
);

-- Grows with each change of roles and policies, so that whoever remembers them knows.
create table auth_revisions (
    id bigint not null primary key,
    revision bigint not null
);

insert into auth_revisions (id, revision) values (1, 1);

insert into auth_roles (name, label, builtin, version) values
    ('admin', 'Administrator', 1, 1), ('user', 'User', 1, 1), ('guest', 'Guest', 1, 1);

insert into auth_policies (role, permission) values
    ('user', 'chats:read'), ('user', 'chats:write'), ('user', 'models:use'), ('user', 'account:read'),
    ('user', 'account:write'), ('user', 'account:security'), ('user', 'keys:manage'), ('user', 'usage:read'),
    ('guest', 'chats:read'), ('guest', 'chats:write'), ('guest', 'models:use'), ('guest', 'account:read'),
    ('guest', 'account:write'), ('guest', 'account:security'), ('guest', 'usage:read');

-- What administrators have set; null is what the configuration says.
create table auth_instance (
    id bigint not null primary key,
    name text,
    accent text,
    greeting text,
    registration text,
    version bigint not null
);

create table auth_keys (
    -- whose key it is
    space_id blob not null,
    id blob not null,
    name text not null,
    -- the part that is shown
    prefix text not null,
    -- SHA-256 of the whole key; the key itself is nowhere
    secret_hash blob not null,
    -- names of permissions, with spaces between
    scopes text not null,
    created_at bigint not null,
    -- to the minute
    last_used_at bigint,
    expires_at bigint,
    primary key (space_id, id)
);

create unique index auth_keys_by_secret on auth_keys (space_id, secret_hash);

-- Invitations are the instance's; the one who accepts has no space yet.
create table auth_invitations (
    id blob not null primary key,
    -- SHA-256 of the token
    token_hash blob not null,
    -- the only address that may accept it; null for any
    email text,
    role text not null,
    -- the account it lets somebody into; null when accepting makes one
    account blob,
    -- null when the command line made it
    created_by blob,
    created_at bigint not null,
    expires_at bigint not null,
    -- somebody is accepting it
    claimed_at bigint,
    accepted_at bigint,
    -- the account that came of it, from the claim on
    accepted_by blob,
    revoked_at bigint
);

create unique index auth_invitations_by_token on auth_invitations (token_hash);

create table auth_resets (
    -- whose password may be set
    space_id blob not null,
    id blob not null,
    -- SHA-256 of the token
    token_hash blob not null,
    created_at bigint not null,
    expires_at bigint not null,
    primary key (space_id, id)
);

create unique index auth_resets_by_token on auth_resets (space_id, token_hash);

create table auth_events (
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
