#include "orchestrator/store/postgres/commit.hpp"

#include <algorithm>
#include <set>

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/audit.hpp"
#include "orchestrator/store/postgres/batch_encoding.hpp"
#include "orchestrator/store/postgres/operator_actions.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"
#include "orchestrator/store/postgres/schedules.hpp"

namespace orchestrator::store::postgres {

CommitAnswer execute_commit_batch(Transaction& transaction, const Batch& batch) {
  const char* statement = batch.task_leases.empty() ? "commit_batch" : "commit_batch_with_task_leases";
  const pqxx::result result = transaction.execute(statement, encode_batch(batch));
  RowReader reader(result.at(0));
  CommitAnswer answer;
  answer.database_now = reader.time();
  if (!reader.next_is_null()) {
    // "{3,17}": at most one number per shard, and only after a take-over.
    pqxx::array_parser shards(result[0][1].c_str());
    for (auto item = shards.get_next(); item.first != pqxx::array_parser::done; item = shards.get_next()) {
      if (item.first == pqxx::array_parser::string_value) answer.lost.push_back(ShardId{std::stoi(item.second)});
    }
  }
  // When the fence was lost nothing was written, and nothing is.
  if (answer.lost.empty()) {
    edit_open_runs(transaction, batch);
    write_schedules(transaction, batch);
    append_audit(transaction, batch);
  }
  return answer;
}

Result<CommitAnswer> commit(Session& session, const Batch& batch) {
  const auto call = [&session](const Batch& rows) {
    const Mode mode = rows.takes_several_statements() ? Mode::transaction : Mode::write;
    return session.run<CommitAnswer>(mode, [&](Transaction& transaction) -> Result<CommitAnswer> {
      return execute_commit_batch(transaction, rows);
    });
  };
  Result<CommitAnswer> answer = call(batch);
  if (!answer || answer->lost.empty()) return answer;

  // Nothing was written: without the lost shards' rows the others hold. Each round loses at least one shard.
  std::vector<ShardId> lost = answer->lost;
  Batch rest = batch;
  for (;;) {
    rest = without_shards(std::move(rest), lost);
    if (rest.leases.empty()) break;
    answer = call(rest);
    if (!answer) return answer;
    if (answer->lost.empty()) break;
    lost.insert(lost.end(), answer->lost.begin(), answer->lost.end());
  }
  std::sort(lost.begin(), lost.end());
  answer->lost = std::move(lost);
  return answer;
}

Result<DataError> find_data_error(Session& session, const Batch& batch) {
  return store::find_data_error(batch, [&session](const Batch& part) -> Status {
    const auto outcome = session.run<CommitAnswer>(Mode::transaction, [&part](Transaction& transaction) {
      execute_commit_batch(transaction, part);
      return Result<CommitAnswer>(fail(ErrorCode::cancelled, "an attempt, taken back"));
    });
    if (outcome || outcome.error().code == ErrorCode::cancelled) return {};
    return outcome.error();
  });
}

Result<bool> was_committed(Session& session, const Batch& batch) {
  return session.run<bool>(Mode::snapshot, [&](Transaction& transaction) -> Result<bool> {
    std::set<ShardId> proven;
    std::set<ShardId> looked_at;
    for (const JournalRow& row : batch.journal) {
      if (!looked_at.insert(row.shard).second) continue;
      Parameters parameters;
      parameters.integer(to_int(row.shard)).id(row.run_id).integer(row.seq).micros(row.at).text(row.events);
      if (!transaction.execute("find_journal_row", std::move(parameters)).empty()) proven.insert(row.shard);
    }
    BinaryArray shards(ElementType::integer);
    for (const ShardLease& lease : batch.leases) shards.add(to_int(lease.shard));
    Parameters parameters;
    parameters.array(std::move(shards)).id(batch.id);
    for (const auto& row : transaction.execute("find_batch_proof", std::move(parameters))) {
      proven.insert(ShardId{RowReader(row).integer()});
    }
    const auto is_proven = [&](const ShardLease& lease) { return proven.contains(lease.shard); };
    const auto count = std::count_if(batch.leases.begin(), batch.leases.end(), is_proven);
    if (count != 0 && count != static_cast<std::ptrdiff_t>(batch.leases.size())) {
      return fail(ErrorCode::ownership_lost, "the batch was written without the shards that it had lost");
    }
    return count != 0;
  });
}

}  // namespace orchestrator::store::postgres
