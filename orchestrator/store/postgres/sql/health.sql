-- name: read_oldest_snapshot
-- Who keeps vacuum from removing dead rows of this database: the oldest transaction, prepared transaction or replication
-- slot. Statistics views only; no table of ours is touched. Details of other roles' sessions need pg_read_all_stats.
with holders as (
  select 'session' as kind, pid::text as name, coalesce(application_name, '') as application, coalesce(usename::text, '') as role,
    coalesce(state, '') as state, xact_start as since, age(backend_xmin) as transactions
  from pg_stat_activity
  where datname = current_database() and backend_xmin is not null and pid <> pg_backend_pid()
  union all
  select 'prepared transaction', gid, '', owner::text, 'prepared', prepared, age(transaction)
  from pg_prepared_xacts where database = current_database()
  union all
  select 'replication slot', slot_name::text, '', '', case when active then 'active' else 'inactive' end, null,
    greatest(age(xmin), age(catalog_xmin))
  from pg_replication_slots where xmin is not null or catalog_xmin is not null)
select kind, name, application, role, state,
  coalesce((extract(epoch from clock_timestamp() - since) * 1000)::bigint, 0), transactions::bigint
from holders
order by since nulls last, transactions desc
limit 1

-- name: read_clock
-- The database's clock, for doctor's comparison. No table.
select orchestrator.to_micros(clock_timestamp())

-- name: count_unmatched_signals
-- Buffered signals that no open wait names, counted up to $1, and the age of the oldest of those. One that was sent to a
-- run by its id is buffered because that run does not wait for it. Index: signals_expiry (partial, buffered only), then
-- signal_waits_pkey. No locks.
select count(*), coalesce((extract(epoch from clock_timestamp() - min(unmatched.received_at)) * 1000)::bigint, 0)
from (
  select s.received_at from orchestrator.signals s
  where s.fate = 'buffered'
    and not exists (
      select from orchestrator.signal_waits w
      where w.shard = s.shard and w.namespace = s.namespace and w.key = s.key and s.name = any (w.names))
  limit $1) as unmatched

-- name: count_dead_letters
-- Failed runs that nobody has dealt with, counted up to $1, and the age of the oldest of those. Index:
-- closed_runs_dead_letter (partial) of each partition. No locks.
select count(*), coalesce((extract(epoch from clock_timestamp() - min(d.closed_at)) * 1000)::bigint, 0)
from (select c.closed_at from orchestrator.closed_runs c where c.dead_letter = 'open' limit $1) d

-- name: count_open_operations
-- Bulk operations that run, and the age of the oldest. Index: operations_running (partial). No locks.
select count(*), coalesce((extract(epoch from clock_timestamp() - min(o.created_at)) * 1000)::bigint, 0)
from orchestrator.operations o where o.state = 'running'
