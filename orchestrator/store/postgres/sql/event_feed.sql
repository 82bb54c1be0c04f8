-- name: keep_event_feed_open
-- Locks: the one row of event_feed_state.
select f.place, f.is_ready from orchestrator.keep_event_feed_open($1::int) f

-- name: is_event_feed_complete
-- Whether everything behind a place is still there. Index: none, the table has one row.
select coalesce(s.complete_from <= pg_snapshot_xmin($1::text::pg_snapshot), false)
from orchestrator.event_feed_state s

-- name: read_event_feed
-- Batches that one snapshot does not see and another does, the current one when $2 is empty; a row without a batch when
-- there is none. Index: event_feed_pkey from the first one's oldest running transaction on.
with bound as materialized (
  select coalesce(nullif($2::text, '')::pg_snapshot, pg_current_snapshot()) as until)
select b.until::text, f.xid::text, array_to_string(f.run_ids, ' '), array_to_string(f.seqs, ' ')
from bound b
left join lateral (
  select e.xid, e.run_ids, e.seqs
  from orchestrator.event_feed e
  where e.xid >= greatest(pg_snapshot_xmin($1::text::pg_snapshot)::text::numeric, $3::text::numeric)::text::xid8
    and not pg_visible_in_snapshot(e.xid, $1::text::pg_snapshot)
    and pg_visible_in_snapshot(e.xid, b.until)
  order by e.xid
  limit $4::int) f on true
order by f.xid

-- name: prune_event_feed
-- Index: event_feed_age. Forgets what nobody can ask for any more.
select orchestrator.prune_event_feed()
