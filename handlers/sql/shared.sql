-- Statements that several sample flows use. One step, one statement; $1 is always the namespace.

-- name: notification.add
-- Index notifications_pkey; locks the new row.
with added as (
  insert into backend.notifications (namespace, notification_id, recipient, kind, subject, body)
  values ($1::text, $2::text, $3::text, $4::text, $5::text, $6::jsonb)
  on conflict do nothing
  returning 1
)
select json_build_object('notification_id', $2::text, 'added', exists (select from added))::text as result

-- name: review.open
-- Index review_cases_one_open: a case that is open already gets no twin; locks the new row.
with opened as (
  insert into backend.review_cases (namespace, case_id, kind, subject, facts)
  values ($1::text, $2::text, $3::text, $4::text, $5::jsonb)
  on conflict do nothing
  returning 1
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/risk.case.opened', 'risk.case.opened', $3::text, $4::text, $2::text, $5::jsonb
    from opened
  on conflict do nothing
)
select json_build_object('opened', exists (select from opened))::text as result

-- name: review.close
-- Index review_cases_one_open; locks the case. Who closed it and how; a closed case stays as it is.
with closed as (
  update backend.review_cases
     set closed_at = now(), closed_by = coalesce($5::jsonb ->> 'decided_by', 'operator'), outcome = $5::jsonb ->> 'outcome'
   where namespace = $1::text and kind = $3::text and subject = $4::text and closed_at is null
  returning closed_by, outcome
), audited as (
  insert into backend.audit_log
         (namespace, audit_id, action, target_type, target_id, actor, reason, before_state, after_state)
  select $1::text, $2::text || '/case_closed', $3::text || '_case_closed', $3::text, $4::text, closed_by,
         coalesce($5::jsonb ->> 'reason', ''), 'open', outcome
    from closed
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/risk.case.closed', 'risk.case.closed', $3::text, $4::text, $2::text, $5::jsonb
    from closed
  on conflict do nothing
)
select json_build_object('closed', exists (select from closed))::text as result
