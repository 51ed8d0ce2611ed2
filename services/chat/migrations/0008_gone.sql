-- Deleted people: what is still on its way of them is refused.
create table chat_gone (
    space_id blob not null,
    at bigint not null,
    primary key (space_id)
);
