-- name: engine_session
-- How engine connections plan: by index, never with a join that was right for an empty table, and once for all values
-- instead of at each call, which was a sixth of what a small batch cost. The time-outs keep a frozen client from holding
-- the fence.
select set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
  set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false),
  set_config('plan_cache_mode', 'force_generic_plan', false),
  set_config('idle_in_transaction_session_timeout', $1, false), set_config('statement_timeout', $2, false)

-- name: page_session
-- People's reads: the planner's defaults and a time limit.
select set_config('jit', 'off', false), set_config('idle_in_transaction_session_timeout', $1, false),
  set_config('statement_timeout', $2, false)

-- name: plan_for_these_values
-- Until the end of the transaction.
select set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: local_lock_timeout
-- Until the end of the transaction.
select set_config('lock_timeout', $1, true)

-- name: handler_role_exists
select from pg_roles where rolname = 'orchestrator_handler' and pg_has_role(current_user, oid, 'member')

-- name: discard_plans
-- A plan made while a table was empty must not live as long as the session.
discard plans
