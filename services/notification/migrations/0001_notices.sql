create table notification_notices (
    space_id blob not null,
    -- UUIDv7: later ones are greater
    id blob not null,
    -- reply_finished | new_device | cap_reached | invitation_accepted | export_ready
    kind text not null,
    -- JSON of ids and facts
    data text not null,
    -- the event it comes of: an event that comes again makes no second notice
    source text not null,
    at bigint not null,
    read_at bigint,
    primary key (space_id, id)
);

create unique index notification_notices_by_source on notification_notices (space_id, source);
create index notification_notices_by_time on notification_notices (at);

create table notification_preferences (
    space_id blob not null,
    version bigint not null,
    -- JSON; a kind that is missing is as it is by default
    kinds text not null,
    primary key (space_id)
);

-- Devices a person has signed in from, as hashes.
create table notification_devices (
    space_id blob not null,
    device blob not null,
    seen_at bigint not null,
    primary key (space_id, device)
);

-- Deleted people: what is still on its way of them makes no notice.
create table notification_gone (
    space_id blob not null,
    at bigint not null,
    primary key (space_id)
);

create table notification_events (
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
