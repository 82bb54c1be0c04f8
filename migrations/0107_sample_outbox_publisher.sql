-- Why: backend.outbox was written and published by nobody. The publisher claims a batch for some seconds, hands each event
-- over, and marks it; what cannot be handed over is tried again later and set aside in the end.
-- Locks and cost: columns with constant defaults, no rewrite; builds one index over the unpublished rows under a lock that
-- stops writers meanwhile. Sample data only.
-- Previous release: writes events as before; they wait for a publisher.

alter table backend.outbox
  add column claimed_by text,              -- idempotency key of the publisher's step
  add column claimed_until timestamptz,    -- a publisher that died loses its batch then
  add column attempt_count int not null default 0,
  add column next_try_at timestamptz,
  add column last_error text,
  add column set_aside_at timestamptz,     -- gave up; null it to try again
  add check (published_at is null or set_aside_at is null);
create index outbox_by_aggregate_unpublished on backend.outbox (namespace, aggregate_type, aggregate_id, sequence)
  where published_at is null and set_aside_at is null;
create index outbox_published on backend.outbox (namespace, published_at) where published_at is not null;

-- An event is a fact: nothing but its delivery changes.
create function backend.keep_event() returns trigger language plpgsql as $$
begin
  if (new.namespace, new.event_id, new.sequence, new.type, new.aggregate_type, new.aggregate_id, new.correlation_id,
      new.schema_version, new.payload, new.occurred_at)
     is distinct from
     (old.namespace, old.event_id, old.sequence, old.type, old.aggregate_type, old.aggregate_id, old.correlation_id,
      old.schema_version, old.payload, old.occurred_at) then
    raise exception 'event % is a fact and does not change', old.event_id using errcode = 'check_violation';
  end if;
  if old.published_at is not null and new.published_at is distinct from old.published_at then
    raise exception 'event % is published', old.event_id using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger outbox_keep_event before update on backend.outbox
  for each row execute function backend.keep_event();
