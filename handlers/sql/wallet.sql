-- Wallet top-ups. $1 is always the namespace.

-- name: payment.open
-- Index payments_pkey; locks the new rows. A repeat changes nothing and answers the payment as it stands.
with wallet as (
  insert into backend.wallets (namespace, user_id) values ($1::text, $4::text)
  on conflict do nothing
), opened as (
  insert into backend.payments (namespace, m_payment_id, user_id, amount_minor, currency, item_name)
  values ($1::text, $3::text, $4::text, $5::bigint, $6::text, $7::text)
  on conflict do nothing
  returning state
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/wallet.topup.initiated', 'wallet.topup.initiated', 'payment', $3::text, $2::text,
         jsonb_build_object('user_id', $4::text, 'amount_minor', $5::bigint, 'currency', $6::text)
    from opened
  on conflict do nothing
)
select json_build_object(
         'm_payment_id', $3::text,
         'opened', exists (select from opened),
         'state', coalesce((select state from opened),
                           (select state from backend.payments
                             where namespace = $1::text and m_payment_id = $3::text), 'pending'))::text as result

-- name: payment.keep_form
-- Index payments_pkey; locks the payment. The first form stays, so that asking again shows the same one.
update backend.payments
   set form = coalesce(form, $3::jsonb)
 where namespace = $1::text and m_payment_id = $2::text
returning json_build_object('form', form)::text as result

-- name: payment.facts
-- Index payments_pkey and payments_one_provider_reference; no lock.
select payment.amount_minor, payment.currency, payment.state,
       (select other.m_payment_id from backend.payments other
         where other.namespace = $1::text and other.pf_payment_id = $3::text
           and other.m_payment_id <> payment.m_payment_id) as other_payment
  from backend.payments payment
 where payment.namespace = $1::text and payment.m_payment_id = $2::text

-- name: payment.lock
-- Index payments_pkey; locks the payment, so that credit, debit and close take turns.
select state from backend.payments where namespace = $1::text and m_payment_id = $2::text for update

-- name: wallet.credit
-- Index payments_pkey, postings_once_per_subject; the payment is locked by payment.lock. A second credit of the
-- payment posts nothing and says so.
with payment as (
  select user_id, currency from backend.payments
   where namespace = $1::text and m_payment_id = $3::text and state <> 'complete'
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, $2::text, 'topup_credit', $3::text from payment
  on conflict do nothing
  returning posting_id
), entries as (
  insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency)
  select $1::text, posting.posting_id, entry.account, entry.amount_minor, payment.currency
    from posting, payment,
         lateral (values ('user:' || payment.user_id, $5::bigint),
                         ('provider:payfast', -($5::bigint + $6::bigint)),
                         ('cost:payfast-fees', $6::bigint)) as entry (account, amount_minor)
   where entry.amount_minor <> 0
), settled as (
  update backend.payments
     set state = 'complete', pf_payment_id = $4::text, gross_minor = $5::bigint, fee_minor = $6::bigint,
         is_late = $7::boolean, settled_at = now()
   where namespace = $1::text and m_payment_id = $3::text and exists (select from posting)
  returning user_id
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, 'topup/' || $4::text, 'wallet.topup.credited', 'payment', $3::text, $2::text,
         jsonb_build_object('user_id', user_id, 'amount_minor', $5::bigint, 'late', $7::boolean)
    from settled
  on conflict do nothing
)
select json_build_object(
         'status', case when exists (select from settled) then 'credited' else 'already_credited' end,
         'user_id', owner.user_id,
         'late', $7::boolean,
         'balance_minor', coalesce((select sum(amount_minor) from backend.ledger_entries
                                     where namespace = $1::text and account = 'user:' || owner.user_id), 0)
                          + case when exists (select from settled) then $5::bigint else 0 end)::text as result
  from backend.payments owner
 where owner.namespace = $1::text and owner.m_payment_id = $3::text

-- name: payment.close
-- Index payments_pkey; locks the payment. A complete payment stays complete.
with closed as (
  update backend.payments set state = $4::text
   where namespace = $1::text and m_payment_id = $3::text and state not in ('complete', $4::text)
  returning state
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/wallet.topup', 'wallet.topup.' || $4::text, 'payment', $3::text, $2::text,
         jsonb_build_object('state', $4::text, 'reason', $5::text)
    from closed
  on conflict do nothing
)
select json_build_object('state', coalesce((select state from closed), payment.state))::text as result
  from backend.payments payment
 where payment.namespace = $1::text and payment.m_payment_id = $3::text

-- name: wallet.lock
-- Index wallets_pkey; locks the wallet.
select user_id from backend.wallets where namespace = $1::text and user_id = $2::text for update

-- name: wallet.recovery
-- Index wallets_pkey, ledger_entries_by_account; locked by wallet.lock. Paid features follow the balance; withdrawals
-- stay shut while a dispute is open.
with balance as (
  select coalesce(sum(amount_minor), 0)::bigint as balance_minor
    from backend.ledger_entries
   where namespace = $1::text and account = 'user:' || $3::text
), followed as (
  update backend.wallets wallet
     set paid_features = balance.balance_minor >= 0,
         withdrawals_allowed = balance.balance_minor >= 0
           and not exists (select from backend.disputes open_one
                            where open_one.namespace = $1::text and open_one.user_id = $3::text
                              and open_one.state = 'open')
    from balance
   where wallet.namespace = $1::text and wallet.user_id = $3::text
     and wallet.paid_features <> (balance.balance_minor >= 0)
  returning wallet.paid_features
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/wallet.negative',
         case when paid_features then 'wallet.negative.cleared' else 'wallet.negative.opened' end,
         'wallet', $3::text, $2::text, '{}'
    from followed
  on conflict do nothing
)
select json_build_object('balance_minor', balance_minor, 'negative', balance_minor < 0)::text as result from balance

-- name: wallet.write_off
-- Index ledger_entries_by_account; locked by wallet.lock. Exactly what is missing becomes a cost of ours.
with debt as (
  select currency, sum(amount_minor)::bigint as balance_minor
    from backend.ledger_entries
   where namespace = $1::text and account = 'user:' || $3::text
   group by currency
  having sum(amount_minor) < 0
   limit 1
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, $2::text, 'write_off', $3::text from debt
  on conflict do nothing
  returning posting_id
), entries as (
  insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency)
  select $1::text, posting.posting_id, entry.account, entry.amount_minor, debt.currency
    from posting, debt,
         lateral (values ('user:' || $3::text, -debt.balance_minor),
                         ('cost:write-offs', debt.balance_minor)) as entry (account, amount_minor)
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/wallet.negative.written_off', 'wallet.negative.written_off', 'wallet', $3::text,
         $2::text, $4::jsonb
    from posting
  on conflict do nothing
)
select json_build_object('written_off_minor', coalesce((select -balance_minor from debt), 0))::text as result
