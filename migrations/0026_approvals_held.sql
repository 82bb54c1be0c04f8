-- Who carries out an approved request, and until when nobody else does.
--
-- Why: a node that ends between an approval and the end of its action leaves a request that is approved and not done. With
-- a moment until which it is in somebody's hands, any node can go on with what nobody holds any more, one at a time.
-- Locks and cost: a column without a default and an index over the few rows that are approved and not done. Previous
-- release: writes no moment; what it approves counts as held for two minutes.

alter table orchestrator.approvals add column held_until timestamptz;

create index approvals_approved on orchestrator.approvals (decided_at) where state = 'approved';
