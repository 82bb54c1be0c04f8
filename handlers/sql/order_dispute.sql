-- Buyers' complaints about orders. $1 namespace, $2 idempotency key, $3 order, $4 dispute id.

-- name: order_dispute.open
-- Index order_disputes_one_open, payouts_one_current; locks the new row and the order's payout. From here on nothing is
-- paid out for the order.
with opened as (
  insert into backend.order_disputes (namespace, order_id, dispute_id, opened_by, reason)
  select $1::text, order_id, $4::text, $5::text, $6::text
    from backend.orders where namespace = $1::text and order_id = $3::text
  on conflict do nothing
  returning order_id
), held as (
  update backend.payouts set state = 'held', note = 'order dispute ' || $4::text || ' is open'
   where namespace = $1::text and order_id in (select order_id from opened) and state = 'listed'
  returning ledger_subject
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state)
  select $1::text, $2::text || '/order_dispute_opened', 'order_dispute_opened', 'order', order_id, $5::text, $6::text,
         null, 'open'
    from opened
  union all
  select $1::text, $2::text || '/payout_held', 'payout_held', 'payout', ledger_subject, $5::text,
         'order dispute ' || $4::text || ' is open', 'listed', 'held'
    from held
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_dispute.opened', 'order_dispute.opened', 'order', order_id, $2::text,
         jsonb_build_object('dispute_id', $4::text, 'opened_by', $5::text)
    from opened
  on conflict do nothing
)
select json_build_object(
         'status', case when exists (select from opened) then 'opened'
                        when exists (select from backend.orders
                                      where namespace = $1::text and order_id = $3::text) then 'already_open'
                        else 'order_not_found' end,
         'payout_held', exists (select from held))::text as result

-- name: order_dispute.close
-- Index order_disputes_pkey; locks the dispute. A held payout stays held until a person releases it.
with closed as (
  update backend.order_disputes
     set state = $5::jsonb ->> 'outcome', decided_by = $5::jsonb ->> 'decided_by', closed_at = now()
   where namespace = $1::text and order_id = $3::text and dispute_id = $4::text and state = 'open'
  returning state
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state)
  select $1::text, $2::text || '/order_dispute_closed', 'order_dispute_closed', 'order', $3::text,
         $5::jsonb ->> 'decided_by', coalesce($5::jsonb ->> 'reason', ''), 'open', state
    from closed
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_dispute.closed', 'order_dispute.' || state, 'order', $3::text, $2::text,
         jsonb_build_object('dispute_id', $4::text)
    from closed
  on conflict do nothing
)
select json_build_object('state', coalesce((select state from closed), kept.state))::text as result
  from backend.order_disputes kept
 where kept.namespace = $1::text and kept.order_id = $3::text and kept.dispute_id = $4::text
