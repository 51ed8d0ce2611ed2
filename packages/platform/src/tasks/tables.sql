create table tasks_tasks (
    queue text not null,
    key text not null,
    space_id blob not null,
    payload blob not null,
    added_at bigint not null,
    -- not before this time; while somebody works on it, until when it is theirs; when it ended
    due_at bigint not null,
    -- the fence: what an earlier holder says counts no more
    attempt bigint not null,
    tries bigint not null,
    taken bigint not null,
    -- null, 'done' or 'buried'
    ended text,
    why text,
    primary key (queue, key)
);
create index tasks_by_due on tasks_tasks (queue, ended, due_at);
create index tasks_by_space on tasks_tasks (space_id);
