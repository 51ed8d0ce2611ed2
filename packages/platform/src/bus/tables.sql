create table bus_cursors (
    consumer text not null,
    topic text not null,
    position bigint not null,
    primary key (consumer, topic)
);

create table bus_dead_letters (
    consumer text not null,
    topic text not null,
    position bigint not null,
    kind text not null,
    why text not null,
    at bigint not null,
    primary key (consumer, topic, position)
);
