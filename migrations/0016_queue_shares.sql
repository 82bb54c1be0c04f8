-- The ledger of queue-wide limits: which node may use how much of them, and each queue's token bucket.
--
-- Why: limits that hold over several nodes must survive the death of any of them and the loss of any message, so what
-- was given away is in the database. A node asks for what it needs, and gives back what others wait for; the row of the
-- queue is locked meanwhile, so that no two nodes are given the same. Ledgers stay, as settings do; shares exist while
-- somebody uses a queue with a queue-wide limit.
-- Locks and cost: two small tables. Previous release: does not look here; its nodes divide limits by messages, so
-- limits over several nodes hold again once all of them run this release.

create table orchestrator.queue_ledgers (
  namespace text not null check (namespace ~ '^[A-Za-z0-9._:-]{1,128}$'),
  queue text not null check (queue ~ '^[A-Za-z0-9._:-]{1,128}$'),
  full_at timestamptz not null default '-infinity',
  rate_count bigint,
  rate_seconds bigint,
  primary key (namespace, queue),
  constraint queue_ledgers_rate check ((rate_count is null) = (rate_seconds is null))
) with (fillfactor = 50, autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0, vacuum_truncate = off);

create table orchestrator.queue_shares (
  namespace text not null,
  queue text not null,
  node_id text not null check (length(node_id) between 1 and 128),
  held bigint not null check (held >= 0),
  wanted bigint not null check (wanted >= 0),
  in_flight bigint not null check (in_flight >= 0),
  tokens_wanted bigint not null check (tokens_wanted >= 0),
  tokens_out bigint not null check (tokens_out >= 0),
  tokens_of timestamptz not null,
  version bigint not null,
  primary key (namespace, queue, node_id),
  foreign key (namespace, queue) references orchestrator.queue_ledgers
) with (fillfactor = 50, autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0, vacuum_truncate = off);

create index queue_shares_of_node on orchestrator.queue_shares (node_id);

-- Locks the ledgers of these queues, made where they are missing, and tells everything that an exchange needs. Ordered,
-- so that two exchanges never wait in a ring; the second statement sees what others committed before the locks were had.
create function orchestrator.lock_queue_ledgers(namespaces text[], queues text[]) returns json
  language plpgsql as $$
declare
  answer json;
begin
  insert into orchestrator.queue_ledgers (namespace, queue)
  select a.namespace, a.queue from unnest(namespaces, queues) as a (namespace, queue) order by 1, 2
  on conflict do nothing;
  perform from orchestrator.queue_ledgers l
  where (l.namespace, l.queue) in (select * from unnest(namespaces, queues))
  order by l.namespace, l.queue for update;

  select json_build_object(
    'now', orchestrator.to_micros(clock_timestamp()),
    -- Another one in each exchange, and it never comes again.
    'version', pg_current_xact_id()::text::bigint,
    'nodes', (select coalesce(json_agg(json_build_object(
                'id', n.node_id, 'lease_until', orchestrator.to_micros(n.lease_until))), '[]')
              from orchestrator.nodes n where 'worker' = any (string_to_array(n.roles, ','))),
    'queues', (select coalesce(json_agg(json_build_object(
                 'namespace', l.namespace, 'queue', l.queue,
                 'full_at', case when l.full_at > '-infinity' then orchestrator.to_micros(l.full_at) end,
                 'rate_count', l.rate_count, 'rate_seconds', l.rate_seconds,
                 'limits', (select s.limits from orchestrator.queue_settings s
                            where s.namespace = l.namespace and s.name = l.queue),
                 'shares', (select coalesce(json_agg(json_build_object(
                              'node', s.node_id, 'held', s.held, 'wanted', s.wanted, 'in_flight', s.in_flight,
                              'tokens_wanted', s.tokens_wanted, 'tokens_out', s.tokens_out,
                              'tokens_of', orchestrator.to_micros(s.tokens_of), 'version', s.version)), '[]')
                            from orchestrator.queue_shares s
                            where s.namespace = l.namespace and s.queue = l.queue))), '[]')
               from orchestrator.queue_ledgers l
               where (l.namespace, l.queue) in (select * from unnest(namespaces, queues))))
  into answer;
  return answer;
end
$$;

-- Writes what an exchange came to, in the transaction that locked the ledgers. Shares of a queue never grow beyond its
-- limit: `most` is given where one grew.
create function orchestrator.write_queue_ledgers(changes json) returns void
  language plpgsql as $$
declare
  change record;
begin
  for change in
    select * from json_to_recordset(changes) as c (
      namespace text, queue text, full_at bigint, rate_count bigint, rate_seconds bigint, most bigint, gone json, shares json)
  loop
    update orchestrator.queue_ledgers l
    set full_at = orchestrator.from_micros(change.full_at), rate_count = change.rate_count,
        rate_seconds = change.rate_seconds
    where l.namespace = change.namespace and l.queue = change.queue and change.full_at is not null;
    delete from orchestrator.queue_shares s
    where s.namespace = change.namespace and s.queue = change.queue
      and s.node_id in (select * from json_array_elements_text(change.gone));
    insert into orchestrator.queue_shares (
      namespace, queue, node_id, held, wanted, in_flight, tokens_wanted, tokens_out, tokens_of, version)
    select change.namespace, change.queue, s.node, s.held, s.wanted, s.in_flight, s.tokens_wanted, s.tokens_out,
      orchestrator.from_micros(s.tokens_of), s.version
    from json_to_recordset(change.shares) as s (
      node text, held bigint, wanted bigint, in_flight bigint, tokens_wanted bigint, tokens_out bigint,
      tokens_of bigint, version bigint)
    on conflict (namespace, queue, node_id) do update set
      held = excluded.held, wanted = excluded.wanted, in_flight = excluded.in_flight,
      tokens_wanted = excluded.tokens_wanted, tokens_out = excluded.tokens_out, tokens_of = excluded.tokens_of,
      version = excluded.version;
    if change.most < (select sum(s.held) from orchestrator.queue_shares s
                      where s.namespace = change.namespace and s.queue = change.queue) then
      raise exception 'the shares of queue % would pass its limit', change.queue using errcode = 'integrity_constraint_violation';
    end if;
  end loop;
end
$$;

revoke execute on function orchestrator.lock_queue_ledgers(text[], text[]), orchestrator.write_queue_ledgers(json) from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select, insert, update, delete on orchestrator.queue_ledgers, orchestrator.queue_shares to orchestrator_engine;
    grant execute on function orchestrator.lock_queue_ledgers(text[], text[]), orchestrator.write_queue_ledgers(json)
      to orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant select on orchestrator.queue_ledgers, orchestrator.queue_shares to orchestrator_reader;
  end if;
end
$$;
