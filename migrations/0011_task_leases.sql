-- task_leases: which remote worker has which task, and until when.
--
-- Why: a lease outlives the node that gave it. A worker's token is honoured by the next owner until it expires, and what
-- an attempt said in its heartbeats reaches the next one. Only leases that are older than a few seconds, or renewed, are
-- written: a short task costs nothing here.
-- A function beside commit_batch, called in the same statement: batches without leases, nearly all, pay nothing.
-- Locks and cost: creates only. Previous release: hands such tasks to nobody and does not look.

create table orchestrator.task_leases (
  shard integer not null,
  run_id uuid not null,
  step bigint not null,
  attempt integer not null,
  inquiry boolean not null,
  -- Null: nobody has the task, the details wait for the next attempt.
  worker text,
  -- The worker's token without its seal.
  hand_out bigint not null,
  length_us bigint not null check (length_us > 0),
  begun_at timestamptz not null,
  expires_at timestamptz not null,
  heartbeat_details json,
  primary key (shard, run_id, step),
  check (worker is not null or heartbeat_details is not null)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, vacuum_truncate = off);

-- The rows of one batch, in its transaction and behind its fence: when that did not hold, nothing is written.
create function orchestrator.write_task_leases(leases json, lost integer[]) returns void
  language plpgsql as $$
declare
  gone record;
begin
  if lost is not null then
    return;
  end if;

  insert into orchestrator.task_leases as r (
    shard, run_id, step, attempt, inquiry, worker, hand_out, length_us, begun_at, expires_at, heartbeat_details)
  select l.shard, l.run_id, l.step, l.attempt, l.inquiry, l.worker, l.hand_out, l.length_us,
    orchestrator.from_micros(l.begun_at), orchestrator.from_micros(l.expires_at), l.heartbeat_details::json
  from json_to_recordset(leases) as l (
    shard integer, run_id uuid, step bigint, attempt integer, inquiry boolean, worker text, hand_out bigint,
    length_us bigint, begun_at bigint, expires_at bigint, heartbeat_details text, is_over boolean)
  where not l.is_over
  on conflict (shard, run_id, step) do update set
    attempt = excluded.attempt, inquiry = excluded.inquiry, worker = excluded.worker, hand_out = excluded.hand_out,
    length_us = excluded.length_us, begun_at = excluded.begun_at, expires_at = excluded.expires_at,
    heartbeat_details = excluded.heartbeat_details;

  -- One by one: a join against the set may be planned the wrong way round and stay so for the life of the plan.
  for gone in
    select * from json_to_recordset(leases) as l (shard integer, run_id uuid, step bigint, is_over boolean)
    where l.is_over
  loop
    delete from orchestrator.task_leases r
    where r.shard = gone.shard and r.run_id = gone.run_id and r.step = gone.step;
  end loop;
end
$$;

revoke execute on function orchestrator.write_task_leases(json, integer[]) from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select, insert, update, delete on orchestrator.task_leases to orchestrator_engine;
    grant execute on function orchestrator.write_task_leases(json, integer[]) to orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant select on orchestrator.task_leases to orchestrator_reader;
  end if;
end
$$;
