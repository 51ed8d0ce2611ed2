-- the last attempt that somebody asked for; those above it are takeovers. An open row that is asked for again
-- belongs to an attempt that ended without its account
alter table ai_generations add column asked bigint not null default 0;
update ai_generations set asked = attempt;
