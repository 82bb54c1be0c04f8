-- Why: a cart is converted once and an expired order replaced once; a retry needs the cart's next attempt and today's
-- prices; an order remembers the ad click that led to it; every change of stock is kept.
-- Locks and cost: reads backend.checkout_groups once and writes a cart for each; the other tables gain a column without a
-- default. Sample data only.
-- Previous release: places its checkouts as before. Its groups get their store and attempt from the trigger, but no cart,
-- so a retry of such an order counts its attempts from the groups.

create table backend.carts (
  namespace      text not null,
  buyer_store    text not null,
  cart_id        text not null,
  buyer          text not null,
  state          text not null default 'open' check (state in ('open', 'converted')),
  lines          jsonb not null default '[]' check (jsonb_typeof(lines) = 'array'),
  attempt_count  int not null default 0,  -- the highest attempt that was checked out
  saved_at       timestamptz not null default now(),
  converted_at   timestamptz,
  primary key (namespace, buyer_store, cart_id),
  check ((state = 'converted') = (converted_at is not null))
);

create function backend.keep_converted_cart() returns trigger language plpgsql as $$
begin
  if old.state = 'converted' and (new.state, new.lines) is distinct from (old.state, old.lines) then
    raise exception 'cart % is converted', old.cart_id using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger carts_keep_converted before update on backend.carts
  for each row execute function backend.keep_converted_cart();

alter table backend.checkout_groups add column buyer_store text, add column attempt int;
create function backend.read_group_id() returns trigger language plpgsql as $$
begin
  new.attempt := coalesce(new.attempt, substring(new.group_id from '[0-9]+$')::int);
  new.buyer_store := coalesce(
    new.buyer_store,
    left(new.group_id, length(new.group_id) - length(new.cart_id) - length(new.attempt::text) - 2));
  return new;
end $$;
create trigger checkout_groups_read_id before insert or update on backend.checkout_groups
  for each row execute function backend.read_group_id();
update backend.checkout_groups set attempt = null;
alter table backend.checkout_groups alter column buyer_store set not null, alter column attempt set not null;
create index checkout_groups_by_cart on backend.checkout_groups (namespace, buyer_store, cart_id, attempt);

insert into backend.carts (namespace, buyer_store, cart_id, buyer, state, attempt_count, converted_at)
select namespace, buyer_store, cart_id, min(buyer), case when bool_or(state <> 'failed') then 'converted' else 'open' end,
       max(attempt), min(created_at) filter (where state <> 'failed')
  from backend.checkout_groups
 group by namespace, buyer_store, cart_id;

create table backend.ad_clicks (
  namespace   text not null,
  click_id    text not null,
  buyer       text not null,
  vendor      text not null,
  campaign    text not null,
  is_valid    boolean not null default true,  -- false: filtered out as fraud or as a repeat
  clicked_at  timestamptz not null default now(),
  primary key (namespace, click_id)
);
create index ad_clicks_by_buyer on backend.ad_clicks (namespace, buyer, vendor, clicked_at desc) where is_valid;

alter table backend.orders add column ad_click_id text;
alter table backend.orders add foreign key (namespace, ad_click_id) references backend.ad_clicks (namespace, click_id);
-- An expired order is placed anew at most once.
create unique index orders_one_replacement on backend.orders (namespace, replaces_order_id)
  where replaces_order_id is not null;

-- What an article costs today; none: the cart's price stands.
alter table backend.stock add column unit_price_minor bigint check (unit_price_minor >= 0);

-- Every change of stock, once per line and kind.
create table backend.stock_log (
  namespace  text not null,
  order_id   text not null,
  line_id    text not null,
  change     text not null check (change in ('held', 'released', 'consumed')),
  vendor     text not null,
  sku        text not null,
  quantity   bigint not null,
  logged_at  timestamptz not null default now(),
  primary key (namespace, order_id, line_id, change)
);
create trigger stock_log_append_only before update or delete or truncate on backend.stock_log
  for each statement execute function backend.refuse_change();

create function backend.log_reservation() returns trigger language plpgsql security definer
  set search_path = backend, pg_temp as $$
begin
  if tg_op = 'INSERT' or new.state <> old.state then
    insert into stock_log (namespace, order_id, line_id, change, vendor, sku, quantity)
    values (new.namespace, new.order_id, new.line_id, new.state, new.vendor, new.sku, new.quantity);
  end if;
  return null;
end $$;
create trigger reservations_log after insert or update on backend.reservations
  for each row execute function backend.log_reservation();

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_handler') then
    grant select, insert, update on backend.carts to orchestrator_handler;
    grant select, insert on backend.ad_clicks to orchestrator_handler;
    grant select on backend.stock_log to orchestrator_handler;
  end if;
end
$$;
