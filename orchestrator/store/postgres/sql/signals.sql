-- name: load_mailboxes
-- Part 1: the open waits of signal keys, oldest first; a key without waits still has a row, for it says whether signals
-- of it are pending. Part 2: the senders' ids that were used before. Part 3: names and ids of all signals of a key, up to
-- one more than kMaxSenderIds. One statement, because nearly always it is all that a signal asks.
-- Index: signal_waits_pkey, signals_pending_key, signals_sender_key.
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
union all
select 3, q.place, true, null, r.name, r.id, null, null, null, null, null
from unnest($1::int[], $2::text[], $3::text[]) with ordinality as q (shard, namespace, key, place)
cross join lateral (
  select s.name, s.id from orchestrator.signals s
  where s.shard = q.shard and s.namespace = q.namespace and s.key = q.key limit 33) r
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
-- One signal, also one that was accepted and waits in the inbox to be picked up: but for one whose payload has an escaped
-- zero character, at which json operators fail. Index: signals_pkey; inbox_pkey for the messages of its shard, of which there
-- are few while the shard has an owner; signal_links_signal and signal_links_pkey.
select 0, r.shard, r.signal_id, r.namespace, r.name, r.key, r.addressed_run_id, r.id, r.payload, r.fate, r.reason,
  r.was_expected, r.run_id, r.step, r.state_name, orchestrator.to_micros(r.received_at),
  orchestrator.to_micros(r.settled_at), orchestrator.to_micros(r.expires_at),
  o.origin, o.kind, o.reason, o.actor, orchestrator.to_micros(o.created_at), n.signal_id
from (
  select s.shard, s.signal_id, s.namespace, s.name, s.key, s.addressed_run_id, s.id, s.payload, s.fate, s.reason,
    s.was_expected, s.run_id, s.step, s.state_name, s.received_at, s.settled_at, s.expires_at
  from orchestrator.signals s
  where s.shard = $1 and s.signal_id = $2
  union all
  select m.shard, $2, m.body ->> 'namespace', m.body ->> 'name', m.body ->> 'key', (m.body ->> 'run_id')::uuid,
    m.body ->> 'id', m.body -> 'payload', 'buffered', 'in-inbox', false, null, 0, '', m.created_at, null,
    m.created_at + make_interval(secs => coalesce((m.body ->> 'ttl_seconds')::bigint, 604800))
  from (
    select i.shard, i.created_at, case when strpos(i.body::text, '\u0000') = 0 then i.body end as body
    from orchestrator.inbox i
    where i.shard = $1 and i.kind = 'signal') m
  where m.body ->> 'signal_id' = $2::uuid::text) r
left join orchestrator.signal_links o on o.signal_id = r.signal_id
left join lateral (
  select l.signal_id from orchestrator.signal_links l
  where l.shard = r.shard and l.origin = r.signal_id and l.kind <> 'broadcast'
  order by l.signal_id desc limit 1) n on true
limit 1

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
-- Newest first: signal ids begin with the moment of acceptance. Also those that wait in the inbox, as find_signal shows
-- them. Index: signals_pkey backwards, the first page of each shard; inbox_pkey; signal_links_signal and
-- signal_links_pkey for what is looked at. No locks.
select 0, r.shard, r.signal_id, r.namespace, r.name, r.key, r.addressed_run_id, r.id, r.payload, r.fate, r.reason,
  r.was_expected, r.run_id, r.step, r.state_name, orchestrator.to_micros(r.received_at),
  orchestrator.to_micros(r.settled_at), orchestrator.to_micros(r.expires_at),
  o.origin, o.kind, o.reason, o.actor, orchestrator.to_micros(o.created_at), n.signal_id
from (
  select m.* from generate_series(0, (select shard_count - 1 from orchestrator.settings)) as q (shard)
  cross join lateral (
    (select s.shard, s.signal_id, s.namespace, s.name, s.key, s.addressed_run_id, s.id, s.payload, s.fate, s.reason,
      s.was_expected, s.run_id, s.step, s.state_name, s.received_at, s.settled_at, s.expires_at
    from orchestrator.signals s
    where s.shard = q.shard and s.namespace = $1 and ($3::uuid is null or s.signal_id < $3)
      and ($4::text is null or s.name = $4)
      and ($5::text is null or s.key = $5)
      and ($6::text is null or s.fate = $6)
      and ($7::uuid is null or s.run_id = $7 or s.addressed_run_id = $7)
      and ($8::uuid is null or exists (
        select from orchestrator.signal_links l where l.signal_id = s.signal_id and l.origin = $8))
      and ($9::bigint is null or s.received_at > orchestrator.from_micros($9))
      and ($10::bigint is null or s.received_at < orchestrator.from_micros($10))
    order by s.signal_id desc limit $2)
    union all
    (select p.* from (
      select b.shard, (b.body ->> 'signal_id')::uuid as signal_id, b.body ->> 'namespace' as namespace,
        b.body ->> 'name' as name, b.body ->> 'key' as key, (b.body ->> 'run_id')::uuid as addressed_run_id,
        b.body ->> 'id', b.body -> 'payload', 'buffered' as fate, 'in-inbox', false, null::uuid, 0::bigint, '',
        b.created_at as received_at, null::timestamptz,
        b.created_at + make_interval(secs => coalesce((b.body ->> 'ttl_seconds')::bigint, 604800))
      from (
        select i.shard, i.created_at, case when strpos(i.body::text, '\u0000') = 0 then i.body end as body
        from orchestrator.inbox i
        where i.shard = q.shard and i.kind = 'signal') b) p
    where p.namespace = $1 and ($3::uuid is null or p.signal_id < $3)
      and ($4::text is null or p.name = $4)
      and ($5::text is null or p.key = $5)
      and ($6::text is null or p.fate = $6)
      and ($7::uuid is null or p.addressed_run_id = $7)
      and ($8::uuid is null or exists (
        select from orchestrator.signal_links l where l.signal_id = p.signal_id and l.origin = $8))
      and ($9::bigint is null or p.received_at > orchestrator.from_micros($9))
      and ($10::bigint is null or p.received_at < orchestrator.from_micros($10))
    order by p.signal_id desc limit $2)) m
  order by m.signal_id desc limit $2) r
left join orchestrator.signal_links o on o.signal_id = r.signal_id
left join lateral (
  select l.signal_id from orchestrator.signal_links l
  where l.shard = r.shard and l.origin = r.signal_id and l.kind <> 'broadcast'
  order by l.signal_id desc limit 1) n on true
order by r.signal_id desc
