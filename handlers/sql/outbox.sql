-- The publisher of backend.outbox. $1 namespace, $2 idempotency key.

-- name: outbox.lock
-- An advisory lock until the commit: claims of one namespace take turns, so that the order within an aggregate holds.
select pg_advisory_xact_lock(hashtextextended('backend.outbox/' || $1::text, 0))

-- name: outbox.claim
-- Index outbox_by_aggregate_unpublished; locks the batch. Up to $3 events for $4 seconds, oldest first. An aggregate whose
-- earlier event is in another hand or waits for its next try is left out; an event that was set aside holds nobody up.
with ready as (
  select candidate.event_id
    from backend.outbox candidate
   where candidate.namespace = $1::text and candidate.published_at is null and candidate.set_aside_at is null
     and coalesce(candidate.claimed_until, '-infinity') <= now() and coalesce(candidate.next_try_at, '-infinity') <= now()
     and not exists (
       select from backend.outbox earlier
        where (earlier.namespace, earlier.aggregate_type, earlier.aggregate_id)
            = (candidate.namespace, candidate.aggregate_type, candidate.aggregate_id)
          and earlier.sequence < candidate.sequence and earlier.published_at is null and earlier.set_aside_at is null
          and (earlier.claimed_until > now() or earlier.next_try_at > now()))
   order by candidate.sequence
   limit $3::bigint
), claimed as (
  update backend.outbox event
     set claimed_by = $2::text, claimed_until = now() + make_interval(secs => $4::double precision)
    from ready
   where event.namespace = $1::text and event.event_id = ready.event_id
  returning event.*
)
select json_build_object(
         'event_count', count(*),
         'events', coalesce(json_agg(json_build_object(
                              'event_id', event_id, 'type', type, 'tenant', namespace,
                              'aggregate_type', aggregate_type, 'aggregate_id', aggregate_id, 'sequence', sequence,
                              'occurred_at', occurred_at, 'correlation_id', correlation_id,
                              'schema_version', schema_version, 'payload', payload)
                            order by sequence), '[]'))::text as result
  from claimed

-- name: outbox.mark
-- Index outbox_pkey; locks the batch. $3 what became of each event, $4 the most tries. An event is published once, whoever
-- says so; a failed one waits twice as long each time, an hour at most; one that was not tried is free again.
with told as (
  select * from jsonb_to_recordset($3::jsonb) as item (event_id text, outcome text, error text)
), marked as (
  update backend.outbox event
     set published_at = case told.outcome when 'published' then now() end,
         attempt_count = event.attempt_count + (told.outcome <> 'not_tried')::int,
         last_error = case when told.outcome = 'failed' then told.error else event.last_error end,
         next_try_at = case when told.outcome = 'failed'
                            then now() + least(interval '1 hour', interval '1 second' * power(2, event.attempt_count))
                       end,
         set_aside_at = case when told.outcome = 'failed' and event.attempt_count + 1 >= $4::int then now() end,
         claimed_by = null, claimed_until = null
    from told
   where event.namespace = $1::text and event.event_id = told.event_id and event.published_at is null
  returning event.event_id, event.published_at, event.set_aside_at, told.outcome
), noted as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject, body)
  select $1::text, $2::text || '/' || event_id, 'operators', 'event_set_aside', event_id, '{}'
    from marked where set_aside_at is not null
  on conflict do nothing
)
select json_build_object('published_count', count(*) filter (where outcome = 'published'),
                         'failed_count', count(*) filter (where outcome = 'failed'),
                         'set_aside_count', count(set_aside_at))::text as result
  from marked

-- name: outbox.clean
-- Index outbox_published; locks up to $2 rows. Published events older than $3 seconds go; the trigger keeps all others.
with old as (
  select event_id from backend.outbox
   where namespace = $1::text and published_at < now() - make_interval(secs => $3::double precision)
   limit $2::bigint
     for update skip locked
), removed as (
  delete from backend.outbox event using old
   where event.namespace = $1::text and event.event_id = old.event_id
  returning 1
)
select json_build_object(
         'removed_count', (select count(*) from removed),
         'unpublished_count', (select count(*) from backend.outbox
                                where namespace = $1::text and published_at is null and set_aside_at is null),
         'set_aside_count', (select count(*) from backend.outbox
                              where namespace = $1::text and set_aside_at is not null))::text as result
