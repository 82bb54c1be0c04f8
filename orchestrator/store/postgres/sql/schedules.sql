-- name: write_schedules
-- What a batch says about schedules, after commit_batch in its transaction; migrations/0012 has the body.
select orchestrator.write_schedules($1, $2, $3, $4)

-- name: load_schedules
-- All schedules of a shard, for its new owner, with those of their runs that are still open. Index: schedules_pkey,
-- open_runs_pkey.
select s.shard, s.namespace, s.name, s.schedule_id, s.settings, orchestrator.to_micros(s.decided_until),
  orchestrator.to_micros(s.next_fire_at), orchestrator.to_micros(s.paused_at), s.last_run_id,
  to_json(array(select r.run_id from unnest(s.open_runs) as o (run_id)
    cross join lateral (select o2.run_id from orchestrator.open_runs o2
      where o2.shard = s.shard and o2.run_id = o.run_id limit 1) r)),
  orchestrator.to_micros(s.created_at), orchestrator.to_micros(s.updated_at)
from orchestrator.schedules s
where s.shard = $1
order by s.namespace, s.name

-- name: load_queued_slots
-- Slots of a shard that wait for their turn, oldest first. Index: schedule_slots_queued.
select q.shard, q.schedule_id, orchestrator.to_micros(q.slot_at), q.origin, orchestrator.to_micros(q.fire_at),
  orchestrator.to_micros(q.decided_at), q.outcome, q.reason, q.run_id, orchestrator.to_micros(q.last_slot_at), q.slot_count
from orchestrator.schedule_slots q
where q.shard = $1 and q.outcome = 'queued'
order by q.schedule_id, q.slot_at

-- name: find_schedule
-- Index: schedules_pkey.
select s.shard, s.namespace, s.name, s.schedule_id, s.settings, orchestrator.to_micros(s.decided_until),
  orchestrator.to_micros(s.next_fire_at), orchestrator.to_micros(s.paused_at), s.last_run_id, to_json(s.open_runs),
  orchestrator.to_micros(s.created_at), orchestrator.to_micros(s.updated_at)
from orchestrator.schedules s
where s.shard = $1 and s.namespace = $2 and s.name = $3

-- name: list_schedules
-- Newest first: ids begin with the moment of creation. Index: schedules_list backwards, the first page of each shard.
select r.shard, r.namespace, r.name, r.schedule_id, r.settings, orchestrator.to_micros(r.decided_until),
  orchestrator.to_micros(r.next_fire_at), orchestrator.to_micros(r.paused_at), r.last_run_id, to_json(r.open_runs),
  orchestrator.to_micros(r.created_at), orchestrator.to_micros(r.updated_at)
from generate_series(0, (select shard_count - 1 from orchestrator.settings)) as q (shard)
cross join lateral (
  select * from orchestrator.schedules s
  where s.shard = q.shard and s.namespace = $1 and ($3::uuid is null or s.schedule_id < $3)
  order by s.schedule_id desc limit $2) r
order by r.schedule_id desc
limit $2

-- name: list_schedule_slots
-- Latest first. Index: schedule_slots_pkey backwards.
select s.shard, s.schedule_id, orchestrator.to_micros(s.slot_at), s.origin, orchestrator.to_micros(s.fire_at),
  orchestrator.to_micros(s.decided_at), s.outcome, s.reason, s.run_id, orchestrator.to_micros(s.last_slot_at), s.slot_count
from orchestrator.schedule_slots s
where s.shard = $1 and s.schedule_id = $2
  and ($4::bigint is null or (s.slot_at, s.origin) < (orchestrator.from_micros($4), $5))
order by s.slot_at desc, s.origin desc
limit $3

-- name: find_schedule_slots
-- Those of these slots of the rule that have a row. Index: schedule_slots_pkey, one probe per slot.
select s.shard, s.schedule_id, orchestrator.to_micros(s.slot_at), s.origin, orchestrator.to_micros(s.fire_at),
  orchestrator.to_micros(s.decided_at), s.outcome, s.reason, s.run_id, orchestrator.to_micros(s.last_slot_at), s.slot_count
from orchestrator.schedule_slots s
where s.shard = $1 and s.schedule_id = $2 and s.slot_at = any ($3::timestamptz[]) and s.origin = 'schedule'

-- name: forget_old_slots
-- Slots that were decided long ago. Index: schedule_slots_age. Locks: the rows.
delete from orchestrator.schedule_slots
where decided_at < clock_timestamp() - make_interval(days => $1) and outcome <> 'queued'
