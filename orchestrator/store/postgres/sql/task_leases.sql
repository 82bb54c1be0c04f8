-- name: commit_batch_with_task_leases
-- commit_batch, and in the same transaction the batch's task leases, behind the same fence (the last parameter).
-- Locks: key share on the shard_owner rows, then row locks on the leases.
select b.database_now, b.lost, case when b.lost is null then orchestrator.note_batch($4, $5, $9, $11, $44, $46) end
from orchestrator.commit_batch(
  $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
  $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50,
  $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68, $69, $70, $71, $72, $73, $74,
  $75, $76, $77, $78, $79, $80, $81)
  as b
cross join lateral orchestrator.write_task_leases($82, b.lost)

-- name: load_task_leases
-- Every lease of a shard, for its recovery. Index: task_leases_pkey, the shard's part.
select l.run_id, l.step, l.attempt, l.inquiry, coalesce(l.worker, ''), l.hand_out, l.length_us,
  orchestrator.to_micros(l.begun_at), orchestrator.to_micros(l.expires_at), l.heartbeat_details
from orchestrator.task_leases l
where l.shard = $1
order by l.run_id, l.step
