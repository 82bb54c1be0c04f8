-- Chargebacks. $1 namespace, $2 idempotency key, $3 provider, $4 dispute id.

-- name: dispute.open
-- Index payments_pkey, disputes_pkey, orders_by_payment; locks the new rows, the wallet, and the payouts of orders that
-- the payment paid for. Withdrawals stay shut and those payouts held while it is open.
with payment as (
  select user_id from backend.payments
   where namespace = $1::text and m_payment_id = $5::text and state = 'complete'
), opened as (
  insert into backend.disputes
         (namespace, provider, dispute_id, m_payment_id, user_id, amount_minor, fee_minor, currency, due_by)
  select $1::text, $3::text, $4::text, $5::text, user_id, $6::bigint, $7::bigint, $8::text, $9::timestamptz
    from payment
  on conflict do nothing
  returning user_id
), frozen as (
  update backend.wallets set withdrawals_allowed = false
   where namespace = $1::text and user_id in (select user_id from payment)
), held as (
  update backend.payouts payout
     set state = 'held', note = 'chargeback ' || $3::text || ':' || $4::text || ' is open'
    from opened, backend.orders o
   where o.namespace = $1::text and o.m_payment_id = $5::text and payout.namespace = $1::text
     and payout.order_id = o.order_id and payout.state = 'listed'
  returning payout.ledger_subject
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state)
  select $1::text, $2::text || '/payout_held/' || ledger_subject, 'payout_held', 'payout', ledger_subject,
         'wallet-dispute', 'chargeback ' || $3::text || ':' || $4::text || ' is open', 'listed', 'held'
    from held
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/dispute.opened', 'dispute.opened', 'dispute', $3::text || ':' || $4::text, $2::text,
         jsonb_build_object('m_payment_id', $5::text, 'amount_minor', $6::bigint)
    from opened
  on conflict do nothing
)
select json_build_object(
         'status', case when exists (select from opened) then 'opened'
                        when exists (select from payment) then 'already_open'
                        else 'payment_not_found' end,
         'user_id', (select user_id from payment))::text as result

-- name: dispute.collect_evidence
-- Index disputes_pkey, ledger_entries_by_account, notifications_by_recipient, bank_refunds_by_subject; locks the dispute.
-- A refund that was paid before is part of the proof.
with bundle as (
  select jsonb_build_object(
           'payment', (select to_jsonb(payment) - 'form' from backend.payments payment
                        where payment.namespace = $1::text and payment.m_payment_id = dispute.m_payment_id),
           'refunds', (select coalesce(jsonb_agg(to_jsonb(refund) order by refund.closed_at), '[]')
                         from backend.bank_refunds refund
                        where refund.namespace = $1::text and refund.subject_type = 'topup'
                          and refund.subject = dispute.m_payment_id and refund.state = 'paid'),
           'ledger', (select coalesce(jsonb_agg(to_jsonb(entry) order by entry.created_at, entry.account), '[]')
                        from backend.ledger_entries entry
                       where entry.namespace = $1::text and entry.account = 'user:' || dispute.user_id),
           'notices', (select coalesce(jsonb_agg(to_jsonb(notice) order by notice.created_at), '[]')
                         from backend.notifications notice
                        where notice.namespace = $1::text and notice.recipient = dispute.user_id)) as evidence
    from backend.disputes dispute
   where dispute.namespace = $1::text and dispute.provider = $3::text and dispute.dispute_id = $4::text
), kept as (
  update backend.disputes dispute
     set evidence = bundle.evidence,
         evidence_hash = encode(sha256(convert_to(bundle.evidence::text, 'UTF8')), 'hex')
    from bundle
   where dispute.namespace = $1::text and dispute.provider = $3::text and dispute.dispute_id = $4::text
  returning dispute.evidence_hash, dispute.evidence, dispute.round
), noted as (
  insert into backend.dispute_log (namespace, log_id, provider, dispute_id, action, detail)
  select $1::text, $2::text, $3::text, $4::text, 'evidence_collected', jsonb_build_object('hash', evidence_hash)
    from kept
  on conflict do nothing
)
select json_build_object('evidence_hash', evidence_hash,
                         'round', round,
                         'refunded', jsonb_array_length(evidence -> 'refunds') > 0,
                         'complete', jsonb_array_length(evidence -> 'ledger') > 0)::text as result
  from kept

-- name: dispute.lock
-- Index disputes_pkey, payments_pkey; locks the dispute and its payment: money moves of one payment take turns.
select dispute.state
  from backend.disputes dispute
  join backend.payments payment using (namespace, m_payment_id)
 where dispute.namespace = $1::text and dispute.provider = $2::text and dispute.dispute_id = $3::text
   for update

-- name: dispute.debit
-- Index disputes_pkey, postings_pkey; locked by dispute.lock. Takes the disputed amount back from the wallet, which may
-- go below zero, and books the provider's fee. The debit reverses the top-up's credit, or in a second round the
-- reversal of the first debit.
with dispute as (
  select * from backend.disputes
   where namespace = $1::text and provider = $3::text and dispute_id = $4::text and funds <> 'withdrawn'
     and state = 'open'
), reversed as (
  select posting_id from backend.postings
   where namespace = $1::text
     and ((kind = 'chargeback_reversal' and subject = $3::text || ':' || $4::text)
          or (kind = 'topup_credit' and subject = (select m_payment_id from dispute)))
   order by (kind = 'chargeback_reversal') desc, posted_at desc
   limit 1
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, part.posting_id, part.kind, $3::text || ':' || $4::text
    from dispute,
         lateral (values ($2::text, 'chargeback_debit', dispute.amount_minor),
                         ($2::text || '/fee', 'chargeback_fee', dispute.fee_minor)) as part (posting_id, kind, amount)
   where part.amount > 0
     -- The fee is charged once, however often the provider takes and gives back.
     and (part.kind <> 'chargeback_fee'
          or not exists (select from backend.postings
                          where namespace = $1::text and kind = 'chargeback_fee'
                            and subject = $3::text || ':' || $4::text))
  on conflict do nothing
  returning posting_id, kind
), entries as (
  insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency, reverses)
  select $1::text, posting.posting_id, entry.account, entry.sign * case posting.kind
           when 'chargeback_debit' then dispute.amount_minor else dispute.fee_minor end,
         dispute.currency,
         case when posting.kind = 'chargeback_debit' and entry.sign < 0 then (select posting_id from reversed) end
    from posting, dispute,
         lateral (values ('user:' || dispute.user_id, -1), ('provider:' || $3::text, 1)) as entry (account, sign)
  returning account, amount_minor
), moved as (
  update backend.disputes set funds = 'withdrawn', debit_posting = $2::text
   where namespace = $1::text and provider = $3::text and dispute_id = $4::text and exists (select from posting)
  returning user_id
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/dispute.funds_withdrawn', 'dispute.funds_withdrawn', 'dispute',
         $3::text || ':' || $4::text, $2::text, jsonb_build_object('user_id', user_id)
    from moved
  on conflict do nothing
)
select json_build_object(
         'moved', exists (select from moved),
         'user_id', dispute.user_id,
         'balance_minor', coalesce((select sum(amount_minor) from backend.ledger_entries
                                     where namespace = $1::text and account = 'user:' || dispute.user_id), 0)
                          + coalesce((select sum(amount_minor) from entries where account like 'user:%'), 0)
       )::text as result
  from backend.disputes dispute
 where dispute.namespace = $1::text and dispute.provider = $3::text and dispute.dispute_id = $4::text

-- name: dispute.reinstate
-- Index disputes_pkey, ledger_entries_pkey; locked by dispute.lock. Gives back what the debit took; the fee stays.
with dispute as (
  select * from backend.disputes
   where namespace = $1::text and provider = $3::text and dispute_id = $4::text and funds = 'withdrawn'
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, $2::text, 'chargeback_reversal', $3::text || ':' || $4::text from dispute
  on conflict do nothing
  returning posting_id
), entries as (
  insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency, reverses)
  select $1::text, posting.posting_id, taken.account, -taken.amount_minor, taken.currency, taken.posting_id
    from posting, dispute, backend.ledger_entries taken
   where taken.namespace = $1::text and taken.posting_id = dispute.debit_posting
  returning account, amount_minor
), moved as (
  update backend.disputes set funds = 'reinstated', debit_posting = null
   where namespace = $1::text and provider = $3::text and dispute_id = $4::text and exists (select from posting)
  returning 1
)
select json_build_object(
         'moved', exists (select from moved),
         'user_id', dispute.user_id,
         'balance_minor', coalesce((select sum(amount_minor) from backend.ledger_entries
                                     where namespace = $1::text and account = 'user:' || dispute.user_id), 0)
                          + coalesce((select sum(amount_minor) from entries where account like 'user:%'), 0)
       )::text as result
  from backend.disputes dispute
 where dispute.namespace = $1::text and dispute.provider = $3::text and dispute.dispute_id = $4::text

-- name: dispute.next_round
-- Index disputes_pkey; locks the dispute. A second stage is a new round of the same dispute.
update backend.disputes
   set round = round + 1, due_by = $4::timestamptz
 where namespace = $1::text and provider = $2::text and dispute_id = $3::text and state = 'open'
returning json_build_object('round', round)::text as result

-- name: dispute.note
-- Index dispute_log_pkey; locks the new row. Who decided what and why.
with noted as (
  insert into backend.dispute_log (namespace, log_id, provider, dispute_id, action, detail)
  values ($1::text, $2::text, $3::text, $4::text, $5::text, $6::jsonb)
  on conflict do nothing
  returning 1
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/dispute', 'dispute.' || $5::text, 'dispute', $3::text || ':' || $4::text, $2::text,
         jsonb_build_object('action', $5::text)
    from noted
  on conflict do nothing
)
select json_build_object('noted', true)::text as result

-- name: dispute.settle
-- Index disputes_pkey, disputes_by_user; locked by dispute.lock. Withdrawals open again when it was the user's last
-- open dispute and the balance is not negative; two lost disputes in 90 days open an abuse case.
with settled as (
  update backend.disputes set state = $5::text, closed_at = now()
   where namespace = $1::text and provider = $3::text and dispute_id = $4::text and state = 'open'
  returning user_id
), balance as (
  select dispute.user_id, coalesce(sum(entry.amount_minor), 0)::bigint as balance_minor
    from backend.disputes dispute
    left join backend.ledger_entries entry
      on entry.namespace = dispute.namespace and entry.account = 'user:' || dispute.user_id
   where dispute.namespace = $1::text and dispute.provider = $3::text and dispute.dispute_id = $4::text
   group by dispute.user_id
), thawed as (
  update backend.wallets wallet
     set withdrawals_allowed = balance.balance_minor >= 0, paid_features = balance.balance_minor >= 0
    from settled join balance using (user_id)
   where wallet.namespace = $1::text and wallet.user_id = settled.user_id
     and not exists (select from backend.disputes other
                      where other.namespace = $1::text and other.user_id = settled.user_id and other.state = 'open'
                        and (other.provider, other.dispute_id) <> ($3::text, $4::text))
), abuse as (
  insert into backend.review_cases (namespace, case_id, kind, subject, facts)
  select $1::text, $2::text || '/abuse', 'abuse', settled.user_id,
         jsonb_build_object('lost_disputes', lost.count + 1)
    from settled,
         lateral (select count(*) from backend.disputes past
                   where past.namespace = $1::text and past.user_id = settled.user_id
                     and past.state in ('lost', 'accepted', 'expired')
                     and past.closed_at > now() - interval '90 days') lost
   where $5::text in ('lost', 'accepted', 'expired') and lost.count >= 1
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/dispute.closed', 'dispute.' || $5::text, 'dispute', $3::text || ':' || $4::text,
         $2::text, jsonb_build_object('user_id', user_id)
    from settled
  on conflict do nothing
)
select json_build_object('state', coalesce((select $5::text from settled), dispute.state),
                         'user_id', dispute.user_id,
                         'balance_minor', balance.balance_minor)::text as result
  from backend.disputes dispute, balance
 where dispute.namespace = $1::text and dispute.provider = $3::text and dispute.dispute_id = $4::text
