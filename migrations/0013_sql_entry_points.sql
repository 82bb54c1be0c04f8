-- What any program may call in its own transaction: start_run, send_signal, enqueue_job and enqueue_jobs commit or roll
-- back with their caller.
--
-- Why: a run that begins exactly when the business fact commits needs no outbox of the caller's. Each call leaves one
-- message in the inbox of its shard; the owner of the shard does the rest, as for every other message. The functions run
-- as their owner with a fixed search path, so that orchestrator_client needs no right on any table.
-- Whatever can be refused is refused here, as an exception: a message that was committed is a promise. SQLSTATE 22023 is
-- a value out of range, P0002 an unknown namespace, workflow or version, 54000 a payload that is too large or too deep.
-- One notification wakes the nodes when the caller commits; PostgreSQL sends equal ones of a transaction once.
-- Locks and cost: functions and views only. Previous release: does not know promised starts of another kind than its
-- own, reads start and signal messages as before, and polls.

-- As the engine makes ids: 48 bits of milliseconds, version 7, 16 bits of shard, randomness.
create function orchestrator.new_id(shard integer) returns uuid
  language sql volatile
  return (
    select (lpad(to_hex(floor(extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0')
            || to_hex(112 | (shard >> 12 & 15)) || lpad(to_hex(shard >> 4 & 255), 2, '0')
            || to_hex(128 | ((shard & 15) << 2) | (get_byte(uuid_send(r.random), 0) & 3))
            || right(replace(r.random::text, '-', ''), 14))::uuid
    from (select gen_random_uuid() as random) r);

create function orchestrator.check_name(what text, value text) returns void
  language plpgsql immutable as $$
begin
  if value is null or value !~ '^[A-Za-z0-9._:-]{1,128}$' then
    raise exception '% must be 1 to 128 characters of A-Z a-z 0-9 . _ : -', what using errcode = '22023';
  end if;
end
$$;

create function orchestrator.check_key(what text, value text) returns void
  language plpgsql immutable as $$
begin
  if octet_length(value) not between 1 and 512 or value ~ '[\x01-\x1f\x7f]' then
    raise exception '% must be 1 to 512 bytes without control characters', what using errcode = '22023';
  end if;
end
$$;

create function orchestrator.check_namespace(namespace text) returns void
  language plpgsql stable as $$
begin
  if not exists (select from orchestrator.namespaces n where n.name = check_namespace.namespace) then
    raise exception 'no namespace is named "%"', namespace using errcode = 'P0002';
  end if;
end
$$;

create function orchestrator.check_run_at(run_at timestamptz) returns void
  language plpgsql immutable as $$
begin
  if run_at not between '1970-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00' then
    raise exception 'run_at must lie between the years 1970 and 9999' using errcode = '22023';
  end if;
end
$$;

create function orchestrator.check_priority(priority integer) returns void
  language plpgsql immutable as $$
begin
  if priority is null or priority not between -100 and 100 then
    raise exception 'priority must lie between -100 and 100' using errcode = '22023';
  end if;
end
$$;

-- The payload as text, if the engine can read it: its JSON numbers are doubles, and it nests 100 levels with its envelope.
-- Short payloads can be neither deep nor hold a number that is too large, and are not walked.
create function orchestrator.payload_text(what text, payload jsonb) returns text
  language plpgsql immutable as $$
declare
  payload_text text := coalesce(payload, 'null')::text;
begin
  if octet_length(payload_text) > 1048576 then
    raise exception '% is longer than 1 MiB', what using errcode = '54000';
  end if;
  if octet_length(payload_text) > 180 and payload @? '$.**{91}' then
    raise exception '% is nested deeper than 90 levels', what using errcode = '54000';
  end if;
  if octet_length(payload_text) > 308
     and payload @? '$.** ? (@.type() == "number") ? (@ > 1.7e308 || @ < -1.7e308)' then
    raise exception '% holds a number beyond 1.7e308', what using errcode = '22023';
  end if;
  return payload_text;
end
$$;

create function orchestrator.check_attributes(attributes jsonb) returns void
  language plpgsql immutable as $$
begin
  if attributes is null or attributes in ('{}', 'null') then
    return;
  end if;
  if jsonb_typeof(attributes) <> 'object' then
    raise exception 'attributes must be an object' using errcode = '22023';
  end if;
  if (select count(*) from jsonb_object_keys(attributes)) > 32 then
    raise exception 'attributes are at most 32' using errcode = '54000';
  end if;
  if exists (select from jsonb_each(attributes) a
             where octet_length(a.key) not between 1 and 128 or a.key ~ '[\x01-\x1f\x7f]'
               or jsonb_typeof(a.value) not in ('string', 'number', 'boolean')
               or octet_length(a.value #>> '{}') > 1024) then
    raise exception 'an attribute is a string of at most 1024 bytes, a number or a boolean under a name of at most 128 bytes'
      using errcode = '22023';
  end if;
end
$$;

-- Leaves the message and wakes the nodes at the caller's commit. A caller who prepares his transaction (two-phase commit)
-- must not notify: `set local orchestrator.notify = off`, and the nodes find the message at their next poll.
create function orchestrator.leave_message(shard integer, id uuid, kind text, body text) returns boolean
  language plpgsql volatile as $$
begin
  insert into orchestrator.inbox as i (shard, id, kind, body) values (shard, id, kind, body::json)
  on conflict on constraint inbox_pkey do nothing;
  if not found then
    return false;
  end if;
  if current_setting('orchestrator.notify', true) is distinct from 'off' then
    perform pg_notify('orchestrator_inbox', '');
  end if;
  return true;
end
$$;

create function orchestrator.any_shard() returns integer
  language sql volatile
  return (select floor(random() * s.shard_count)::integer from orchestrator.settings s);

-- Starts a run of the newest version (or of `version`) when the caller commits, and answers its id. `on_conflict` says
-- what an open run with the same key means: reject and return_existing end this run as cancelled with the error
-- RunKeyConflict and successor_run_id naming the open one; cancel_existing ends the other.
create function orchestrator.start_run(
  namespace text, workflow text, input jsonb default 'null', key text default null, run_at timestamptz default null,
  version integer default null, priority integer default 0, attributes jsonb default '{}',
  on_conflict text default 'reject')
  returns uuid
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  pinned integer;
  conflict integer := array_position(array['reject', 'return_existing', 'cancel_existing'], on_conflict) - 1;
  home integer;
  run_id uuid;
  input_text text := orchestrator.payload_text('input', input);
begin
  perform orchestrator.check_namespace(namespace);
  perform orchestrator.check_name('workflow', workflow);
  perform orchestrator.check_key('key', key);
  perform orchestrator.check_run_at(run_at);
  perform orchestrator.check_priority(priority);
  perform orchestrator.check_attributes(attributes);
  if conflict is null then
    raise exception 'on_conflict must be reject, return_existing or cancel_existing' using errcode = '22023';
  end if;
  -- Index: definitions_pkey, backwards for the newest.
  select d.version into pinned from orchestrator.definitions d
  where d.namespace = start_run.namespace and d.name = start_run.workflow
    and (start_run.version is null or d.version = start_run.version)
  order by d.version desc limit 1;
  if pinned is null then
    raise exception 'namespace "%" has no workflow "%"%', namespace, workflow, coalesce(' of version ' || version, '')
      using errcode = 'P0002';
  end if;
  home := case when key is null then orchestrator.any_shard() else orchestrator.shard_for_key(namespace, key) end;
  run_id := orchestrator.new_id(home);
  -- The message has the run's id, so that reads find it by its primary key.
  perform orchestrator.leave_message(home, run_id, 'start',
    '{"promised":true,"request":'
      || left(jsonb_strip_nulls(jsonb_build_object(
           'namespace', namespace, 'workflow', workflow, 'version', pinned, 'key', key, 'on_conflict', conflict,
           'priority', priority, 'run_at_us', orchestrator.to_micros(run_at), 'id', run_id,
           'attributes', nullif(nullif(attributes, '{}'), 'null')))::text, -1)
      || ',"input":' || input_text || '}}');
  return run_id;
end
$$;

-- Sends a signal to whoever waits for (name, key) when the caller commits, and answers its id. The same `id` for the same
-- name and key counts once: the repeat answers the id of the first signal and sends nothing.
create function orchestrator.send_signal(
  namespace text, name text, key text, payload jsonb default 'null', id text default null,
  ttl_seconds integer default null)
  returns uuid
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  home integer;
  signal_id uuid;
  message_id uuid;
  first_id uuid;
  payload_text text := orchestrator.payload_text('payload', payload);
begin
  perform orchestrator.check_namespace(namespace);
  perform orchestrator.check_name('name', name);
  if key is null then
    raise exception 'a signal needs a key' using errcode = '22023';
  end if;
  perform orchestrator.check_key('key', key);
  perform orchestrator.check_key('id', id);
  if ttl_seconds not between 1 and 31536000 then
    raise exception 'ttl_seconds must lie between 1 and 31536000' using errcode = '22023';
  end if;
  home := orchestrator.shard_for_key(namespace, key);
  signal_id := orchestrator.new_id(home);
  -- With an id of the sender's the message is named after it: of two at once, the second waits for the first.
  message_id := case when id is null then signal_id
                else encode(substr(sha256(convert_to(
                       jsonb_build_array('signal', namespace, key, name, id)::text, 'UTF8')), 1, 16), 'hex')::uuid end;
  for look in 1..2 loop
    if id is not null then
      -- Index: signals_sender_key. The second look sees what was picked up while this call waited for its commit.
      select s.signal_id into first_id from orchestrator.signals s
      where s.shard = home and s.namespace = send_signal.namespace and s.key = send_signal.key
        and s.name = send_signal.name and s.id = send_signal.id;
      if first_id is not null then
        -- Index: inbox_pkey. Only this transaction can see the row yet.
        if look = 2 then
          delete from orchestrator.inbox i where i.shard = home and i.id = message_id;
        end if;
        return first_id;
      end if;
    end if;
    exit when look = 2;
    if not orchestrator.leave_message(home, message_id, 'signal',
        left(jsonb_strip_nulls(jsonb_build_object(
          'namespace', namespace, 'name', name, 'key', key, 'id', coalesce(id, signal_id::text), 'signal_id', signal_id,
          'ttl_seconds', ttl_seconds, 'sender', 'operator'))::text, -1)
        || ',"payload":' || payload_text || '}') then
      select (i.body ->> 'signal_id')::uuid into first_id
      from orchestrator.inbox i where i.shard = home and i.id = message_id;
      -- Picked up since: then the second look finds it.
      if first_id is not null then
        return first_id;
      end if;
    end if;
  end loop;
  return signal_id;
end
$$;

-- What enqueue_job and enqueue_jobs check alike, and the shard that their keys ask for: null when they have none.
create function orchestrator.shard_of_job(
  namespace text, handler text, queue text, run_at timestamptz, priority integer, max_attempts integer,
  keys text[])
  returns integer
  language plpgsql stable as $$
declare
  routing_key text;
begin
  perform orchestrator.check_namespace(namespace);
  perform orchestrator.check_name('handler', handler);
  perform orchestrator.check_name('queue', queue);
  perform orchestrator.check_run_at(run_at);
  perform orchestrator.check_priority(priority);
  if max_attempts not between 1 and 1000 then
    raise exception 'max_attempts must lie between 1 and 1000' using errcode = '22023';
  end if;
  foreach routing_key in array keys loop
    perform orchestrator.check_key('a key of a job', routing_key);
  end loop;
  routing_key := coalesce(keys[1], keys[2], keys[3], keys[4]);
  if exists (select from unnest(keys) k (key) where k.key <> routing_key) then
    raise exception 'unique_key, concurrency_key, rate_key and order_key must be the same text where more than one is given'
      using errcode = '22023';
  end if;
  return case when routing_key is null then null else orchestrator.shard_for_key(namespace, routing_key) end;
end
$$;

-- A job's start as its message has it, but for the input and the closing brace.
create function orchestrator.job_request(
  id uuid, namespace text, handler text, queue text, run_at timestamptz, priority integer, max_attempts integer,
  unique_key text, concurrency_key text, rate_key text, order_key text)
  returns text
  language sql stable
  return left(jsonb_strip_nulls(jsonb_build_object(
    'namespace', $2, 'workflow', $3, 'key', $8, 'on_conflict', 1, 'priority', $6, 'id', $1,
    'run_at_us', orchestrator.to_micros($5),
    'job', jsonb_build_object('queue', $4, 'spec', nullif(jsonb_strip_nulls(jsonb_build_object(
      'max_attempts', $7, 'concurrency_key', $9, 'rate_key', $10, 'order_key', $11)), '{}'))))::text, -1);

-- Enqueues a job when the caller commits, and answers its id. `unique_key` is unique among open jobs of the handler: while
-- another one has it, this job ends as cancelled with the error RunKeyConflict and successor_run_id naming the other.
create function orchestrator.enqueue_job(
  namespace text, handler text, input jsonb default 'null', queue text default 'default',
  run_at timestamptz default null, priority integer default 0, unique_key text default null,
  max_attempts integer default null, concurrency_key text default null, rate_key text default null,
  order_key text default null)
  returns uuid
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  input_text text := orchestrator.payload_text('input', input);
  home integer := orchestrator.shard_of_job(namespace, handler, queue, run_at, priority, max_attempts,
                                            array[unique_key, concurrency_key, rate_key, order_key]);
  run_id uuid;
begin
  home := coalesce(home, orchestrator.any_shard());
  run_id := orchestrator.new_id(home);
  perform orchestrator.leave_message(home, run_id, 'start',
    '{"promised":true,"request":'
      || orchestrator.job_request(run_id, namespace, handler, queue, run_at, priority, max_attempts, unique_key,
                                  concurrency_key, rate_key, order_key)
      || ',"input":' || input_text || '}}');
  return run_id;
end
$$;

-- Enqueues a job for each input, at most 100 000, and answers their ids in the same order. One message carries up to 500
-- of one shard: their ids differ in the last two bytes, and the first one is the message's.
create function orchestrator.enqueue_jobs(
  namespace text, handler text, inputs jsonb[], queue text default 'default', run_at timestamptz default null,
  priority integer default 0, max_attempts integer default null, concurrency_key text default null,
  rate_key text default null, order_key text default null)
  returns uuid[]
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  job_count integer := cardinality(inputs);
  home integer := orchestrator.shard_of_job(namespace, handler, queue, run_at, priority, max_attempts,
                                            array[null, concurrency_key, rate_key, order_key]);
  any_home integer := orchestrator.any_shard();
  shard_count integer := (select s.shard_count from orchestrator.settings s);
  -- Messages of about 4 MiB at most.
  most integer := least(500, greatest(1, 4194304 / greatest(1, pg_column_size(inputs) / greatest(1, job_count))));
  first_id uuid;
  ids uuid[] := '{}';
begin
  if job_count is null or job_count = 0 then
    return ids;
  end if;
  if job_count > 100000 or array_ndims(inputs) > 1 then
    raise exception 'inputs must be one list of at most 100000' using errcode = '54000';
  end if;
  for chunk in 0 .. (job_count - 1) / most loop
    first_id := orchestrator.new_id(coalesce(home, (any_home + chunk) % shard_count));
    first_id := (left(first_id::text, 32) || '0000')::uuid;
    perform orchestrator.leave_message(coalesce(home, (any_home + chunk) % shard_count), first_id, 'start_jobs',
      '{"promised":true,"request":'
        || orchestrator.job_request(first_id, namespace, handler, queue, run_at, priority, max_attempts, null,
                                    concurrency_key, rate_key, order_key)
        || '},"inputs":['
        || (select string_agg(case when octet_length(i.input::text) <= 180 then i.input::text
                              else orchestrator.payload_text('an input', i.input) end, ',')
            from (select coalesce(u.input, 'null') as input
                  from unnest(inputs[array_lower(inputs, 1) + chunk * most
                                     : least(array_lower(inputs, 1) + (chunk + 1) * most - 1, array_upper(inputs, 1))])
                    as u (input)) i)
        || ']}');
    ids := ids || array(
      select (left(first_id::text, 32) || lpad(to_hex(n), 4, '0'))::uuid
      from generate_series(0, least(most, job_count - chunk * most) - 1) n);
  end loop;
  return ids;
end
$$;

-- Runs and jobs that are promised and not picked up yet, one row each. Reads of one run name its message, too: the run
-- itself, or the first of its batch (batch_of), so that the primary key finds it.
create function orchestrator.batch_of(run_id uuid) returns uuid
  language sql immutable parallel safe
  return (left($1::text, 32) || '0000')::uuid;

create view orchestrator.promised_runs as
select m.shard, m.message_id, m.run_id, r.request ->> 'namespace' as namespace,
  case when r.request -> 'job' is null then 'workflow' else 'job' end as kind,
  r.request ->> 'workflow' as workflow, coalesce((r.request ->> 'version')::integer, 0) as version,
  r.request ->> 'key' as key, (r.request ->> 'priority')::integer as priority, m.input,
  (r.request -> 'attributes')::jsonb as attributes, m.created_at, a.run_at,
  r.request -> 'job' ->> 'queue' as queue, r.request -> 'job' -> 'spec' as job,
  case when a.run_at > now() then 'waiting' else 'ready' end as state,
  json_build_array(json_build_object('kind', case when a.run_at > now() then 'timer' else 'worker' end,
    'state_name', null, 'since', to_char(m.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))) as waiting_on
from (
  select i.shard, i.id as message_id, i.id as run_id, i.body -> 'request' as request, i.body -> 'request' -> 'input' as input,
    i.created_at
  from orchestrator.inbox i
  where i.kind = 'start' and i.body ->> 'promised' = 'true'
  union all
  select i.shard, i.id, (left(i.id::text, 32) || lpad(to_hex(e.place - 1), 4, '0'))::uuid, i.body -> 'request', e.input,
    i.created_at
  from orchestrator.inbox i cross join lateral json_array_elements(i.body -> 'inputs') with ordinality as e (input, place)
  where i.kind = 'start_jobs') m
cross join lateral (select m.request) r
cross join lateral (select orchestrator.from_micros((m.request ->> 'run_at_us')::bigint) as run_at) a;

-- Every run wherever it is: open, closed, or promised. For people and reports; read it with a namespace and a time.
create view orchestrator.runs as
select o.shard, o.run_id, o.namespace, o.kind, o.workflow, o.version, o.key, o.priority, o.input, o.attributes,
  o.parent_run_id, o.predecessor_run_id, null::uuid as successor_run_id, o.traceparent, o.created_at, o.run_at,
  o.timeout_seconds, o.queue, o.state, o.waiting_on, null::json as output, null::text as error, null::text as cause, o.attempts,
  o.started_at, null::timestamptz as closed_at, o.wake_at, 'none' as dead_letter
from orchestrator.open_runs o
union all
select c.shard, c.run_id, c.namespace, c.kind, c.workflow, c.version, c.key, c.priority, c.input, c.attributes,
  c.parent_run_id, c.predecessor_run_id, c.successor_run_id, c.traceparent, c.created_at, c.run_at, c.timeout_seconds,
  c.queue, c.state, '[]'::json, c.output, c.error, c.cause, c.attempts, c.started_at, c.closed_at, null, c.dead_letter
from orchestrator.closed_runs c
union all
select p.shard, p.run_id, p.namespace, p.kind, p.workflow, p.version, p.key, p.priority, p.input, p.attributes,
  null, null, null, '', p.created_at, p.run_at, null, p.queue, p.state, p.waiting_on, null, null, null, 0, null, null, p.run_at,
  'none'
from orchestrator.promised_runs p;

revoke execute on function
  orchestrator.new_id(integer), orchestrator.check_name(text, text), orchestrator.check_key(text, text),
  orchestrator.check_namespace(text), orchestrator.check_run_at(timestamptz), orchestrator.check_priority(integer),
  orchestrator.payload_text(text, jsonb), orchestrator.check_attributes(jsonb),
  orchestrator.leave_message(integer, uuid, text, text), orchestrator.any_shard(),
  orchestrator.start_run(text, text, jsonb, text, timestamptz, integer, integer, jsonb, text),
  orchestrator.send_signal(text, text, text, jsonb, text, integer),
  orchestrator.shard_of_job(text, text, text, timestamptz, integer, integer, text[]),
  orchestrator.job_request(uuid, text, text, text, timestamptz, integer, integer, text, text, text, text),
  orchestrator.enqueue_job(text, text, jsonb, text, timestamptz, integer, text, integer, text, text, text),
  orchestrator.enqueue_jobs(text, text, jsonb[], text, timestamptz, integer, integer, text, text, text),
  orchestrator.batch_of(uuid)
  from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_client') then
    grant usage on schema orchestrator to orchestrator_client;
    grant execute on function
      orchestrator.start_run(text, text, jsonb, text, timestamptz, integer, integer, jsonb, text),
      orchestrator.send_signal(text, text, text, jsonb, text, integer),
      orchestrator.enqueue_job(text, text, jsonb, text, timestamptz, integer, text, integer, text, text, text),
      orchestrator.enqueue_jobs(text, text, jsonb[], text, timestamptz, integer, integer, text, text, text)
      to orchestrator_client;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant select on orchestrator.promised_runs, orchestrator.runs to orchestrator_engine;
    grant execute on function orchestrator.batch_of(uuid) to orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant select on orchestrator.promised_runs, orchestrator.runs to orchestrator_reader;
  end if;
end
$$;
