-- name: send_messages
-- Index: inbox_pkey. A repeated message is ignored.
insert into orchestrator.inbox (shard, id, kind, body, created_at)
select m.shard, m.id, m.kind, m.body, m.created_at
from unnest($1::int[], $2::uuid[], $3::text[], $4::json[], $5::timestamptz[]) as m (shard, id, kind, body, created_at)
order by m.shard, m.id
on conflict (shard, id) do nothing

-- name: read_inbox
-- Each shard from its own position (a transaction id, then a message id). The first column is the oldest transaction
-- that still runs: everything before it is visible now or never. Always at least one row, for that column's sake.
-- Index: inbox_order, one range per shard; no locks.
select pg_snapshot_xmin(pg_current_snapshot()), r.shard, r.id, r.kind, r.body, orchestrator.to_micros(r.created_at), r.xid
from (values (1)) as one (row)
left join (
  select m.*
  from unnest($1::int[], $2::text[], $3::uuid[]) as q (shard, xid, id)
  cross join lateral (
    select * from orchestrator.inbox i
    where i.shard = q.shard and (i.xid, i.id) > (q.xid::xid8, q.id)
    order by i.xid, i.id limit $4) m
  limit $4) r on true

-- name: recover_inbox
-- The whole inbox of a shard, in order of arrival. Index: inbox_order.
select i.shard, i.id, i.kind, i.body, orchestrator.to_micros(i.created_at)
from orchestrator.inbox i where i.shard = $1 order by i.xid, i.id
