-- where the session was used last from, as the gateway saw it; null when that is not known
alter table session_sessions add column address text;
