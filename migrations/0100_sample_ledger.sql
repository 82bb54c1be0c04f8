-- Why: the shipped flows act on a small back end of their own, in a schema of its own; this file holds what every
-- flow shares: the append-only ledger, outgoing events, notifications and the list of things a person must look at.
-- Locks and cost: creates tables only; nothing existing is touched.
-- Previous release: knows nothing of this schema and is not disturbed by it.

create schema backend;

-- A posting is one movement of money: two or more entries that sum to zero in one currency. Its id is the
-- idempotency key of the step that made it.
create table backend.postings (
  namespace   text not null,
  posting_id  text not null,
  kind        text not null check (kind in (
                'topup_credit', 'chargeback_debit', 'chargeback_fee', 'chargeback_reversal', 'plan_payment',
                'plan_refund', 'cash_collected', 'vendor_payout', 'write_off', 'correction')),
  subject     text not null,              -- the payment, dispute or order that the posting is about
  posted_at   timestamptz not null default now(),
  primary key (namespace, posting_id)
);
-- A payment is credited, and an order paid out, at most once, whatever asks for it.
create unique index postings_once_per_subject on backend.postings (namespace, kind, subject)
  where kind in ('topup_credit', 'plan_payment', 'plan_refund', 'cash_collected', 'vendor_payout');

create table backend.ledger_entries (
  namespace     text not null,
  posting_id    text not null,
  account       text not null check (account ~ '^(user|vendor|provider|cost|income|cash|plan):.+$'),
  amount_minor  bigint not null check (amount_minor <> 0),
  currency      char(3) not null,
  reverses      text,                     -- posting whose entry on the same account this entry takes back
  created_at    timestamptz not null default now(),
  primary key (namespace, posting_id, account),
  foreign key (namespace, posting_id) references backend.postings (namespace, posting_id),
  foreign key (namespace, reverses, account) references backend.ledger_entries (namespace, posting_id, account)
);
create index ledger_entries_by_account on backend.ledger_entries (namespace, account, currency);
create index ledger_entries_by_reversed on backend.ledger_entries (namespace, reverses, account)
  where reverses is not null;

create function backend.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: a correction is a new row', tg_table_name using errcode = 'check_violation';
end $$;

create trigger postings_append_only before update or delete or truncate on backend.postings
  for each statement execute function backend.refuse_change();
create trigger ledger_entries_append_only before update or delete or truncate on backend.ledger_entries
  for each statement execute function backend.refuse_change();

-- All entries of a posting come in one statement, so balance can be checked when that statement ends.
create function backend.check_posting_balance() returns trigger language plpgsql as $$
begin
  if exists (select 1 from added group by namespace, posting_id
             having sum(amount_minor) <> 0 or count(distinct currency) <> 1) then
    raise exception 'the entries of a posting must sum to zero in one currency' using errcode = 'check_violation';
  end if;
  -- Whoever writes a reversal holds the payment's row lock, so no other reversal of the entry is in flight.
  if exists (select 1
               from (select distinct namespace, reverses, account from added where reverses is not null) named
               join backend.ledger_entries original
                 on (original.namespace, original.posting_id, original.account)
                  = (named.namespace, named.reverses, named.account)
               join backend.ledger_entries reversal
                 on (reversal.namespace, reversal.reverses, reversal.account)
                  = (named.namespace, named.reverses, named.account)
              group by original.namespace, original.posting_id, original.account, original.amount_minor
             having sign(original.amount_minor) = sign(sum(reversal.amount_minor))
                 or abs(sum(reversal.amount_minor)) > abs(original.amount_minor)) then
    raise exception 'a reversal takes back more than its entry gave' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger ledger_entries_balance after insert on backend.ledger_entries
  referencing new table as added for each statement execute function backend.check_posting_balance();

-- Balance = sum of entries, and may be negative.
create view backend.balances as
  select namespace, account, currency, sum(amount_minor)::bigint as balance_minor, count(*) as entry_count
    from backend.ledger_entries
   group by namespace, account, currency;

create table backend.outbox (
  namespace       text not null,
  event_id        text not null,          -- <idempotency key>/<type>: one business change, one event
  sequence        bigint generated always as identity,
  type            text not null,
  aggregate_type  text not null,
  aggregate_id    text not null,
  correlation_id  text not null,          -- idempotency key of the step that wrote it
  schema_version  int not null default 1,
  payload         jsonb not null,
  occurred_at     timestamptz not null default now(),
  published_at    timestamptz,
  primary key (namespace, event_id)
);
create index outbox_unpublished on backend.outbox (sequence) where published_at is null;
create index outbox_by_aggregate on backend.outbox (namespace, aggregate_type, aggregate_id, sequence);

-- Cleanup may remove what was published, never what was not.
create function backend.keep_unpublished() returns trigger language plpgsql as $$
begin
  if old.published_at is null then
    raise exception 'event % is not published yet', old.event_id using errcode = 'check_violation';
  end if;
  return old;
end $$;
create trigger outbox_keep_unpublished before delete on backend.outbox
  for each row execute function backend.keep_unpublished();

create table backend.notifications (
  namespace        text not null,
  notification_id  text not null,         -- idempotency key of the step that wrote it
  recipient        text not null,
  kind             text not null,
  subject          text not null,
  body             jsonb not null default '{}',
  created_at       timestamptz not null default now(),
  read_at          timestamptz,
  primary key (namespace, notification_id)
);
create index notifications_by_recipient on backend.notifications (namespace, recipient, created_at);
create index notifications_by_subject on backend.notifications (namespace, subject, kind);

-- Cases for a person outside a run's own decisions: fraud, abuse counters, refunds that are due.
create table backend.review_cases (
  namespace  text not null,
  case_id    text not null,
  kind       text not null check (kind in ('fraud', 'abuse', 'refund_due', 'missing_money')),
  subject    text not null,
  facts      jsonb not null default '{}',
  opened_at  timestamptz not null default now(),
  closed_at  timestamptz,
  primary key (namespace, case_id)
);
create unique index review_cases_one_open on backend.review_cases (namespace, kind, subject) where closed_at is null;

-- Without the role (no right to create it, see 0001) handlers' SQL runs as the engine's own user.
do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_handler') then
    grant usage on schema backend to orchestrator_handler;
    grant select, insert on backend.postings, backend.ledger_entries to orchestrator_handler;
    grant select on backend.balances to orchestrator_handler;
    grant select, insert, update, delete on backend.outbox to orchestrator_handler;
    grant select, insert, update on backend.notifications, backend.review_cases to orchestrator_handler;
  end if;
end
$$;
