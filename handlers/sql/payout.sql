-- Vendor payouts. $1 namespace, $2 idempotency key, $3 order.

-- name: payout.open
-- Index payouts_pkey, postings_once_per_subject; locks the new row. The amount is the cash that was really collected.
with collected as (
  select o.vendor, o.currency, coalesce(sum(entry.amount_minor), 0)::bigint as amount_minor
    from backend.orders o
    left join backend.postings posting
      on posting.namespace = o.namespace and posting.kind = 'cash_collected' and posting.subject = o.order_id
    left join backend.ledger_entries entry
      on entry.namespace = o.namespace and entry.posting_id = posting.posting_id
     and entry.account = 'vendor:' || o.vendor
   where o.namespace = $1::text and o.order_id = $2::text
   group by o.vendor, o.currency
), listed as (
  insert into backend.payouts (namespace, order_id, vendor, amount_minor, commission_minor, currency)
  select $1::text, $2::text, vendor, amount_minor, amount_minor * $3::bigint / 10000, currency from collected
  on conflict do nothing
  returning amount_minor, commission_minor, vendor, state
), answer as (
  select amount_minor, commission_minor, vendor, state from listed
  union all
  select amount_minor, commission_minor, vendor, state from backend.payouts
   where namespace = $1::text and order_id = $2::text
)
select json_build_object('amount_minor', amount_minor, 'commission_minor', commission_minor, 'vendor', vendor,
                         'state', state)::text as result
  from answer
 limit 1

-- name: payout.lock
-- Index payouts_pkey; locks the payout: confirm and hold take turns.
select state from backend.payouts where namespace = $1::text and order_id = $2::text for update

-- name: payout.hold
-- Index payouts_pkey; locked by payout.lock.
with held as (
  update backend.payouts set state = 'held', note = $3::text
   where namespace = $1::text and order_id = $2::text and state = 'listed'
  returning state
)
select json_build_object('state', coalesce((select state from held), kept.state))::text as result
  from backend.payouts kept
 where kept.namespace = $1::text and kept.order_id = $2::text

-- name: payout.release
-- Index payouts_pkey; locked by payout.lock.
with listed as (
  update backend.payouts set state = 'listed', note = $3::text
   where namespace = $1::text and order_id = $2::text and state = 'held'
  returning state
)
select json_build_object('state', coalesce((select state from listed), kept.state))::text as result
  from backend.payouts kept
 where kept.namespace = $1::text and kept.order_id = $2::text

-- name: payout.pay
-- Index payouts_pkey, postings_once_per_subject; locked by payout.lock. A held payout is refused; a second
-- confirmation finds the first one's result.
with due as (
  select * from backend.payouts where namespace = $1::text and order_id = $3::text and state = 'listed'
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, $2::text, 'vendor_payout', $3::text from due
  on conflict do nothing
  returning posting_id
), entries as (
  insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency)
  select $1::text, posting.posting_id, entry.account, entry.amount_minor, due.currency
    from posting, due,
         lateral (values ('vendor:' || due.vendor, -due.amount_minor),
                         ('income:commission', due.commission_minor),
                         ('provider:bank', due.amount_minor - due.commission_minor)) as entry (account, amount_minor)
   where entry.amount_minor <> 0
), paid as (
  update backend.payouts set state = 'paid', confirmed_by = $4::text, paid_at = now()
   where namespace = $1::text and order_id = $3::text and exists (select from posting)
  returning amount_minor - commission_minor as paid_minor
), closed as (
  update backend.orders set state = 'closed', payment_intent = 'paid', vendor_paid_at = now()
   where namespace = $1::text and order_id = $3::text and exists (select from posting)
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_paid', 'order_paid', 'order', $3::text, $2::text,
         jsonb_build_object('paid_minor', paid_minor, 'confirmed_by', $4::text)
    from paid
  on conflict do nothing
)
select json_build_object('state', case when exists (select from paid) then 'paid' else kept.state end,
                         'paid_minor', kept.amount_minor - kept.commission_minor)::text as result
  from backend.payouts kept
 where kept.namespace = $1::text and kept.order_id = $3::text
