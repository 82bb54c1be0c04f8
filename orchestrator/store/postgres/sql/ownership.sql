-- name: read_shard_count
-- One row; nothing before the first migration.
select shard_count from orchestrator.settings

-- name: read_cluster_secret
-- One row.
select secret from orchestrator.cluster_secret

-- name: renew_node
-- Index: nodes_pkey. Lock: the node's own row.
insert into orchestrator.nodes as n (node_id, url, roles, lease_until)
values ($1, $2, $3, clock_timestamp() + $4::bigint * interval '1 millisecond')
on conflict (node_id) do update set url = excluded.url, roles = excluded.roles, lease_until = excluded.lease_until
returning orchestrator.to_micros(clock_timestamp())

-- name: hold_node_hint
-- A session advisory lock that lives as long as this connection: while it is held, the node's process is there.
select pg_try_advisory_lock(hashtextextended('orchestrator.node.' || $1, 0))

-- name: probe_node_hints
-- Nodes whose hint can be had: their process is gone. Takes and releases each lock at once; a case, because the order
-- of two conditions is the planner's.
select n.node_id
from unnest($1::text[]) as n (node_id)
where case when pg_try_advisory_lock(hashtextextended('orchestrator.node.' || n.node_id, 0))
           then pg_advisory_unlock(hashtextextended('orchestrator.node.' || n.node_id, 0)) else false end

-- name: list_nodes
-- A handful of rows.
select node_id, url, roles, orchestrator.to_micros(lease_until), lease_until >= clock_timestamp()
from orchestrator.nodes order by node_id

-- name: list_shard_owners
-- One row per shard.
select shard, node_id, epoch from orchestrator.shard_owner order by shard

-- name: serialize_take_over
-- One take-over at a time, so that its snapshot shows every earlier one. The fence does not need it: it only keeps two
-- nodes from taking the same shard one right after the other. Released at the end of the transaction.
select pg_advisory_xact_lock(hashtextextended('orchestrator.take_over', 0))

-- name: take_over_shards
-- Index: shard_owner_pkey. Locks the rows for update in shard order, which waits for batches in flight.
with takeable as (
  select o.shard
  from orchestrator.shard_owner o
  where o.shard = any ($2::int[])
    and (o.node_id is null or o.node_id = $1
         or o.node_id <> all (array(select n.node_id from orchestrator.nodes n
                                    where n.lease_until >= clock_timestamp() and n.node_id <> all ($3::text[])
                                      and 'worker' = any (string_to_array(n.roles, ',')))))
  order by o.shard
  for update
)
update orchestrator.shard_owner o
set node_id = $1, epoch = o.epoch + 1
where o.shard in (select shard from takeable)
returning o.shard, o.epoch

-- name: terminate_blockers
-- Ends engine sessions that have held the fence for longer than $1 milliseconds: a frozen or cut-off node.
select a.pid, pg_terminate_backend(a.pid)
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'relation' and l.relation = 'orchestrator.shard_owner'::regclass and l.mode = 'RowShareLock' and l.granted
  and l.database = (select oid from pg_database where datname = current_database())
  and a.pid <> pg_backend_pid() and a.usename = current_user and a.application_name like 'orchestrator%'
  and a.xact_start < clock_timestamp() - $1::bigint * interval '1 millisecond'

-- name: hand_over_shard
-- Index: shard_owner_pkey. No key column changes, so it waits for nobody's batch; the next take-over does.
update orchestrator.shard_owner set node_id = null where shard = $2 and epoch = $3 and node_id = $1

-- name: free_shards_of_node
-- One row per shard is read.
update orchestrator.shard_owner set node_id = null where node_id = $1

-- name: delete_node
-- Index: nodes_pkey.
delete from orchestrator.nodes where node_id = $1

-- name: find_epoch
-- Index: shard_owner_pkey.
select epoch from orchestrator.shard_owner where shard = $1

-- name: keep_partitions
-- Locks: see migrations/0002; short ones on the parents, when a partition is missing.
select orchestrator.keep_partitions()
