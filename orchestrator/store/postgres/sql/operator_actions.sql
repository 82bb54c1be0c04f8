-- name: read_dead_letter_trails
-- The last $3 journal rows of each run, in order. Index: primary key of each run's journal partition, backwards. No locks.
select q.place, r.seq, orchestrator.to_micros(r.at), r.events
from unnest($1::int[], $2::uuid[]) with ordinality as q (shard, run_id, place)
cross join lateral (
  select j.seq, j.at, j.events from orchestrator.journal j
  where j.shard = q.shard and j.run_id = q.run_id
  order by j.seq desc limit $3) r
order by q.place, r.seq

-- name: read_dead_letter_jobs
-- What is kept of the failures of those that are jobs. Index: primary keys of the closed_runs partitions since the day of
-- acceptance. No locks.
select q.place, r.job_state
from unnest($1::int[], $2::uuid[], $3::bigint[]) with ordinality as q (shard, run_id, accepted, place)
cross join lateral (
  select c.job_state from orchestrator.closed_runs c
  where c.shard = q.shard and c.run_id = q.run_id and c.job_state is not null
    and c.closed_day >= (orchestrator.from_micros(q.accepted) at time zone 'UTC')::date
  limit 1) r

-- name: discard_dead_letter
-- Needs no fence: a closed row changes only while it is an open dead letter, and whoever revives it deletes it. Index:
-- primary keys of the closed_runs partitions since the day of acceptance. Lock: the row.
update orchestrator.closed_runs r
set dead_letter = 'discarded',
  discarded = json_build_object('reason', $5::text, 'actor', $6::text, 'at', to_char(
    clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
where r.shard = $1 and r.run_id = $2 and r.closed_day >= (orchestrator.from_micros($3) at time zone 'UTC')::date
  and r.namespace = $4 and r.dead_letter = 'open'

-- name: edit_open_run
-- In a transaction that holds the fence. Index: open_runs_pkey. Lock: the row.
update orchestrator.open_runs r
set run_at = orchestrator.from_micros($3), priority = $4, attributes = $5::text::jsonb, timeout_seconds = $6
where r.shard = $1 and r.run_id = $2

-- name: add_signal_links
-- In a transaction that holds the fence; what a repeated batch would write again is there already. Index:
-- signal_links_pkey. No locks.
insert into orchestrator.signal_links (shard, origin, signal_id, kind, reason, actor, created_at)
select * from unnest($1::int[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
on conflict do nothing
