-- Signals that were made from others: the copies of a broadcast, and what an operator sent again or elsewhere.
--
-- Why: an operator who sends a lost signal on wants to see later where it came from and where it went, and a broadcast is
-- one signal with many copies. A table beside `signals`, because nearly no signal has such a line: the hot table and the
-- function that writes it stay as they are. `shard` is the one of the origin, which writes it.
-- Locks and cost: one small table. Previous release: does not look here; it takes the copies for signals like any other.

create table orchestrator.signal_links (
  shard integer not null,
  origin uuid not null,
  signal_id uuid not null,
  kind text not null check (kind in ('broadcast', 'replay', 'retarget')),
  reason text not null,
  actor text not null,
  created_at timestamptz not null,
  primary key (shard, origin, signal_id)
);

create index signal_links_signal on orchestrator.signal_links (signal_id);

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select, insert, delete on orchestrator.signal_links to orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant select on orchestrator.signal_links to orchestrator_reader;
  end if;
end
$$;
