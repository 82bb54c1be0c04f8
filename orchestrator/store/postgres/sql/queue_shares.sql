-- name: lock_queue_ledgers
-- Indexes: queue_ledgers_pkey, queue_shares_pkey. Locks the queues' ledgers until the commit.
select orchestrator.lock_queue_ledgers($1::text[], $2::text[])

-- name: write_queue_ledgers
-- Only after lock_queue_ledgers, in its transaction.
select orchestrator.write_queue_ledgers($1::json)

-- name: list_queue_shares
-- Index: queue_shares_of_node; queue_shares_pkey for those of others.
select s.namespace, s.queue, s.held, s.version,
  exists (select from orchestrator.queue_shares o
          where o.namespace = s.namespace and o.queue = s.queue and o.node_id <> s.node_id and o.wanted > o.held)
from orchestrator.queue_shares s
where s.node_id = $1::text

-- name: lock_all_queue_ledgers
-- One row for each queue that ever had a queue-wide limit. No exchange is under way then.
select from orchestrator.queue_ledgers order by namespace, queue for update

-- name: forget_queue_shares
-- What nobody uses any more: of nodes that are gone for good, and of queues whose limits are. Only under the locks of
-- all ledgers. Who comes back after an hour believes in nothing that it held.
delete from orchestrator.queue_shares s
where not exists (select from orchestrator.nodes n
                  where n.node_id = s.node_id and n.lease_until > clock_timestamp() - interval '1 hour')
  or not exists (select from orchestrator.queue_settings q
                 where q.namespace = s.namespace and q.name = s.queue
                   and (q.limits ->> 'max_in_flight' is not null or q.limits -> 'rate' is not null
                        or q.changed_at > clock_timestamp() - interval '1 hour'))
