-- name: load_open_runs
-- All that rebuilds them, in one statement and so in one snapshot, and whether signals wait that were sent to them by id.
-- Index: open_runs_pkey, checkpoints_pkey, the journal's primary key, signals_pending_run; one probe each per run, "limit 1"
-- keeps the planner from turning that into a join.
select q.place, r.shard, r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, r.input, r.attributes, r.parent_run_id,
  r.parent_step, r.predecessor_run_id, r.traceparent, orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  r.timeout_seconds, r.queue, r.job,
  r.state, orchestrator.to_micros(r.wake_at), r.waiting_on, r.at_rest, r.attempts, orchestrator.to_micros(r.started_at),
  r.job_state, c.next_event_id, c.state,
  (select json_agg(json_build_array(j.seq, orchestrator.to_micros(j.at), j.events) order by j.seq)
   from orchestrator.journal j
   where j.shard = q.shard and j.run_id = q.run_id and j.seq >= coalesce(c.next_event_id, 0)),
  exists (
    select from orchestrator.signals s
    where s.shard = q.shard and s.addressed_run_id = q.run_id and s.fate = 'buffered')
from unnest($1::int[], $2::uuid[]) with ordinality as q (shard, run_id, place)
cross join lateral (select * from orchestrator.open_runs o where o.shard = q.shard and o.run_id = q.run_id limit 1) r
left join lateral (select * from orchestrator.checkpoints k where k.shard = q.shard and k.run_id = q.run_id limit 1) c on true

-- name: load_closed_runs
-- Index: primary keys of the closed_runs partitions since the day of acceptance, and of checkpoints.
select q.place, r.shard, r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, r.input, r.attributes, r.parent_run_id,
  r.parent_step, r.predecessor_run_id, r.traceparent, orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  r.timeout_seconds, r.queue, r.job,
  r.state, r.output, r.error, r.cause, r.attempts, orchestrator.to_micros(r.started_at), orchestrator.to_micros(r.closed_at),
  r.dead_letter, r.successor_run_id, r.job_state,
  c.next_event_id, c.state
from unnest($1::int[], $2::uuid[], $3::bigint[]) with ordinality as q (shard, run_id, accepted, place)
cross join lateral (
  select * from orchestrator.closed_runs o
  where o.shard = q.shard and o.run_id = q.run_id
    and o.closed_day >= (orchestrator.from_micros(q.accepted) at time zone 'UTC')::date
  order by o.closed_day desc limit 1) r
left join lateral (select * from orchestrator.checkpoints k where k.shard = q.shard and k.run_id = q.run_id limit 1) c on true

-- name: load_journals
-- Index: primary key of the journal partition of each run; the checkpoint already holds what is older.
select q.place, r.seq, orchestrator.to_micros(r.at), r.events
from unnest($1::int[], $2::uuid[], $3::bigint[]) with ordinality as q (shard, run_id, first_seq, place)
cross join lateral (
  select j.seq, j.at, j.events from orchestrator.journal j
  where j.shard = q.shard and j.run_id = q.run_id and j.seq >= q.first_seq
  order by j.seq offset 0) r
order by q.place, r.seq

-- name: recover_runs
-- Everything of a shard that is not at rest. Index: open_runs_moving, checkpoints_pkey.
select 0, r.shard, r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, r.input, r.attributes, r.parent_run_id,
  r.parent_step, r.predecessor_run_id, r.traceparent, orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  r.timeout_seconds, r.queue, r.job,
  r.state, orchestrator.to_micros(r.wake_at), r.waiting_on, r.at_rest, r.attempts, orchestrator.to_micros(r.started_at),
  r.job_state, c.next_event_id, c.state
from (select * from orchestrator.open_runs o where o.shard = $1 and not o.at_rest offset 0) r
left join lateral (select * from orchestrator.checkpoints k where k.shard = r.shard and k.run_id = r.run_id limit 1) c on true
order by r.run_id

-- name: due_runs
-- Index: open_runs_wake, one range per shard.
select d.run_id, orchestrator.to_micros(d.wake_at)
from unnest($1::int[]) as q (shard)
cross join lateral (
  select o.run_id, o.wake_at from orchestrator.open_runs o
  where o.shard = q.shard and o.wake_at < orchestrator.from_micros($2)
  order by o.wake_at limit $3) d
order by d.wake_at, d.run_id
limit $3

-- name: find_run_keys
-- Index: open_runs_key; closed_runs_key, only where asked for: a run that gave way to the key's holder never had it.
select q.place, open.run_id, closed.run_id, coalesce(open.state, closed.state, 'ready')
from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::timestamptz[]) with ordinality
  as q (shard, namespace, workflow, key, with_closed, closed_since, place)
left join lateral (
  select o.run_id, o.state from orchestrator.open_runs o
  where o.shard = q.shard and o.namespace = q.namespace and o.workflow = q.workflow and o.key = q.key limit 1) open on true
left join lateral (
  select o.run_id, o.state from orchestrator.closed_runs o
  where q.with_closed and o.shard = q.shard and o.namespace = q.namespace and o.workflow = q.workflow and o.key = q.key
    and (q.closed_since is null or o.closed_at >= q.closed_since)
    and o.error is distinct from 'RunKeyConflict'
  order by o.closed_at desc, o.run_id desc limit 1) closed on true

-- name: find_run
-- Index: open_runs_pkey, then the closed_runs partitions since the day of acceptance, then inbox_pkey for a run that SQL
-- promised. One statement, so that a run that is just moving from one table to the other is seen in exactly one.
select r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, r.input, r.attributes, r.parent_run_id,
  r.parent_step, r.predecessor_run_id, r.traceparent, orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  r.timeout_seconds, r.queue, r.job,
  r.state, r.waiting_on, null::json, null::text, null::text, r.attempts,
  case when r.kind = 'workflow' or r.job_state is not null then orchestrator.to_micros(r.started_at) end, null::bigint,
  orchestrator.to_micros(r.wake_at), 'none', null::uuid, r.job_state, null::text
from orchestrator.open_runs r
where r.shard = $1 and r.run_id = $2
union all
select r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, r.input, r.attributes, r.parent_run_id,
  r.parent_step, r.predecessor_run_id, r.traceparent, orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  r.timeout_seconds, r.queue, r.job,
  r.state, '[]', r.output, r.error, r.cause, r.attempts, orchestrator.to_micros(r.started_at),
  orchestrator.to_micros(r.closed_at), null, r.dead_letter, r.successor_run_id, r.job_state, r.discarded::text
from orchestrator.closed_runs r
where r.shard = $1 and r.run_id = $2 and r.closed_day >= (orchestrator.from_micros($3) at time zone 'UTC')::date
union all
select r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, r.input, r.attributes, null::uuid,
  0, null::uuid, '', orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  null, r.queue, r.job,
  r.state, r.waiting_on, null, null, null, 0, null, null,
  orchestrator.to_micros(r.run_at), 'none', null, null, null
from orchestrator.promised_runs r
where r.shard = $1 and r.message_id in ($2, orchestrator.batch_of($2)) and r.run_id = $2

-- name: read_journal
-- Index: primary key of the run's journal partition.
select j.seq, orchestrator.to_micros(j.at), j.events
from orchestrator.journal j
where j.shard = $1 and j.run_id = $2 and j.seq >= $3
order by j.seq limit $4
