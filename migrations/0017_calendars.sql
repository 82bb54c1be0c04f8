-- Calendars: days without slots that many schedules of a namespace share. And `on_closed` for start_run.
--
-- Why calendars: holidays change once a year, schedules that keep them are many. A schedule has a copy of its calendar's
-- days in its settings, so that its owner needs nothing but its own rows; changing a calendar changes those copies, through
-- the owners. Why `on_closed`: a caller who repeats its transaction may ask for a run that has ended meanwhile.
-- Locks and cost: one small table; a column without a default and an index that holds nothing yet, which block writes of
-- schedules while all are read once (some 100 000 a second); two functions are replaced. Previous release: does not look here and keeps working with the days that its
-- schedules have; calls of start_run with nine arguments mean what they meant.

create table orchestrator.calendars (
  namespace text not null check (namespace ~ '^[A-Za-z0-9._:-]{1,128}$'),
  name text not null check (name ~ '^[A-Za-z0-9._:-]{1,128}$'),
  days json not null check (json_typeof(days) = 'object'),
  created_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  primary key (namespace, name)
);

-- Who uses a calendar. A column, because settings may hold an escaped zero character, at which json operators fail.
alter table orchestrator.schedules add column calendar text;
create index schedules_calendar on orchestrator.schedules (namespace, calendar, schedule_id) where calendar is not null;

-- As in 0012, with that column.
create or replace function orchestrator.write_schedules(removed json, put json, moved json, slots json) returns void
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
      created_at, updated_at, calendar)
    select p.shard, p.namespace, p.name, p.schedule_id, p.settings::json, orchestrator.from_micros(p.decided_until),
      orchestrator.from_micros(p.next_fire_at), orchestrator.from_micros(p.paused_at), p.last_run_id, p.open_runs,
      orchestrator.from_micros(p.created_at), orchestrator.from_micros(p.updated_at), p.calendar
    from json_to_recordset(put) as p (
      shard integer, namespace text, name text, schedule_id uuid, settings text, decided_until bigint,
      next_fire_at bigint, paused_at bigint, last_run_id uuid, open_runs uuid[], created_at bigint, updated_at bigint,
      calendar text)
    on conflict (shard, namespace, name) do update set
      schedule_id = excluded.schedule_id, settings = excluded.settings, decided_until = excluded.decided_until,
      next_fire_at = excluded.next_fire_at, paused_at = excluded.paused_at, last_run_id = excluded.last_run_id,
      open_runs = excluded.open_runs, created_at = excluded.created_at, updated_at = excluded.updated_at,
      calendar = excluded.calendar;
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

drop function orchestrator.start_run(text, text, jsonb, text, timestamptz, integer, integer, jsonb, text);

-- Starts a run of the newest version (or of `version`) when the caller commits, and answers its id. `on_conflict` says
-- what an open run with the same key means: reject and return_existing end this run as cancelled with the error
-- RunKeyConflict and successor_run_id naming the open one; cancel_existing ends the other. `on_closed` says what a closed run
-- with that key means, as long as it is kept: with return_existing and reject this run ends in the same way.
create function orchestrator.start_run(
  namespace text, workflow text, input jsonb default 'null', key text default null, run_at timestamptz default null,
  version integer default null, priority integer default 0, attributes jsonb default '{}',
  on_conflict text default 'reject', on_closed text default 'allow')
  returns uuid
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  pinned integer;
  conflict integer := array_position(array['reject', 'return_existing', 'cancel_existing'], on_conflict) - 1;
  closed integer := array_position(array['allow', 'return_existing', 'reject'], on_closed) - 1;
  home integer;
  run_id uuid;
  input_text text := orchestrator.payload_text('input', input);
begin
  perform orchestrator.check_namespace(namespace);
  perform orchestrator.check_name('workflow', workflow);
  perform orchestrator.check_key('key', key);
  perform orchestrator.check_run_at(run_at);
  perform orchestrator.check_priority(priority);
  perform orchestrator.check_attributes(attributes);
  if conflict is null then
    raise exception 'on_conflict must be reject, return_existing or cancel_existing' using errcode = '22023';
  end if;
  if closed is null then
    raise exception 'on_closed must be allow, return_existing or reject' using errcode = '22023';
  end if;
  -- Index: definitions_pkey, backwards for the newest.
  select d.version into pinned from orchestrator.definitions d
  where d.namespace = start_run.namespace and d.name = start_run.workflow
    and (start_run.version is null or d.version = start_run.version)
  order by d.version desc limit 1;
  if pinned is null then
    raise exception 'namespace "%" has no workflow "%"%', namespace, workflow, coalesce(' of version ' || version, '')
      using errcode = 'P0002';
  end if;
  home := case when key is null then orchestrator.any_shard() else orchestrator.shard_for_key(namespace, key) end;
  run_id := orchestrator.new_id(home);
  -- The message has the run's id, so that reads find it by its primary key.
  perform orchestrator.leave_message(home, run_id, 'start',
    '{"promised":true,"request":'
      || left(jsonb_strip_nulls(jsonb_build_object(
           'namespace', namespace, 'workflow', workflow, 'version', pinned, 'key', key, 'on_conflict', conflict,
           'on_closed', nullif(closed, 0),
           'priority', priority, 'run_at_us', orchestrator.to_micros(run_at), 'id', run_id,
           'attributes', nullif(nullif(attributes, '{}'), 'null')))::text, -1)
      || ',"input":' || input_text || '}}');
  return run_id;
end
$$;

revoke execute on function
  orchestrator.start_run(text, text, jsonb, text, timestamptz, integer, integer, jsonb, text, text) from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select, insert, update, delete on orchestrator.calendars to orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant select on orchestrator.calendars to orchestrator_reader;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_client') then
    grant execute on function
      orchestrator.start_run(text, text, jsonb, text, timestamptz, integer, integer, jsonb, text, text)
      to orchestrator_client;
  end if;
end
$$;
