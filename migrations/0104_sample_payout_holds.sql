-- Why: a payout must not leave while its order is disputed, and a wrong one is taken back by a new posting and paid again
-- as a further round. Adds the audit log that every decision about an order writes.
-- Locks and cost: rewrites backend.payouts (a row per order) under an exclusive lock; the other tables only gain a
-- column without a default. Sample data only.
-- Previous release: reads and writes round 1, which is what it always meant; its audit counts a closed order's first
-- payout. A disputed payout that it would pay is refused by the trigger.

-- Who decided what about which thing, and why.
create table backend.audit_log (
  namespace    text not null,
  audit_id     text not null,             -- <idempotency key of the step>/<action>
  action       text not null,
  target_type  text not null,
  target_id    text not null,
  actor        text not null,
  reason       text not null default '',
  before_state text,
  after_state  text,
  detail       jsonb not null default '{}',
  noted_at     timestamptz not null default now(),
  primary key (namespace, audit_id)
);
create index audit_log_by_target on backend.audit_log (namespace, target_type, target_id, noted_at);
-- A vendor says once per payout that the money came.
create unique index audit_log_one_receipt on backend.audit_log (namespace, target_id)
  where action = 'payout_received';
create trigger audit_log_append_only before update or delete or truncate on backend.audit_log
  for each statement execute function backend.refuse_change();

-- The wallet payment that an order was paid with in advance; none for cash on delivery.
alter table backend.orders add column m_payment_id text;
alter table backend.orders add foreign key (namespace, m_payment_id)
  references backend.payments (namespace, m_payment_id);
create index orders_by_payment on backend.orders (namespace, m_payment_id) where m_payment_id is not null;

-- A buyer's complaint about an order, as opposed to a chargeback, which comes from the payer's bank.
create table backend.order_disputes (
  namespace   text not null,
  order_id    text not null,
  dispute_id  text not null,
  opened_by   text not null,
  reason      text not null,
  state       text not null default 'open' check (state in ('open', 'upheld', 'dismissed')),
  decided_by  text,
  opened_at   timestamptz not null default now(),
  closed_at   timestamptz,
  primary key (namespace, order_id, dispute_id),
  foreign key (namespace, order_id) references backend.orders (namespace, order_id),
  check ((state = 'open') = (closed_at is null)),
  check (state = 'open' or decided_by is not null)
);
create unique index order_disputes_one_open on backend.order_disputes (namespace, order_id) where state = 'open';

-- Why an order's money must stay where it is, one row per reason.
create view backend.payout_blockers as
  select namespace, order_id, 'order dispute ' || dispute_id || ' is open' as reason
    from backend.order_disputes where state = 'open'
  union all
  select o.namespace, o.order_id, 'chargeback ' || dispute.provider || ':' || dispute.dispute_id || ' is open'
    from backend.disputes dispute join backend.orders o using (namespace, m_payment_id)
   where dispute.state = 'open';

alter table backend.payouts
  add column round int not null default 1 check (round > 0),
  add column second_by text,
  add column reversed_by text,
  add column reversed_at timestamptz,
  -- What the postings of this round are about: the order, and from the second round on the round too.
  add column ledger_subject text not null
    generated always as (order_id || case when round > 1 then '/' || round::text else '' end) stored,
  drop constraint payouts_pkey,
  add primary key (namespace, order_id, round),
  add check (second_by <> confirmed_by),
  add check ((state = 'reversed') = (reversed_at is not null));
-- A round begins when the one before it was taken back.
create unique index payouts_one_current on backend.payouts (namespace, order_id) where state <> 'reversed';

create function backend.check_payout_change() returns trigger language plpgsql as $$
begin
  if (new.amount_minor, new.commission_minor, new.currency, new.vendor)
     is distinct from (old.amount_minor, old.commission_minor, old.currency, old.vendor) then
    raise exception 'the figures of payout % never change', old.ledger_subject using errcode = 'check_violation';
  end if;
  if old.state <> new.state and (old.state, new.state) not in
     (('listed', 'held'), ('held', 'listed'), ('listed', 'paid'), ('paid', 'reversed')) then
    raise exception 'payout % cannot go from % to %', old.ledger_subject, old.state, new.state
      using errcode = 'check_violation';
  end if;
  if new.state = 'paid' and old.state <> 'paid' and exists (
       select from backend.payout_blockers
        where payout_blockers.namespace = new.namespace and payout_blockers.order_id = new.order_id) then
    raise exception 'payout % is disputed', old.ledger_subject using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger payouts_check_change before update on backend.payouts
  for each row execute function backend.check_payout_change();

alter table backend.postings drop constraint postings_kind_check, add constraint postings_kind_check check (kind in (
  'topup_credit', 'chargeback_debit', 'chargeback_fee', 'chargeback_reversal', 'plan_payment', 'plan_refund',
  'cash_collected', 'vendor_payout', 'payout_reversal', 'write_off', 'correction'));
-- A payout is taken back at most once, whatever asks for it.
create unique index postings_one_reversal on backend.postings (namespace, subject) where kind = 'payout_reversal';

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_handler') then
    grant select, insert on backend.audit_log to orchestrator_handler;
    grant select, insert, update on backend.order_disputes to orchestrator_handler;
    grant select on backend.payout_blockers to orchestrator_handler;
  end if;
end
$$;
