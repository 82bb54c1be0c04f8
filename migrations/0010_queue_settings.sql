-- What operators say about queues: limits and pauses.
--
-- Why: a queue's limits hold over all nodes and outlive them, so they are in the database, and every node reads what
-- changed since it last looked. `revision` grows in the order of the commits: writers take the table's lock first.
-- Locks and cost: one small table. Previous release: does not look here and keeps working, without limits.

create table orchestrator.queue_settings (
  namespace text not null check (namespace ~ '^[A-Za-z0-9._:-]{1,128}$'),
  name text not null check (name ~ '^[A-Za-z0-9._:-]{1,128}$'),
  limits json not null default '{}' check (json_typeof(limits) = 'object'),
  paused boolean not null default false,
  reason text not null default '',
  paused_at timestamptz,
  changed_at timestamptz not null default clock_timestamp(),
  revision bigint not null check (revision > 0),
  primary key (namespace, name),
  constraint queue_settings_revision unique (revision),
  constraint queue_settings_paused_since check (paused = (paused_at is not null))
);

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select, insert, update on orchestrator.queue_settings to orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant select on orchestrator.queue_settings to orchestrator_reader;
  end if;
end
$$;
