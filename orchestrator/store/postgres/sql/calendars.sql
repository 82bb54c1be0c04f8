-- name: put_calendar
-- Index: calendars_pkey. No row when a new calendar finds no room ($4). xmax is 0 in a row that was inserted.
insert into orchestrator.calendars as kept (namespace, name, days)
select $1::text, $2::text, $3::json
where exists (select from orchestrator.calendars where namespace = $1::text and name = $2::text)
  or (select count(*) from orchestrator.calendars where namespace = $1::text) < $4::bigint
on conflict (namespace, name) do update set days = excluded.days, changed_at = clock_timestamp()
returning namespace, name, days::text, orchestrator.to_micros(created_at), orchestrator.to_micros(changed_at),
  (xmax = 0)

-- name: find_calendar
-- Index: calendars_pkey.
select namespace, name, days::text, orchestrator.to_micros(created_at), orchestrator.to_micros(changed_at)
from orchestrator.calendars
where namespace = $1 and name = $2

-- name: list_calendars
-- Index: calendars_pkey.
select namespace, name, days::text, orchestrator.to_micros(created_at), orchestrator.to_micros(changed_at)
from orchestrator.calendars
where namespace = $1
order by name

-- name: delete_calendar
-- Index: calendars_pkey; schedules_calendar for who uses it. No row deleted while anybody does.
delete from orchestrator.calendars
where namespace = $1::text and name = $2::text and not exists (
  select from orchestrator.schedules s
  where s.namespace = $1::text and s.calendar = $2::text)

-- name: list_calendar_users
-- Index: schedules_calendar.
select s.shard, s.namespace, s.name, s.schedule_id
from orchestrator.schedules s
where s.namespace = $1::text and s.calendar = $2::text and s.schedule_id > $3::uuid
order by s.schedule_id
limit $4::bigint
