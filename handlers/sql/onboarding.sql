-- Sign-up: profiles, plan payments, onboarding sessions, manifests, journeys. $1 is always the namespace.

-- name: profile.ensure
-- Index profiles_pkey, workspaces_namespace_owner_id_key; locks the new rows. Somebody else may have made the rows.
with profile as (
  insert into backend.profiles (namespace, user_id, email) values ($1::text, $3::text, $4::text)
  on conflict (namespace, user_id) do update set email = excluded.email
  returning is_blocked
), workspace as (
  insert into backend.workspaces (namespace, workspace_id, owner_id)
  values ($1::text, 'ws-' || $3::text, $3::text)
  on conflict (namespace, owner_id) do update set owner_id = excluded.owner_id
  returning workspace_id, onboarding_state, (xmax = 0) as is_new
), member as (
  insert into backend.memberships (namespace, workspace_id, user_id, role)
  select $1::text, workspace_id, $3::text, 'owner' from workspace
  on conflict do nothing
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/workspace.created', 'workspace.created', 'workspace', workspace_id, $2::text,
         jsonb_build_object('owner_id', $3::text)
    from workspace where is_new
  on conflict do nothing
), subscription as (
  select subscription.state, subscription.plan
    from workspace join backend.subscriptions subscription
      on subscription.namespace = $1::text and subscription.workspace_id = workspace.workspace_id
)
select json_build_object(
         'workspace_id', workspace.workspace_id,
         'plan', (select plan from subscription),
         'status', case when profile.is_blocked then 'blocked'
                        when coalesce((select state from subscription), 'none') <> 'active' then 'needs_payment'
                        when workspace.onboarding_state <> 'finalized' then 'needs_onboarding'
                        else 'ready' end)::text as result
  from profile, workspace

-- name: plan_payment.create
-- Index plans_pkey, plan_payments_pkey; locks the new row. The amount must be the plan's.
with plan as (
  select plan, currency from backend.plans where plan = $6::text and amount_minor = $7::bigint
), created as (
  insert into backend.plan_payments
         (namespace, merchant_order_id, order_id, workspace_id, plan, amount_minor, currency)
  select $1::text, $3::text, $4::text, $5::text, plan, $7::bigint, currency from plan
  on conflict do nothing
  returning state
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/payment.init', 'payment.init', 'plan_payment', $3::text, $2::text,
         jsonb_build_object('plan', $6::text, 'amount_minor', $7::bigint)
    from created
  on conflict do nothing
)
select json_build_object(
         'merchant_order_id', $3::text,
         'status', case when exists (select from plan) then 'created' else 'plan_mismatch' end)::text as result

-- name: plan_payment.keep_redirect
-- Index plan_payments_pkey; locks the payment.
update backend.plan_payments
   set state = case when state = 'created' then 'pending' else state end,
       provider_order_id = coalesce(provider_order_id, $3::text), redirect_url = coalesce(redirect_url, $4::text)
 where namespace = $1::text and merchant_order_id = $2::text
returning json_build_object('redirect_url', redirect_url)::text as result

-- name: plan_payment.lock
-- Index plan_payments_pkey, workspaces_pkey; locks the payment and its workspace: one activation at a time.
select payment.state
  from backend.plan_payments payment
  join backend.workspaces workspace using (namespace, workspace_id)
 where payment.namespace = $1::text and payment.merchant_order_id = $2::text
   for update

-- name: plan_payment.activate
-- Index plan_payments_pkey, subscriptions_pkey, postings_once_per_subject; locked by plan_payment.lock. Money that
-- comes after the workspace was paid for otherwise is booked, and its refund is due.
with payment as (
  select * from backend.plan_payments
   where namespace = $1::text and merchant_order_id = $3::text and state not in ('completed', 'refunded')
), taken as (
  select 1 from backend.subscriptions subscription, payment
   where subscription.namespace = $1::text and subscription.workspace_id = payment.workspace_id
     and subscription.state = 'active'
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, $2::text, 'plan_payment', $3::text from payment
  on conflict do nothing
  returning posting_id
), entries as (
  insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency)
  select $1::text, posting.posting_id, entry.account, entry.amount_minor, payment.currency
    from posting, payment,
         lateral (values ('plan:' || payment.workspace_id, payment.amount_minor),
                         ('provider:phonepe', -payment.amount_minor)) as entry (account, amount_minor)
), final as (
  update backend.plan_payments set state = 'completed', final_at = now(), is_late = $4::boolean
   where namespace = $1::text and merchant_order_id = $3::text and exists (select from posting)
), subscribed as (
  insert into backend.subscriptions (namespace, workspace_id, plan, merchant_order_id, state)
  select $1::text, workspace_id, plan, $3::text, 'active' from payment where not exists (select from taken)
  on conflict (namespace, workspace_id) do update
     set plan = excluded.plan, merchant_order_id = excluded.merchant_order_id, state = 'active', active_since = now()
  returning workspace_id
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/' || made.type, made.type, 'plan_payment', $3::text, $2::text,
         jsonb_build_object('late', $4::boolean)
    from posting, lateral (values ('payment.completed'), ('subscription.activated')) as made (type)
   where made.type = 'payment.completed' or exists (select from subscribed)
  on conflict do nothing
)
select json_build_object('status', case when exists (select from subscribed) then 'active'
                                        when exists (select from posting) then 'refund_due'
                                        else 'active' end)::text as result

-- name: plan_payment.close
-- Index plan_payments_pkey; locks the payment. What is completed or refunded stays so.
with closed as (
  update backend.plan_payments set state = $4::text, final_at = now()
   where namespace = $1::text and merchant_order_id = $3::text
     and state not in ('completed', 'refunded', $4::text)
  returning state
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/payment', 'payment.' || $4::text, 'plan_payment', $3::text, $2::text, '{}'
    from closed
  on conflict do nothing
)
select json_build_object('state', coalesce((select state from closed), payment.state))::text as result
  from backend.plan_payments payment
 where payment.namespace = $1::text and payment.merchant_order_id = $3::text

-- name: plan_payment.refund
-- Index plan_payments_pkey, postings_once_per_subject; locks the payment. Booked once the provider took the refund.
with payment as (
  select * from backend.plan_payments
   where namespace = $1::text and merchant_order_id = $3::text and state = 'completed'
), posting as (
  insert into backend.postings (namespace, posting_id, kind, subject)
  select $1::text, $2::text, 'plan_refund', $3::text from payment
  on conflict do nothing
  returning posting_id
), entries as (
  insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency)
  select $1::text, posting.posting_id, entry.account, entry.amount_minor, payment.currency
    from posting, payment,
         lateral (values ('plan:' || payment.workspace_id, -payment.amount_minor),
                         ('provider:phonepe', payment.amount_minor)) as entry (account, amount_minor)
), final as (
  update backend.plan_payments set state = 'refunded'
   where namespace = $1::text and merchant_order_id = $3::text and exists (select from posting)
)
select json_build_object('refunded', exists (select from posting))::text as result

-- name: onboarding.open
-- Index onboarding_sessions_pkey; locks the session. An abandoned one begins again from its snapshot.
with opened as (
  insert into backend.onboarding_sessions (namespace, workspace_id) values ($1::text, $3::text)
  on conflict (namespace, workspace_id) do update
     set state = case when onboarding_sessions.state = 'abandoned' then 'draft' else onboarding_sessions.state end,
         answers = case when onboarding_sessions.state = 'abandoned'
                        then coalesce(onboarding_sessions.snapshot, '{}') else onboarding_sessions.answers end,
         touched_at = now()
  returning state, submission_version, (xmax = 0) as is_new
), workspace as (
  update backend.workspaces set onboarding_state = 'draft'
   where namespace = $1::text and workspace_id = $3::text and onboarding_state in ('none', 'abandoned')
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/onboarding.started', 'onboarding.started', 'workspace', $3::text, $2::text, '{}'
    from opened where is_new
  on conflict do nothing
)
select json_build_object('state', state, 'submission_version', submission_version)::text as result from opened

-- name: onboarding.save
-- Index onboarding_sessions_pkey; locks the session. A save from an older version is refused, not merged.
with saved as (
  update backend.onboarding_sessions
     set answers = answers || $4::jsonb, version = version + 1, touched_at = now()
   where namespace = $1::text and workspace_id = $2::text and version = $3::bigint and state = 'draft'
  returning version
)
select json_build_object('saved', exists (select from saved), 'version', kept.version
                           + case when exists (select from saved) then 1 else 0 end)::text as result
  from backend.onboarding_sessions kept
 where kept.namespace = $1::text and kept.workspace_id = $2::text

-- name: onboarding.submit
-- Index onboarding_sessions_pkey; locks the session.
with submitted as (
  update backend.onboarding_sessions
     set state = 'submitted', answers = answers || $4::jsonb, submission_version = submission_version + 1,
         version = version + 1, touched_at = now()
   where namespace = $1::text and workspace_id = $3::text and state = 'draft'
  returning submission_version
), workspace as (
  update backend.workspaces set onboarding_state = 'submitted'
   where namespace = $1::text and workspace_id = $3::text and exists (select from submitted)
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/onboarding.submitted', 'onboarding.submitted', 'workspace', $3::text, $2::text,
         jsonb_build_object('submission_version', submission_version)
    from submitted
  on conflict do nothing
)
select json_build_object(
         'state', case when exists (select from submitted) then 'submitted' else kept.state end,
         'submission_version', coalesce((select submission_version from submitted), kept.submission_version)
       )::text as result
  from backend.onboarding_sessions kept
 where kept.namespace = $1::text and kept.workspace_id = $3::text

-- name: onboarding.reopen
-- Index onboarding_sessions_pkey; locks the session. What was refused can be corrected.
with reopened as (
  update backend.onboarding_sessions set state = 'draft', version = version + 1
   where namespace = $1::text and workspace_id = $2::text and state = 'submitted'
  returning 1
), workspace as (
  update backend.workspaces set onboarding_state = 'draft'
   where namespace = $1::text and workspace_id = $2::text and exists (select from reopened)
)
select json_build_object('reopened', exists (select from reopened))::text as result

-- name: onboarding.abandon
-- Index onboarding_sessions_pkey; locks the session. The answers move into the snapshot.
with abandoned as (
  update backend.onboarding_sessions
     set state = 'abandoned', snapshot = answers, answers = '{}', version = version + 1
   where namespace = $1::text and workspace_id = $3::text and state = 'draft'
  returning 1
), workspace as (
  update backend.workspaces set onboarding_state = 'abandoned'
   where namespace = $1::text and workspace_id = $3::text and exists (select from abandoned)
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/onboarding.abandoned', 'onboarding.abandoned', 'workspace', $3::text, $2::text, '{}'
    from abandoned
  on conflict do nothing
)
select json_build_object('abandoned', exists (select from abandoned))::text as result

-- name: onboarding.load
-- Index onboarding_sessions_pkey, manifests_namespace_workspace_id_submission_version_key; no lock.
select session.answers::text as answers, session.state, session.submission_version,
       manifest.version as stored_version, manifest.checksum as stored_checksum, manifest.is_degraded as stored_degraded
  from backend.onboarding_sessions session
  left join backend.manifests manifest
    on manifest.namespace = session.namespace and manifest.workspace_id = session.workspace_id
   and manifest.submission_version = $3::int
 where session.namespace = $1::text and session.workspace_id = $2::text

-- name: manifest.lock
-- Index workspaces_pkey; locks the workspace: its manifest versions are counted one at a time.
select current_manifest from backend.workspaces where namespace = $1::text and workspace_id = $2::text for update

-- name: manifest.persist
-- Index manifests_pkey and its unique key on the submission; locked by manifest.lock. The same submission again gets
-- the stored version back.
with stored as (
  insert into backend.manifests
         (namespace, workspace_id, version, submission_version, checksum, body, is_degraded)
  select $1::text, $3::text,
         coalesce((select max(version) from backend.manifests
                    where namespace = $1::text and workspace_id = $3::text), 0) + 1,
         $4::int, encode(sha256(convert_to($5::text, 'UTF8')), 'hex'), $5::text, $6::boolean
  on conflict do nothing
  returning version, checksum, is_degraded
), pointer as (
  update backend.workspaces set current_manifest = stored.version, onboarding_state = 'finalized'
    from stored
   where namespace = $1::text and workspace_id = $3::text
), finished as (
  update backend.onboarding_sessions set state = 'finalized'
   where namespace = $1::text and workspace_id = $3::text and exists (select from stored)
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/' || made.type, made.type, 'workspace', $3::text, $2::text,
         jsonb_build_object('version', stored.version, 'checksum', stored.checksum)
    from stored, lateral (values ('onboarding.finalized'), ('bcm.built')) as made (type)
  on conflict do nothing
), answer as (
  select version, checksum, is_degraded from stored
  union all
  select version, checksum, is_degraded from backend.manifests
   where namespace = $1::text and workspace_id = $3::text and submission_version = $4::int
)
select json_build_object('version', version, 'checksum', checksum, 'degraded', is_degraded)::text as result
  from answer
 limit 1

-- name: manifest.store_tiers
-- Index manifest_tiers_pkey; locks the new rows. Lifetimes in seconds: hot, warm, cold.
with stored as (
  insert into backend.manifest_tiers (namespace, workspace_id, version, tier, checksum, expires_at)
  select $1::text, $2::text, $3::int, tier.name, $4::text, now() + make_interval(secs => tier.seconds)
    from (values ('hot', 3600), ('warm', 86400), ('cold', 604800)) as tier (name, seconds)
  on conflict (namespace, workspace_id, version, tier) do update set expires_at = excluded.expires_at
  returning 1
)
select json_build_object('tier_count', count(*))::text as result from stored

-- name: onboarding.clear
-- Index onboarding_sessions_pkey; locks the session. The manifest holds what the answers said.
with cleared as (
  update backend.onboarding_sessions set answers = '{}', snapshot = null
   where namespace = $1::text and workspace_id = $2::text and state = 'finalized'
  returning 1
)
select json_build_object('cleared', exists (select from cleared))::text as result

-- name: journey.stage
-- Index journeys_pkey; locks the journey. An event only when the stage changes.
with before as (
  select stage from backend.journeys where namespace = $1::text and user_id = $3::text
), moved as (
  insert into backend.journeys (namespace, user_id, stage, blocker)
  values ($1::text, $3::text, $4::text, $5::text)
  on conflict (namespace, user_id) do update
     set stage = excluded.stage, blocker = excluded.blocker, changed_at = now()
  returning stage
), event as (
  insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, payload)
  select $1::text, $2::text || '/journey.stage_changed', 'journey.stage_changed', 'journey', $3::text, $2::text,
         jsonb_build_object('stage', $4::text)
    from moved
   where not exists (select from before where before.stage = $4::text)
  on conflict do nothing
)
select json_build_object('stage', stage)::text as result from moved
