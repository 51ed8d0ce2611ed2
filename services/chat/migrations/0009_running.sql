-- with the state, so that it is taken for the question whether a chat is being answered, and not one
-- that leads through all messages of the chat
drop index chat_messages_running;
create index chat_messages_running on chat_messages (space_id, chat_id, state) where state in ('queued', 'streaming');
