-- Why: rows that the sign-up flows (profile, plan payment, onboarding, finalise, journey) act on.
-- Locks and cost: creates tables only; three rows of plan prices.
-- Previous release: not disturbed.

create table backend.profiles (
  namespace   text not null,
  user_id     text not null,
  email       text not null,
  is_blocked  boolean not null default false,
  created_at  timestamptz not null default now(),
  primary key (namespace, user_id)
);

create table backend.workspaces (
  namespace          text not null,
  workspace_id       text not null,
  owner_id           text not null,
  onboarding_state   text not null default 'none'
                     check (onboarding_state in ('none', 'draft', 'submitted', 'finalized', 'abandoned')),
  current_manifest   int,                 -- moves in the transaction that stores the manifest
  created_at         timestamptz not null default now(),
  primary key (namespace, workspace_id),
  unique (namespace, owner_id),
  foreign key (namespace, owner_id) references backend.profiles (namespace, user_id)
);

create table backend.memberships (
  namespace     text not null,
  workspace_id  text not null,
  user_id       text not null,
  role          text not null check (role in ('owner', 'member')),
  primary key (namespace, workspace_id, user_id),
  foreign key (namespace, workspace_id) references backend.workspaces (namespace, workspace_id),
  foreign key (namespace, user_id) references backend.profiles (namespace, user_id)
);

create table backend.plans (
  plan          text primary key,
  amount_minor  bigint not null check (amount_minor >= 100),
  currency      char(3) not null
);
insert into backend.plans (plan, amount_minor, currency)
values ('starter', 49900, 'INR'), ('growth', 149900, 'INR'), ('scale', 499900, 'INR');

create table backend.plan_payments (
  namespace          text not null,
  merchant_order_id  text not null,       -- <order>-<attempt>; unique for ever at the provider
  order_id           text not null,
  workspace_id       text not null,
  plan               text not null references backend.plans (plan),
  amount_minor       bigint not null check (amount_minor > 0),
  currency           char(3) not null,
  state              text not null default 'created'
                     check (state in (
                       'created', 'pending', 'completed', 'failed', 'expired', 'refunded', 'quarantined')),
  provider_order_id  text,
  redirect_url       text,
  is_late            boolean not null default false,
  created_at         timestamptz not null default now(),
  final_at           timestamptz,
  primary key (namespace, merchant_order_id),
  foreign key (namespace, workspace_id) references backend.workspaces (namespace, workspace_id)
);

create table backend.subscriptions (
  namespace          text not null,
  workspace_id       text not null,
  plan               text not null references backend.plans (plan),
  merchant_order_id  text not null,
  state              text not null check (state in ('active', 'ended')),
  active_since       timestamptz not null default now(),
  primary key (namespace, workspace_id),
  foreign key (namespace, merchant_order_id) references backend.plan_payments (namespace, merchant_order_id)
);

create table backend.onboarding_sessions (
  namespace           text not null,
  workspace_id        text not null,
  state               text not null default 'draft'
                      check (state in ('draft', 'submitted', 'abandoned', 'finalized')),
  version             bigint not null default 1,     -- compare-and-set of autosaves
  submission_version  int not null default 0,
  answers             jsonb not null default '{}',
  snapshot            jsonb,                         -- what a resume starts from after expiry
  touched_at          timestamptz not null default now(),
  primary key (namespace, workspace_id),
  foreign key (namespace, workspace_id) references backend.workspaces (namespace, workspace_id)
);

-- A manifest version is never reused and never changes.
create table backend.manifests (
  namespace           text not null,
  workspace_id        text not null,
  version             int not null check (version > 0),
  submission_version  int not null,
  checksum            text not null check (checksum ~ '^[0-9a-f]{64}$'),
  body                text not null,
  is_degraded         boolean not null,
  stored_at           timestamptz not null default now(),
  primary key (namespace, workspace_id, version),
  unique (namespace, workspace_id, submission_version),
  foreign key (namespace, workspace_id) references backend.workspaces (namespace, workspace_id),
  check (checksum = encode(sha256(convert_to(body, 'UTF8')), 'hex'))
);
create trigger manifests_append_only before update or delete or truncate on backend.manifests
  for each statement execute function backend.refuse_change();

-- Copies by tier; the key holds the version, so a tier without the new one misses and never answers stale.
create table backend.manifest_tiers (
  namespace     text not null,
  workspace_id  text not null,
  version       int not null,
  tier          text not null check (tier in ('hot', 'warm', 'cold')),
  checksum      text not null,
  expires_at    timestamptz not null,
  primary key (namespace, workspace_id, version, tier),
  foreign key (namespace, workspace_id, version) references backend.manifests (namespace, workspace_id, version)
);
create index manifest_tiers_by_expiry on backend.manifest_tiers (expires_at);

-- What the dashboard reads: where a user stands.
create table backend.journeys (
  namespace   text not null,
  user_id     text not null,
  stage       text not null check (stage in (
                'profile', 'payment', 'onboarding', 'finalizing', 'active', 'dormant', 'closed')),
  blocker     text,
  changed_at  timestamptz not null default now(),
  primary key (namespace, user_id)
);

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_handler') then
    grant select, insert, update on backend.profiles, backend.workspaces, backend.memberships, backend.plan_payments,
      backend.subscriptions, backend.onboarding_sessions, backend.manifest_tiers, backend.journeys
      to orchestrator_handler;
    grant select on backend.plans to orchestrator_handler;
    grant select, insert on backend.manifests to orchestrator_handler;
  end if;
end
$$;
