-- What event streams follow: which journal rows and jobs each batch wrote, while somebody listens.
--
-- Why: a stream must show every committed event once, whichever node's it is, and go on after a restart. The journal has no
-- order over all runs, and an index that gave it one would cost every step. So a batch notes itself in one row, in its own
-- transaction, and only while event_feed_state says that somebody listens or did a few minutes ago; for everybody else it
-- costs one look at that one row per batch. A snapshot is a place in the feed: what it does not see is still to come.
-- Locks and cost: creates only. Previous release: works on, and does not note; until every node runs this release, streams
-- miss what the old ones write.

create table orchestrator.event_feed (
  xid xid8 primary key default pg_current_xact_id(),
  noted_at timestamptz not null default clock_timestamp(),
  -- Side by side. Of a workflow's run, seq is the journal row's; of a job, 1 when it was opened and 0 when it closed.
  run_ids uuid[] not null,
  seqs bigint[] not null check (cardinality(seqs) = cardinality(run_ids))
) with (vacuum_truncate = off);

create index event_feed_age on orchestrator.event_feed (noted_at);

-- One row. `complete_from`: every transaction from this one on has noted itself; null while that is not known yet.
create table orchestrator.event_feed_state (
  the_one boolean primary key default true check (the_one),
  open_until timestamptz not null default '-infinity',
  complete_from xid8
) with (fillfactor = 50, vacuum_truncate = off);

insert into orchestrator.event_feed_state default values;

-- Called beside commit_batch, with its arrays.
create function orchestrator.note_batch(
  j_run_id uuid[], j_seq bigint[], o_run_id uuid[], o_kind text[], c_run_id uuid[], c_kind text[]) returns void
  language plpgsql as $$
begin
  if not exists (select from orchestrator.event_feed_state s where s.open_until > clock_timestamp()) then
    return;
  end if;
  insert into orchestrator.event_feed (run_ids, seqs)
  select array_agg(e.run_id order by e.place), array_agg(e.seq order by e.place)
  from (
    select j.run_id, j.seq, row_number() over () as place
    from (
      select unnest(o_run_id) as run_id, 1::bigint as seq, unnest(o_kind) = 'job' as is_shown
      union all select unnest(j_run_id), unnest(j_seq), true
      union all select unnest(c_run_id), 0::bigint, unnest(c_kind) = 'job') j
    where j.is_shown) e
  having count(*) > 0;
end
$$;

-- Lets the feed be written for `seconds` from now, and forgets what is older than a quarter of an hour. `is_ready`
-- says that `place` can be read on from: nobody is at work any more who may not have noticed. Until then, ask again.
create function orchestrator.keep_event_feed_open(seconds integer, out place text, out is_ready boolean)
  language plpgsql as $$
declare
  state orchestrator.event_feed_state;
begin
  -- Locked first, so that the snapshots below are younger than whatever the one before us wrote.
  select * into state from orchestrator.event_feed_state s for update;
  if state.open_until < clock_timestamp() then
    state.complete_from := null;
    is_ready := false;
  elsif state.complete_from is null then
    -- Whoever gets his number from now on sees the row that the call before this one wrote.
    state.complete_from := pg_snapshot_xmax(pg_current_snapshot());
  end if;
  update orchestrator.event_feed_state s
  set open_until = greatest(s.open_until, clock_timestamp() + make_interval(secs => seconds)),
      complete_from = state.complete_from;
  perform orchestrator.prune_event_feed();
  select pg_current_snapshot()::text,
         coalesce(s.complete_from <= pg_snapshot_xmin(pg_current_snapshot()), false)
  into place, is_ready
  from orchestrator.event_feed_state s;
end
$$;

create function orchestrator.prune_event_feed() returns void
  language plpgsql as $$
declare
  last_gone xid8;
begin
  with gone as (
    delete from orchestrator.event_feed f where f.noted_at < clock_timestamp() - interval '15 minutes' returning f.xid)
  select max(g.xid::text::numeric)::text::xid8 into last_gone from gone g;
  -- A place that does not see all of what is gone cannot be read on from.
  update orchestrator.event_feed_state s
  set complete_from = (last_gone::text::numeric + 1)::text::xid8
  where last_gone is not null and s.complete_from <= last_gone;
end
$$;

revoke execute on function orchestrator.note_batch(uuid[], bigint[], uuid[], text[], uuid[], text[]),
  orchestrator.keep_event_feed_open(integer), orchestrator.prune_event_feed() from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select, insert, update, delete on orchestrator.event_feed, orchestrator.event_feed_state to orchestrator_engine;
    grant execute on function orchestrator.note_batch(uuid[], bigint[], uuid[], text[], uuid[], text[]),
      orchestrator.keep_event_feed_open(integer), orchestrator.prune_event_feed() to orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant select on orchestrator.event_feed, orchestrator.event_feed_state to orchestrator_reader;
  end if;
end
$$;
