-- name: forget_operations
-- Index: operations_newest.
delete from orchestrator.operations
where namespace = $1 and state <> 'running' and ended_at < clock_timestamp() - make_interval(days => $2::integer)

-- name: insert_operation
-- Nothing when the id is there already, or when too many run ($11). Index: operations_pkey, operations_newest.
insert into orchestrator.operations as o
  (operation_id, namespace, action, arguments, filter, reason, actor, rate_per_second, runs, matched, state, ended_at)
select $1::uuid, $2::text, $3::text, $4::json, $5::json, $6::text, $7::text, $8::integer, $9::bytea, $10::integer,
  case when $10::integer = 0 then 'done' else 'running' end,
  case when $10::integer = 0 then clock_timestamp() end
where (select count(*) from orchestrator.operations r where r.namespace = $2::text and r.state = 'running') < $11::bigint
on conflict (operation_id) do nothing

-- name: find_operation
-- Index: operations_pkey.
select o.operation_id, o.namespace, o.action, o.arguments, o.filter, o.reason, o.actor, o.rate_per_second, o.state,
  o.matched, o.done, o.failed, o.failures, orchestrator.to_micros(o.created_at), orchestrator.to_micros(o.ended_at),
  o.ended_by
from orchestrator.operations o where o.operation_id = $1 and o.namespace = $2

-- name: list_operations
-- Newest first; $2 an exclusive upper bound of the id, $3 a state or null. Index: operations_newest, backwards.
select o.operation_id, o.namespace, o.action, o.arguments, o.filter, o.reason, o.actor, o.rate_per_second, o.state,
  o.matched, o.done, o.failed, o.failures, orchestrator.to_micros(o.created_at), orchestrator.to_micros(o.ended_at),
  o.ended_by
from orchestrator.operations o
where o.namespace = $1 and ($2::uuid is null or o.operation_id < $2::uuid) and ($3::text is null or o.state = $3::text)
order by o.operation_id desc
limit $4

-- name: stop_operation
-- Index: operations_pkey. Lock: its row.
update orchestrator.operations o
set state = 'stopped', ended_at = clock_timestamp(), ended_by = $3
where o.operation_id = $1 and o.namespace = $2 and o.state = 'running'

-- name: take_operation
-- Two that meet here: the second waits for the row and then finds its lease taken. Index: operations_running. Lock: its row.
update orchestrator.operations o
set holder = $1, lease_until = clock_timestamp() + make_interval(secs => $2::bigint / 1000.0)
where o.operation_id = (
    select r.operation_id from orchestrator.operations r
    where r.state = 'running' and r.lease_until < clock_timestamp()
    order by r.lease_until, r.operation_id limit 1)
  and o.state = 'running' and o.lease_until < clock_timestamp()
returning o.operation_id, o.namespace, o.action, o.arguments, o.filter, o.reason, o.actor, o.rate_per_second, o.state,
  o.matched, o.done, o.failed, o.failures, orchestrator.to_micros(o.created_at), orchestrator.to_micros(o.ended_at),
  o.ended_by, o.next_item, substring(o.runs from 16 * o.next_item + 1)

-- name: advance_operation
-- Nothing when the holder is another one by now. What it had in hand at a stop is still counted. Index: operations_pkey.
-- Lock: its row.
update orchestrator.operations o
set next_item = $3, done = $4, failed = $5, failures = $6,
  lease_until = clock_timestamp() + make_interval(secs => $7::bigint / 1000.0),
  state = case when o.state = 'running' and $3::integer = o.matched then 'done' else o.state end,
  ended_at = case when o.state = 'running' and $3::integer = o.matched then clock_timestamp() else o.ended_at end
where o.operation_id = $1 and o.holder = $2 and (o.state = 'running' or (o.state = 'stopped' and o.next_item < $3::integer))
returning o.state <> 'stopped'

-- name: let_operation_go
-- Index: operations_pkey. Lock: its row.
update orchestrator.operations o set lease_until = '-infinity'
where o.operation_id = $1 and o.holder = $2 and o.state = 'running'
