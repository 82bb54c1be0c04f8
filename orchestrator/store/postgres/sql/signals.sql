-- name: load_mailboxes
-- Part 1: the open waits of signal keys, oldest first; a key without waits still has a row, for it says whether signals
-- of it are pending. Part 2: the senders' ids that were used before. One statement, because nearly always it is all that
-- a signal asks. Index: signal_waits_pkey, signals_pending_key, signals_sender_key.
select 1 as part, q.place, exists (
    select from orchestrator.signals s
    where s.shard = q.shard and s.namespace = q.namespace and s.key = q.key and s.fate in ('buffered', 'delivered')),
  r.shard, r.namespace, r.key, r.run_id, r.step, to_json(r.names), r.state_name, orchestrator.to_micros(r.since) as since
from unnest($1::int[], $2::text[], $3::text[]) with ordinality as q (shard, namespace, key, place)
left join lateral (
  select * from orchestrator.signal_waits w
  where w.shard = q.shard and w.namespace = q.namespace and w.key = q.key offset 0) r on true
union all
select 2, q.place, true, null, null, null, null, null, null, null, null
from unnest($4::int[], $5::text[], $6::text[], $7::text[], $8::text[]) with ordinality
  as q (shard, namespace, key, name, id, place)
where exists (
  select from orchestrator.signals s
  where s.shard = q.shard and s.namespace = q.namespace and s.key = q.key and s.name = q.name and s.id = q.id)
order by 1, 2, since, run_id, step

-- name: load_mailbox_signals
-- Signals of keys that are buffered or delivered, oldest first. Index: signals_pending_key.
select q.place, r.shard, r.signal_id, r.namespace, r.name, r.key, r.addressed_run_id, r.id, r.payload, r.fate, r.reason,
  r.was_expected, r.run_id, r.step, r.state_name, orchestrator.to_micros(r.received_at),
  orchestrator.to_micros(r.settled_at), orchestrator.to_micros(r.expires_at)
from unnest($1::int[], $2::text[], $3::text[]) with ordinality as q (shard, namespace, key, place)
cross join lateral (
  select * from orchestrator.signals s
  where s.shard = q.shard and s.namespace = q.namespace and s.key = q.key and s.fate in ('buffered', 'delivered')
  offset 0) r
order by q.place, r.received_at, r.signal_id

-- name: load_addressed_signals
-- Buffered signals that were sent to runs by id, oldest first. Index: signals_pending_run.
select q.place, r.shard, r.signal_id, r.namespace, r.name, r.key, r.addressed_run_id, r.id, r.payload, r.fate, r.reason,
  r.was_expected, r.run_id, r.step, r.state_name, orchestrator.to_micros(r.received_at),
  orchestrator.to_micros(r.settled_at), orchestrator.to_micros(r.expires_at)
from unnest($1::int[], $2::uuid[]) with ordinality as q (shard, run_id, place)
cross join lateral (
  select * from orchestrator.signals s
  where s.shard = q.shard and s.addressed_run_id = q.run_id and s.fate = 'buffered' offset 0) r
order by q.place, r.received_at, r.signal_id

-- name: load_signals_by_key_id
-- The signal that already used a sender's id for a key. Index: signals_sender_key.
select q.place, r.shard, r.signal_id, r.namespace, r.name, r.key, r.addressed_run_id, r.id, r.payload, r.fate, r.reason,
  r.was_expected, r.run_id, r.step, r.state_name, orchestrator.to_micros(r.received_at),
  orchestrator.to_micros(r.settled_at), orchestrator.to_micros(r.expires_at)
from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[]) with ordinality
  as q (shard, namespace, key, name, id, place)
cross join lateral (
  select * from orchestrator.signals s
  where s.shard = q.shard and s.namespace = q.namespace and s.key = q.key and s.name = q.name and s.id = q.id limit 1) r

-- name: load_signals_by_run_id
-- The signal that already used a sender's id for a run. Index: signals_sender_run.
select q.place, r.shard, r.signal_id, r.namespace, r.name, r.key, r.addressed_run_id, r.id, r.payload, r.fate, r.reason,
  r.was_expected, r.run_id, r.step, r.state_name, orchestrator.to_micros(r.received_at),
  orchestrator.to_micros(r.settled_at), orchestrator.to_micros(r.expires_at)
from unnest($1::int[], $2::uuid[], $3::text[], $4::text[]) with ordinality as q (shard, run_id, name, id, place)
cross join lateral (
  select * from orchestrator.signals s
  where s.shard = q.shard and s.addressed_run_id = q.run_id and s.name = q.name and s.id = q.id limit 1) r

-- name: load_signals
-- Index: signals_pkey.
select q.place, r.shard, r.signal_id, r.namespace, r.name, r.key, r.addressed_run_id, r.id, r.payload, r.fate, r.reason,
  r.was_expected, r.run_id, r.step, r.state_name, orchestrator.to_micros(r.received_at),
  orchestrator.to_micros(r.settled_at), orchestrator.to_micros(r.expires_at)
from unnest($1::int[], $2::uuid[]) with ordinality as q (shard, signal_id, place)
cross join lateral (
  select * from orchestrator.signals s where s.shard = q.shard and s.signal_id = q.signal_id limit 1) r

-- name: find_signal
-- One signal, also one that was accepted and waits in the inbox to be picked up. Index: signals_pkey; inbox_pkey for the
-- messages of its shard, of which there are few while the shard has an owner.
select 0, r.shard, r.signal_id, r.namespace, r.name, r.key, r.addressed_run_id, r.id, r.payload, r.fate, r.reason,
  r.was_expected, r.run_id, r.step, r.state_name, orchestrator.to_micros(r.received_at),
  orchestrator.to_micros(r.settled_at), orchestrator.to_micros(r.expires_at)
from orchestrator.signals r
where r.shard = $1 and r.signal_id = $2
union all
select 0, i.shard, $2, i.body ->> 'namespace', i.body ->> 'name', i.body ->> 'key', (i.body ->> 'run_id')::uuid,
  i.body ->> 'id', i.body -> 'payload', 'buffered', 'in-inbox', false, null, 0, '', orchestrator.to_micros(i.created_at),
  null,
  orchestrator.to_micros(i.created_at) + 1000000 * coalesce((i.body ->> 'ttl_seconds')::bigint, 604800)
from orchestrator.inbox i
where i.shard = $1 and i.kind = 'signal' and i.body ->> 'signal_id' = $2::uuid::text

-- name: expired_signals
-- Index: signals_expiry, one range per shard.
select 0, r.shard, r.signal_id, r.namespace, r.name, r.key, r.addressed_run_id, r.id, r.payload, r.fate, r.reason,
  r.was_expected, r.run_id, r.step, r.state_name, orchestrator.to_micros(r.received_at),
  orchestrator.to_micros(r.settled_at), orchestrator.to_micros(r.expires_at)
from unnest($1::int[]) as q (shard)
cross join lateral (
  select * from orchestrator.signals s
  where s.shard = q.shard and s.fate = 'buffered' and s.expires_at <= orchestrator.from_micros($2)
  order by s.expires_at limit $3) r
order by r.expires_at, r.signal_id
limit $3

-- name: list_signals
-- Newest first: signal ids begin with the moment of acceptance. Index: signals_pkey backwards, the first page of each
-- shard. No locks.
select 0, r.shard, r.signal_id, r.namespace, r.name, r.key, r.addressed_run_id, r.id, r.payload, r.fate, r.reason,
  r.was_expected, r.run_id, r.step, r.state_name, orchestrator.to_micros(r.received_at),
  orchestrator.to_micros(r.settled_at), orchestrator.to_micros(r.expires_at)
from generate_series(0, (select shard_count - 1 from orchestrator.settings)) as q (shard)
cross join lateral (
  select * from orchestrator.signals s
  where s.shard = q.shard and s.namespace = $1 and ($3::uuid is null or s.signal_id < $3)
    and ($4::text is null or s.name = $4)
    and ($5::text is null or s.key = $5)
    and ($6::text is null or s.fate = $6)
    and ($7::uuid is null or s.run_id = $7 or s.addressed_run_id = $7)
  order by s.signal_id desc limit $2) r
order by r.signal_id desc
limit $2
