-- What reaches runs from outside: signals, the waits they meet, the inbox, kept answers, webhooks.
--
-- Why: what shares a key shares a shard, so a signal, the waits for its key and the run that it starts are one batch.
-- Locks and cost: creates only. Previous release: none.

-- Every accepted signal with its fate.
create table orchestrator.signals (
  shard integer not null,
  signal_id uuid not null,
  namespace text not null,
  name text not null,
  key text,
  addressed_run_id uuid,
  id text not null,
  payload json,
  fate text not null check (fate in ('delivered', 'buffered', 'consumed', 'expired', 'unmatched', 'rejected')),
  reason text not null,
  was_expected boolean not null,
  run_id uuid,
  step bigint not null,
  state_name text not null,
  received_at timestamptz not null,
  settled_at timestamptz,
  expires_at timestamptz not null,
  primary key (shard, signal_id),
  check ((key is null) <> (addressed_run_id is null))
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, vacuum_truncate = off);

-- Invariant: the sender's id is used once per namespace, name and key, or once per run and name.
create unique index signals_sender_key on orchestrator.signals (shard, namespace, key, name, id) where key is not null;
create unique index signals_sender_run on orchestrator.signals (shard, addressed_run_id, name, id)
  where addressed_run_id is not null;
create index signals_pending_key on orchestrator.signals (shard, namespace, key, received_at, signal_id)
  where key is not null and fate in ('buffered', 'delivered');
create index signals_pending_run on orchestrator.signals (shard, addressed_run_id, received_at, signal_id)
  where addressed_run_id is not null and fate = 'buffered';
create index signals_expiry on orchestrator.signals (shard, expires_at) where fate = 'buffered';
create index signals_of_run on orchestrator.signals (run_id) where run_id is not null;

-- Open waits of runs, on the shard of the wait's key.
create table orchestrator.signal_waits (
  shard integer not null,
  namespace text not null,
  key text not null,
  run_id uuid not null,
  step bigint not null,
  names text[] not null,
  state_name text not null,
  since timestamptz not null,
  primary key (shard, namespace, key, run_id, step)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, vacuum_truncate = off);

-- Messages to a shard: anybody may insert, only the owner deletes. xid lets the reader go on from the oldest transaction
-- that was running at its last read, so that a late committer is never skipped.
create table orchestrator.inbox (
  shard integer not null,
  id uuid not null,
  kind text not null,
  body json not null,
  created_at timestamptz not null default clock_timestamp(),
  xid xid8 not null default pg_current_xact_id(),
  primary key (shard, id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 1,
        vacuum_truncate = off);

create index inbox_order on orchestrator.inbox (shard, xid, id);

-- A caller's Idempotency-Key: a reservation (status 0), later the answer to repeat.
create table orchestrator.idempotency (
  shard integer not null,
  namespace text not null,
  scope text not null,
  key text not null,
  body_hash text not null,
  reserved_id text not null,
  status integer not null,
  answer text not null,
  created_at timestamptz not null,
  primary key (shard, namespace, scope, key)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, vacuum_truncate = off);

create table orchestrator.webhook_endpoints (
  namespace text not null,
  name text not null,
  provider text not null,
  settings json not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (namespace, name)
);

-- Webhooks as received, raw. The shard is the one of the dedupe key, so that a repeat always finds the first.
create table orchestrator.webhook_deliveries (
  shard integer not null,
  delivery_id uuid not null,
  namespace text not null,
  endpoint text not null,
  provider text not null,
  dedupe_key text not null,
  verdict text not null check (verdict in ('accepted', 'poison')),
  duplicates integer not null default 0,
  signal_id uuid,
  headers json not null,
  body bytea not null,
  received_at timestamptz not null,
  primary key (shard, delivery_id),
  unique (shard, namespace, endpoint, dedupe_key)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, vacuum_truncate = off);
