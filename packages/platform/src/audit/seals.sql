create table audit_seals (
    number bigint not null primary key,
    events bigint not null,
    -- of the leaves, hexadecimal
    root text not null,
    -- the sum of the seal before
    before text not null,
    at bigint not null,
    signature text not null,
    -- of each event its topic, position, space and sum
    leaves blob not null
);

-- up to where each topic is sealed
create table audit_sealed (
    topic text not null primary key,
    position bigint not null
);
