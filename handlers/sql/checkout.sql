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

-- name: checkout.lock_cart
-- Index carts_pkey; locks the cart: its checkouts and writes take turns.
insert into backend.carts (namespace, buyer_store, cart_id, buyer)
values ($1::text, $2::text, $3::text, $4::text)
on conflict (namespace, buyer_store, cart_id) do update set buyer = carts.buyer
returning state

-- name: checkout.lock_replaced
-- Index orders_pkey, orders_one_replacement; locks the order that a retry wants to replace.
select kept.state, kept.buyer,
       (select newer.order_id from backend.orders newer
         where newer.namespace = $1::text and newer.replaces_order_id = $2::text) as replaced_by
  from backend.orders kept
 where kept.namespace = $1::text and kept.order_id = $2::text
   for update

-- name: checkout.keep_group
-- Index checkout_groups_pkey, carts_pkey; locked by checkout.lock_cart. From here on nothing is written to the cart.
with kept as (
  insert into backend.checkout_groups (namespace, group_id, buyer, cart_id, state, answer, buyer_store, attempt)
  values ($1::text, $2::text, $3::text, $4::text, $5::text, $6::jsonb, $7::text, $8::int)
  returning group_id
)
update backend.carts
   set attempt_count = greatest(attempt_count, $8::int),
       state = case when $5::text = 'failed' then state else 'converted' end,
       converted_at = case when $5::text = 'failed' then converted_at else coalesce(converted_at, now()) end
 where namespace = $1::text and buyer_store = $7::text and cart_id = $4::text and exists (select from kept)
returning state

-- name: checkout.keep_orders
-- Index ad_clicks_by_buyer; locks the new rows. $4 holds the orders with their lines. The stock follows the reservations
-- by trigger. The buyer's last valid click on the vendor's ads counts for $8 seconds.
with wanted as (
  select o.*, click.click_id
    from jsonb_to_recordset($4::jsonb)
           as o (order_id text, vendor text, balance_due_minor bigint, replaces_order_id text, lines jsonb)
    left join lateral (select click_id from backend.ad_clicks
                        where namespace = $1::text and buyer = $5::text and vendor = o.vendor and is_valid
                          and clicked_at > now() - make_interval(secs => $8::double precision)
                        order by clicked_at desc
                        limit 1) click on true
), kept as (
  insert into backend.orders
         (namespace, order_id, group_id, vendor, buyer, currency, balance_due_minor, replaces_order_id, m_payment_id,
          ad_click_id)
  select $1::text, order_id, $3::text, vendor, $5::text, $6::text, balance_due_minor, replaces_order_id, $7::text,
         click_id
    from wanted
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
         jsonb_strip_nulls(jsonb_build_object('vendor', vendor, 'balance_due_minor', balance_due_minor,
                                              'ad_click_id', click_id, 'replaces_order_id', replaces_order_id))
    from wanted
)
select count(*) as order_count from wanted

-- name: cart.save
-- Index carts_pkey; locks the cart. A converted cart is left as it was, and the answer says so.
with saved as (
  insert into backend.carts (namespace, buyer_store, cart_id, buyer, lines)
  values ($1::text, $2::text, $3::text, $4::text, $5::jsonb)
  on conflict (namespace, buyer_store, cart_id) do update set lines = excluded.lines, saved_at = now()
     where carts.state = 'open'
  returning 1
)
select json_build_object('saved', exists (select from saved),
                         'reason', case when exists (select from saved) then '' else 'the cart is converted' end)::text
         as result

-- name: order.lock_cart
-- Index orders_pkey, carts_pkey; locks the order's cart: its attempts are counted one at a time.
select cart.state
  from backend.orders o
  join backend.checkout_groups placed using (namespace, group_id)
  join backend.carts cart using (namespace, buyer_store, cart_id)
 where o.namespace = $1::text and o.order_id = $2::text
   for update of cart

-- name: order.retry
-- Index orders_pkey, orders_one_replacement, order_lines_pkey, stock_pkey; locked by order.lock and order.lock_cart. What
-- the buyer wanted then, at today's prices, as the input of the cart's next checkout; or why not.
with kept as (
  select o.*, placed.buyer_store, placed.cart_id,
         case when o.buyer <> $3::text then 'the order is another buyer''s'
              when o.state <> 'expired' then 'the order is ' || o.state
              when o.expired_at <= now() - make_interval(secs => $4::double precision) then 'the order expired too long ago'
              when newer.order_id is not null then 'the order was placed again as ' || newer.order_id
         end as refusal
    from backend.orders o
    join backend.checkout_groups placed using (namespace, group_id)
    left join backend.orders newer on newer.namespace = o.namespace and newer.replaces_order_id = o.order_id
   where o.namespace = $1::text and o.order_id = $2::text
), counted as (
  update backend.carts cart
     set attempt_count = 1 + greatest(cart.attempt_count,
                                      (select max(attempt) from backend.checkout_groups other
                                        where (other.namespace, other.buyer_store, other.cart_id)
                                            = (kept.namespace, kept.buyer_store, kept.cart_id)))
    from kept
   where cart.namespace = $1::text and cart.buyer_store = kept.buyer_store and cart.cart_id = kept.cart_id
     and kept.refusal is null
  returning cart.attempt_count as attempt
)
select json_build_object(
         'status', case when kept.refusal is null then 'ready' else 'refused' end,
         'reason', coalesce(kept.refusal, ''),
         'checkout', (select json_build_object(
                        'key', kept.buyer_store || ':' || kept.cart_id || ':' || counted.attempt,
                        'buyer_store', kept.buyer_store, 'cart_id', kept.cart_id, 'attempt', counted.attempt,
                        'buyer', kept.buyer, 'currency', kept.currency, 'replaces_order_id', kept.order_id,
                        'm_payment_id', kept.m_payment_id,
                        'lines', (select json_agg(json_build_object(
                                           'line_id', line.line_id, 'vendor', line.vendor, 'sku', line.sku,
                                           'quantity', line.quantity,
                                           'unit_price_minor', coalesce(stock.unit_price_minor, line.unit_price_minor))
                                         order by line.line_id)
                                    from backend.order_lines line join backend.stock stock using (namespace, vendor, sku)
                                   where line.namespace = $1::text and line.order_id = kept.order_id
                                     and line.state <> 'rejected'))
                        from counted))::text as result
  from kept
