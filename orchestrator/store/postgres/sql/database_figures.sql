-- name: read_database_figures
-- Size, sessions and oldest transaction id of the database. Statistics and catalogs only; the size walks the database's
-- files, a few milliseconds.
select pg_database_size(d.oid),
  (select count(*) from pg_stat_activity where backend_type = 'client backend'),
  current_setting('max_connections')::bigint,
  age(d.datfrozenxid)::bigint
from pg_database d
where d.datname = current_database()

-- name: read_hot_tables
-- Live and dead rows as the statistics have them. No table of ours is touched.
select s.relname::text, s.n_live_tup, s.n_dead_tup
from pg_stat_user_tables s
where s.schemaname = 'orchestrator' and s.relname in ('inbox', 'open_runs', 'schedules', 'shard_owner', 'signal_waits', 'signals')
order by 1

-- name: count_inbox
-- Messages that wait for their shard's owner, counted up to $1, and the age of the oldest of those. The table is short
-- unless something is wrong: whatever is dealt with leaves it. No locks.
select count(*), coalesce((extract(epoch from clock_timestamp() - min(i.created_at)) * 1000)::bigint, 0)
from (select m.created_at from orchestrator.inbox m limit $1) i

-- name: read_schedule_overdue
-- How late the latest undecided slot is. At most some thousand rows per shard, read whole every few seconds. No locks.
select coalesce((extract(epoch from clock_timestamp() - min(s.next_fire_at)) * 1000)::bigint, 0)
from orchestrator.schedules s
where s.paused_at is null and s.next_fire_at < clock_timestamp()
