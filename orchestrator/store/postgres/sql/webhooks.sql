-- name: put_webhook_endpoint
-- Index: webhook_endpoints_pkey.
insert into orchestrator.webhook_endpoints as e (namespace, name, provider, settings) values ($1, $2, $3, $4)
on conflict (namespace, name) do update set provider = excluded.provider, settings = excluded.settings

-- name: find_webhook_endpoint
-- Index: webhook_endpoints_pkey.
select namespace, name, provider, settings, orchestrator.to_micros(created_at)
from orchestrator.webhook_endpoints where namespace = $1 and name = $2

-- name: list_webhook_endpoints
-- Index: webhook_endpoints_pkey.
select namespace, name, provider, settings, orchestrator.to_micros(created_at)
from orchestrator.webhook_endpoints where namespace = $1 order by name

-- name: record_webhook
-- The delivery and the message that carries its signal, or one more on the count of a delivery that is there already.
-- Index: unique (shard, namespace, endpoint, dedupe_key). Lock: the delivery's row when it is a repeat.
with delivery as (
  insert into orchestrator.webhook_deliveries as d (
    shard, delivery_id, namespace, endpoint, provider, dedupe_key, verdict, signal_id, headers, body, received_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, orchestrator.from_micros($11))
  on conflict (shard, namespace, endpoint, dedupe_key) do update set duplicates = d.duplicates + 1
  -- A row that was inserted has no deleting transaction; one that was updated names its own.
  returning xmax = 0 as is_new
),
message as (
  insert into orchestrator.inbox (shard, id, kind, body, created_at)
  select $12::int, $13::uuid, $14::text, $15::json, orchestrator.from_micros($16)
  from delivery where is_new and $12::int is not null
  on conflict (shard, id) do nothing
)
select not is_new from delivery
