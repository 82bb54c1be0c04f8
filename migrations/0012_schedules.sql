-- Schedules, and what became of each of their slots.
--
-- Why: a schedule lives on the shard of its name together with its runs, so that the start of a run and the row that says
-- so are one commit under one fence. decided_until is what makes a slot start once: it moves in that same commit.
-- Rows are written by write_schedules, called after commit_batch in the same transaction, which holds the fence until its
-- end; most flushes have no such rows and stay one statement.
-- Locks and cost: creates only. Previous release: does not look here and keeps working.

create table orchestrator.schedules (
  shard integer not null,
  namespace text not null,
  name text not null check (name ~ '^[A-Za-z0-9._:-]{1,128}$'),
  schedule_id uuid not null,
  settings json not null,
  decided_until timestamptz not null,
  next_fire_at timestamptz,
  paused_at timestamptz,
  last_run_id uuid,
  open_runs uuid[] not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (shard, namespace, name)
);
-- The list, newest first: the id begins with the moment of creation.
create unique index schedules_list on orchestrator.schedules (shard, namespace, schedule_id);

create table orchestrator.schedule_slots (
  shard integer not null,
  schedule_id uuid not null,
  slot_at timestamptz not null,
  origin text not null check (origin in ('schedule', 'trigger', 'range')),
  fire_at timestamptz not null,
  decided_at timestamptz not null,
  outcome text not null check (outcome in ('started', 'skipped', 'missed', 'queued', 'cancelled')),
  reason text not null default '',
  run_id uuid,
  last_slot_at timestamptz,
  slot_count integer,
  primary key (shard, schedule_id, slot_at, origin),
  check ((outcome = 'started') = (run_id is not null)),
  check ((origin = 'range') = (last_slot_at is not null))
);
create index schedule_slots_queued on orchestrator.schedule_slots (shard, schedule_id, slot_at) where outcome = 'queued';
-- Old slots are dropped by age, and lie in the table in that order.
create index schedule_slots_age on orchestrator.schedule_slots using brin (decided_at);

-- Removed schedules keep their slots until those are old.
create function orchestrator.write_schedules(removed json, put json, moved json, slots json) returns void
  language plpgsql as $$
declare
  gone record;
  one record;
begin
  if removed is not null then
    for gone in select * from json_to_recordset(removed) as r (shard integer, namespace text, name text) loop
      delete from orchestrator.schedules s
      where s.shard = gone.shard and s.namespace = gone.namespace and s.name = gone.name;
    end loop;
  end if;

  if put is not null then
    insert into orchestrator.schedules as r (
      shard, namespace, name, schedule_id, settings, decided_until, next_fire_at, paused_at, last_run_id, open_runs,
      created_at, updated_at)
    select p.shard, p.namespace, p.name, p.schedule_id, p.settings::json, orchestrator.from_micros(p.decided_until),
      orchestrator.from_micros(p.next_fire_at), orchestrator.from_micros(p.paused_at), p.last_run_id, p.open_runs,
      orchestrator.from_micros(p.created_at), orchestrator.from_micros(p.updated_at)
    from json_to_recordset(put) as p (
      shard integer, namespace text, name text, schedule_id uuid, settings text, decided_until bigint,
      next_fire_at bigint, paused_at bigint, last_run_id uuid, open_runs uuid[], created_at bigint, updated_at bigint)
    on conflict (shard, namespace, name) do update set
      schedule_id = excluded.schedule_id, settings = excluded.settings, decided_until = excluded.decided_until,
      next_fire_at = excluded.next_fire_at, paused_at = excluded.paused_at, last_run_id = excluded.last_run_id,
      open_runs = excluded.open_runs, created_at = excluded.created_at, updated_at = excluded.updated_at;
  end if;

  -- Without the settings, which may be large and stay where they are.
  if moved is not null then
    for one in select * from json_to_recordset(moved) as m (
      shard integer, namespace text, name text, decided_until bigint, next_fire_at bigint, paused_at bigint,
      last_run_id uuid, open_runs uuid[])
    loop
      update orchestrator.schedules s
      set decided_until = orchestrator.from_micros(one.decided_until),
          next_fire_at = orchestrator.from_micros(one.next_fire_at),
          paused_at = orchestrator.from_micros(one.paused_at), last_run_id = one.last_run_id, open_runs = one.open_runs
      where s.shard = one.shard and s.namespace = one.namespace and s.name = one.name;
    end loop;
  end if;

  if slots is not null then
    insert into orchestrator.schedule_slots as r (
      shard, schedule_id, slot_at, origin, fire_at, decided_at, outcome, reason, run_id, last_slot_at, slot_count)
    select s.shard, s.schedule_id, orchestrator.from_micros(s.slot_at), s.origin, orchestrator.from_micros(s.fire_at),
      orchestrator.from_micros(s.decided_at), s.outcome, s.reason, s.run_id, orchestrator.from_micros(s.last_slot_at),
      s.slot_count
    from json_to_recordset(slots) as s (
      shard integer, schedule_id uuid, slot_at bigint, origin text, fire_at bigint, decided_at bigint, outcome text,
      reason text, run_id uuid, last_slot_at bigint, slot_count integer)
    on conflict (shard, schedule_id, slot_at, origin) do update set
      fire_at = excluded.fire_at, decided_at = excluded.decided_at, outcome = excluded.outcome,
      reason = excluded.reason, run_id = excluded.run_id, last_slot_at = excluded.last_slot_at,
      slot_count = excluded.slot_count;
  end if;
end
$$;
revoke execute on function orchestrator.write_schedules(json, json, json, json) from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select, insert, update, delete on orchestrator.schedules, orchestrator.schedule_slots to orchestrator_engine;
    grant execute on function orchestrator.write_schedules(json, json, json, json) to orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant select on orchestrator.schedules, orchestrator.schedule_slots to orchestrator_reader;
  end if;
end
$$;
