-- name: make_migration_table
-- Before any migration, and harmless after them.
create table if not exists orchestrator.schema_migrations (
  version integer primary key,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default clock_timestamp()
)

-- name: make_schema
-- "if not exists" asks for the right to create even when it exists; so it is asked only when it does not.
create schema if not exists orchestrator

-- name: schema_exists
select from pg_namespace where nspname = 'orchestrator'

-- name: migration_table_exists
select from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'orchestrator' and c.relname = 'schema_migrations'

-- name: lock_migrations
-- Lock: of this session, until its end; the second server waits and then finds nothing to do.
select pg_advisory_lock(hashtextextended('orchestrator.migrate', 0))

-- name: list_migrations
select version, name, checksum from orchestrator.schema_migrations order by version

-- name: record_migration
insert into orchestrator.schema_migrations (version, name, checksum) values ($1, $2, $3)

-- name: settings_exist
select from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'orchestrator' and c.relname = 'settings'

-- name: insert_settings
-- Only the first installation gets a row in.
insert into orchestrator.settings (shard_count) values ($1) on conflict do nothing

-- name: insert_shards
-- Every shard that the settings ask for; those that are there stay as they are.
insert into orchestrator.shard_owner (shard)
select s.shard from orchestrator.settings, generate_series(0, shard_count - 1) as s (shard)
on conflict (shard) do nothing
