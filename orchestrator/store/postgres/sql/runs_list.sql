-- name: find_run_horizon
-- How far back one page looks: the newest run id that $10 open runs or messages of one shard, or $9 closed runs, lie before
-- the cursor; null when there are not so many. Counted are the rows that list_runs has to look at with these values.
-- Index: as list_runs, mostly without the tables. No locks.
select h.run_id from (
  (select o.run_id
  from generate_series(0, (select shard_count - 1 from orchestrator.settings)) as s (shard)
  cross join lateral (
    select r.run_id from orchestrator.open_runs r
    where r.shard = s.shard and ($2::uuid is null or r.run_id < $2)
      and ($7::bigint is null or r.run_id < orchestrator.lowest_uuid(greatest(orchestrator.from_micros($7) + interval '1 minute', 'epoch')))
      and ($6::bigint is null or r.run_id >= orchestrator.lowest_uuid(greatest(orchestrator.from_micros($6) - interval '1 minute', 'epoch')))
      and ($3::text[] is null or $3 && '{ready,running,waiting,paused}') and $4::text is null and not $8::bool
      and ($5::text is distinct from 'decision' or r.waiting_on::text like '%"decision"%')
    order by r.run_id desc offset $10 limit 1) o)
  union all
  (select r.run_id from orchestrator.closed_runs r
  where r.namespace = $1 and ($2::uuid is null or r.run_id < $2)
    and ($7::bigint is null or r.run_id < orchestrator.lowest_uuid(greatest(orchestrator.from_micros($7) + interval '1 minute', 'epoch')))
    and ($6::bigint is null or r.run_id >= orchestrator.lowest_uuid(greatest(orchestrator.from_micros($6) - interval '1 minute', 'epoch')))
    and ($3::text[] is null or $3 && '{succeeded,failed,cancelled,timed_out}') and $5::text is null
    and (('succeeded' = any ($3) or $3::text[] is null) and $4::text is null or r.state <> 'succeeded')
    and (not $8::bool or r.dead_letter = 'open')
  order by r.run_id desc offset $9 limit 1)
  union all
  (select m.id
  from generate_series(0, (select shard_count - 1 from orchestrator.settings)) as s (shard)
  cross join lateral (
    select i.id from orchestrator.inbox i
    where i.shard = s.shard and ($2::uuid is null or i.id <= $2)
    order by i.id desc offset $10 limit 1) m)) h
order by h.run_id desc
limit 1

-- name: list_runs
-- Newest first: run ids begin with the moment of acceptance; not before $16, the horizon. Planned for these values: what
-- they rule out is left away. Index: open_runs_pkey (or open_runs_decisions) backwards, the first page of each shard;
-- closed_runs_list (or closed_runs_unlucky, or closed_runs_dead_letter) backwards, partitions merged; inbox_pkey backwards
-- for promised ones. One statement, so that a run that is just moving is seen in exactly one place. No locks.
(select r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, null::json, r.attributes, r.parent_run_id,
  r.parent_step, r.predecessor_run_id, r.traceparent, orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  r.timeout_seconds, r.queue, r.job,
  r.state, r.waiting_on, null::json, null::text, null::text, r.attempts,
  case when r.kind = 'workflow' or r.job_state is not null then orchestrator.to_micros(r.started_at) end, null::bigint,
  orchestrator.to_micros(r.wake_at), 'none', null::uuid, null::text, null::text
from generate_series(0, (select shard_count - 1 from orchestrator.settings)) as s (shard)
cross join lateral (
  select * from orchestrator.open_runs r
  where r.shard = s.shard and r.namespace = $1 and ($3::uuid is null or r.run_id < $3)
    and ($16::uuid is null or r.run_id >= $16)
    and ($10::bigint is null or r.run_id >= orchestrator.lowest_uuid(greatest(orchestrator.from_micros($10) - interval '1 minute', 'epoch')))
    and ($11::bigint is null or r.run_id < orchestrator.lowest_uuid(greatest(orchestrator.from_micros($11) + interval '1 minute', 'epoch')))
    and ($4::text[] is null or $4 && '{ready,running,waiting,paused}')
    and ($4::text[] is null or r.state = any ($4))
    and ($8::text is distinct from 'decision' or r.waiting_on::text like '%"decision"%')
    and ($5::text is null or r.workflow = $5)
    and ($6::int is null or r.version = $6)
    and ($9::jsonb is null or r.attributes @> $9)
    and ($10::bigint is null or r.created_at > orchestrator.from_micros($10))
    and ($11::bigint is null or r.created_at < orchestrator.from_micros($11))
    and ($12::text is null or starts_with(r.run_id::text, $12) or starts_with(r.key, $12) or starts_with(r.workflow, $12))
    and $7::text is null and not $13::bool
    and ($8::text is null
         or exists (select from json_array_elements(r.waiting_on) w where w ->> 'kind' = $8))
    and ($14::text is null or r.queue = $14
         or exists (select from json_array_elements(r.waiting_on) w where w ->> 'queue' = $14))
    and ($15::text is null or (r.kind = 'job' and r.workflow = $15)
         or exists (select from json_array_elements(r.waiting_on) w where w ->> 'handler' = $15))
  order by r.run_id desc limit $2) r
order by r.run_id desc limit $2)
union all
(select r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, null::json, r.attributes, r.parent_run_id,
  r.parent_step, r.predecessor_run_id, r.traceparent, orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  r.timeout_seconds, r.queue, r.job,
  r.state, '[]', null::json, r.error, r.cause, r.attempts, orchestrator.to_micros(r.started_at),
  orchestrator.to_micros(r.closed_at), null, r.dead_letter, r.successor_run_id, null::text, r.discarded::text
from orchestrator.closed_runs r
where r.namespace = $1 and ($3::uuid is null or r.run_id < $3)
    and ($16::uuid is null or r.run_id >= $16)
    and ($10::bigint is null or r.run_id >= orchestrator.lowest_uuid(greatest(orchestrator.from_micros($10) - interval '1 minute', 'epoch')))
    and ($11::bigint is null or r.run_id < orchestrator.lowest_uuid(greatest(orchestrator.from_micros($11) + interval '1 minute', 'epoch')))
    and ($4::text[] is null or $4 && '{succeeded,failed,cancelled,timed_out}')
    and (('succeeded' = any ($4) or $4::text[] is null) and $7::text is null or r.state <> 'succeeded')
    and ($4::text[] is null or r.state = any ($4))
    and ($5::text is null or r.workflow = $5)
    and ($6::int is null or r.version = $6)
    and ($9::jsonb is null or r.attributes @> $9)
    and ($10::bigint is null or r.created_at > orchestrator.from_micros($10))
    and ($11::bigint is null or r.created_at < orchestrator.from_micros($11))
    and ($12::text is null or starts_with(r.run_id::text, $12) or starts_with(r.key, $12) or starts_with(r.workflow, $12))
    and $8::text is null
    and ($7::text is null or r.error = $7)
    and (not $13::bool or r.dead_letter = 'open')
    and ($14::text is null or r.queue = $14) and ($15::text is null or (r.kind = 'job' and r.workflow = $15))
order by r.run_id desc limit $2)
union all
(select r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, null::json, r.attributes, null::uuid,
  0, null::uuid, '', orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  null, r.queue, r.job,
  r.state, r.waiting_on, null::json, null::text, null::text, 0, null::bigint, null::bigint,
  orchestrator.to_micros(r.run_at), 'none', null::uuid, null::text, null::text
from generate_series(0, (select shard_count - 1 from orchestrator.settings)) as s (shard)
cross join lateral (
  select * from orchestrator.promised_runs r
  where r.shard = s.shard and r.namespace = $1 and ($3::uuid is null or r.run_id < $3)
    and ($3::uuid is null or r.message_id <= $3) and ($16::uuid is null or r.message_id >= orchestrator.batch_of($16))
    and ($16::uuid is null or r.run_id >= $16)
    and ($10::bigint is null or r.run_id >= orchestrator.lowest_uuid(greatest(orchestrator.from_micros($10) - interval '1 minute', 'epoch')))
    and ($11::bigint is null or r.run_id < orchestrator.lowest_uuid(greatest(orchestrator.from_micros($11) + interval '1 minute', 'epoch')))
    and ($4::text[] is null or $4 && '{ready,running,waiting,paused}')
    and ($4::text[] is null or r.state = any ($4))
    and ($5::text is null or r.workflow = $5)
    and ($6::int is null or r.version = $6)
    and ($9::jsonb is null or r.attributes @> $9)
    and ($10::bigint is null or r.created_at > orchestrator.from_micros($10))
    and ($11::bigint is null or r.created_at < orchestrator.from_micros($11))
    and ($12::text is null or starts_with(r.run_id::text, $12) or starts_with(r.key, $12) or starts_with(r.workflow, $12))
    and $7::text is null and not $13::bool
    and ($8::text is null
         or exists (select from json_array_elements(r.waiting_on) w where w ->> 'kind' = $8))
    and ($14::text is null or r.queue = $14) and ($15::text is null or (r.kind = 'job' and r.workflow = $15))
  order by r.run_id desc limit $2) r
order by r.run_id desc limit $2)
order by 1 desc
limit $2

-- name: list_runs_by_key
-- As list_runs for one run key ($16), which names the shard ($17). Index: open_runs_key, closed_runs_key. No locks.
(select r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, null::json, r.attributes, r.parent_run_id,
  r.parent_step, r.predecessor_run_id, r.traceparent, orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  r.timeout_seconds, r.queue, r.job,
  r.state, r.waiting_on, null::json, null::text, null::text, r.attempts,
  case when r.kind = 'workflow' or r.job_state is not null then orchestrator.to_micros(r.started_at) end, null::bigint,
  orchestrator.to_micros(r.wake_at), 'none', null::uuid, null::text, null::text
from orchestrator.open_runs r
where r.shard = $17 and r.key = $16 and r.namespace = $1 and ($3::uuid is null or r.run_id < $3)
    and ($4::text[] is null or r.state = any ($4))
    and ($5::text is null or r.workflow = $5)
    and ($6::int is null or r.version = $6)
    and ($9::jsonb is null or r.attributes @> $9)
    and ($10::bigint is null or r.created_at > orchestrator.from_micros($10))
    and ($11::bigint is null or r.created_at < orchestrator.from_micros($11))
    and ($12::text is null or starts_with(r.run_id::text, $12) or starts_with(r.key, $12) or starts_with(r.workflow, $12))
    and $7::text is null and not $13::bool
    and ($8::text is null
         or exists (select from json_array_elements(r.waiting_on) w where w ->> 'kind' = $8))
    and ($14::text is null or r.queue = $14
         or exists (select from json_array_elements(r.waiting_on) w where w ->> 'queue' = $14))
    and ($15::text is null or (r.kind = 'job' and r.workflow = $15)
         or exists (select from json_array_elements(r.waiting_on) w where w ->> 'handler' = $15))
order by r.run_id desc limit $2)
union all
(select r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, null::json, r.attributes, r.parent_run_id,
  r.parent_step, r.predecessor_run_id, r.traceparent, orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  r.timeout_seconds, r.queue, r.job,
  r.state, '[]', null::json, r.error, r.cause, r.attempts, orchestrator.to_micros(r.started_at),
  orchestrator.to_micros(r.closed_at), null, r.dead_letter, r.successor_run_id, null::text, r.discarded::text
from orchestrator.closed_runs r
where r.shard = $17 and r.key = $16 and r.namespace = $1 and ($3::uuid is null or r.run_id < $3)
    and ($4::text[] is null or r.state = any ($4))
    and ($5::text is null or r.workflow = $5)
    and ($6::int is null or r.version = $6)
    and ($9::jsonb is null or r.attributes @> $9)
    and ($10::bigint is null or r.created_at > orchestrator.from_micros($10))
    and ($11::bigint is null or r.created_at < orchestrator.from_micros($11))
    and ($12::text is null or starts_with(r.run_id::text, $12) or starts_with(r.key, $12) or starts_with(r.workflow, $12))
    and $8::text is null
    and ($7::text is null or r.error = $7)
    and (not $13::bool or r.dead_letter = 'open')
    and ($14::text is null or r.queue = $14) and ($15::text is null or (r.kind = 'job' and r.workflow = $15))
order by r.run_id desc limit $2)
union all
(select r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, null::json, r.attributes, null::uuid,
  0, null::uuid, '', orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  null, r.queue, r.job,
  r.state, r.waiting_on, null::json, null::text, null::text, 0, null::bigint, null::bigint,
  orchestrator.to_micros(r.run_at), 'none', null::uuid, null::text, null::text
from orchestrator.promised_runs r
where r.shard = $17 and r.key = $16 and r.namespace = $1 and ($3::uuid is null or r.run_id < $3)
    and ($4::text[] is null or r.state = any ($4))
    and ($5::text is null or r.workflow = $5)
    and ($6::int is null or r.version = $6)
    and ($9::jsonb is null or r.attributes @> $9)
    and ($10::bigint is null or r.created_at > orchestrator.from_micros($10))
    and ($11::bigint is null or r.created_at < orchestrator.from_micros($11))
    and ($12::text is null or starts_with(r.run_id::text, $12) or starts_with(r.key, $12) or starts_with(r.workflow, $12))
    and $7::text is null and not $13::bool
    and ($8::text is null
         or exists (select from json_array_elements(r.waiting_on) w where w ->> 'kind' = $8))
    and ($14::text is null or r.queue = $14) and ($15::text is null or (r.kind = 'job' and r.workflow = $15))
order by r.run_id desc limit $2)
order by 1 desc
limit $2

-- name: list_runs_by_parent
-- As list_runs for the children of one run ($16), of one key ($17) where it is given. Index: open_runs_parent, closed_runs_parent. No locks.
(select r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, null::json, r.attributes, r.parent_run_id,
  r.parent_step, r.predecessor_run_id, r.traceparent, orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  r.timeout_seconds, r.queue, r.job,
  r.state, r.waiting_on, null::json, null::text, null::text, r.attempts,
  case when r.kind = 'workflow' or r.job_state is not null then orchestrator.to_micros(r.started_at) end, null::bigint,
  orchestrator.to_micros(r.wake_at), 'none', null::uuid, null::text, null::text
from orchestrator.open_runs r
where r.parent_run_id = $16 and ($17::text is null or r.key = $17) and r.namespace = $1 and ($3::uuid is null or r.run_id < $3)
    and ($4::text[] is null or r.state = any ($4))
    and ($5::text is null or r.workflow = $5)
    and ($6::int is null or r.version = $6)
    and ($9::jsonb is null or r.attributes @> $9)
    and ($10::bigint is null or r.created_at > orchestrator.from_micros($10))
    and ($11::bigint is null or r.created_at < orchestrator.from_micros($11))
    and ($12::text is null or starts_with(r.run_id::text, $12) or starts_with(r.key, $12) or starts_with(r.workflow, $12))
    and $7::text is null and not $13::bool
    and ($8::text is null
         or exists (select from json_array_elements(r.waiting_on) w where w ->> 'kind' = $8))
    and ($14::text is null or r.queue = $14
         or exists (select from json_array_elements(r.waiting_on) w where w ->> 'queue' = $14))
    and ($15::text is null or (r.kind = 'job' and r.workflow = $15)
         or exists (select from json_array_elements(r.waiting_on) w where w ->> 'handler' = $15))
order by r.run_id desc limit $2)
union all
(select r.run_id, r.namespace, r.kind, r.workflow, r.version, r.key, r.priority, null::json, r.attributes, r.parent_run_id,
  r.parent_step, r.predecessor_run_id, r.traceparent, orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.run_at),
  r.timeout_seconds, r.queue, r.job,
  r.state, '[]', null::json, r.error, r.cause, r.attempts, orchestrator.to_micros(r.started_at),
  orchestrator.to_micros(r.closed_at), null, r.dead_letter, r.successor_run_id, null::text, r.discarded::text
from orchestrator.closed_runs r
where r.parent_run_id = $16 and ($17::text is null or r.key = $17) and r.namespace = $1 and ($3::uuid is null or r.run_id < $3)
    and ($4::text[] is null or r.state = any ($4))
    and ($5::text is null or r.workflow = $5)
    and ($6::int is null or r.version = $6)
    and ($9::jsonb is null or r.attributes @> $9)
    and ($10::bigint is null or r.created_at > orchestrator.from_micros($10))
    and ($11::bigint is null or r.created_at < orchestrator.from_micros($11))
    and ($12::text is null or starts_with(r.run_id::text, $12) or starts_with(r.key, $12) or starts_with(r.workflow, $12))
    and $8::text is null
    and ($7::text is null or r.error = $7)
    and (not $13::bool or r.dead_letter = 'open')
    and ($14::text is null or r.queue = $14) and ($15::text is null or (r.kind = 'job' and r.workflow = $15))
order by r.run_id desc limit $2)
order by 1 desc
limit $2
