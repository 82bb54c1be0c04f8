-- Bulk operations: one action of an operator on many runs, which goes on after a crash.
--
-- Why: the runs are fixed when the operation is accepted, as the bytes of their ids in a row, so that a run that appears
-- later is never touched, and progress is one number. Whichever node holds the row's lease works on it; the next one goes
-- on where its last progress was written, and every item bears a repeat.
-- Locks and cost: one small table. Previous release: does not look here; operations rest while only it runs.

create table orchestrator.operations (
  operation_id uuid primary key,
  namespace text not null check (namespace ~ '^[A-Za-z0-9._:-]{1,128}$'),
  action text not null check (action in ('cancel', 'retry', 'pause', 'resume', 'discard')),
  arguments json not null check (json_typeof(arguments) = 'object'),
  filter json not null check (json_typeof(filter) = 'object'),
  reason text not null,
  actor text not null,
  rate_per_second integer not null check (rate_per_second > 0),
  state text not null default 'running' check (state in ('running', 'done', 'stopped')),
  -- Sixteen bytes each, in the order in which they are dealt with.
  runs bytea not null check (length(runs) = 16 * matched),
  matched integer not null,
  next_item integer not null default 0 check (next_item between 0 and matched),
  done integer not null default 0,
  failed integer not null default 0,
  -- [{run_id, code, message}] of the first items that failed.
  failures json not null default '[]',
  created_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  ended_by text,
  holder uuid,
  lease_until timestamptz not null default '-infinity',
  check ((state = 'running') = (ended_at is null)),
  check (done + failed <= next_item)
);

-- The ids are written once and read once by each holder: compressing them gains nothing.
alter table orchestrator.operations alter column runs set storage external;

create index operations_newest on orchestrator.operations (namespace, operation_id);
create index operations_running on orchestrator.operations (lease_until) where state = 'running';

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select, insert, update, delete on orchestrator.operations to orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant select on orchestrator.operations to orchestrator_reader;
  end if;
end
$$;
