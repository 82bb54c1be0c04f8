-- name: load_idempotency
-- Index: idempotency_pkey.
select q.place, r.shard, r.namespace, r.scope, r.key, r.body_hash, r.reserved_id, r.status, r.answer,
  orchestrator.to_micros(r.created_at)
from unnest($1::int[], $2::text[], $3::text[], $4::text[]) with ordinality as q (shard, namespace, scope, key, place)
cross join lateral (
  select * from orchestrator.idempotency i
  where i.shard = q.shard and i.namespace = q.namespace and i.scope = q.scope and i.key = q.key limit 1) r
