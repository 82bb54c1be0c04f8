-- Indexes for what operators filter by, so that a screen answers at a million finished runs as at ten.
--
-- Why: the rare is what people look for, and a list that walks the common to find it takes seconds. Runs that did not go
-- well, open runs that ask a person, signals by name and those that are not consumed, deliveries by endpoint and provider,
-- the audit by actor and action. None of them has an entry for a run that succeeds. Filters of runs without an index look at
-- so many rows a page (docs/decisions/0031).
-- Locks and cost: each index keeps writers of its table waiting while it is built, about a second per million rows.
-- Previous release: works as before.

create index closed_runs_unlucky on orchestrator.closed_runs (namespace, run_id) where state <> 'succeeded';
create index open_runs_decisions on orchestrator.open_runs (shard, run_id) where waiting_on::text like '%"decision"%';
create index signals_name on orchestrator.signals (shard, namespace, name, signal_id);
create index signals_unconsumed on orchestrator.signals (shard, namespace, signal_id) where fate <> 'consumed';
create index webhook_deliveries_endpoint on orchestrator.webhook_deliveries (namespace, endpoint, delivery_id);
create index webhook_deliveries_provider on orchestrator.webhook_deliveries (namespace, provider, delivery_id);
create index webhook_deliveries_repeated on orchestrator.webhook_deliveries (namespace, delivery_id) where duplicates > 0;
create index audit_actor on orchestrator.audit (namespace, actor, at, chain, seq);
create index audit_action on orchestrator.audit (namespace, action, at, chain, seq);
