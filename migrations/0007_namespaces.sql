-- The namespaces that exist.
--
-- Why: a namespace was whatever a request named, so a typing error began one of its own in silence. Now it is created
-- once, and an unknown one is refused. Those that already hold definitions or endpoints exist.
-- Locks and cost: one small table; reads definitions once. Previous release: does not look here and keeps working.

create table orchestrator.namespaces (
  name text primary key check (name ~ '^[A-Za-z0-9._:-]{1,128}$'),
  created_at timestamptz not null default clock_timestamp()
);

insert into orchestrator.namespaces (name)
select 'default'
union select namespace from orchestrator.definitions
union select namespace from orchestrator.webhook_endpoints;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select, insert on orchestrator.namespaces to orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant select on orchestrator.namespaces to orchestrator_reader;
  end if;
end
$$;
