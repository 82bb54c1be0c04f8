-- name: insert_namespace
-- Index: namespaces_pkey, which refuses the second of two at once; the loser reads the winner's.
insert into orchestrator.namespaces (name) values ($1) on conflict (name) do nothing

-- name: find_namespace
-- Index: namespaces_pkey.
select name, orchestrator.to_micros(created_at) from orchestrator.namespaces where name = $1

-- name: list_namespaces
-- Index: namespaces_pkey.
select name, orchestrator.to_micros(created_at) from orchestrator.namespaces order by name
