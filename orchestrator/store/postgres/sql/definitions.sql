-- name: newest_definition
-- Index: definitions_pkey backwards.
select version, checksum from orchestrator.definitions where namespace = $1 and name = $2 order by version desc limit 1

-- name: insert_definition
-- Index: definitions_pkey, which refuses the second of two deployments at once; the loser asks again.
insert into orchestrator.definitions (namespace, name, version, checksum, source) values ($1, $2, $3, $4, $5)
on conflict (namespace, name, version) do nothing

-- name: find_definition
-- Version 0 is the newest. Index: definitions_pkey backwards.
select namespace, name, version, checksum, source, orchestrator.to_micros(created_at)
from orchestrator.definitions
where namespace = $1 and name = $2 and ($3::int = 0 or version = $3)
order by version desc limit 1

-- name: list_workflows
-- Index: definitions_pkey.
select name, version from orchestrator.definitions where namespace = $1 order by name, version
