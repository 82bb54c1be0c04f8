-- Who may do what: API keys, policies that ask for a second person, and the requests that wait for one.
--
-- Why: keys are made and revoked while servers run, so they live here, as digests; every node reads what changed since it
-- last looked. `revision` grows in the order of the commits, over keys and policies together: writers lock its one row.
-- A request that waits is kept as it was made and is carried out as it stands.
-- Locks and cost: creates only. Previous release: does not look here; it knows the keys of its configuration.

create table orchestrator.access_revision (
  only_row boolean primary key default true check (only_row),
  revision bigint not null default 0 check (revision >= 0)
) with (fillfactor = 50);
insert into orchestrator.access_revision default values;

create table orchestrator.api_keys (
  key_id uuid primary key,
  name text not null check (name ~ '^[A-Za-z0-9._:-]{1,128}$'),
  role text not null check (role in ('viewer', 'operator', 'developer', 'admin')),
  -- '*' alone: all of them.
  namespaces text[] not null check (cardinality(namespaces) between 1 and 100),
  scopes text[] not null default '{}',
  prefix text not null,
  -- Of the whole key. The key itself is nowhere.
  secret_sha256 text not null unique check (secret_sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  revoked_by text,
  revision bigint not null unique check (revision > 0)
);

-- One row per namespace: all its rules.
create table orchestrator.policies (
  namespace text primary key check (namespace ~ '^[A-Za-z0-9._:-]{1,128}$'),
  rules json not null check (json_typeof(rules) = 'array'),
  changed_at timestamptz not null default clock_timestamp(),
  changed_by text not null,
  revision bigint not null unique check (revision > 0)
);

create table orchestrator.approvals (
  approval_id uuid primary key,
  namespace text not null,
  state text not null check (state in ('waiting', 'approved', 'done', 'rejected', 'expired')),
  action text not null,
  target text not null,
  reason text not null,
  -- Who may approve: this role, and neither this actor nor this credential.
  approver_role text not null check (approver_role in ('viewer', 'operator', 'developer', 'admin')),
  requested_by text not null,
  requested_role text not null check (requested_role in ('viewer', 'operator', 'developer', 'admin')),
  requested_credential text not null,
  -- {"method", "path", "query", "body"} as it came.
  request json not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  decided_by text,
  decided_reason text,
  decided_at timestamptz,
  -- What the action answered.
  status integer,
  answer text,
  constraint approvals_decided check ((state = 'waiting') = (decided_at is null)),
  constraint approvals_answered check ((state = 'done') = (status is not null))
);
create index approvals_newest on orchestrator.approvals (namespace, approval_id);
create index approvals_waiting on orchestrator.approvals (expires_at) where state = 'waiting';

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select, update on orchestrator.access_revision to orchestrator_engine;
    grant select, insert, update on orchestrator.api_keys, orchestrator.policies, orchestrator.approvals
      to orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant select on orchestrator.policies to orchestrator_reader;
  end if;
end
$$;
