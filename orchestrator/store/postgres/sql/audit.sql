-- name: append_audit
-- migrations/0019 has the body. Lock: the heads of these chains, in the order of their numbers, until the commit.
select orchestrator.append_audit($1::json)

-- name: list_audit
-- Latest first. Index: audit_target for one target, else audit_newest; without a namespace the whole table, which is an
-- administrator's rare question.
select a.chain, a.seq, orchestrator.to_micros(a.at), a.namespace, a.actor, a.role, a.action, a.target, a.reason,
  a.before_hash, a.after_hash, a.previous_hash, a.hash
from orchestrator.audit a
where ($1::text is null or a.namespace = $1::text)
  and ($2::text is null or a.actor = $2::text)
  and ($3::text is null or a.action = $3::text or (right($3::text, 1) = '.' and starts_with(a.action, $3::text)))
  and ($4::text is null or a.target = $4::text)
  and ($5::int is null or a.chain = $5::int)
  and ($6::bigint is null or a.at >= orchestrator.from_micros($6::bigint))
  and ($7::bigint is null or a.at < orchestrator.from_micros($7::bigint))
  and ($8::bigint is null or (a.at, a.chain, a.seq) < (orchestrator.from_micros($8::bigint), $9::int, $10::bigint))
order by a.at desc, a.chain desc, a.seq desc
limit $11::bigint

-- name: read_audit_chains
-- The next rows in the order of chains. Index: audit_pkey.
select a.chain, a.seq, orchestrator.to_micros(a.at), a.namespace, a.actor, a.role, a.action, a.target, a.reason,
  a.before_hash, a.after_hash, a.previous_hash, a.hash
from orchestrator.audit a
where (a.chain, a.seq) > ($1::int, $2::bigint)
order by a.chain, a.seq
limit $3::bigint

-- name: read_audit_heads
-- Index: audit_chains_pkey.
select c.chain, c.seq, c.hash from orchestrator.audit_chains c where c.seq > 0 order by c.chain
