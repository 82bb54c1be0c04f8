-- Refunds that a person pays from the bank. $1 namespace, $2 idempotency key, $3 refund.

-- name: refund.open
-- Index bank_refunds_pkey, bank_refunds_one_due, disputes_by_payment, ledger_entries_by_account; locks the new row; the
-- payment is locked by payment.lock or plan_payment.lock. $4 topup or plan, $5 the payment, $6 the amount in minor units or
-- $7 as the provider writes it, $8 why. The money is set aside at once, so that it cannot be spent meanwhile.
with wanted as (
  select coalesce($6::bigint, case when $7::text ~ '^[0-9]{1,13}([.][0-9]{1,2})?$'
                                   then ($7::numeric * 100)::bigint end) as amount_minor
), source as (
  select case when state = 'complete' then 'user:' || user_id else 'provider:payfast' end as account,
         user_id as recipient, currency, case when state = 'complete' then gross_minor end as captured_minor
    from backend.payments
   where $4::text = 'topup' and namespace = $1::text and m_payment_id = $5::text
  union all
  select case when payment.state = 'completed' then 'plan:' || payment.workspace_id else 'provider:phonepe' end,
         workspace.owner_id, payment.currency, case when payment.state = 'completed' then payment.amount_minor end
    from backend.plan_payments payment join backend.workspaces workspace using (namespace, workspace_id)
   where $4::text = 'plan' and payment.namespace = $1::text and payment.merchant_order_id = $5::text
), known as (
  select state, amount_minor, recipient from backend.bank_refunds where namespace = $1::text and refund_id = $3::text
), judged as (
  select source.*, wanted.amount_minor,
         case when wanted.amount_minor is null or wanted.amount_minor <= 0 then 'the amount is not known'
              when exists (select from backend.disputes
                            where $4::text = 'topup' and namespace = $1::text and m_payment_id = $5::text
                              and state = 'open') then 'a dispute is open'
              when exists (select from backend.bank_refunds
                            where namespace = $1::text and subject_type = $4::text and subject = $5::text
                              and state = 'due') then 'another refund is under way'
              when wanted.amount_minor + (select coalesce(sum(amount_minor), 0) from backend.bank_refunds
                                           where namespace = $1::text and subject_type = $4::text
                                             and subject = $5::text and state = 'paid')
                   > source.captured_minor then 'it is more than was paid'
              when source.account like 'user:%'
                   and wanted.amount_minor > (select coalesce(sum(amount_minor), 0) from backend.ledger_entries
                                               where namespace = $1::text and account = source.account
                                                 and currency = source.currency) then 'the balance is spent'
         end as refusal
    from source, wanted
), opened as (
  insert into backend.bank_refunds
         (namespace, refund_id, subject_type, subject, account, recipient, amount_minor, currency, reason)
  select $1::text, $3::text, $4::text, $5::text, account, recipient, amount_minor, currency, $8::text
    from judged where refusal is null and not exists (select from known)
  returning account, recipient, amount_minor, currency
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, $2::text, 'bank_refund_hold', $3::text from opened
  returning posting_id
), entries as (
  insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency)
  select $1::text, posting.posting_id, entry.account, entry.amount_minor, opened.currency
    from posting, opened,
         lateral (values (opened.account, -opened.amount_minor),
                         ('provider:refunds-due', opened.amount_minor)) as entry (account, amount_minor)
), cased as (
  insert into backend.review_cases (namespace, case_id, kind, subject, facts)
  select $1::text, $2::text || '/case', 'refund_due', $5::text,
         jsonb_build_object('refund_id', $3::text, 'amount_minor', amount_minor, 'reason', $8::text)
    from opened
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/payment.refund.requested', 'payment.refund.requested', 'payment', $5::text, $2::text,
         jsonb_build_object('refund_id', $3::text, 'amount_minor', amount_minor)
    from opened
  on conflict do nothing
)
select json_build_object(
         'status', case when exists (select from opened) or (select state from known) = 'due' then 'due'
                        when exists (select from known) then (select state from known) else 'refused' end,
         'reason', case when exists (select from known) then '' else coalesce(judged.refusal, '') end,
         'amount_minor', coalesce((select amount_minor from known), judged.amount_minor),
         'recipient', judged.recipient)::text as result
  from judged

-- name: refund.lock
-- Index bank_refunds_pkey; locks the refund: its end happens once.
select state from backend.bank_refunds where namespace = $1::text and refund_id = $2::text for update

-- name: refund.settle
-- Index bank_refunds_pkey, bank_refunds_one_transfer, postings_one_refund_end; locked by refund.lock. $4 who decided,
-- $5 the second pair of eyes, $6 the answer. Paid: the money leaves from what was set aside. Refused: it comes back.
with due as (
  select * from backend.bank_refunds where namespace = $1::text and refund_id = $3::text and state = 'due'
), hold as (
  select posting.posting_id from backend.postings posting, due
   where posting.namespace = $1::text and posting.kind = 'bank_refund_hold' and posting.subject = $3::text
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, $2::text, case $6::jsonb ->> 'outcome' when 'paid' then 'bank_refund' else 'bank_refund_release' end,
         $3::text
    from due
  returning posting_id, kind
), entries as (
  insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency, reverses)
  select $1::text, posting.posting_id,
         case when posting.kind = 'bank_refund' and held.amount_minor < 0 then 'provider:bank' else held.account end,
         -held.amount_minor, held.currency, case when posting.kind = 'bank_refund_release' then held.posting_id end
    from posting, hold, backend.ledger_entries held
   where held.namespace = $1::text and held.posting_id = hold.posting_id
), settled as (
  update backend.bank_refunds
     set state = case when posting.kind = 'bank_refund' then 'paid' else 'refused' end, closed_at = now(),
         decided_by = $4::text, second_by = $5::text,
         bank_reference = case when posting.kind = 'bank_refund' then $6::jsonb ->> 'bank_reference' end
    from posting
   where namespace = $1::text and refund_id = $3::text
  returning state, subject_type, subject, recipient, amount_minor
), payment as (
  update backend.plan_payments set state = 'refunded'
    from settled
   where settled.state = 'paid' and settled.subject_type = 'plan' and plan_payments.namespace = $1::text
     and plan_payments.merchant_order_id = settled.subject and plan_payments.state = 'completed'
), cased as (
  update backend.review_cases review set closed_at = now(), closed_by = $4::text, outcome = settled.state
    from settled
   where review.namespace = $1::text and review.kind = 'refund_due' and review.subject = settled.subject
     and review.closed_at is null
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state, detail)
  select $1::text, $2::text || '/refund', 'bank_refund_' || state, 'refund', $3::text, $4::text,
         coalesce($6::jsonb ->> 'reason', ''), 'due', state,
         jsonb_strip_nulls(jsonb_build_object('bank_reference', $6::jsonb ->> 'bank_reference', 'second_by', $5::text))
    from settled
  on conflict do nothing
), noted as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject, body)
  select $1::text, $2::text, recipient, 'refund_' || state, subject, jsonb_build_object('amount_minor', amount_minor)
    from settled
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/payment.refund',
         'payment.refund.' || case state when 'paid' then 'completed' else 'failed' end, 'payment', subject, $2::text,
         jsonb_build_object('refund_id', $3::text, 'amount_minor', amount_minor)
    from settled
  on conflict do nothing
)
select json_build_object('state', coalesce((select state from settled), kept.state),
                         'amount_minor', kept.amount_minor)::text as result
  from backend.bank_refunds kept
 where kept.namespace = $1::text and kept.refund_id = $3::text
