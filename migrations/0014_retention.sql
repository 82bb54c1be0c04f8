-- How finished work leaves the database, and what became of dead letters that somebody discarded.
--
-- Why: days of closed runs and weeks of journal go as whole partitions, which costs nothing per row and leaves no dead
-- rows; what must stay (dead letters nobody dealt with, runs that are still retained or open) is copied to the default
-- partition in the same transaction, so that no reader misses it. `detach concurrently` is not to be had beside a default
-- partition, and a gap between detaching and copying would hide a dead letter: so it is a plain detach under the caller's
-- lock_timeout, which a busy moment refuses and the caller tries again.
-- Locks and cost: adds a nullable column and an index on idempotency, whose writes wait while it is built (about a second
-- per million keys). drop_* take an exclusive lock on the parent for milliseconds. Previous release: keeps working, and
-- keeps everything.

alter table orchestrator.closed_runs add column discarded json;

create index idempotency_age on orchestrator.idempotency (created_at);

create function orchestrator.shard_of(id uuid) returns integer
  language sql immutable parallel safe
  return (get_byte(uuid_send(id), 6) & 15) << 12 | get_byte(uuid_send(id), 7) << 4 | (get_byte(uuid_send(id), 8) >> 2 & 15);

-- Partitions of one of our two partitioned tables, oldest first, without the default one.
create function orchestrator.partitions_of(parent text)
  returns table (partition text, low text, high text)
  language sql stable
begin atomic
  select c.relname::text, b.bound[1], b.bound[2]
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  cross join lateral regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') b (bound)
  where i.inhparent = format('orchestrator.%I', parent)::regclass and b.bound is not null
  order by b.bound[1];
end;

-- Drops one day of closed runs that ended before `before`. Its open dead letters move to the default partition; more than
-- `most_moved` of them keep the day where it is. Answers how many moved, or null when the day is kept.
create function orchestrator.drop_closed_day(day_partition text, before date, most_moved integer) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  moved bigint;
begin
  if not exists (select from orchestrator.partitions_of('closed_runs') p
                 where p.partition = day_partition and p.high::date <= before) then
    raise exception 'no day of closed runs before % is named %', before, day_partition using errcode = '22023';
  end if;
  execute format('select count(*) from (select from orchestrator.%I where dead_letter = ''open'' limit %s) d',
                 day_partition, most_moved + 1) into moved;
  if moved > most_moved then
    return null;
  end if;
  execute format('alter table orchestrator.closed_runs detach partition orchestrator.%I', day_partition);
  execute format('insert into orchestrator.closed_runs select * from orchestrator.%I where dead_letter = ''open''',
                 day_partition);
  get diagnostics moved = row_count;
  execute format('drop table orchestrator.%I', day_partition);
  return moved;
end
$$;

-- Whether anything still tells of a run: it is open, or retained as closed. Index: primary keys.
create function orchestrator.is_known_run(run_id uuid) returns boolean
  language sql stable
  return exists (select from orchestrator.open_runs o
                 where o.shard = orchestrator.shard_of($1) and o.run_id = $1)
      or exists (select from orchestrator.closed_runs c
                 where c.shard = orchestrator.shard_of($1) and c.run_id = $1);

-- Drops one week of the journal that ended before `before`, if at most `most_kept` of the runs that began in it are open
-- or retained: their rows move to the default partition. Answers how many runs were kept, or null when the week is.
create function orchestrator.drop_journal_week(week_partition text, before timestamptz, most_kept integer) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  first_id uuid;
  end_id uuid;
  kept uuid[];
  kept_id uuid;
begin
  select p.low::uuid, p.high::uuid into first_id, end_id from orchestrator.partitions_of('journal') p
  where p.partition = week_partition and p.high::uuid <= orchestrator.lowest_uuid(before);
  if first_id is null then
    raise exception 'no week of the journal before % is named %', before, week_partition using errcode = '22023';
  end if;
  -- Index: primary keys, one range per shard.
  kept := array(
    select r.run_id from generate_series(0, (select s.shard_count - 1 from orchestrator.settings s)) as q (shard)
    cross join lateral (
      (select o.run_id from orchestrator.open_runs o
       where o.shard = q.shard and o.run_id >= first_id and o.run_id < end_id limit most_kept + 1)
      union all
      (select c.run_id from orchestrator.closed_runs c
       where c.shard = q.shard and c.run_id >= first_id and c.run_id < end_id and c.kind = 'workflow'
       limit most_kept + 1)) r
    limit most_kept + 1);
  if cardinality(kept) > most_kept then
    return null;
  end if;
  execute format('alter table orchestrator.journal detach partition orchestrator.%I', week_partition);
  foreach kept_id in array kept loop
    execute format('insert into orchestrator.journal select * from orchestrator.%I where shard = $1 and run_id = $2',
                   week_partition) using orchestrator.shard_of(kept_id), kept_id;
  end loop;
  execute format('drop table orchestrator.%I', week_partition);
  return cardinality(kept);
end
$$;

revoke execute on function
  orchestrator.shard_of(uuid), orchestrator.partitions_of(text), orchestrator.drop_closed_day(text, date, integer),
  orchestrator.is_known_run(uuid), orchestrator.drop_journal_week(text, timestamptz, integer)
  from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant execute on function
      orchestrator.shard_of(uuid), orchestrator.partitions_of(text), orchestrator.drop_closed_day(text, date, integer),
      orchestrator.is_known_run(uuid), orchestrator.drop_journal_week(text, timestamptz, integer)
      to orchestrator_engine;
  end if;
end
$$;
