-- name: next_access_revision
-- Lock: the one row, until the commit: changes are visible in the order of their revisions.
update orchestrator.access_revision set revision = revision + 1 returning revision

-- name: read_access_revision
select revision from orchestrator.access_revision

-- name: insert_api_key
-- No row when there is no room ($11).
insert into orchestrator.api_keys as k (
  key_id, name, role, namespaces, scopes, prefix, secret_sha256, created_by, expires_at, revision)
select $1::uuid, $2::text, $3::text, $4::text[], $5::text[], $6::text, $7::text, $8::text,
  orchestrator.from_micros($9::bigint), $10::bigint
where (select count(*) from orchestrator.api_keys) < $11::bigint
returning k.key_id, k.name, k.role, array_to_json(k.namespaces)::text, array_to_json(k.scopes)::text, k.prefix,
  k.secret_sha256, orchestrator.to_micros(k.created_at), k.created_by, orchestrator.to_micros(k.expires_at),
  orchestrator.to_micros(k.revoked_at), k.revision

-- name: revoke_api_key
-- The first revocation counts. Index: api_keys_pkey. Lock: the row.
update orchestrator.api_keys as k set revoked_at = coalesce(k.revoked_at, clock_timestamp()),
  revoked_by = coalesce(k.revoked_by, $2::text), revision = $3::bigint
where k.key_id = $1::uuid
returning k.key_id, k.name, k.role, array_to_json(k.namespaces)::text, array_to_json(k.scopes)::text, k.prefix,
  k.secret_sha256, orchestrator.to_micros(k.created_at), k.created_by, orchestrator.to_micros(k.expires_at),
  orchestrator.to_micros(k.revoked_at), k.revision

-- name: list_changed_api_keys
-- Index: the unique one of revision.
select k.key_id, k.name, k.role, array_to_json(k.namespaces)::text, array_to_json(k.scopes)::text, k.prefix,
  k.secret_sha256, orchestrator.to_micros(k.created_at), k.created_by, orchestrator.to_micros(k.expires_at),
  orchestrator.to_micros(k.revoked_at), k.revision
from orchestrator.api_keys k
where k.revision > $1::bigint
order by k.revision

-- name: find_policy
-- Index: policies_pkey.
select p.namespace, p.rules::text, orchestrator.to_micros(p.changed_at), p.changed_by, p.revision
from orchestrator.policies p
where p.namespace = $1::text

-- name: put_policy
-- Index: policies_pkey. Lock: the row.
insert into orchestrator.policies as p (namespace, rules, changed_by, revision)
values ($1::text, $2::json, $3::text, $4::bigint)
on conflict (namespace) do update set rules = excluded.rules, changed_at = clock_timestamp(),
  changed_by = excluded.changed_by, revision = excluded.revision
returning p.namespace, p.rules::text, orchestrator.to_micros(p.changed_at), p.changed_by, p.revision

-- name: list_changed_policies
-- Index: the unique one of revision.
select p.namespace, p.rules::text, orchestrator.to_micros(p.changed_at), p.changed_by, p.revision
from orchestrator.policies p
where p.revision > $1::bigint
order by p.revision

-- name: insert_approval
-- No row when as many wait as may ($12). Index: approvals_newest for the count.
insert into orchestrator.approvals as a (
  approval_id, namespace, state, action, target, reason, approver_role, requested_by, requested_role,
  requested_credential, request, expires_at)
select $1::uuid, $2::text, 'waiting', $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::json,
  orchestrator.from_micros($11::bigint)
where (select count(*) from orchestrator.approvals w where w.namespace = $2::text and w.state = 'waiting') < $12::bigint
on conflict (approval_id) do nothing

-- name: find_approval
-- Index: approvals_pkey.
select a.approval_id, a.namespace, a.state, a.action, a.target, a.reason, a.approver_role, a.requested_by,
  a.requested_role, a.requested_credential, a.request::text, orchestrator.to_micros(a.created_at),
  orchestrator.to_micros(a.expires_at), a.decided_by, a.decided_reason, orchestrator.to_micros(a.decided_at), a.status,
  a.answer
from orchestrator.approvals a
where a.namespace = $1::text and a.approval_id = $2::uuid

-- name: list_approvals
-- Newest first. Index: approvals_newest backwards.
select a.approval_id, a.namespace, a.state, a.action, a.target, a.reason, a.approver_role, a.requested_by,
  a.requested_role, a.requested_credential, a.request::text, orchestrator.to_micros(a.created_at),
  orchestrator.to_micros(a.expires_at), a.decided_by, a.decided_reason, orchestrator.to_micros(a.decided_at), a.status,
  a.answer
from orchestrator.approvals a
where a.namespace = $1::text and ($2::text is null or a.state = $2::text)
  and ($3::uuid is null or a.approval_id < $3::uuid)
order by a.approval_id desc
limit $4::bigint

-- name: decide_approval
-- Index: approvals_pkey. Lock: the row. No row when it waits no longer.
update orchestrator.approvals a
set state = $3::text, decided_by = $4::text, decided_reason = $5::text, decided_at = clock_timestamp(),
  held_until = case when $3::text = 'approved'
    then clock_timestamp() + make_interval(secs => $6::bigint / 1000.0) end
where a.namespace = $1::text and a.approval_id = $2::uuid and a.state = 'waiting'
  and (a.expires_at > clock_timestamp() or $3::text = 'expired')

-- name: finish_approval
-- Index: approvals_pkey. Lock: the row.
update orchestrator.approvals a set state = 'done', status = $3::int, answer = $4::text
where a.namespace = $1::text and a.approval_id = $2::uuid and a.state = 'approved'

-- name: lock_overdue_approvals
-- Index: approvals_waiting. Lock: the rows; what another node ends right now is left to it.
select a.approval_id, a.namespace, a.state, a.action, a.target, a.reason, a.approver_role, a.requested_by,
  a.requested_role, a.requested_credential, a.request::text, orchestrator.to_micros(a.created_at),
  orchestrator.to_micros(a.expires_at), a.decided_by, a.decided_reason, orchestrator.to_micros(a.decided_at), a.status,
  a.answer
from orchestrator.approvals a
where a.state = 'waiting' and a.expires_at <= clock_timestamp()
order by a.expires_at
limit $1::bigint
for update skip locked

-- name: take_approved
-- Index: approvals_approved. Lock: the rows; what another node takes right now is left to it. What the previous release
-- approved has no hold: it counts as held for two minutes.
with cut_short as (
  select c.approval_id from orchestrator.approvals c
  where c.state = 'approved' and c.decided_at > clock_timestamp() - make_interval(secs => $2::bigint)
    and coalesce(c.held_until, c.decided_at + interval '2 minutes') < clock_timestamp()
  order by c.decided_at
  limit $3::bigint
  for update skip locked)
update orchestrator.approvals a
set held_until = clock_timestamp() + make_interval(secs => $1::bigint / 1000.0)
from cut_short
where a.approval_id = cut_short.approval_id
returning a.approval_id, a.namespace, a.state, a.action, a.target, a.reason, a.approver_role, a.requested_by,
  a.requested_role, a.requested_credential, a.request::text, orchestrator.to_micros(a.created_at),
  orchestrator.to_micros(a.expires_at), a.decided_by, a.decided_reason, orchestrator.to_micros(a.decided_at), a.status,
  a.answer

-- name: count_waiting_approvals
-- Whose time is not over. Index: approvals_waiting.
select count(*) from orchestrator.approvals a where a.state = 'waiting' and a.expires_at > clock_timestamp()

-- name: count_audit_rows
-- Index: audit_chains_pkey; one row per chain.
select coalesce(sum(c.seq), 0)::bigint from orchestrator.audit_chains c
