-- What the webhook inbox tells about a delivery, and the orders in which people ask for deliveries.
--
-- Why: a body may hold several messages, each a signal of its own; a repeat whose bytes differ from the first is worth a
-- look; a delivery that was read and concerns nobody, or could not be read, says why; each replay has a number. From now on
-- a delivery is on the shard of its dedupe key, whatever its endpoint reads as the signal's key, so that a repeat finds the
-- first also after the endpoint was changed.
-- Locks and cost: the columns are catalogue rows only; the two indexes read the table once (about a second per million
-- rows) while webhooks wait, so build them `concurrently` by hand beforehand where that is too long. Previous release: goes
-- on; a repeat that it takes of a delivery that this one took counts as new there, and its signal's id settles it.

alter table orchestrator.webhook_deliveries
  add column reason text not null default '',
  add column signal_count integer not null default 1,
  add column altered_duplicates integer not null default 0,
  add column last_duplicate_at timestamptz,
  add column last_altered_at timestamptz,
  add column replays integer not null default 0;

create index if not exists webhook_deliveries_newest on orchestrator.webhook_deliveries (namespace, delivery_id);
create index if not exists webhook_deliveries_poison on orchestrator.webhook_deliveries (namespace, delivery_id)
  where verdict = 'poison';

alter table orchestrator.webhook_endpoints add column updated_at timestamptz not null default clock_timestamp();
