-- name: stuck_runs
-- The next $3 open runs of a shard behind $2 that are at rest: how many there were, the last one, and those of them for
-- which nothing will ever happen. At rest a run needs a timer that is not long past ($4, microseconds), a wait that the
-- shard of its key knows (or will: the message that opens it is in the inbox), a wait for signals by its own id, a child
-- that is open (or whose start or end is in an inbox), or a person: paused, a decision.
-- Index: open_runs_pkey, from where the last chunk ended; signal_waits_pkey and primary keys for each item. No locks.
with looked_at as (
  select o.run_id, o.namespace, o.workflow, o.wake_at, o.waiting_on, o.at_rest, o.state from orchestrator.open_runs o
  where o.shard = $1 and o.run_id > $2 order by o.run_id limit $3),
suspect as (
  select l.run_id, l.namespace, l.workflow,
    case when l.wake_at is not null then 'its timer is overdue' else 'nothing that it waits for is there' end as why
  from looked_at l
  where l.at_rest and l.state <> 'paused'
    and (l.wake_at < orchestrator.from_micros($4)
         or l.wake_at is null and not exists (
           select from json_array_elements(l.waiting_on) as item (w)
           where w ->> 'kind' in ('paused', 'limit', 'queue_paused', 'worker')
              or w ->> 'kind' in ('signal', 'decision') and (
                   w ->> 'key' is null
                   or exists (select from orchestrator.signal_waits s
                              where s.shard = orchestrator.shard_for_key(l.namespace, w ->> 'key')
                                and s.namespace = l.namespace and s.key = w ->> 'key' and s.run_id = l.run_id)
                   or exists (select from orchestrator.inbox i
                              where i.shard = orchestrator.shard_for_key(l.namespace, w ->> 'key')
                                and i.kind = 'wait_opened' and i.body ->> 'run_id' = l.run_id::text))
              or w ->> 'kind' = 'child' and (
                   w ->> 'run_id' is null
                   or exists (select from orchestrator.open_runs c
                              where c.shard = orchestrator.shard_of((w ->> 'run_id')::uuid)
                                and c.run_id = (w ->> 'run_id')::uuid)
                   or exists (select from orchestrator.inbox i
                              where (i.shard = $1 and i.kind = 'child_ended' and i.body ->> 'parent' = l.run_id::text)
                                 or (i.shard = orchestrator.shard_of((w ->> 'run_id')::uuid) and i.kind = 'start'
                                     and i.body -> 'request' ->> 'id' = w ->> 'run_id'))))))
select (select count(*) from looked_at), (select l.run_id from looked_at l order by l.run_id desc limit 1),
  s.run_id, s.namespace, s.workflow, s.why
from (values (1)) as one (row) left join suspect s on true
