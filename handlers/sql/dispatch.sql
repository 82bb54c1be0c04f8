-- Dispatch, delivery and cash. $1 namespace, $2 idempotency key, $3 order, $4 assignment.

-- name: dispatch.assign
-- Index orders_pkey, assignments_one_open; locked by order.lock. Any active agent, and
-- first one who has not had this order yet.
with ready_order as (
  select order_id from backend.orders
   where namespace = $1::text and order_id = $3::text and state = 'hold'
), earlier as (
  select agent_id from backend.assignments where namespace = $1::text and order_id = $3::text
), agent as (
  select agent_id from backend.agents
   where namespace = $1::text and is_active and exists (select from ready_order)
   order by agent_id in (select agent_id from earlier), random()
   limit 1
), assigned as (
  insert into backend.assignments (namespace, assignment_id, order_id, agent_id)
  select $1::text, $3::text || '/' || (select count(*) + 1 from earlier), $3::text, agent_id from agent
  returning assignment_id, agent_id
), moved as (
  update backend.orders set state = 'assigned'
   where namespace = $1::text and order_id = $3::text and exists (select from assigned)
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_assigned', 'order_assigned', 'order', $3::text, $2::text,
         jsonb_build_object('assignment_id', assignment_id, 'agent_id', agent_id)
    from assigned
  on conflict do nothing
)
select json_build_object('assigned', exists (select from assigned),
                         'assignment_id', (select assignment_id from assigned),
                         'agent_id', (select agent_id from assigned),
                         'state', kept.state)::text as result
  from backend.orders kept
 where kept.namespace = $1::text and kept.order_id = $3::text

-- name: dispatch.release
-- Index assignments_pkey, orders_pkey; locked by order.lock. Nobody came to pick it up: the order is on hold again.
with freed as (
  update backend.assignments set state = 'released', changed_at = now()
   where namespace = $1::text and order_id = $2::text and assignment_id = $3::text and state = 'assigned'
  returning order_id
), moved as (
  update backend.orders set state = 'hold'
   where namespace = $1::text and order_id in (select order_id from freed) and state = 'assigned'
)
select json_build_object(
         'released', exists (select from freed),
         'assignment_count', (select count(*) from backend.assignments
                               where namespace = $1::text and order_id = $2::text))::text as result

-- name: dispatch.pick_up
-- Index assignments_pkey, orders_pkey; locked by order.lock. An agent whose assignment was released is refused.
with taken as (
  update backend.assignments set state = 'picked_up', changed_at = now()
   where namespace = $1::text and order_id = $3::text and assignment_id = $4::text and state = 'assigned'
  returning order_id
), moved as (
  update backend.orders set state = 'in_transit'
   where namespace = $1::text and order_id in (select order_id from taken)
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_picked_up', 'order_picked_up', 'order', order_id, $2::text,
         jsonb_build_object('assignment_id', $4::text)
    from taken
  on conflict do nothing
)
select json_build_object('accepted', exists (select from taken))::text as result

-- name: dispatch.deliver
-- Index assignments_pkey, orders_pkey, reservations_pkey; locked by order.lock. Delivered goods leave the stock.
with handed as (
  update backend.assignments set state = 'delivered', changed_at = now()
   where namespace = $1::text and order_id = $3::text and assignment_id = $4::text and state = 'picked_up'
  returning order_id
), moved as (
  update backend.orders set state = 'delivered'
   where namespace = $1::text and order_id in (select order_id from handed)
), consumed as (
  update backend.reservations set state = 'consumed', settled_at = now()
   where namespace = $1::text and order_id in (select order_id from handed) and state = 'held'
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_delivered', 'order_delivered', 'order', order_id, $2::text,
         jsonb_build_object('assignment_id', $4::text)
    from handed
  on conflict do nothing
)
select json_build_object('accepted', exists (select from handed))::text as result

-- name: dispatch.fail_delivery
-- Index assignments_pkey, orders_pkey; locked by order.lock. The goods come back and wait for a person's word.
with failed as (
  update backend.assignments set state = 'failed', changed_at = now()
   where namespace = $1::text and order_id = $2::text and assignment_id = $3::text and state = 'picked_up'
  returning order_id
), moved as (
  update backend.orders set state = 'hold'
   where namespace = $1::text and order_id in (select order_id from failed)
)
select json_build_object('accepted', exists (select from failed))::text as result

-- name: dispatch.return_order
-- Index orders_pkey, reservations_pkey; locks what it changes. The sale is off, the goods are for sale again.
with returned as (
  update backend.orders set state = 'returned'
   where namespace = $1::text and order_id = $3::text and state = 'hold'
  returning order_id
), released as (
  update backend.reservations set state = 'released', settled_at = now()
   where namespace = $1::text and order_id in (select order_id from returned) and state = 'held'
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_returned', 'order_returned', 'order', order_id, $2::text, '{}' from returned
  on conflict do nothing
)
select json_build_object('returned', exists (select from returned))::text as result

-- name: dispatch.collect_cash
-- Index assignments_pkey, postings_once_per_subject; locked by order.lock. What was really collected is booked, also
-- when it differs from what was due; a second report of the same order books nothing.
with handed as (
  select a.agent_id, o.vendor, o.currency, o.balance_due_minor
    from backend.assignments a join backend.orders o using (namespace, order_id)
   where a.namespace = $1::text and a.order_id = $3::text and a.assignment_id = $4::text and a.state = 'delivered'
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, $2::text, 'cash_collected', $3::text from handed
  on conflict do nothing
  returning posting_id
), entries as (
  insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency)
  select $1::text, posting.posting_id, entry.account, entry.amount_minor, handed.currency
    from posting, handed,
         lateral (values ('cash:' || handed.agent_id, -$5::bigint),
                         ('vendor:' || handed.vendor, $5::bigint)) as entry (account, amount_minor)
   where entry.amount_minor <> 0
), settled as (
  update backend.assignments set state = 'settled', changed_at = now()
   where namespace = $1::text and assignment_id = $4::text and exists (select from posting)
), moved as (
  update backend.orders set state = 'settled', payment_intent = 'settled', cash_collected_at = now()
   where namespace = $1::text and order_id = $3::text and exists (select from posting)
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/cash_collected', 'cash_collected', 'order', $3::text, $2::text,
         jsonb_build_object('amount_minor', $5::bigint)
    from posting
  on conflict do nothing
)
select json_build_object('accepted', exists (select from posting),
                         'amount_minor', $5::bigint,
                         'expected_minor', kept.balance_due_minor,
                         'differs', kept.balance_due_minor <> $5::bigint)::text as result
  from backend.orders kept
 where kept.namespace = $1::text and kept.order_id = $3::text
