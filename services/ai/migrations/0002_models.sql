-- providers that an administrator added; those of the configuration are not here
create table ai_providers (
    id blob primary key not null,
    -- openai | anthropic | ollama
    kind text not null,
    -- the first part of its models' ids
    name text not null unique,
    base_url text not null,
    -- its key, encrypted with the instance's own and bound to id and origin
    sealed blob,
    key_hint text,
    enabled bigint not null,
    first_byte_seconds bigint,
    version bigint not null,
    created_at bigint not null
);

-- what administrators decided about models; a model without a row is on, for everybody, and free
create table ai_models (
    -- provider/model
    id text primary key not null,
    display_name text,
    enabled bigint not null,
    position bigint,
    -- a JSON list of roles; null is everybody
    roles text,
    context_window bigint,
    vision bigint,
    -- for a million tokens, in millionths of the instance's currency unit
    price_input bigint not null,
    price_output bigint not null,
    is_default bigint not null,
    version bigint not null
);

-- the caps of a day: one row
create table ai_limits (
    id bigint primary key not null,
    person_tokens bigint,
    person_cost bigint,
    instance_tokens bigint,
    instance_cost bigint,
    version bigint not null
);

-- where a person's caps differ
create table ai_person_limits (
    space_id blob not null,
    tokens bigint,
    cost bigint,
    version bigint not null,
    primary key (space_id)
);

-- what was used on a day (days since 1970, UTC); the nil space is the whole instance
create table ai_days (
    space_id blob not null,
    day bigint not null,
    tokens bigint not null,
    cost bigint not null,
    -- the first refusal of the day was told
    told bigint not null,
    primary key (space_id, day)
);

-- what running requests may still use; settled when they end, by whoever finds them
create table ai_reservations (
    space_id blob not null,
    -- a reply's or a request's id
    id blob not null,
    attempt bigint not null,
    -- reply | chat | embeddings | temporary | title
    kind text not null,
    model text not null,
    api_key blob,
    worker blob not null,
    day bigint not null,
    input bigint not null,
    output bigint not null,
    cost bigint not null,
    price_input bigint not null,
    price_output bigint not null,
    -- tokens the reply had when this attempt began
    base bigint not null,
    at bigint not null,
    primary key (space_id, id, attempt)
);

create index ai_reservations_by_day on ai_reservations (day);

-- what earlier attempts of a running reply used
alter table ai_generations add column used_input bigint not null default 0;
alter table ai_generations add column used_output bigint not null default 0;
alter table ai_generations add column used_cost bigint not null default 0;
