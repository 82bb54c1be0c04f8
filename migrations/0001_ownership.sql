-- The schema itself, the database roles, the shards and who owns them.
--
-- Why: every write of a shard is fenced by its row in shard_owner, so this comes before anything that is written.
-- Locks and cost: creates only; nothing to lock. Previous release: none.

-- Roles belong to the whole cluster and need a right that a plain database owner may lack; the schema works without
-- them (everything then runs as the one user), so a refusal is a notice.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['orchestrator_owner', 'orchestrator_engine', 'orchestrator_reader',
                                'orchestrator_handler', 'orchestrator_client'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin', wanted);
      exception
        -- Another database of this cluster may be migrating at the same moment.
        when duplicate_object or unique_violation then null;
        when insufficient_privilege then
          raise notice 'role % is missing and % may not create it: ask an administrator for "create role % nologin"',
            wanted, current_user, wanted;
      end;
    end if;
  end loop;
end
$$;

-- Facts fixed at installation. One row.
create table orchestrator.settings (
  only_row boolean primary key default true check (only_row),
  shard_count integer not null check (shard_count between 1 and 65536)
);

-- One row per server process, renewed by its heartbeat. lease_until is database time.
create table orchestrator.nodes (
  node_id text primary key check (length(node_id) between 1 and 128),
  url text not null,
  roles text not null,
  lease_until timestamptz not null,
  started_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50, autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0, vacuum_truncate = off);

-- Who may write a shard. The unique constraint makes epoch a key column: a take-over (which changes epoch) then
-- conflicts with the "for key share" that every batch takes, while giving a shard away (node_id) does not.
create table orchestrator.shard_owner (
  shard integer primary key check (shard >= 0),
  node_id text,
  epoch bigint not null default 0 check (epoch >= 0),
  unique (shard, epoch)
) with (fillfactor = 50, autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0, vacuum_truncate = off);

-- Times travel as microseconds since 1970 where they are not in binary arrays.
create function orchestrator.to_micros(moment timestamptz) returns bigint
  language sql stable parallel safe
  return (extract(epoch from moment) * 1000000)::bigint;

create function orchestrator.from_micros(micros bigint) returns timestamptz
  language sql immutable parallel safe
  return timestamptz '1970-01-01 00:00:00+00' + micros * interval '1 microsecond';

-- The one routing hash: the first eight bytes, big-endian and unsigned, of SHA-256 over namespace, a zero byte, key.
-- The engine computes the same; a test compares the two.
create function orchestrator.routing_hash(namespace text, key text) returns numeric
  language sql immutable parallel safe
  return (
    select case when hash.signed < 0 then hash.signed::numeric + 18446744073709551616 else hash.signed::numeric end
    from (select ('x' || encode(substr(sha256(convert_to($1, 'UTF8') || '\x00'::bytea || convert_to($2, 'UTF8')), 1, 8),
                                'hex'))::bit(64)::bigint as signed) hash);

create function orchestrator.shard_for_key(namespace text, key text) returns integer
  language sql stable parallel safe
  return mod(orchestrator.routing_hash($1, $2), (select shard_count from orchestrator.settings))::integer;

-- The lowest UUIDv7 of a moment: what partitions and pages by time compare run ids with.
create function orchestrator.lowest_uuid(moment timestamptz) returns uuid
  language sql stable parallel safe
  return (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid;
