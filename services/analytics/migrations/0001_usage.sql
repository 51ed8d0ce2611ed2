-- What each person used of each model on each day (UTC). The nil space holds what people used whose
-- accounts have been deleted since: the instance's totals stay true, and nobody is in them.
create table analytics_days (
    space_id blob not null,
    -- 2026-11-26
    day text not null,
    model text not null,
    requests bigint not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    -- millionths of the instance's unit of currency
    cost bigint not null,
    primary key (space_id, day, model)
);

create index analytics_days_by_day on analytics_days (day);

-- Events that have been counted, so that one which comes again is not counted twice.
create table analytics_counted (
    space_id blob not null,
    position bigint not null,
    at bigint not null,
    primary key (space_id, position)
);

create index analytics_counted_by_time on analytics_counted (at);

-- Deleted people: what is still on its way of them is not counted as theirs.
create table analytics_gone (
    space_id blob not null,
    at bigint not null,
    primary key (space_id)
);
