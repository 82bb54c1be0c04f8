-- name: insert_webhook_endpoint
-- Nothing when the name is taken. Index: webhook_endpoints_pkey.
insert into orchestrator.webhook_endpoints as e (namespace, name, provider, settings)
select $1, $2, $3, $4
where (select count(*) from orchestrator.webhook_endpoints o where o.namespace = $1) < $5
on conflict (namespace, name) do nothing
returning e.namespace, e.name, e.provider, e.settings, orchestrator.to_micros(e.created_at),
  orchestrator.to_micros(e.updated_at)

-- name: update_webhook_endpoint
-- Index: webhook_endpoints_pkey. Lock: its row.
update orchestrator.webhook_endpoints e set provider = $3, settings = $4, updated_at = clock_timestamp()
where e.namespace = $1 and e.name = $2
returning e.namespace, e.name, e.provider, e.settings, orchestrator.to_micros(e.created_at),
  orchestrator.to_micros(e.updated_at)

-- name: delete_webhook_endpoint
-- Index: webhook_endpoints_pkey.
delete from orchestrator.webhook_endpoints e where e.namespace = $1 and e.name = $2

-- name: find_webhook_endpoint
-- Index: webhook_endpoints_pkey.
select e.namespace, e.name, e.provider, e.settings, orchestrator.to_micros(e.created_at),
  orchestrator.to_micros(e.updated_at)
from orchestrator.webhook_endpoints e where e.namespace = $1 and e.name = $2

-- name: list_webhook_endpoints
-- Index: webhook_endpoints_pkey.
select e.namespace, e.name, e.provider, e.settings, orchestrator.to_micros(e.created_at),
  orchestrator.to_micros(e.updated_at)
from orchestrator.webhook_endpoints e where e.namespace = $1 order by e.name

-- name: record_webhooks
-- Many deliveries and the messages that carry their signals. A delivery that is there already only counts one more, and
-- none of the messages that came with the repeat is sent. Rows come sorted by their unique key, so that two statements
-- that meet the same ones wait for each other in one order. Index: unique (shard, namespace, endpoint, dedupe_key). Lock:
-- the rows of repeats.
with given as (
  select * from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::uuid[], $10::integer[], $11::json[], $12::bytea[], $13::timestamptz[], $14::integer[], $15::integer[])
    as g (shard, delivery_id, namespace, endpoint, provider, dedupe_key, verdict, reason, signal_id, signal_count, headers,
      body, received_at, duplicates, altered_duplicates)
),
delivery as (
  insert into orchestrator.webhook_deliveries as d (
    shard, delivery_id, namespace, endpoint, provider, dedupe_key, verdict, reason, signal_id, signal_count, headers, body,
    received_at, duplicates, altered_duplicates)
  select g.shard, g.delivery_id, g.namespace, g.endpoint, g.provider, g.dedupe_key, g.verdict, g.reason, g.signal_id,
    g.signal_count, g.headers, g.body, g.received_at, g.duplicates, g.altered_duplicates
  from given g
  on conflict (shard, namespace, endpoint, dedupe_key) do update set
    duplicates = d.duplicates + 1 + excluded.duplicates,
    altered_duplicates = d.altered_duplicates + excluded.altered_duplicates + (d.body <> excluded.body)::integer,
    last_duplicate_at = excluded.received_at,
    last_altered_at = case when d.body <> excluded.body then excluded.received_at else d.last_altered_at end
  returning d.shard, d.delivery_id, d.namespace, d.endpoint, d.dedupe_key,
    coalesce(d.last_altered_at = d.last_duplicate_at, false) as is_altered
),
message as (
  insert into orchestrator.inbox (shard, id, kind, body, created_at)
  select m.shard, m.id, m.kind, m.body, m.created_at
  from unnest($16::uuid[], $17::integer[], $18::uuid[], $19::text[], $20::json[], $21::timestamptz[])
    as m (delivery_id, shard, id, kind, body, created_at)
  where m.delivery_id in (select d.delivery_id from delivery d)
  on conflict (shard, id) do nothing
)
select d.shard, d.delivery_id, d.namespace, d.endpoint, d.dedupe_key, d.is_altered from delivery d

-- name: find_webhook_delivery
-- One delivery with what became of its first signal: in the inbox still, in the signals, or (null) a repeat of a signal
-- that was sent otherwise. Index: webhook_deliveries_pkey, signals_pkey, inbox_pkey.
select d.shard, d.delivery_id, d.namespace, d.endpoint, d.provider, d.dedupe_key, d.verdict, d.reason, d.signal_id,
  case when d.signal_id is null then 0 else d.signal_count end, d.headers, d.body,
  orchestrator.to_micros(d.received_at), d.duplicates, d.altered_duplicates, orchestrator.to_micros(d.last_duplicate_at),
  d.replays, octet_length(d.body),
  coalesce(
    (select s.fate from orchestrator.signals s
     where s.shard = orchestrator.shard_of(d.signal_id) and s.signal_id = d.signal_id),
    (select 'buffered' from orchestrator.inbox i
     where i.shard = orchestrator.shard_of(d.signal_id) and i.id = d.signal_id))
from orchestrator.webhook_deliveries d
where d.shard = $1 and d.delivery_id = $2 and d.namespace = $3

-- name: list_webhook_deliveries
-- Newest first: ids begin with the moment of arrival. Bodies longer than $8 stay away. Index: webhook_deliveries_newest
-- backwards, signals_pkey and inbox_pkey for each row of the page.
select d.shard, d.delivery_id, d.namespace, d.endpoint, d.provider, d.dedupe_key, d.verdict, d.reason, d.signal_id,
  case when d.signal_id is null then 0 else d.signal_count end, d.headers,
  case when octet_length(d.body) <= $8 then d.body end,
  orchestrator.to_micros(d.received_at), d.duplicates, d.altered_duplicates, orchestrator.to_micros(d.last_duplicate_at),
  d.replays, octet_length(d.body),
  coalesce(
    (select s.fate from orchestrator.signals s
     where s.shard = orchestrator.shard_of(d.signal_id) and s.signal_id = d.signal_id),
    (select 'buffered' from orchestrator.inbox i
     where i.shard = orchestrator.shard_of(d.signal_id) and i.id = d.signal_id))
from (
  select * from orchestrator.webhook_deliveries w
  where w.namespace = $1 and ($3::uuid is null or w.delivery_id < $3)
    and ($4::text is null or w.endpoint = $4) and ($5::text is null or w.provider = $5)
    and ($6::bigint is null or w.delivery_id >= orchestrator.lowest_uuid(orchestrator.from_micros($6)))
    and ($6::bigint is null or w.received_at > orchestrator.from_micros($6))
    and ($7::bigint is null
      or w.delivery_id < orchestrator.lowest_uuid(orchestrator.from_micros($7) + interval '1 millisecond'))
    and ($7::bigint is null or w.received_at < orchestrator.from_micros($7))
    and ($9::text is null or ($9 = 'poison' and w.verdict = 'poison') or ($9 = 'accepted' and w.verdict = 'accepted')
      or ($9 = 'duplicate' and w.duplicates > 0))
  order by w.delivery_id desc limit $2) d
order by d.delivery_id desc

-- name: count_webhook_replay
-- The number of this replay. Index: webhook_deliveries_pkey. Lock: the delivery's row.
update orchestrator.webhook_deliveries d set replays = d.replays + 1
where d.shard = $1 and d.delivery_id = $2 and d.namespace = $3
returning d.replays
