-- Jobs: a run of one step whose rows carry what a workflow run has in its journal.
--
-- Why: a job that goes well costs one insert, one delete and one insert, and no journal row. `queue` is where it waits;
-- `job` is what it was started with beyond the defaults (null: nothing); `job_state` is null until an attempt fails, is
-- counted or is given back, and then holds the last failed attempts and the run's state. Workflow runs have none of them.
-- Locks and cost: adding nullable columns rewrites nothing, and the constraint is not checked against old rows; the function is replaced in the same transaction.
-- Previous release: its batches fail, since it calls commit_batch without the new parameters: stop it first.

alter table orchestrator.open_runs
  add column queue text,
  add column job json,
  add column job_state text,
  add constraint job_has_queue check (kind <> 'job' or queue is not null) not valid;

alter table orchestrator.closed_runs
  add column queue text,
  add column job json,
  add column job_state text;

drop function orchestrator.commit_batch;

create function orchestrator.commit_batch(
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
    select * from unnest(j_shard, j_run_id, j_seq, j_at, j_events);
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
    for rows_of in select c.shard, array_agg(c.run_id) as ids from unnest(c_shard, c_run_id) as c (shard, run_id) group by 1 loop
      delete from orchestrator.open_runs r where r.shard = rows_of.shard and r.run_id = any (rows_of.ids);
    end loop;
    insert into orchestrator.closed_runs as r (
      shard, run_id, closed_day, namespace, kind, workflow, version, key, priority, input, attributes, parent_run_id,
      parent_step, predecessor_run_id, traceparent, created_at, run_at, timeout_seconds, queue, job, state, output,
      error, cause, attempts, started_at, closed_at, dead_letter, successor_run_id, job_state)
    select c.shard, c.run_id, (c.closed_at at time zone 'UTC')::date, c.namespace, c.kind, c.workflow, c.version, c.key,
      c.priority, c.input, c.attributes, c.parent_run_id, c.parent_step, c.predecessor_run_id, c.traceparent, c.created_at,
      c.run_at, c.timeout_seconds, c.queue, c.job, c.state, c.output, c.error, c.cause, c.attempts, c.started_at, c.closed_at,
      c.dead_letter, c.successor_run_id, c.job_state
    from unnest(c_shard, c_run_id, c_namespace, c_kind, c_workflow, c_version, c_key, c_priority, c_input, c_attributes,
      c_parent_run_id, c_parent_step, c_predecessor_run_id, c_traceparent, c_created_at, c_run_at, c_timeout_seconds,
      c_queue, c_job, c_state, c_output, c_error, c_cause, c_attempts, c_started_at, c_closed_at, c_dead_letter,
      c_successor_run_id, c_job_state)
      as c (shard, run_id, namespace, kind, workflow, version, key, priority, input, attributes, parent_run_id,
      parent_step, predecessor_run_id, traceparent, created_at, run_at, timeout_seconds, queue, job, state, output, error,
      cause, attempts, started_at, closed_at, dead_letter, successor_run_id, job_state)
    -- Written again: a dead letter that was discarded, or a run that got a successor.
    on conflict (shard, run_id, closed_day) do update set
      state = excluded.state, output = excluded.output, error = excluded.error, cause = excluded.cause,
      attempts = excluded.attempts, dead_letter = excluded.dead_letter, successor_run_id = excluded.successor_run_id,
      job_state = excluded.job_state;
  end if;

  if o_shard is not null then
    insert into orchestrator.open_runs (
      shard, run_id, namespace, kind, workflow, version, key, priority, input, attributes, parent_run_id, parent_step,
      predecessor_run_id, traceparent, created_at, run_at, timeout_seconds, queue, job, state, wake_at, waiting_on,
      at_rest, attempts, started_at, job_state)
    select * from unnest(o_shard, o_run_id, o_namespace, o_kind, o_workflow, o_version, o_key, o_priority, o_input,
      o_attributes, o_parent_run_id, o_parent_step, o_predecessor_run_id, o_traceparent, o_created_at, o_run_at,
      o_timeout_seconds, o_queue, o_job, o_state, o_wake_at, o_waiting_on, o_at_rest, o_attempts, o_started_at, o_job_state);
  end if;

  if u_shard is not null then
    -- One by one: a join against unnest may be planned the wrong way round and stay so for the life of the plan.
    for i in 1 .. cardinality(u_shard) loop
      update orchestrator.open_runs r
      set state = u_state[i], wake_at = u_wake_at[i], waiting_on = u_waiting_on[i], at_rest = u_at_rest[i],
          attempts = u_attempts[i], started_at = u_started_at[i], job_state = u_job_state[i]
      where r.shard = u_shard[i] and r.run_id = u_run_id[i];
    end loop;
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
    for rows_of in
      select * from json_to_recordset(waits_removed) as w (shard integer, namespace text, key text, run_id uuid, step bigint)
    loop
      delete from orchestrator.signal_waits r
      where r.shard = rows_of.shard and r.namespace = rows_of.namespace and r.key = rows_of.key
        and r.run_id = rows_of.run_id and r.step = rows_of.step;
    end loop;
  end if;

  if outgoing is not null then
    insert into orchestrator.inbox (shard, id, kind, body, created_at)
    select m.shard, m.id, m.kind, m.body::json, orchestrator.from_micros(m.created_at)
    from json_to_recordset(outgoing) as m (shard integer, id uuid, kind text, body text, created_at bigint)
    on conflict (shard, id) do nothing;
  end if;

  -- After the insertions: within one batch a message can be sent and handled.
  if inbox_done is not null then
    for rows_of in
      select d.shard, array_agg(d.id) as ids from json_to_recordset(inbox_done) as d (shard integer, id uuid) group by 1
    loop
      delete from orchestrator.inbox r where r.shard = rows_of.shard and r.id = any (rows_of.ids);
    end loop;
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

revoke execute on function orchestrator.commit_batch from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant execute on function orchestrator.commit_batch to orchestrator_engine;
  end if;
end
$$;
