-- Why: rows that the marketplace flows (checkout, vendor order, dispatch, payout) act on.
-- Locks and cost: creates tables only.
-- Previous release: not disturbed.

create table backend.stock (
  namespace  text not null,
  vendor     text not null,
  sku        text not null,
  on_hand    bigint not null check (on_hand >= 0),
  reserved   bigint not null default 0 check (reserved >= 0),
  primary key (namespace, vendor, sku),
  check (reserved <= on_hand)
);

create table backend.checkout_groups (
  namespace    text not null,
  group_id     text not null,             -- <buyer store>:<cart>:<attempt>
  buyer        text not null,
  cart_id      text not null,
  state        text not null check (state in ('placed', 'partially_placed', 'failed')),
  answer       jsonb not null,            -- what the first request was told; a repeat is told the same
  created_at   timestamptz not null default now(),
  primary key (namespace, group_id)
);

create table backend.orders (
  namespace           text not null,
  order_id            text not null,
  group_id            text not null,
  vendor              text not null,
  buyer               text not null,
  currency            char(3) not null,
  balance_due_minor   bigint not null check (balance_due_minor >= 0),
  state               text not null default 'created_pending' check (state in (
                        'created_pending', 'accepted', 'partially_accepted', 'rejected', 'canceled', 'expired',
                        'hold', 'assigned', 'in_transit', 'delivered', 'settled', 'returned', 'closed')),
  payment_intent      text not null default 'unpaid' check (payment_intent in ('unpaid', 'settled', 'paid')),
  replaces_order_id   text,               -- a retry of an expired order names it
  created_at          timestamptz not null default now(),
  nudged_at           timestamptz,
  buyer_nudged_at     timestamptz,
  decided_at          timestamptz,
  expired_at          timestamptz,
  cash_collected_at   timestamptz,
  vendor_paid_at      timestamptz,
  primary key (namespace, order_id),
  foreign key (namespace, group_id) references backend.checkout_groups (namespace, group_id),
  check ((state = 'expired') = (expired_at is not null)),
  check (payment_intent <> 'paid' or vendor_paid_at is not null)
);
create index orders_open on backend.orders (namespace, state, created_at)
  where state not in ('rejected', 'canceled', 'expired', 'returned', 'closed');

create table backend.order_lines (
  namespace         text not null,
  order_id          text not null,
  line_id           text not null,
  vendor            text not null,
  sku               text not null,
  quantity          bigint not null check (quantity > 0),
  unit_price_minor  bigint not null check (unit_price_minor >= 0),
  state             text not null default 'pending' check (state in ('pending', 'accepted', 'rejected')),
  primary key (namespace, order_id, line_id),
  foreign key (namespace, order_id) references backend.orders (namespace, order_id),
  foreign key (namespace, vendor, sku) references backend.stock (namespace, vendor, sku)
);

-- One reservation per line, released or consumed once.
create table backend.reservations (
  namespace   text not null,
  order_id    text not null,
  line_id     text not null,
  vendor      text not null,
  sku         text not null,
  quantity    bigint not null check (quantity > 0),
  state       text not null default 'held' check (state in ('held', 'released', 'consumed')),
  settled_at  timestamptz,
  primary key (namespace, order_id, line_id),
  foreign key (namespace, order_id, line_id) references backend.order_lines (namespace, order_id, line_id),
  check ((state = 'held') = (settled_at is null))
);
create index reservations_held on backend.reservations (namespace, vendor, sku) where state = 'held';

-- stock.reserved follows the reservations, so the two can never drift apart: reserving, releasing and handing over
-- are changes of a reservation row and nothing else.
create function backend.follow_reservation() returns trigger language plpgsql security definer
  set search_path = backend, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    update backend.stock set reserved = reserved + new.quantity
     where namespace = new.namespace and vendor = new.vendor and sku = new.sku;
    return new;
  end if;
  if old.state <> 'held' or new.quantity <> old.quantity then
    raise exception 'reservation % of order % is settled', old.line_id, old.order_id using errcode = 'check_violation';
  end if;
  if new.state = 'held' then
    return new;
  end if;
  update backend.stock
     set reserved = reserved - old.quantity,
         on_hand = on_hand - case when new.state = 'consumed' then old.quantity else 0 end
   where namespace = old.namespace and vendor = old.vendor and sku = old.sku;
  return new;
end $$;
create trigger reservations_follow before insert or update on backend.reservations
  for each row execute function backend.follow_reservation();

-- Each answer about an order, once per decision id.
create table backend.order_decisions (
  namespace    text not null,
  order_id     text not null,
  decision_id  text not null,
  outcome      text not null check (outcome in ('accept', 'reject')),
  line_id      text,                      -- null: the whole order
  applied      boolean not null,
  decided_at   timestamptz not null default now(),
  primary key (namespace, order_id, decision_id),
  foreign key (namespace, order_id) references backend.orders (namespace, order_id)
);

create table backend.agents (
  namespace  text not null,
  agent_id   text not null,
  is_active  boolean not null default true,
  primary key (namespace, agent_id)
);

create table backend.assignments (
  namespace       text not null,
  assignment_id   text not null,
  order_id        text not null,
  agent_id        text not null,
  state           text not null default 'assigned'
                  check (state in ('assigned', 'picked_up', 'delivered', 'settled', 'released', 'failed')),
  assigned_at     timestamptz not null default now(),
  changed_at      timestamptz not null default now(),
  primary key (namespace, assignment_id),
  foreign key (namespace, order_id) references backend.orders (namespace, order_id),
  foreign key (namespace, agent_id) references backend.agents (namespace, agent_id)
);
-- One agent at a time has an order.
create unique index assignments_one_open on backend.assignments (namespace, order_id)
  where state in ('assigned', 'picked_up', 'delivered');

create table backend.payouts (
  namespace         text not null,
  order_id          text not null,
  vendor            text not null,
  amount_minor      bigint not null check (amount_minor >= 0),
  commission_minor  bigint not null check (commission_minor >= 0),
  currency          char(3) not null,
  state             text not null default 'listed' check (state in ('listed', 'held', 'paid', 'reversed')),
  confirmed_by      text,
  note              text,
  listed_at         timestamptz not null default now(),
  paid_at           timestamptz,
  primary key (namespace, order_id),
  foreign key (namespace, order_id) references backend.orders (namespace, order_id),
  check (state not in ('paid', 'reversed') or paid_at is not null)
);

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_handler') then
    grant select, insert, update on backend.stock, backend.orders, backend.order_lines, backend.reservations,
      backend.agents, backend.assignments, backend.payouts to orchestrator_handler;
    grant select, insert on backend.checkout_groups, backend.order_decisions to orchestrator_handler;
  end if;
end
$$;
