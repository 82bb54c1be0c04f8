-- name: read_database_counters
-- For measurements. One row of a statistics view; no table of ours is touched.
select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, d.xact_commit,
  d.tup_inserted + d.tup_updated + d.tup_deleted, pg_backend_pid(), pg_database_size(d.datid)
from pg_stat_database d
where d.datname = current_database()
