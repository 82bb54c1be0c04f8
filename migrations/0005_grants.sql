-- What each database role may do.
--
-- Why: the engine writes, people's reads do not, a handler's SQL sees nothing of the engine, and a client of the SQL
-- entry points gets only those. A role that could not be made (0001 says so) gets nothing and costs nothing.
-- Locks and cost: catalogue rows only. Previous release: none.

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant usage on schema orchestrator to orchestrator_engine;
    grant select, insert, update, delete on all tables in schema orchestrator to orchestrator_engine;
    revoke insert, update, delete on orchestrator.schema_migrations, orchestrator.settings from orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant usage on schema orchestrator to orchestrator_reader;
    grant select on all tables in schema orchestrator to orchestrator_reader;
    -- Provider secrets and raw webhook bodies are not for readers.
    revoke select on orchestrator.webhook_endpoints, orchestrator.webhook_deliveries from orchestrator_reader;
    revoke select on orchestrator.idempotency from orchestrator_reader;
  end if;
end
$$;

revoke execute on all functions in schema orchestrator from public;

do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_engine') then
    grant execute on all functions in schema orchestrator to orchestrator_engine;
    revoke execute on function orchestrator.attach_partition(text, text, text, text, text) from orchestrator_engine;
  end if;
  if exists (select from pg_roles where rolname = 'orchestrator_reader') then
    grant execute on function orchestrator.to_micros(timestamptz), orchestrator.from_micros(bigint),
      orchestrator.routing_hash(text, text), orchestrator.shard_for_key(text, text), orchestrator.lowest_uuid(timestamptz)
      to orchestrator_reader;
  end if;
end
$$;

-- "set role" needs membership; a superuser has it without. Whoever migrates also serves, unless an administrator
-- separates the two and grants orchestrator_engine and orchestrator_handler to the serving user.
do $$
begin
  if exists (select from pg_roles where rolname = 'orchestrator_handler')
     and not pg_has_role(current_user, 'orchestrator_handler', 'member') then
    execute format('grant orchestrator_handler to %I', current_user);
  end if;
exception
  when insufficient_privilege then
    raise notice '% is not a member of orchestrator_handler: handlers'' SQL runs under % itself', current_user, current_user;
  when unique_violation or duplicate_object then null;
end
$$;
