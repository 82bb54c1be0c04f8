-- What a busy month leaves behind, copied from the few real rows that are there: :finished finished runs spread over the
-- last 30 days, :open open ones, and signals, deliveries and audit rows in proportion. For benchmarks only: copies have no
-- journal but for the last row of failed ones, so nothing may wake them.
\set ON_ERROR_STOP on
set synchronous_commit = off;

-- A run id of that moment in that shard, as orchestrator.new_id makes it for now.
create function pg_temp.id_at(moment timestamptz, shard integer) returns uuid language sql volatile as $$
  select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0')
          || to_hex(112 | (shard >> 12 & 15)) || lpad(to_hex(shard >> 4 & 255), 2, '0')
          || to_hex(128 | ((shard & 15) << 2)) || right(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;

select orchestrator.attach_partition('closed_runs', 'closed_runs_' || to_char(day, 'YYYYMMDD'), day::date::text, (day::date + 1)::text, 'closed_day')
from generate_series((now() at time zone 'UTC')::date - 31, (now() at time zone 'UTC')::date - 1, interval '1 day') as d (day);

-- Of 1 000 finished runs 982 went well; 10 failed, of which half still waits for somebody.
create temp table finished as
select i, s.shard, pg_temp.id_at(m.moment, s.shard) as run_id, m.moment, m.moment + interval '3 seconds' as closed_at,
  case when i % 1000 < 2 then 'timed_out' when i % 1000 < 8 then 'cancelled' when i % 1000 < 18 then 'failed' else 'succeeded' end as state,
  case when i % 50000 = 77 then 'each' when i % 3 = 0 then 'echo' else 'order' end as workflow
from generate_series(1, :finished) as i
cross join lateral (select orchestrator.shard_for_key('default', 'copy-' || i) as shard) s
cross join lateral (select now() - interval '1 hour' - interval '30 days' * ((:finished - i) / :finished::float8) as moment) m;

create temp table closed_model as
select distinct on (c.workflow) c.* from orchestrator.closed_runs c where c.state = 'succeeded' order by c.workflow, c.run_id;

insert into orchestrator.closed_runs (
  shard, run_id, closed_day, namespace, kind, workflow, version, key, priority, input, attributes, parent_run_id, parent_step,
  predecessor_run_id, traceparent, created_at, run_at, timeout_seconds, queue, job, state, output, error, cause, attempts,
  started_at, closed_at, dead_letter, successor_run_id, job_state)
select f.shard, f.run_id, (f.closed_at at time zone 'UTC')::date, t.namespace, t.kind, f.workflow, t.version,
  case when t.kind = 'workflow' then 'copy-' || f.i end, t.priority, t.input,
  case when t.kind = 'workflow' then jsonb_build_object('customer', 'customer-' || f.i % 5000) end, null, t.parent_step, null,
  t.traceparent, f.moment, null, t.timeout_seconds, t.queue, t.job, f.state, case when f.state = 'succeeded' then t.output end,
  case f.state when 'succeeded' then null when 'failed' then 'Http.Status.' || (array[422, 403, 503])[1 + f.i % 3]
    when 'timed_out' then 'States.Timeout' else 'Orchestrator.Cancelled' end,
  case when f.state = 'failed' then 'payment provider said no to customer ' || f.i % 40 end,
  case when f.state = 'failed' then 2 else t.attempts end, f.moment, f.closed_at,
  case when f.state <> 'failed' then 'none' when f.i % 2 = 0 then 'open' else 'discarded' end, null, null
from finished f
join closed_model t on t.workflow = f.workflow;

insert into orchestrator.journal (shard, run_id, seq, at, events)
select f.shard, f.run_id, j.seq, f.closed_at, j.events
from finished f
cross join (
  select n.seq, n.events from orchestrator.journal n
  join orchestrator.closed_runs c on c.shard = n.shard and c.run_id = n.run_id
  where c.state = 'failed' and c.workflow = 'order' and c.error = 'Http.Status.503'
  order by n.seq desc limit 1) j
where f.state = 'failed' and f.workflow <> 'echo';

-- Open runs that rest: nine of ten wait for a signal, the others for a person or the clock.
create temp table open_copies as
select i, s.shard, pg_temp.id_at(m.moment, s.shard) as run_id, m.moment,
  case when i % 20 = 0 then 'decision' when i % 20 = 1 then 'timer' else 'signal' end as waits_for
from generate_series(1, :open) as i
cross join lateral (select orchestrator.shard_for_key('default', 'open-' || i) as shard) s
cross join lateral (select now() - interval '10 minutes' - interval '10 days' * ((:open - i) / :open::float8) as moment) m;

create temp table open_model as
select distinct on (1) o.waiting_on -> 0 ->> 'kind' as waits_for, o.*
from orchestrator.open_runs o where o.at_rest order by 1, o.run_id;

insert into orchestrator.open_runs (
  shard, run_id, namespace, kind, workflow, version, key, priority, input, attributes, parent_run_id, parent_step,
  predecessor_run_id, traceparent, created_at, run_at, timeout_seconds, queue, job, state, wake_at, waiting_on, at_rest, attempts,
  started_at, job_state)
select f.shard, f.run_id, t.namespace, t.kind, t.workflow, t.version, 'open-' || f.i, t.priority, t.input,
  jsonb_build_object('customer', 'customer-' || f.i % 5000), null, t.parent_step, null, t.traceparent, f.moment, null,
  t.timeout_seconds, t.queue, t.job, t.state, now() + interval '20 hours', t.waiting_on, true, t.attempts, f.moment, null
from open_copies f
join open_model t on t.waits_for = f.waits_for;

insert into orchestrator.signal_waits (shard, namespace, key, run_id, step, names, state_name, since)
select f.shard, 'default', 'open-' || f.i, f.run_id, 1, '{courier.came,order.cancelled}', 'AwaitCourier', f.moment
from open_copies f where f.waits_for = 'signal';

insert into orchestrator.signals (
  shard, signal_id, namespace, name, key, addressed_run_id, id, payload, fate, reason, was_expected, run_id, step, state_name,
  received_at, settled_at, expires_at)
select f.shard, pg_temp.id_at(f.moment, f.shard), 'default', case when f.i % 4 = 0 then 'order.cancelled' else 'courier.came' end,
  'copy-' || f.i, null, 'sender-' || f.i, '{"from": "a copy"}', case when f.i % 50 = 0 then 'buffered' else 'consumed' end, '',
  true, case when f.i % 50 <> 0 then f.run_id end, 3, 'AwaitCourier', f.moment, case when f.i % 50 <> 0 then f.moment end,
  f.moment + interval '90 days'
from finished f where f.i % 2 = 0;

insert into orchestrator.webhook_deliveries (
  shard, delivery_id, namespace, endpoint, provider, dedupe_key, verdict, reason, signal_id, headers, body, received_at)
select f.shard, pg_temp.id_at(f.moment, f.shard), 'default', case when f.i % 1000 = 0 then 'rare' else 'shop' end, 'generic_hmac',
  'copy-' || f.i, case when f.i % 2000 = 0 then 'poison' else 'accepted' end, '', null, '{}', '{"order_id": "a copy"}', f.moment
from finished f where f.i % 5 = 0;

insert into orchestrator.audit (
  chain, seq, at, namespace, actor, role, action, target, reason, before_hash, after_hash, previous_hash, hash)
select f.shard, 1000000 + f.i, f.moment, 'default', case when f.i % 4000 = 0 then 'rare' else 'operator' end, 'operator',
  case when f.i % 2 = 0 then 'run.retry' else 'run.cancel' end, 'run ' || f.run_id, 'a copy', '', '', repeat('0', 64), repeat('0', 64)
from finished f where f.i % 5 = 0;

reset synchronous_commit;
vacuum analyze;
