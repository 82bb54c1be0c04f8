-- What the nodes of one installation show each other when they call: nobody has to configure it, and whoever can read
-- this table could write every other one anyway.
--
-- Why: a request for a shard goes to its owner, over HTTP, and a node must not take one from a stranger.
-- Locks and cost: one new table with one row. Previous release: does not call other nodes and does not look.

create table orchestrator.cluster_secret (
  only_row boolean primary key default true check (only_row),
  -- 244 random bits
  secret text not null default replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
);

insert into orchestrator.cluster_secret default values;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select on orchestrator.cluster_secret to orchestrator_engine;
  end if;
end
$$;
