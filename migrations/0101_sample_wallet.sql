-- Why: rows that the wallet flows (top-up, dispute) act on.
-- Locks and cost: creates tables only.
-- Previous release: not disturbed.

create table backend.wallets (
  namespace            text not null,
  user_id              text not null,
  withdrawals_allowed  boolean not null default true,
  paid_features        boolean not null default true,
  opened_at            timestamptz not null default now(),
  primary key (namespace, user_id)
);

create table backend.payments (
  namespace         text not null,
  m_payment_id      text not null,
  user_id           text not null,
  amount_minor      bigint not null check (amount_minor > 0),
  currency          char(3) not null,
  item_name         text not null,
  state             text not null default 'pending'
                    check (state in ('pending', 'complete', 'expired', 'cancelled', 'failed', 'quarantined')),
  form              jsonb,                -- the signed fields, kept so that the same form can be shown again
  pf_payment_id     text,
  gross_minor       bigint,
  fee_minor         bigint,
  is_late           boolean not null default false,
  created_at        timestamptz not null default now(),
  settled_at        timestamptz,
  primary key (namespace, m_payment_id),
  foreign key (namespace, user_id) references backend.wallets (namespace, user_id),
  check ((state = 'complete') = (settled_at is not null)),
  check (state <> 'complete' or (pf_payment_id is not null and gross_minor is not null and fee_minor is not null))
);
-- One payment of the provider never counts for two of ours.
create unique index payments_one_provider_reference on backend.payments (namespace, pf_payment_id)
  where pf_payment_id is not null;

create table backend.disputes (
  namespace        text not null,
  provider         text not null,
  dispute_id       text not null,
  m_payment_id     text not null,
  user_id          text not null,
  amount_minor     bigint not null check (amount_minor > 0),
  fee_minor        bigint not null check (fee_minor >= 0),
  currency         char(3) not null,
  round            int not null default 1,
  state            text not null default 'open'
                   check (state in ('open', 'won', 'lost', 'accepted', 'withdrawn', 'expired')),
  funds            text not null default 'with_us' check (funds in ('with_us', 'withdrawn', 'reinstated')),
  evidence         jsonb,
  evidence_hash    text,
  debit_posting    text,                  -- the posting that took the money, while it is taken
  due_by           timestamptz not null,
  opened_at        timestamptz not null default now(),
  closed_at        timestamptz,
  primary key (namespace, provider, dispute_id),
  foreign key (namespace, m_payment_id) references backend.payments (namespace, m_payment_id),
  check ((state = 'open') = (closed_at is null))
);
create index disputes_by_payment on backend.disputes (namespace, m_payment_id);
create index disputes_by_user on backend.disputes (namespace, user_id) where state = 'open';

-- Every decision of a dispute, who took it and why; evidence by its hash.
create table backend.dispute_log (
  namespace   text not null,
  log_id      text not null,
  provider    text not null,
  dispute_id  text not null,
  action      text not null,
  detail      jsonb not null default '{}',
  logged_at   timestamptz not null default now(),
  primary key (namespace, log_id),
  foreign key (namespace, provider, dispute_id) references backend.disputes (namespace, provider, dispute_id)
);
create trigger dispute_log_append_only before update or delete or truncate on backend.dispute_log
  for each statement execute function backend.refuse_change();

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_handler') then
    grant select, insert, update on backend.wallets, backend.payments, backend.disputes to orchestrator_handler;
    grant select, insert on backend.dispute_log to orchestrator_handler;
  end if;
end
$$;
