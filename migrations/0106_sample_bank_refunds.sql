-- Why: a refund that no provider's API can make is paid from the bank by a person: its money is set aside when the task
-- opens, and leaves, or comes back, when the task is answered. A case remembers who closed it and how.
-- Locks and cost: replaces a check constraint (reads backend.postings once); the rest is new. Sample data only.
-- Previous release: opens refund_due cases as before, which nobody but it closes.

create table backend.bank_refunds (
  namespace       text not null,
  refund_id       text not null,
  subject_type    text not null check (subject_type in ('topup', 'plan')),
  subject         text not null,          -- the payment
  account         text not null,          -- where the money is taken from
  recipient       text not null,          -- the user
  amount_minor    bigint not null check (amount_minor > 0),
  currency        char(3) not null,
  reason          text not null,
  state           text not null default 'due' check (state in ('due', 'paid', 'refused')),
  bank_reference  text,
  decided_by      text,
  second_by       text,
  opened_at       timestamptz not null default now(),
  closed_at       timestamptz,
  primary key (namespace, refund_id),
  check ((state = 'due') = (closed_at is null)),
  check (state <> 'paid' or bank_reference is not null),
  check (second_by <> decided_by)
);
-- One refund of a payment at a time, and one bank transfer proves one refund.
create unique index bank_refunds_one_due on backend.bank_refunds (namespace, subject_type, subject) where state = 'due';
create unique index bank_refunds_one_transfer on backend.bank_refunds (namespace, bank_reference)
  where bank_reference is not null;
create index bank_refunds_by_subject on backend.bank_refunds (namespace, subject_type, subject);

alter table backend.postings drop constraint postings_kind_check, add constraint postings_kind_check check (kind in (
  'topup_credit', 'chargeback_debit', 'chargeback_fee', 'chargeback_reversal', 'plan_payment', 'plan_refund',
  'cash_collected', 'vendor_payout', 'payout_reversal', 'bank_refund_hold', 'bank_refund', 'bank_refund_release',
  'write_off', 'correction'));
-- The subject is the refund: it is held once, and either paid or released.
create unique index postings_one_refund_hold on backend.postings (namespace, subject) where kind = 'bank_refund_hold';
create unique index postings_one_refund_end on backend.postings (namespace, subject)
  where kind in ('bank_refund', 'bank_refund_release');

alter table backend.review_cases add column closed_by text, add column outcome text;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_handler') then
    grant select, insert, update on backend.bank_refunds to orchestrator_handler;
  end if;
end
$$;
