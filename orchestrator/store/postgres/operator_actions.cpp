#include "orchestrator/store/postgres/operator_actions.hpp"

#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/postgres/audit.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {

Result<std::vector<DeadLetterTrail>> read_dead_letter_trails(Session& session, const std::vector<RunId>& runs,
                                                             std::int32_t rows) {
  using Answer = std::vector<DeadLetterTrail>;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    Answer trails(runs.size());
    BinaryArray shards(ElementType::integer);
    BinaryArray ids(ElementType::uuid);
    BinaryArray accepted(ElementType::bigint);
    for (const RunId& run : runs) {
      shards.add(to_int(shard_of(run)));
      ids.add(run);
      accepted.add(to_micros(time_of(run.bytes)));
    }
    Parameters jobs;
    jobs.array(shards).array(ids).array(std::move(accepted));
    for (const auto& row : transaction.execute("read_dead_letter_jobs", std::move(jobs))) {
      RowReader reader(row);
      const auto place = static_cast<std::size_t>(reader.bigint()) - 1;
      trails.at(place).job_state = reader.text();
    }
    Parameters parameters;
    parameters.array(std::move(shards)).array(std::move(ids)).integer(rows);
    for (const auto& row : transaction.execute("read_dead_letter_trails", std::move(parameters))) {
      RowReader reader(row);
      const auto place = static_cast<std::size_t>(reader.bigint()) - 1;
      JournalRow entry{.shard = shard_of(runs.at(place)), .run_id = runs.at(place)};
      entry.seq = reader.bigint();
      entry.at = reader.time();
      entry.events = reader.text();
      trails.at(place).journal.push_back(std::move(entry));
    }
    return trails;
  });
}

void edit_open_runs(Transaction& transaction, const Batch& batch) {
  for (const OpenRunEdit& edit : batch.edited) {
    Parameters parameters;
    parameters.integer(to_int(edit.shard)).id(edit.run_id).micros(edit.run_at).integer(edit.priority);
    transaction.execute("edit_open_run", std::move(parameters));
  }
}

Status discard_dead_letter(Session& session, const DiscardRequest& request) {
  const Mode mode = request.audit ? Mode::transaction : Mode::write;
  return session.run<void>(mode, [&](Transaction& transaction) -> Status {
    Parameters parameters;
    parameters.integer(to_int(shard_of(request.run_id))).id(request.run_id).micros(time_of(request.run_id.bytes));
    parameters.text(request.namespace_name).text(request.reason).text(request.actor);
    if (transaction.execute("discard_dead_letter", std::move(parameters)).affected_rows() == 0) {
      return fail(ErrorCode::precondition_failed, "wrong-state", "the run is not a dead letter that waits for anybody");
    }
    append_audit(transaction, to_int(shard_of(request.run_id)), discard_audit(request));
    return {};
  });
}

}  // namespace orchestrator::store::postgres
