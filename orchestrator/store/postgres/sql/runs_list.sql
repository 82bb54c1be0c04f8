-- name: list_runs
-- Newest first: run ids begin with the moment of acceptance. Index: open_runs_pkey backwards, the first page of each
-- shard; closed_runs_list (or closed_runs_dead_letter) backwards, partitions merged; what waits in the inbox, which is
-- short while a server runs. One statement, so that a run that is just moving is seen in exactly one place. No locks.
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
where r.namespace = $1 and ($3::uuid is null or r.run_id < $3)
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
