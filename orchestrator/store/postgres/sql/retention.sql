-- name: try_lock_retention
-- Lock: of this session, until it ends. A hint: two sweeps at once would only do some work twice.
select pg_try_advisory_lock(hashtextextended('orchestrator.retention', 0))

-- name: old_closed_days
-- Catalogue only.
select p.partition from orchestrator.partitions_of('closed_runs') p
where p.high::date <= (orchestrator.from_micros($1) at time zone 'UTC')::date

-- name: old_journal_weeks
-- Catalogue only.
select p.partition from orchestrator.partitions_of('journal') p
where p.high::uuid <= orchestrator.lowest_uuid(orchestrator.from_micros($1))

-- name: drop_closed_day
-- Lock: the table, exclusively, for milliseconds; lock_timeout bounds the wait for it.
select orchestrator.drop_closed_day($1, (orchestrator.from_micros($2) at time zone 'UTC')::date, $3::integer)

-- name: drop_journal_week
-- As drop_closed_day.
select orchestrator.drop_journal_week($1, orchestrator.from_micros($2), $3::integer)

-- name: delete_old_leftovers
-- Closed runs that a dropped day left in the default partition and that somebody has dealt with since, or that a wrong
-- clock put there. The default partition is small: read whole, $2 rows at a time.
with old as (
  select c.shard, c.run_id, c.closed_day from orchestrator.closed_runs_default c
  where c.closed_day < (orchestrator.from_micros($1) at time zone 'UTC')::date and c.dead_letter <> 'open' limit $2)
delete from orchestrator.closed_runs_default d using old
where d.shard = old.shard and d.run_id = old.run_id and d.closed_day = old.closed_day

-- name: delete_orphaned_journal
-- Journal rows in the default partition of runs that nothing tells of any more. As delete_old_leftovers.
with old as (
  select j.shard, j.run_id, j.seq from orchestrator.journal_default j
  where j.run_id < orchestrator.lowest_uuid(orchestrator.from_micros($1)) and not orchestrator.is_known_run(j.run_id)
  limit $2)
delete from orchestrator.journal_default d using old
where d.shard = old.shard and d.run_id = old.run_id and d.seq = old.seq

-- name: delete_orphaned_checkpoints
-- The next $4 checkpoints of a shard behind $3: how many there were, the last one's run, and those of runs that nothing
-- tells of any more are deleted. Index: checkpoints_pkey, from where the last chunk ended.
with looked_at as (
  select k.run_id from orchestrator.checkpoints k
  where k.shard = $1 and k.run_id > $3 and k.run_id < orchestrator.lowest_uuid(orchestrator.from_micros($2))
  order by k.run_id limit $4),
gone as (
  delete from orchestrator.checkpoints d using looked_at l
  where d.shard = $1 and d.run_id = l.run_id and not orchestrator.is_known_run(l.run_id)
  returning d.run_id)
select (select count(*) from looked_at), (select l.run_id from looked_at l order by l.run_id desc limit 1),
  (select count(*) from gone)

-- name: delete_old_signals
-- As delete_orphaned_checkpoints, for signals that were settled before $2, with what was made from them. Index:
-- signals_pkey, signal_links_pkey.
with looked_at as (
  select s.signal_id, s.fate, s.settled_at from orchestrator.signals s
  where s.shard = $1 and s.signal_id > $3 and s.signal_id < orchestrator.lowest_uuid(orchestrator.from_micros($2))
  order by s.signal_id limit $4),
gone as (
  delete from orchestrator.signals d using looked_at l
  where d.shard = $1 and d.signal_id = l.signal_id
    and l.fate in ('consumed', 'expired', 'unmatched', 'rejected') and l.settled_at < orchestrator.from_micros($2)
  returning d.signal_id),
unlinked as (
  delete from orchestrator.signal_links l using gone g where l.shard = $1 and l.origin = g.signal_id)
select (select count(*) from looked_at), (select l.signal_id from looked_at l order by l.signal_id desc limit 1),
  (select count(*) from gone)

-- name: delete_old_deliveries
-- As delete_orphaned_checkpoints, for webhooks received before $2. Index: webhook_deliveries_pkey.
with looked_at as (
  select w.delivery_id from orchestrator.webhook_deliveries w
  where w.shard = $1 and w.delivery_id > $3
    and w.delivery_id < orchestrator.lowest_uuid(orchestrator.from_micros($2))
  order by w.delivery_id limit $4),
gone as (
  delete from orchestrator.webhook_deliveries d using looked_at l
  where d.shard = $1 and d.delivery_id = l.delivery_id
  returning d.delivery_id)
select (select count(*) from looked_at), (select l.delivery_id from looked_at l order by l.delivery_id desc limit 1),
  (select count(*) from gone)

-- name: delete_old_idempotency
-- Kept answers made between $2 and $1, oldest first: how many went, and the last one's time, where the next chunk begins.
-- Index: idempotency_age.
with old as (
  select i.shard, i.namespace, i.scope, i.key, i.created_at from orchestrator.idempotency i
  where i.created_at < orchestrator.from_micros($1) and i.created_at >= orchestrator.from_micros($2)
  order by i.created_at limit $3),
gone as (
  delete from orchestrator.idempotency d using old
  where d.shard = old.shard and d.namespace = old.namespace and d.scope = old.scope and d.key = old.key
  returning old.created_at)
select count(*), coalesce(orchestrator.to_micros(max(created_at)), $2) from gone
