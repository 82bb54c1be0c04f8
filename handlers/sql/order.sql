-- Vendor orders. $1 namespace; $2 idempotency key where an event or notice is written; then the order.

-- name: order.lock
-- Index orders_pkey; locks the order: decision, cancel and expiry take turns, the first one committed wins.
select state from backend.orders where namespace = $1::text and order_id = $2::text for update

-- name: order.decide_lines
-- Index orders_pkey, order_lines_pkey; locked by order.lock. A decision id counts once; an order that is decided,
-- canceled or expired is left as it is.
with open_order as (
  select order_id from backend.orders
   where namespace = $1::text and order_id = $2::text and state = 'created_pending'
), recorded as (
  insert into backend.order_decisions (namespace, order_id, decision_id, outcome, line_id, applied)
  select $1::text, $2::text, $3::text, $4::text, $5::text, exists (select from open_order)
   where exists (select from backend.orders where namespace = $1::text and order_id = $2::text)
  on conflict do nothing
  returning applied
)
update backend.order_lines line
   set state = case $4::text when 'accept' then 'accepted' else 'rejected' end
  from recorded
 where recorded.applied and line.namespace = $1::text and line.order_id = $2::text and line.state = 'pending'
   and ($5::text is null or line.line_id = $5::text)

-- name: order.release_rejected
-- Index reservations_pkey; locks the reservations and, through the trigger, their stock rows. Once per line.
update backend.reservations reservation
   set state = 'released', settled_at = now()
  from backend.order_lines line
 where reservation.namespace = $1::text and reservation.order_id = $2::text and reservation.state = 'held'
   and (line.namespace, line.order_id, line.line_id)
     = (reservation.namespace, reservation.order_id, reservation.line_id)
   and line.state = 'rejected'

-- name: order.recompute
-- Index orders_pkey, order_lines_pkey; locked by order.lock. The order is decided when its last line is.
with sums as (
  select count(*) filter (where state = 'pending') as pending,
         count(*) filter (where state = 'accepted') as accepted,
         count(*) filter (where state = 'rejected') as rejected,
         coalesce(sum(quantity * unit_price_minor) filter (where state <> 'rejected'), 0)::bigint as due
    from backend.order_lines
   where namespace = $1::text and order_id = $3::text
), changed as (
  update backend.orders
     set balance_due_minor = sums.due,
         state = case when sums.pending > 0 then 'created_pending'
                      when sums.accepted = 0 then 'rejected'
                      when sums.rejected = 0 then 'accepted'
                      else 'partially_accepted' end,
         decided_at = case when sums.pending = 0 then now() end
    from sums
   where namespace = $1::text and order_id = $3::text and orders.state = 'created_pending'
  returning state, balance_due_minor
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_decided', 'order_decided', 'order', $3::text, $2::text,
         jsonb_build_object('state', state, 'balance_due_minor', balance_due_minor)
    from changed where state <> 'created_pending'
  on conflict do nothing
)
select json_build_object(
         'state', coalesce((select state from changed), kept.state),
         'balance_due_minor', coalesce((select balance_due_minor from changed), kept.balance_due_minor))::text as result
  from backend.orders kept
 where kept.namespace = $1::text and kept.order_id = $3::text

-- name: order.nudge
-- Index orders_pkey; locks the order. The automatic nudge happens once in an order's life.
with nudged as (
  update backend.orders set nudged_at = now()
   where namespace = $1::text and order_id = $3::text and state = 'created_pending' and nudged_at is null
  returning vendor
), notice as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject)
  select $1::text, $2::text, vendor, 'order_nudge', $3::text from nudged
  on conflict do nothing
)
select json_build_object('nudged', exists (select from nudged), 'state', kept.state)::text as result
  from backend.orders kept
 where kept.namespace = $1::text and kept.order_id = $3::text

-- name: order.buyer_nudge
-- Index orders_pkey; locks the order. At most one in $4 seconds; the decision window does not move.
with nudged as (
  update backend.orders set buyer_nudged_at = now()
   where namespace = $1::text and order_id = $3::text and state = 'created_pending'
     and (buyer_nudged_at is null or buyer_nudged_at <= now() - make_interval(secs => $4::double precision))
  returning vendor
), notice as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject)
  select $1::text, $2::text, vendor, 'buyer_nudge', $3::text from nudged
  on conflict do nothing
)
select json_build_object('nudged', exists (select from nudged))::text as result

-- name: order.expire
-- Index orders_pkey, reservations_pkey; locks the order, its reservations and their stock rows.
with expired as (
  update backend.orders set state = 'expired', expired_at = now()
   where namespace = $1::text and order_id = $3::text and state = 'created_pending'
  returning order_id
), released as (
  update backend.reservations set state = 'released', settled_at = now()
   where namespace = $1::text and order_id in (select order_id from expired) and state = 'held'
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_expired', 'order_expired', 'order', order_id, $2::text, '{}' from expired
  on conflict do nothing
)
select json_build_object('expired', exists (select from expired),
                         'state', case when exists (select from expired) then 'expired' else kept.state end
       )::text as result
  from backend.orders kept
 where kept.namespace = $1::text and kept.order_id = $3::text

-- name: order.cancel
-- Index orders_pkey, reservations_pkey, assignments_one_open; locks what it changes. Refused once in transit.
with canceled as (
  update backend.orders set state = 'canceled'
   where namespace = $1::text and order_id = $3::text
     and state in ('created_pending', 'accepted', 'partially_accepted', 'hold', 'assigned')
  returning order_id
), released as (
  update backend.reservations set state = 'released', settled_at = now()
   where namespace = $1::text and order_id in (select order_id from canceled) and state = 'held'
), freed as (
  update backend.assignments set state = 'released', changed_at = now()
   where namespace = $1::text and order_id in (select order_id from canceled) and state = 'assigned'
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, after_state)
  select $1::text, $2::text || '/order_canceled', 'order_canceled', 'order', order_id,
         coalesce($4::jsonb ->> 'by', 'buyer'), coalesce($4::jsonb ->> 'reason', ''), 'canceled'
    from canceled
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_canceled', 'order_canceled', 'order', order_id, $2::text,
         coalesce($4::jsonb, '{}') from canceled
  on conflict do nothing
)
select json_build_object('canceled', exists (select from canceled),
                         'state', case when exists (select from canceled) then 'canceled' else kept.state end
       )::text as result
  from backend.orders kept
 where kept.namespace = $1::text and kept.order_id = $3::text

-- name: order.fulfil
-- Index orders_pkey; locks the order. Fulfilled goods wait in `hold` for an agent.
with held as (
  update backend.orders set state = 'hold'
   where namespace = $1::text and order_id = $3::text and state in ('accepted', 'partially_accepted')
  returning order_id, balance_due_minor
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_ready_for_dispatch', 'order_ready_for_dispatch', 'order', order_id, $2::text,
         jsonb_build_object('balance_due_minor', balance_due_minor)
    from held
  on conflict do nothing
)
select json_build_object('state', case when exists (select from held) then 'hold' else kept.state end,
                         'balance_due_minor', kept.balance_due_minor)::text as result
  from backend.orders kept
 where kept.namespace = $1::text and kept.order_id = $3::text

-- name: order.force_cancel
-- Index orders_pkey, reservations_pkey, assignments_one_open; locked by order.lock. By an administrator, with a reason,
-- until the goods are delivered; a refusal is audited too.
with before as (
  select state from backend.orders where namespace = $1::text and order_id = $3::text
), canceled as (
  update backend.orders set state = 'canceled'
   where namespace = $1::text and order_id = $3::text
     and state in ('created_pending', 'accepted', 'partially_accepted', 'hold', 'assigned', 'in_transit')
  returning order_id, buyer
), released as (
  update backend.reservations set state = 'released', settled_at = now()
   where namespace = $1::text and order_id in (select order_id from canceled) and state = 'held'
), freed as (
  update backend.assignments set state = 'released', changed_at = now()
   where namespace = $1::text and order_id in (select order_id from canceled) and state in ('assigned', 'picked_up')
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state)
  select $1::text, $2::text || '/order_force_cancel',
         case when exists (select from canceled) then 'order_force_canceled' else 'order_cancel_refused' end, 'order',
         $3::text, $4::text, $5::text, before.state,
         case when exists (select from canceled) then 'canceled' else before.state end
    from before
  on conflict do nothing
), noted as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject, body)
  select $1::text, $2::text, coalesce((select buyer from canceled), 'operators'),
         case when exists (select from canceled) then 'order_canceled' else 'order_cancel_refused' end, $3::text,
         jsonb_build_object('by', $4::text, 'reason', $5::text, 'state', before.state)
    from before
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_canceled', 'order_canceled', 'order', order_id, $2::text,
         jsonb_build_object('by', $4::text, 'reason', $5::text, 'forced', true)
    from canceled
  on conflict do nothing
)
select json_build_object('canceled', exists (select from canceled),
                         'state', case when exists (select from canceled) then 'canceled' else before.state end)::text
         as result
  from before

-- name: order.refuse_cancel
-- Index orders_pkey; no lock. The buyer who cancels goods that are on their way is told that it is too late.
with kept as (
  select buyer, state from backend.orders where namespace = $1::text and order_id = $3::text
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state)
  select $1::text, $2::text || '/order_cancel_refused', 'order_cancel_refused', 'order', $3::text, buyer,
         'the order is ' || state, state, state
    from kept
  on conflict do nothing
), noted as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject, body)
  select $1::text, $2::text, buyer, 'order_cancel_refused', $3::text, jsonb_build_object('state', state) from kept
  on conflict do nothing
)
select json_build_object('canceled', false, 'state', state)::text as result from kept
