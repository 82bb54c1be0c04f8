-- name: commit_batch
-- Everything that one flush writes; migrations/0015 has the body. Locks: key share on the shard_owner rows. Noted for event
-- streams (migrations/0025) in the same transaction.
select b.database_now, b.lost, case when b.lost is null then orchestrator.note_batch($4, $5, $9, $11, $44, $46) end
from orchestrator.commit_batch(
  $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
  $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50,
  $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68, $69, $70, $71, $72, $73, $74,
  $75, $76, $77, $78, $79, $80, $81) as b

-- name: find_batch_proof
-- The shards that a batch proved without a journal row. Index: batch_proofs_pkey, one probe per shard.
select s.shard
from orchestrator.batch_proofs p cross join unnest(p.shards) as s (shard)
where p.shard = any ($1::int[]) and p.batch_id = $2

-- name: find_journal_row
-- Whether exactly this row was written. Index: primary key of the journal partition.
select from orchestrator.journal j
where j.shard = $1 and j.run_id = $2 and j.seq = $3 and j.at = orchestrator.from_micros($4) and j.events = $5
