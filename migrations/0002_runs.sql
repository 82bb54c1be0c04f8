-- Definitions, open and closed runs, their journal and checkpoints, and the upkeep of partitions.
--
-- Why these shapes: a durable step is one journal row and nothing else; open_runs is written only where a run starts,
-- comes to rest, leaves rest or ends. Every key leads with the shard. Payloads are json (jsonb costs 1.2 us a row more);
-- jsonb only where pages search. vacuum_truncate is off because truncation takes an exclusive lock on a busy table.
-- Locks and cost: creates only. Previous release: none.

-- Immutable text; a version is never changed or removed while runs are pinned to it.
create table orchestrator.definitions (
  namespace text not null,
  name text not null,
  version integer not null check (version >= 1),
  checksum text not null,
  source json not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (namespace, name, version)
);

-- One row per open run or job.
create table orchestrator.open_runs (
  shard integer not null,
  run_id uuid not null,
  namespace text not null,
  kind text not null check (kind in ('workflow', 'job')),
  workflow text not null,
  version integer not null,
  key text,
  priority integer not null,
  input json,
  attributes jsonb,
  parent_run_id uuid,
  parent_step bigint not null,
  predecessor_run_id uuid,
  traceparent text not null,
  created_at timestamptz not null,
  run_at timestamptz,
  timeout_seconds bigint,
  state text not null check (state in ('ready', 'running', 'waiting', 'paused')),
  wake_at timestamptz,
  waiting_on json not null,
  at_rest boolean not null,
  attempts integer not null,
  started_at timestamptz,
  primary key (shard, run_id)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1, vacuum_truncate = off);

-- Invariant: at most one open run per namespace, workflow and key.
create unique index open_runs_key on orchestrator.open_runs (shard, namespace, key, workflow) where key is not null;
create index open_runs_wake on orchestrator.open_runs (shard, wake_at) where wake_at is not null;
create index open_runs_moving on orchestrator.open_runs (shard) where not at_rest;
create index open_runs_parent on orchestrator.open_runs (parent_run_id) where parent_run_id is not null;

-- Moved here by the batch that ends the run.
create table orchestrator.closed_runs (
  shard integer not null,
  run_id uuid not null,
  closed_day date not null,
  namespace text not null,
  kind text not null check (kind in ('workflow', 'job')),
  workflow text not null,
  version integer not null,
  key text,
  priority integer not null,
  input json,
  attributes jsonb,
  parent_run_id uuid,
  parent_step bigint not null,
  predecessor_run_id uuid,
  traceparent text not null,
  created_at timestamptz not null,
  run_at timestamptz,
  timeout_seconds bigint,
  state text not null check (state in ('succeeded', 'failed', 'cancelled', 'timed_out')),
  output json,
  error text,
  cause text,
  attempts integer not null,
  started_at timestamptz,
  closed_at timestamptz not null,
  dead_letter text not null check (dead_letter in ('none', 'open', 'discarded')),
  successor_run_id uuid,
  primary key (shard, run_id, closed_day)
) partition by range (closed_day);

-- Pages list newest first; run_id begins with the moment of acceptance, so it is the order by created_at, then id.
create index closed_runs_list on orchestrator.closed_runs (namespace, run_id);
create index closed_runs_key on orchestrator.closed_runs (shard, namespace, key, workflow, closed_at) where key is not null;
create index closed_runs_parent on orchestrator.closed_runs (parent_run_id) where parent_run_id is not null;
create index closed_runs_dead_letter on orchestrator.closed_runs (namespace, run_id) where dead_letter = 'open';

-- The truth of a workflow run. A row holds all events of one decision; seq is the id of its first event.
create table orchestrator.journal (
  shard integer not null,
  run_id uuid not null,
  seq bigint not null check (seq >= 1),
  at timestamptz not null,
  events text not null,
  primary key (shard, run_id, seq)
) partition by range (run_id);

-- Whatever no other partition takes: a correct row is never refused because of a clock.
create table orchestrator.closed_runs_default partition of orchestrator.closed_runs default with (vacuum_truncate = off);
create table orchestrator.journal_default partition of orchestrator.journal default with (vacuum_truncate = off);

create table orchestrator.checkpoints (
  shard integer not null,
  run_id uuid not null,
  next_event_id bigint not null,
  state text not null,
  primary key (shard, run_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, vacuum_truncate = off);

-- A batch that writes no journal row for some of its shards proves itself here: the shards it then did write.
create table orchestrator.batch_proofs (
  shard integer not null,
  batch_id uuid not null,
  shards integer[] not null,
  committed_at timestamptz not null default clock_timestamp(),
  primary key (shard, batch_id)
) with (autovacuum_vacuum_scale_factor = 0.05, vacuum_truncate = off);

create index batch_proofs_age on orchestrator.batch_proofs using brin (committed_at);

-- Makes one partition: stand-alone first and attached then, which takes no lock that a writer waits for for long. The
-- check constraint saves the scan of the new table.
create function orchestrator.attach_partition(parent text, partition text, low text, high text, key_column text) returns void
  language plpgsql as $$
begin
  if to_regclass(format('orchestrator.%I', partition)) is not null then
    return;
  end if;
  execute format('create table orchestrator.%I (like orchestrator.%I including defaults including constraints including indexes) '
                 'with (vacuum_truncate = off)', partition, parent);
  execute format('alter table orchestrator.%I add constraint within_bounds check (%I >= %L and %I < %L)',
                 partition, key_column, low, key_column, high);
  execute format('alter table orchestrator.%I attach partition orchestrator.%I for values from (%L) to (%L)',
                 parent, partition, low, high);
  execute format('alter table orchestrator.%I drop constraint within_bounds', partition);
exception
  -- The default partition already took rows of these bounds: they stay there, and so does what follows them.
  when check_violation then
    raise warning 'partition % is not made: the default partition of % already holds its rows', partition, parent;
end
$$;

-- Makes the partitions of now and the next four: weeks of the journal, days of closed_runs. Anyone may call it any time.
-- Also forgets batch proofs older than a day: what is in doubt is settled within seconds.
create function orchestrator.keep_partitions() returns void
  language plpgsql security definer set search_path = pg_catalog as $$
declare
  this_week timestamptz := date_trunc('week', now() at time zone 'UTC') at time zone 'UTC';
  this_day date := (now() at time zone 'UTC')::date;
  week timestamptz;
  day date;
begin
  perform pg_advisory_xact_lock(hashtextextended('orchestrator.keep_partitions', 0));
  for ahead in 0..4 loop
    week := this_week + ahead * interval '168 hours';
    day := this_day + ahead;
    perform orchestrator.attach_partition('journal', 'journal_' || to_char(week at time zone 'UTC', 'IYYY"w"IW'),
      orchestrator.lowest_uuid(week)::text, orchestrator.lowest_uuid(week + interval '168 hours')::text, 'run_id');
    perform orchestrator.attach_partition('closed_runs', 'closed_runs_' || to_char(day, 'YYYYMMDD'),
      day::text, (day + 1)::text, 'closed_day');
  end loop;
  delete from orchestrator.batch_proofs where committed_at < now() - interval '1 day';
end
$$;
