-- what the person wanted models to know when the chat was begun; later changes are for later chats
alter table chat_chats add column instructions text;
