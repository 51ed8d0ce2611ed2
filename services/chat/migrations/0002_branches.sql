-- where chats are kept, and what of them was not seen yet
alter table chat_chats add column pinned bigint not null default 0;
alter table chat_chats add column archived bigint not null default 0;
alter table chat_chats add column project_id blob;
-- the reply that ended last and was not looked at
alter table chat_chats add column unread_reply blob;
-- first (the first line), generated, person: a generated title never replaces a person's
alter table chat_chats add column title_by text not null default 'first';
-- grows with every look at a leaf: the last viewed one of a subtree has the highest number
alter table chat_chats add column views bigint not null default 0;
-- the project that was moved to the trash and took this chat along
alter table chat_chats add column deleted_with blob;

drop index chat_chats_by_activity;
create index chat_chats_recent on chat_chats (space_id, updated_at desc, id desc)
    where deleted_at is null and archived = 0 and pinned = 0 and project_id is null;
create index chat_chats_pinned on chat_chats (space_id, updated_at desc, id desc)
    where deleted_at is null and archived = 0 and pinned = 1;
create index chat_chats_archived on chat_chats (space_id, updated_at desc, id desc)
    where deleted_at is null and archived = 1;
create index chat_chats_of_project on chat_chats (space_id, project_id, updated_at desc, id desc)
    where deleted_at is null and archived = 0 and project_id is not null;
create index chat_chats_trash on chat_chats (space_id, deleted_at desc, id desc) where deleted_at is not null;
create index chat_chats_to_purge on chat_chats (deleted_at) where deleted_at is not null;

-- the number of the look (chat_chats.views) at which this message was the active leaf
alter table chat_messages add column viewed bigint not null default 0;
-- how the person wanted this answer to differ from the one before
alter table chat_messages add column instruction text;

-- the children of one message, oldest first
create index chat_messages_by_parent on chat_messages (space_id, chat_id, parent_id, created_at, id);

-- which chat an answer tells of: it is emptied with the chat
alter table chat_sends add column chat_id blob;
create index chat_sends_by_chat on chat_sends (space_id, chat_id);

create table chat_projects (
    space_id blob not null,
    id blob not null,
    name text not null,
    -- slate | azurite | moss | ochre | rust | plum
    color text not null,
    instructions text not null,
    version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint,
    primary key (space_id, id)
);

create index chat_projects_to_purge on chat_projects (deleted_at) where deleted_at is not null;

-- titles and instructions of before are erased with what they belonged to
create index chat_events_with_change on chat_events (space_id, aggregate_id) where change is not null;
