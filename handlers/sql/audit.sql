-- What a demo needs before it starts, and what must hold after it. $1 is always the namespace.

-- name: sample.seed
-- Index stock_pkey, agents_pkey, ad_clicks_pkey; locks the new rows. What is there already stays as it is.
with stock as (
  insert into backend.stock (namespace, vendor, sku, on_hand, unit_price_minor)
  select $1::text, vendor, sku, on_hand, unit_price_minor
    from jsonb_to_recordset($2::jsonb) as item (vendor text, sku text, on_hand bigint, unit_price_minor bigint)
  on conflict do nothing
  returning 1
), agents as (
  insert into backend.agents (namespace, agent_id)
  select $1::text, agent_id from jsonb_array_elements_text($3::jsonb) as agent (agent_id)
  on conflict do nothing
  returning 1
), clicks as (
  insert into backend.ad_clicks (namespace, click_id, buyer, vendor, campaign)
  select $1::text, click_id, buyer, vendor, campaign
    from jsonb_to_recordset(coalesce($4::jsonb, '[]'))
           as click (click_id text, buyer text, vendor text, campaign text)
  on conflict do nothing
)
select json_build_object('stock_count', (select count(*) from stock),
                         'agent_count', (select count(*) from agents))::text as result

-- name: sample.audit
-- Reads whole tables, no lock. One line for each rule that is broken, with how often.
with broken as (
  select 'postings that do not sum to zero' as rule, count(*) as times
    from (select from backend.ledger_entries where namespace = $1::text
           group by posting_id having sum(amount_minor) <> 0) unbalanced
  union all
  select 'complete payments without exactly one credit', count(*)
    from backend.payments payment
   where payment.namespace = $1::text and payment.state = 'complete'
     and (select count(*) from backend.postings posting
           where posting.namespace = $1::text and posting.kind = 'topup_credit'
             and posting.subject = payment.m_payment_id) <> 1
  union all
  select 'credits of payments that are not complete', count(*)
    from backend.postings posting
    left join backend.payments payment
      on payment.namespace = posting.namespace and payment.m_payment_id = posting.subject
   where posting.namespace = $1::text and posting.kind = 'topup_credit' and payment.state is distinct from 'complete'
  union all
  select 'stock that is not reserved as its reservations say', count(*)
    from backend.stock stock
   where stock.namespace = $1::text
     and stock.reserved <> (select coalesce(sum(quantity), 0) from backend.reservations held
                             where (held.namespace, held.vendor, held.sku) = (stock.namespace, stock.vendor, stock.sku)
                               and held.state = 'held')
  union all
  select 'reservations held by orders that are over', count(*)
    from backend.reservations held join backend.orders o using (namespace, order_id)
   where held.namespace = $1::text and held.state = 'held'
     and o.state in ('rejected', 'canceled', 'expired', 'returned', 'settled', 'closed')
  union all
  select 'bank refunds that are not held once and ended once', count(*)
    from backend.bank_refunds refund
   where refund.namespace = $1::text
     and ((select count(*) from backend.postings posting
            where posting.namespace = $1::text and posting.kind = 'bank_refund_hold'
              and posting.subject = refund.refund_id) <> 1
          or (select count(*) from backend.postings posting
               where posting.namespace = $1::text and posting.kind in ('bank_refund', 'bank_refund_release')
                 and posting.subject = refund.refund_id) <> (refund.state <> 'due')::int)
  union all
  select 'converted carts without an order, or open ones with', count(*)
    from backend.carts cart
   where cart.namespace = $1::text
     and (cart.state = 'converted')
         <> exists (select from backend.checkout_groups placed
                     where (placed.namespace, placed.buyer_store, placed.cart_id)
                         = (cart.namespace, cart.buyer_store, cart.cart_id) and placed.state <> 'failed')
  union all
  select 'orders that were nudged or expired twice', count(*)
    from (select from backend.notifications where namespace = $1::text and kind = 'order_nudge'
           group by subject having count(*) > 1
          union all
          select from backend.outbox where namespace = $1::text and type = 'order_expired'
           group by aggregate_id having count(*) > 1) twice
  union all
  select 'closed orders without exactly one payout that stands', count(*)
    from backend.orders o
   where o.namespace = $1::text and o.state = 'closed'
     and (select count(*) from backend.payouts payout
           where payout.namespace = $1::text and payout.order_id = o.order_id and payout.state = 'paid') <> 1
  union all
  select 'payouts without exactly one posting, or one reversal if reversed', count(*)
    from backend.payouts payout
   where payout.namespace = $1::text
     and ((select count(*) from backend.postings posting
            where posting.namespace = $1::text and posting.kind = 'vendor_payout'
              and posting.subject = payout.ledger_subject) <> (payout.state in ('paid', 'reversed'))::int
          or (select count(*) from backend.postings posting
               where posting.namespace = $1::text and posting.kind = 'payout_reversal'
                 and posting.subject = payout.ledger_subject) <> (payout.state = 'reversed')::int)
  union all
  select 'manifests whose checksum is wrong', count(*)
    from backend.manifests
   where namespace = $1::text and checksum <> encode(sha256(convert_to(body, 'UTF8')), 'hex')
  union all
  select 'workspaces with two manifests for one submission', count(*)
    from (select from backend.manifests where namespace = $1::text
           group by workspace_id, submission_version having count(*) > 1) twice
)
select json_build_object(
         'violations', (select coalesce(json_agg(json_build_object('rule', rule, 'times', times)), '[]')
                          from broken where times > 0),
         'posting_count', (select count(*) from backend.postings where namespace = $1::text),
         'event_count', (select count(*) from backend.outbox where namespace = $1::text),
         'notification_count', (select count(*) from backend.notifications where namespace = $1::text))::text as result
