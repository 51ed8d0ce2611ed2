create table auth_credentials (
    -- whose it is
    space_id blob not null,
    -- password
    kind text not null,
    -- a PHC string: algorithm, parameters, salt and hash
    phc text not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (space_id, kind)
);
