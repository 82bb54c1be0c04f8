-- commit_batch again, cheaper for the small batches of single calls, and an index to match.
--
-- Why: what one flush costs before it has written a row is most of what a single start or signal costs.
-- * Set-returning functions in the select list read arrays side by side in one node; the same arrays in FROM are one
--   function scan each: 16 us instead of 75 us for one row of 23 columns, and no dearer for a thousand.
-- * Rows to delete or update are found one by one through their index (a lateral "limit 1", which is never planned as a
--   join over the table) and then reached by their place, in one statement instead of one per row or per shard. Nobody
--   else changes them meanwhile: they belong to shards whose fence this transaction holds.
-- * A closed run is inserted and never overwritten: a second closing collides.
-- * open_runs_moving held thousands of equal keys per shard; with the run's id behind it each insert has one place.
-- Locks and cost: replaces a function and a small index, the index under a lock that writers wait for. Previous release:
-- keeps working.

drop index orchestrator.open_runs_moving;
create index open_runs_moving on orchestrator.open_runs (shard, run_id) where not at_rest;

create or replace function orchestrator.commit_batch(
  -- the fence: every shard that has rows below, each once
  lease_shards integer[],
  lease_epochs bigint[],
  -- journal
  j_shard integer[], j_run_id uuid[], j_seq bigint[], j_at timestamptz[], j_events text[],
  -- opened: the columns of open_runs
  o_shard integer[], o_run_id uuid[], o_namespace text[], o_kind text[], o_workflow text[], o_version integer[],
  o_key text[], o_priority integer[], o_input json[], o_attributes jsonb[], o_parent_run_id uuid[],
  o_parent_step bigint[], o_predecessor_run_id uuid[], o_traceparent text[], o_created_at timestamptz[],
  o_run_at timestamptz[], o_timeout_seconds bigint[], o_queue text[], o_job json[], o_state text[],
  o_wake_at timestamptz[], o_waiting_on json[], o_at_rest boolean[], o_attempts integer[], o_started_at timestamptz[],
  o_job_state text[],
  -- updated: progress of open runs
  u_shard integer[], u_run_id uuid[], u_state text[], u_wake_at timestamptz[], u_waiting_on json[], u_at_rest boolean[],
  u_attempts integer[], u_started_at timestamptz[], u_job_state text[],
  -- closed: the columns of closed_runs, without closed_day
  c_shard integer[], c_run_id uuid[], c_namespace text[], c_kind text[], c_workflow text[], c_version integer[],
  c_key text[], c_priority integer[], c_input json[], c_attributes jsonb[], c_parent_run_id uuid[],
  c_parent_step bigint[], c_predecessor_run_id uuid[], c_traceparent text[], c_created_at timestamptz[],
  c_run_at timestamptz[], c_timeout_seconds bigint[], c_queue text[], c_job json[], c_state text[], c_output json[], c_error text[], c_cause text[],
  c_attempts integer[], c_started_at timestamptz[], c_closed_at timestamptz[], c_dead_letter text[],
  c_successor_run_id uuid[], c_job_state text[],
  -- the rarer tables
  revived json, checkpoints json, signals json, waits_added json, waits_removed json, outgoing json, inbox_done json,
  idempotency json,
  -- the proof: shards without a journal row in this batch; null when there is none
  batch_id uuid, unproven_shards integer[],
  out database_now bigint, out lost integer[])
  language plpgsql as $$
declare
  held record;
  held_count integer := 0;
  rows_of record;
begin
  -- Waits for a take-over in flight and then sees its epoch. Ordered, so that two transactions never wait in a ring.
  for held in
    select o.shard, o.epoch from orchestrator.shard_owner o where o.shard = any (lease_shards) order by o.shard for key share
  loop
    if held.epoch = lease_epochs[array_position(lease_shards, held.shard)] then
      held_count := held_count + 1;
    else
      lost := lost || held.shard;
    end if;
  end loop;
  if held_count < cardinality(lease_shards) then
    -- Also names shards that have no row at all: a batch for them is as stale as any.
    lost := lost || array(select l.shard from unnest(lease_shards) as l (shard)
                          where not exists (select from orchestrator.shard_owner o where o.shard = l.shard));
    database_now := orchestrator.to_micros(clock_timestamp());
    return;
  end if;

  if j_shard is not null then
    insert into orchestrator.journal (shard, run_id, seq, at, events)
    select unnest(j_shard), unnest(j_run_id), unnest(j_seq), unnest(j_at), unnest(j_events);
  end if;

  if revived is not null then
    -- Before the closed rows: a run can be revived and end again in one batch. It closed on the day it was accepted or
    -- later: older partitions are not looked at.
    for rows_of in select * from json_to_recordset(revived) as v (shard integer, run_id uuid, first_day date) loop
      delete from orchestrator.closed_runs r
      where r.shard = rows_of.shard and r.run_id = rows_of.run_id and r.closed_day >= rows_of.first_day;
    end loop;
  end if;

  -- Before the new open rows: a run that is replaced by another one under its key ends here.
  if c_shard is not null then
    delete from orchestrator.open_runs r where r.ctid = any (array(
      select o.ctid from (select unnest(c_shard) as shard, unnest(c_run_id) as run_id) c
      cross join lateral (
        select o.ctid from orchestrator.open_runs o where o.shard = c.shard and o.run_id = c.run_id limit 1) o));
    insert into orchestrator.closed_runs (
      shard, run_id, closed_day, namespace, kind, workflow, version, key, priority, input, attributes, parent_run_id,
      parent_step, predecessor_run_id, traceparent, created_at, run_at, timeout_seconds, queue, job, state, output,
      error, cause, attempts, started_at, closed_at, dead_letter, successor_run_id, job_state)
    select unnest(c_shard), unnest(c_run_id), (unnest(c_closed_at) at time zone 'UTC')::date, unnest(c_namespace),
      unnest(c_kind), unnest(c_workflow), unnest(c_version), unnest(c_key), unnest(c_priority), unnest(c_input),
      unnest(c_attributes), unnest(c_parent_run_id), unnest(c_parent_step), unnest(c_predecessor_run_id),
      unnest(c_traceparent), unnest(c_created_at), unnest(c_run_at), unnest(c_timeout_seconds), unnest(c_queue),
      unnest(c_job), unnest(c_state), unnest(c_output), unnest(c_error), unnest(c_cause), unnest(c_attempts),
      unnest(c_started_at), unnest(c_closed_at), unnest(c_dead_letter), unnest(c_successor_run_id), unnest(c_job_state);
  end if;

  if o_shard is not null then
    insert into orchestrator.open_runs (
      shard, run_id, namespace, kind, workflow, version, key, priority, input, attributes, parent_run_id, parent_step,
      predecessor_run_id, traceparent, created_at, run_at, timeout_seconds, queue, job, state, wake_at, waiting_on,
      at_rest, attempts, started_at, job_state)
    select unnest(o_shard), unnest(o_run_id), unnest(o_namespace), unnest(o_kind), unnest(o_workflow),
      unnest(o_version), unnest(o_key), unnest(o_priority), unnest(o_input), unnest(o_attributes),
      unnest(o_parent_run_id), unnest(o_parent_step), unnest(o_predecessor_run_id), unnest(o_traceparent),
      unnest(o_created_at), unnest(o_run_at), unnest(o_timeout_seconds), unnest(o_queue), unnest(o_job),
      unnest(o_state), unnest(o_wake_at), unnest(o_waiting_on), unnest(o_at_rest), unnest(o_attempts),
      unnest(o_started_at), unnest(o_job_state);
  end if;

  if u_shard is not null then
    update orchestrator.open_runs r
    set state = u.state, wake_at = u.wake_at, waiting_on = u.waiting_on, at_rest = u.at_rest, attempts = u.attempts,
        started_at = u.started_at, job_state = u.job_state
    from (
      select o.ctid as place, c.*
      from (select unnest(u_shard) as shard, unnest(u_run_id) as run_id, unnest(u_state) as state,
              unnest(u_wake_at) as wake_at, unnest(u_waiting_on) as waiting_on, unnest(u_at_rest) as at_rest,
              unnest(u_attempts) as attempts, unnest(u_started_at) as started_at, unnest(u_job_state) as job_state) c
      cross join lateral (
        select o.ctid from orchestrator.open_runs o where o.shard = c.shard and o.run_id = c.run_id limit 1) o
      offset 0) u
    where r.ctid = u.place;
  end if;

  if checkpoints is not null then
    insert into orchestrator.checkpoints as r (shard, run_id, next_event_id, state)
    select * from json_to_recordset(checkpoints) as c (shard integer, run_id uuid, next_event_id bigint, state text)
    on conflict (shard, run_id) do update set next_event_id = excluded.next_event_id, state = excluded.state;
  end if;

  if signals is not null then
    insert into orchestrator.signals as r (
      shard, signal_id, namespace, name, key, addressed_run_id, id, payload, fate, reason, was_expected, run_id, step,
      state_name, received_at, settled_at, expires_at)
    select s.shard, s.signal_id, s.namespace, s.name, s.key, s.addressed_run_id, s.id, s.payload::json, s.fate, s.reason,
      s.was_expected, s.run_id, s.step, s.state_name, orchestrator.from_micros(s.received_at),
      orchestrator.from_micros(s.settled_at), orchestrator.from_micros(s.expires_at)
    from json_to_recordset(signals) as s (
      shard integer, signal_id uuid, namespace text, name text, key text, addressed_run_id uuid, id text, payload text,
      fate text, reason text, was_expected boolean, run_id uuid, step bigint, state_name text, received_at bigint,
      settled_at bigint, expires_at bigint)
    on conflict (shard, signal_id) do update set
      fate = excluded.fate, reason = excluded.reason, was_expected = excluded.was_expected, run_id = excluded.run_id,
      step = excluded.step, state_name = excluded.state_name, settled_at = excluded.settled_at,
      expires_at = excluded.expires_at;
  end if;

  if waits_added is not null then
    insert into orchestrator.signal_waits as r (shard, namespace, key, run_id, step, names, state_name, since)
    select w.shard, w.namespace, w.key, w.run_id, w.step, w.names, w.state_name, orchestrator.from_micros(w.since)
    from json_to_recordset(waits_added) as w (
      shard integer, namespace text, key text, run_id uuid, step bigint, names text[], state_name text, since bigint)
    on conflict (shard, namespace, key, run_id, step) do update set
      names = excluded.names, state_name = excluded.state_name, since = excluded.since;
  end if;

  -- After the additions: within one batch a wait can be opened and met.
  if waits_removed is not null then
    delete from orchestrator.signal_waits r where r.ctid = any (array(
      select w.ctid
      from json_to_recordset(waits_removed) as c (shard integer, namespace text, key text, run_id uuid, step bigint)
      cross join lateral (
        select w.ctid from orchestrator.signal_waits w
        where w.shard = c.shard and w.namespace = c.namespace and w.key = c.key and w.run_id = c.run_id
          and w.step = c.step limit 1) w));
  end if;

  if outgoing is not null then
    insert into orchestrator.inbox (shard, id, kind, body, created_at)
    select m.shard, m.id, m.kind, m.body::json, orchestrator.from_micros(m.created_at)
    from json_to_recordset(outgoing) as m (shard integer, id uuid, kind text, body text, created_at bigint)
    on conflict (shard, id) do nothing;
  end if;

  -- After the insertions: within one batch a message can be sent and handled.
  if inbox_done is not null then
    delete from orchestrator.inbox r where r.ctid = any (array(
      select m.ctid from json_to_recordset(inbox_done) as c (shard integer, id uuid)
      cross join lateral (select m.ctid from orchestrator.inbox m where m.shard = c.shard and m.id = c.id limit 1) m));
  end if;

  if idempotency is not null then
    insert into orchestrator.idempotency as r (
      shard, namespace, scope, key, body_hash, reserved_id, status, answer, created_at)
    select i.shard, i.namespace, i.scope, i.key, i.body_hash, i.reserved_id, i.status, i.answer,
      orchestrator.from_micros(i.created_at)
    from json_to_recordset(idempotency) as i (
      shard integer, namespace text, scope text, key text, body_hash text, reserved_id text, status integer, answer text,
      created_at bigint)
    on conflict (shard, namespace, scope, key) do update set
      body_hash = excluded.body_hash, reserved_id = excluded.reserved_id, status = excluded.status,
      answer = excluded.answer, created_at = excluded.created_at;
  end if;

  if unproven_shards is not null then
    insert into orchestrator.batch_proofs (shard, batch_id, shards) values (unproven_shards[1], batch_id, unproven_shards);
  end if;

  database_now := orchestrator.to_micros(clock_timestamp());
end
$$;
