-- Vendor payouts. $1 namespace, $2 idempotency key, $3 order, $4 round: the first, or one more for each reversal. An
-- operator's answer comes as the whole event, $5.

-- name: payout.open
-- Index payouts_pkey, postings_once_per_subject; locks the new row. The amount is the cash that was really collected.
-- A disputed order's payout is held from the start.
with collected as (
  select o.vendor, o.currency, coalesce(sum(entry.amount_minor), 0)::bigint as amount_minor
    from backend.orders o
    left join backend.postings posting
      on posting.namespace = o.namespace and posting.kind = 'cash_collected' and posting.subject = o.order_id
    left join backend.ledger_entries entry
      on entry.namespace = o.namespace and entry.posting_id = posting.posting_id
     and entry.account = 'vendor:' || o.vendor
   where o.namespace = $1::text and o.order_id = $3::text
   group by o.vendor, o.currency
), blocked as (
  select string_agg(reason, '; ' order by reason) as reason
    from backend.payout_blockers where namespace = $1::text and order_id = $3::text
), listed as (
  insert into backend.payouts
         (namespace, order_id, round, vendor, amount_minor, commission_minor, currency, state, note)
  select $1::text, $3::text, coalesce($4::int, 1), vendor, amount_minor, amount_minor * $5::bigint / 10000, currency,
         case when blocked.reason is null then 'listed' else 'held' end, blocked.reason
    from collected, blocked
   where coalesce($4::int, 1) = 1 + (select count(*) from backend.payouts
                                      where namespace = $1::text and order_id = $3::text and state = 'reversed')
  on conflict do nothing
  returning amount_minor, commission_minor, vendor, state, note, round, ledger_subject
), noted as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject, body)
  select $1::text, $2::text, 'operators', 'payout_held', ledger_subject, jsonb_build_object('reason', note)
    from listed where state = 'held'
  on conflict do nothing
), answer as (
  select amount_minor, commission_minor, vendor, state, note, round, ledger_subject from listed
  union all
  select amount_minor, commission_minor, vendor, state, note, round, ledger_subject from backend.payouts
   where namespace = $1::text and order_id = $3::text and round = coalesce($4::int, 1)
)
select json_build_object('amount_minor', amount_minor, 'commission_minor', commission_minor, 'vendor', vendor,
                         'paid_minor', amount_minor - commission_minor, 'state', state, 'reason', coalesce(note, ''),
                         'round', round, 'key', ledger_subject)::text as result
  from answer
 limit 1

-- name: payout.find
-- Index payouts_pkey; no lock. The order's newest round.
select json_build_object('state', state, 'round', round, 'key', ledger_subject, 'vendor', vendor,
                         'paid_minor', amount_minor - commission_minor,
                         'next_round', round + 1, 'next_key', order_id || '/' || (round + 1))::text as result
  from backend.payouts
 where namespace = $1::text and order_id = $2::text
 order by round desc
 limit 1

-- name: payout.lock
-- Index payouts_pkey; locks the payout: confirm, hold and reversal take turns.
select state from backend.payouts
 where namespace = $1::text and order_id = $2::text and round = $3::int
   for update

-- name: payout.hold
-- Index payouts_pkey; locked by payout.lock.
with held as (
  update backend.payouts set state = 'held', note = coalesce($5::jsonb #>> '{payload,reason}', '')
   where namespace = $1::text and order_id = $3::text and round = $4::int and state = 'listed'
  returning state, note, ledger_subject
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state)
  select $1::text, $2::text || '/payout_held', 'payout_held', 'payout', ledger_subject,
         coalesce($5::jsonb #>> '{payload,confirmed_by}', 'unknown'), note, 'listed', 'held'
    from held
  on conflict do nothing
)
select json_build_object('state', coalesce((select state from held), kept.state),
                         'reason', coalesce((select note from held), kept.note, ''))::text as result
  from backend.payouts kept
 where kept.namespace = $1::text and kept.order_id = $3::text and kept.round = $4::int

-- name: payout.release
-- Index payouts_pkey, order_disputes_one_open; locked by payout.lock. Refused, visibly, while a dispute is open.
with blocked as (
  select string_agg(reason, '; ' order by reason) as reason
    from backend.payout_blockers where namespace = $1::text and order_id = $3::text
), before as (
  select ledger_subject, state from backend.payouts
   where namespace = $1::text and order_id = $3::text and round = $4::int
), listed as (
  update backend.payouts set state = 'listed', note = coalesce($5::jsonb #>> '{payload,reason}', '')
   where namespace = $1::text and order_id = $3::text and round = $4::int and state = 'held'
     and (select reason from blocked) is null
  returning state
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state, detail)
  select $1::text, $2::text || '/payout_release',
         case when blocked.reason is null then 'payout_released' else 'payout_release_refused' end, 'payout',
         before.ledger_subject, coalesce($5::jsonb #>> '{payload,released_by}', 'unknown'),
         coalesce($5::jsonb #>> '{payload,reason}', ''), before.state, coalesce((select state from listed), before.state),
         jsonb_strip_nulls(jsonb_build_object('refused', blocked.reason))
    from before, blocked
  on conflict do nothing
), noted as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject, body)
  select $1::text, $2::text, 'operators', 'payout_release_refused', before.ledger_subject,
         jsonb_build_object('reason', blocked.reason, 'released_by', $5::jsonb #>> '{payload,released_by}')
    from before, blocked where blocked.reason is not null
  on conflict do nothing
)
select json_build_object('state', coalesce((select state from listed), before.state),
                         'reason', coalesce(blocked.reason, $5::jsonb #>> '{payload,reason}', ''))::text as result
  from before, blocked

-- name: payout.refuse
-- Index payouts_pkey; locked by payout.lock. A confirmation that met a held payout is answered, never dropped.
with payout as (
  select ledger_subject, state, coalesce(note, '') as note from backend.payouts
   where namespace = $1::text and order_id = $3::text and round = $4::int
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state)
  select $1::text, $2::text || '/payout_confirmation_refused', 'payout_confirmation_refused', 'payout', ledger_subject,
         coalesce($5::jsonb #>> '{payload,confirmed_by}', 'unknown'), note, state, state
    from payout
  on conflict do nothing
), noted as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject, body)
  select $1::text, $2::text, 'operators', 'payout_confirmation_refused', ledger_subject,
         jsonb_build_object('reason', note, 'confirmed_by', $5::jsonb #>> '{payload,confirmed_by}')
    from payout
  on conflict do nothing
)
select json_build_object('state', state, 'reason', note)::text as result from payout

-- name: payout.pay
-- Index payouts_pkey, postings_once_per_subject, order_disputes_one_open; locked by payout.lock. A held or disputed
-- payout is refused, and the refusal is a notice to the operators; a second confirmation finds the first one's result.
with blocked as (
  select string_agg(reason, '; ' order by reason) as reason
    from backend.payout_blockers where namespace = $1::text and order_id = $3::text
), kept as (
  select * from backend.payouts where namespace = $1::text and order_id = $3::text and round = $4::int
), due as (
  select * from kept where state = 'listed' and (select reason from blocked) is null
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, $2::text, 'vendor_payout', due.ledger_subject from due
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
), changed as (
  update backend.payouts payout
     set state = case when exists (select from posting) then 'paid' else 'held' end,
         note = case when exists (select from posting) then payout.note else blocked.reason end,
         confirmed_by = case when exists (select from posting) then $5::text end,
         second_by = case when exists (select from posting) then $6::text end,
         paid_at = case when exists (select from posting) then now() end
    from blocked
   where payout.namespace = $1::text and payout.order_id = $3::text and payout.round = $4::int
     and payout.state = 'listed' and (exists (select from posting) or blocked.reason is not null)
  returning payout.state, payout.note
), paid as (
  select kept.ledger_subject, kept.amount_minor - kept.commission_minor as paid_minor
    from kept where exists (select from changed where state = 'paid')
), refused as (
  select kept.ledger_subject, coalesce((select note from changed), kept.note, '') as reason
    from kept where kept.state in ('listed', 'held') and not exists (select from paid)
), closed as (
  update backend.orders set state = 'closed', payment_intent = 'paid', vendor_paid_at = now()
   where namespace = $1::text and order_id = $3::text and exists (select from paid)
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state, detail)
  select $1::text, $2::text || '/payout_confirmed', 'payout_confirmed', 'payout', ledger_subject, $5::text, '',
         'listed', 'paid', jsonb_strip_nulls(jsonb_build_object('paid_minor', paid_minor, 'second_by', $6::text))
    from paid
  union all
  select $1::text, $2::text || '/payout_confirmation_refused', 'payout_confirmation_refused', 'payout', ledger_subject,
         $5::text, reason, (select state from kept), 'held', '{}'
    from refused
  on conflict do nothing
), noted as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject, body)
  select $1::text, $2::text, 'operators', 'payout_confirmation_refused', ledger_subject,
         jsonb_build_object('reason', reason, 'confirmed_by', $5::text)
    from refused
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_paid', 'order_paid', 'order', $3::text, $2::text,
         jsonb_build_object('paid_minor', paid_minor, 'confirmed_by', $5::text, 'round', $4::int)
    from paid
  on conflict do nothing
)
select json_build_object('state', coalesce((select state from changed), kept.state),
                         'reason', coalesce((select reason from refused), ''),
                         'paid_minor', kept.amount_minor - kept.commission_minor)::text as result
  from kept

-- name: payout.reverse
-- Index payouts_pkey, postings_one_reversal, ledger_entries_pkey; locked by payout.lock. Every entry of the wrong payout
-- gets one of the opposite sign that names it; the old ones stay as they are. The order waits for its next payout.
with wrong as (
  select * from backend.payouts
   where namespace = $1::text and order_id = $3::text and round = $4::int and state = 'paid'
), original as (
  select posting.posting_id
    from backend.postings posting join wrong on wrong.ledger_subject = posting.subject
   where posting.namespace = $1::text and posting.kind = 'vendor_payout'
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, $2::text, 'payout_reversal', wrong.ledger_subject from wrong, original
  on conflict do nothing
  returning posting_id
), entries as (
  insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency, reverses)
  select $1::text, posting.posting_id, entry.account, -entry.amount_minor, entry.currency, entry.posting_id
    from posting, original, backend.ledger_entries entry
   where entry.namespace = $1::text and entry.posting_id = original.posting_id
), reversed as (
  update backend.payouts set state = 'reversed', reversed_by = $5::text, reversed_at = now(), note = $7::text
   where namespace = $1::text and order_id = $3::text and round = $4::int and exists (select from posting)
  returning ledger_subject, amount_minor - commission_minor as paid_minor
), reopened as (
  update backend.orders set state = 'settled', payment_intent = 'settled', vendor_paid_at = null
   where namespace = $1::text and order_id = $3::text and exists (select from reversed)
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state, detail)
  select $1::text, $2::text || '/payout_reversed', 'payout_reversed', 'payout', ledger_subject, $5::text, $7::text,
         'paid', 'reversed', jsonb_strip_nulls(jsonb_build_object('paid_minor', paid_minor, 'second_by', $6::text))
    from reversed
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/order_payout_reversed', 'order_payout_reversed', 'order', $3::text, $2::text,
         jsonb_build_object('paid_minor', paid_minor, 'reason', $7::text, 'round', $4::int)
    from reversed
  on conflict do nothing
)
select json_build_object('reversed', exists (select from reversed),
                         'state', case when exists (select from reversed) then 'reversed' else kept.state end)::text
         as result
  from backend.payouts kept
 where kept.namespace = $1::text and kept.order_id = $3::text and kept.round = $4::int

-- name: payout.note_receipt
-- Index payouts_one_current, audit_log_one_receipt; locks the new row. The vendor's word is kept and changes nothing.
with payout as (
  select ledger_subject, state, vendor from backend.payouts
   where namespace = $1::text and order_id = $3::text and state <> 'reversed'
), noted as (
  insert into backend.audit_log (namespace, audit_id, action, target_type, target_id, actor, reason, before_state,
                                 after_state)
  select $1::text, $2::text || '/payout_received', 'payout_received', 'payout', ledger_subject, vendor, $5::text, state,
         state
    from payout where state = 'paid' and vendor = $4::text
  on conflict do nothing
  returning 1
)
select json_build_object('noted', exists (select from noted),
                         'reason', case when exists (select from noted) then ''
                                        when payout.vendor <> $4::text then 'the payout is another vendor''s'
                                        when payout.state <> 'paid' then 'the payout is ' || payout.state
                                        else 'noted before' end)::text as result
  from payout
