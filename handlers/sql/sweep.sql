-- Sweeps: what a lost step would leave behind is found and put right, a limited number of rows at a time. $1 is always the
-- namespace, $2 the idempotency key, $3 the largest number of rows.

-- name: stock.sweep
-- Index reservations_held, orders_pkey; locks the leaked reservations and, through the trigger, their stock rows. Rows
-- that another step has in hand are left to it.
with leaked as (
  select held.order_id, held.line_id, o.state as order_state,
         case when o.state in ('delivered', 'settled', 'closed') and line.state <> 'rejected' then 'consumed'
              else 'released' end as should_be
    from backend.reservations held
    join backend.orders o using (namespace, order_id)
    join backend.order_lines line using (namespace, order_id, line_id)
   where held.namespace = $1::text and held.state = 'held'
     and (line.state = 'rejected'
          or o.state in ('rejected', 'canceled', 'expired', 'returned', 'delivered', 'settled', 'closed'))
   order by held.order_id, held.line_id
   limit $3::bigint
     for update of held skip locked
), settled as (
  update backend.reservations reservation set state = leaked.should_be, settled_at = now()
    from leaked
   where reservation.namespace = $1::text
     and (reservation.order_id, reservation.line_id) = (leaked.order_id, leaked.line_id)
  returning reservation.order_id, reservation.line_id, reservation.state, leaked.order_state
), drifted as (
  select stock.vendor, stock.sku, stock.reserved, coalesce(sum(held.quantity), 0)::bigint as held
    from backend.stock stock
    left join backend.reservations held
      on (held.namespace, held.vendor, held.sku) = (stock.namespace, stock.vendor, stock.sku) and held.state = 'held'
   where stock.namespace = $1::text
   group by stock.vendor, stock.sku, stock.reserved
  having stock.reserved <> coalesce(sum(held.quantity), 0)
   order by stock.vendor, stock.sku
   limit $3::bigint
), found as (
  select (select coalesce(json_agg(json_build_object('order_id', order_id, 'line_id', line_id, 'now', state,
                                                     'order_state', order_state)), '[]') from settled) as settled,
         (select coalesce(json_agg(json_build_object('vendor', vendor, 'sku', sku, 'reserved', reserved,
                                                     'held', held)), '[]') from drifted) as drifted,
         (select count(*) from settled) as settled_count, (select count(*) from drifted) as drifted_count
), audited as (
  insert into backend.audit_log (namespace, audit_id, action, target_type, target_id, actor, detail)
  select $1::text, $2::text || '/stock_swept', 'stock_swept', 'stock', 'all', 'stock-sweep',
         jsonb_build_object('settled', settled, 'drifted', drifted)
    from found where settled_count + drifted_count > 0
  on conflict do nothing
), noted as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject, body)
  select $1::text, $2::text, 'operators', 'stock_leak', 'stock',
         jsonb_build_object('settled', settled, 'drifted', drifted)
    from found where settled_count + drifted_count > 0
  on conflict do nothing
)
select json_build_object('settled', settled, 'drifted', drifted, 'settled_count', settled_count,
                         'drifted_count', drifted_count, 'more', settled_count = $3::bigint)::text as result
  from found

-- name: onboarding.sweep
-- Reads the sessions of the namespace; locks those it ends. Rows that another step has in hand are left to it. $4 and $5:
-- seconds of a draft's life, and how long after it nobody will come any more.
with orphaned as (
  select workspace_id from backend.onboarding_sessions
   where namespace = $1::text and state = 'draft'
     and touched_at < now() - make_interval(secs => $4::double precision + $5::double precision)
   order by touched_at
   limit $3::bigint
     for update skip locked
), abandoned as (
  update backend.onboarding_sessions session
     set state = 'abandoned', snapshot = session.answers, answers = '{}', version = session.version + 1
    from orphaned
   where session.namespace = $1::text and session.workspace_id = orphaned.workspace_id
  returning session.workspace_id
), workspaces as (
  update backend.workspaces set onboarding_state = 'abandoned'
   where namespace = $1::text and workspace_id in (select workspace_id from abandoned)
     and onboarding_state in ('none', 'draft')
), leftover as (
  select workspace_id from backend.onboarding_sessions
   where namespace = $1::text
     and (state = 'abandoned' and answers <> '{}' or state = 'finalized' and (answers <> '{}' or snapshot is not null))
     and touched_at < now() - make_interval(secs => $5::double precision)
   order by touched_at
   limit $3::bigint
     for update skip locked
), cleared as (
  update backend.onboarding_sessions session
     set answers = '{}',
         snapshot = case when session.state = 'abandoned' then coalesce(session.snapshot, session.answers) end
    from leftover
   where session.namespace = $1::text and session.workspace_id = leftover.workspace_id
  returning session.workspace_id
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/onboarding.abandoned/' || workspace_id, 'onboarding.abandoned', 'workspace',
         workspace_id, $2::text, '{"swept": true}'
    from abandoned
  on conflict do nothing
), found as (
  select (select coalesce(json_agg(workspace_id order by workspace_id), '[]') from abandoned) as abandoned,
         (select coalesce(json_agg(workspace_id order by workspace_id), '[]') from cleared) as cleared,
         (select count(*) from abandoned) as abandoned_count, (select count(*) from cleared) as cleared_count
), audited as (
  insert into backend.audit_log (namespace, audit_id, action, target_type, target_id, actor, detail)
  select $1::text, $2::text || '/onboarding_swept', 'onboarding_swept', 'workspace', 'all', 'onboarding-sweep',
         jsonb_build_object('abandoned', abandoned, 'cleared', cleared)
    from found where abandoned_count + cleared_count > 0
  on conflict do nothing
)
select json_build_object('abandoned', abandoned, 'cleared', cleared, 'abandoned_count', abandoned_count,
                         'cleared_count', cleared_count,
                         'more', greatest(abandoned_count, cleared_count) = $3::bigint)::text as result
  from found
