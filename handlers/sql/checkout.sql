-- Multi-vendor checkout. $1 is always the namespace.

-- name: checkout.find
-- Index checkout_groups_pkey; no lock.
select answer::text as answer from backend.checkout_groups where namespace = $1::text and group_id = $2::text

-- name: checkout.lock_stock
-- Index stock_pkey; locks the stock rows in key order, so that two checkouts never wait for each other in a circle.
select vendor, sku, on_hand - reserved as free
  from backend.stock
 where namespace = $1::text
   and (vendor, sku) in (select wanted.vendor, wanted.sku
                           from jsonb_to_recordset($2::jsonb) as wanted (vendor text, sku text))
 order by vendor, sku
   for update

-- name: checkout.keep_group
-- Index checkout_groups_pkey: a second checkout of the same cart and attempt waits here and then finds the answer.
insert into backend.checkout_groups (namespace, group_id, buyer, cart_id, state, answer)
values ($1::text, $2::text, $3::text, $4::text, $5::text, $6::jsonb)
on conflict do nothing
returning group_id

-- name: checkout.keep_orders
-- Locks the new rows. $4 holds the orders with their lines. The stock follows the reservations by trigger.
with wanted as (
  select * from jsonb_to_recordset($4::jsonb)
             as o (order_id text, vendor text, balance_due_minor bigint, replaces_order_id text, lines jsonb)
), kept as (
  insert into backend.orders
         (namespace, order_id, group_id, vendor, buyer, currency, balance_due_minor, replaces_order_id)
  select $1::text, order_id, $3::text, vendor, $5::text, $6::text, balance_due_minor, replaces_order_id from wanted
), lines as (
  select wanted.order_id, wanted.vendor, line.*
    from wanted, jsonb_to_recordset(wanted.lines)
           as line (line_id text, sku text, quantity bigint, unit_price_minor bigint)
), kept_lines as (
  insert into backend.order_lines (namespace, order_id, line_id, vendor, sku, quantity, unit_price_minor)
  select $1::text, order_id, line_id, vendor, sku, quantity, unit_price_minor from lines
), reserved as (
  insert into backend.reservations (namespace, order_id, line_id, vendor, sku, quantity)
  select $1::text, order_id, line_id, vendor, sku, quantity from lines
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_created/' || order_id, 'order_created', 'order', order_id, $2::text,
         jsonb_build_object('vendor', vendor, 'balance_due_minor', balance_due_minor)
    from wanted
)
select count(*) as order_count from wanted
