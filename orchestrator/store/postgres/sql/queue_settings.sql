-- name: lock_queue_settings
-- Lock: writers of the table one after the other, until their commit; readers go on. Revisions are visible in order.
lock table orchestrator.queue_settings in share row exclusive mode

-- name: change_queue_settings
-- Index: queue_settings_pkey; queue_settings_revision for the newest. No row when a new queue finds no room ($6).
with next as (
  select coalesce(max(revision), 0) + 1 as revision, count(*) as known from orchestrator.queue_settings
),
known as (
  select 1 from orchestrator.queue_settings where namespace = $1::text and name = $2::text
)
insert into orchestrator.queue_settings as kept (namespace, name, limits, paused, reason, paused_at, revision)
select $1::text, $2::text, coalesce($3::json, '{}'), coalesce($4::boolean, false),
  case when $4::boolean then $5::text else '' end,
  case when $4::boolean then clock_timestamp() end, next.revision
from next
where next.known < $6::bigint or exists (select from known)
on conflict (namespace, name) do update set
  limits = coalesce($3::json, kept.limits),
  paused = coalesce($4::boolean, kept.paused),
  reason = case when $4::boolean is null then kept.reason else excluded.reason end,
  paused_at = case when $4::boolean is null then kept.paused_at
                   when $4::boolean then coalesce(kept.paused_at, excluded.paused_at) end,
  changed_at = clock_timestamp(),
  revision = excluded.revision
returning namespace, name, limits::text, paused, reason, orchestrator.to_micros(paused_at),
  orchestrator.to_micros(changed_at), revision

-- name: find_queue_settings
-- Index: queue_settings_pkey.
select namespace, name, limits::text, paused, reason, orchestrator.to_micros(paused_at),
  orchestrator.to_micros(changed_at), revision
from orchestrator.queue_settings
where namespace = $1 and name = $2

-- name: list_queue_settings
-- Index: queue_settings_revision.
select namespace, name, limits::text, paused, reason, orchestrator.to_micros(paused_at),
  orchestrator.to_micros(changed_at), revision
from orchestrator.queue_settings
where revision > $1::bigint
order by revision
