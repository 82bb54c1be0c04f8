-- The audit: who did what to which thing, append-only and chained by hashes.
--
-- Why: an operator can move money, so what he does must be written together with its effect and must not be changed
-- afterwards without anybody noticing. Each row's hash covers the row before it in its chain; the head of each chain says
-- how long it is, so that a missing end is found as well. One chain per shard, which only that shard's owner extends at a
-- rate worth speaking of, and chain -1 for what belongs to no shard. The hash is made here, under the lock of the head:
-- whatever transaction performs an action writes its row through the same few lines.
-- Locks and cost: creates only. Previous release: does not look here; its actions leave no rows.

create table orchestrator.audit (
  chain integer not null check (chain >= -1),
  seq bigint not null check (seq > 0),
  at timestamptz not null,
  namespace text not null,
  actor text not null check (actor <> ''),
  role text not null check (role in ('viewer', 'operator', 'developer', 'admin')),
  action text not null check (action <> ''),
  target text not null,
  reason text not null,
  -- Empty: the thing did not exist before, or does not afterwards.
  before_hash text not null check (before_hash ~ '^([0-9a-f]{64})?$'),
  after_hash text not null check (after_hash ~ '^([0-9a-f]{64})?$'),
  previous_hash text not null check (previous_hash ~ '^[0-9a-f]{64}$'),
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  primary key (chain, seq)
);
create index audit_newest on orchestrator.audit (namespace, at, chain, seq);
create index audit_target on orchestrator.audit (namespace, target, at, chain, seq);

-- Where each chain ends. A chain begins with its first row.
create table orchestrator.audit_chains (
  chain integer primary key check (chain >= -1),
  seq bigint not null default 0 check (seq >= 0),
  hash text not null default repeat('0', 64) check (hash ~ '^[0-9a-f]{64}$')
) with (fillfactor = 50);

-- For everybody, the tables' owner included; a superuser can get past it, and "audit verify" finds what he did.
create function orchestrator.refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit is append-only: % of % refused', tg_op, tg_table_name using errcode = '42501';
end
$$;
create trigger audit_is_append_only before update or delete on orchestrator.audit
  for each row execute function orchestrator.refuse_audit_change();
create trigger audit_is_not_emptied before truncate on orchestrator.audit
  for each statement execute function orchestrator.refuse_audit_change();
create trigger audit_chains_stay before delete on orchestrator.audit_chains
  for each row execute function orchestrator.refuse_audit_change();
create trigger audit_chains_are_not_emptied before truncate on orchestrator.audit_chains
  for each statement execute function orchestrator.refuse_audit_change();
create trigger audit_chains_grow before update on orchestrator.audit_chains
  for each row when (new.chain <> old.chain or new.seq <= old.seq)
  execute function orchestrator.refuse_audit_change();

-- One member of what is hashed: its length in bytes, a colon, itself, a comma. No two lists of members read alike.
create function orchestrator.audit_member(value text) returns text
  language sql immutable parallel safe
  return octet_length(convert_to(value, 'UTF8')) || ':' || value || ',';

-- Appends rows to their chains, in the caller's transaction. Call it last: from here until the commit the heads of these
-- chains are locked, always in the order of their numbers. docs/audit.md has the recipe of the hash; store/audit.cpp is
-- the same in C++, and a test compares the two.
create function orchestrator.append_audit(entries json) returns void language plpgsql as $$
declare
  entry record;
  head_chain integer;
  head_seq bigint;
  head_hash text;
  moment timestamptz;
  previous text;
begin
  for entry in
    select e.*
    from rows from (json_to_recordset(entries) as (
      chain integer, namespace text, actor text, role text, action text, target text, reason text, before_hash text,
      after_hash text)) with ordinality as e (chain, namespace, actor, role, action, target, reason, before_hash,
      after_hash, place)
    order by e.chain, e.place
  loop
    if head_chain is distinct from entry.chain then
      if head_chain is not null then
        update orchestrator.audit_chains c set seq = head_seq, hash = head_hash where c.chain = head_chain;
      end if;
      insert into orchestrator.audit_chains (chain) values (entry.chain) on conflict (chain) do nothing;
      select c.chain, c.seq, c.hash into head_chain, head_seq, head_hash
      from orchestrator.audit_chains c where c.chain = entry.chain for update;
      -- Under the lock, so that a chain's moments follow its order. Milliseconds, as it is shown.
      moment := date_trunc('milliseconds', clock_timestamp());
    end if;
    previous := head_hash;
    head_seq := head_seq + 1;
    head_hash := encode(sha256(convert_to(
      orchestrator.audit_member(entry.chain::text)
      || orchestrator.audit_member(head_seq::text)
      || orchestrator.audit_member(to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      || orchestrator.audit_member(entry.namespace)
      || orchestrator.audit_member(entry.actor)
      || orchestrator.audit_member(entry.role)
      || orchestrator.audit_member(entry.action)
      || orchestrator.audit_member(entry.target)
      || orchestrator.audit_member(entry.reason)
      || orchestrator.audit_member(entry.before_hash)
      || orchestrator.audit_member(entry.after_hash)
      || orchestrator.audit_member(previous), 'UTF8')), 'hex');
    insert into orchestrator.audit (
      chain, seq, at, namespace, actor, role, action, target, reason, before_hash, after_hash, previous_hash, hash)
    values (
      entry.chain, head_seq, moment, entry.namespace, entry.actor, entry.role, entry.action, entry.target, entry.reason,
      entry.before_hash, entry.after_hash, previous, head_hash);
  end loop;
  if head_chain is not null then
    update orchestrator.audit_chains c set seq = head_seq, hash = head_hash where c.chain = head_chain;
  end if;
end
$$;

revoke execute on function orchestrator.append_audit(json), orchestrator.audit_member(text),
  orchestrator.refuse_audit_change() from public;

-- Not for readers: the audit is an administrator's.
do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select, insert on orchestrator.audit to orchestrator_engine;
    grant select, insert, update on orchestrator.audit_chains to orchestrator_engine;
    grant execute on function orchestrator.append_audit(json), orchestrator.audit_member(text)
      to orchestrator_engine;
  end if;
end
$$;
