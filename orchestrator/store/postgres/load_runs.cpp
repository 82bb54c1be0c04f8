#include "orchestrator/store/postgres/load_runs.hpp"

#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

std::optional<CheckpointRow> read_checkpoint(RowReader& reader, ShardId shard, RunId run_id) {
  if (reader.next_is_null()) return std::nullopt;
  CheckpointRow checkpoint{.shard = shard, .run_id = run_id};
  checkpoint.next_event_id = reader.bigint();
  checkpoint.state = reader.text();
  return checkpoint;
}

LoadedRun read_open_run(RowReader& reader) {
  LoadedRun run;
  run.row.shard = reader.shard();
  run.row.header = read_header(reader);
  run.row.progress = read_progress(reader);
  run.checkpoint = read_checkpoint(reader, run.row.shard, run.row.header.id);
  return run;
}

LoadedClosedRun read_closed_run(RowReader& reader) {
  LoadedClosedRun run;
  run.row.shard = reader.shard();
  run.row.header = read_header(reader);
  run.row.state = read_run_state(reader);
  run.row.output = reader.payload();
  run.row.error = reader.optional_text();
  run.row.cause = reader.optional_text();
  run.row.attempts = reader.integer();
  run.row.started_at = reader.optional_time();
  run.row.closed_at = reader.time();
  run.row.dead_letter = read_dead_letter(reader);
  run.row.successor_run_id = reader.optional_id<RunTag>();
  run.row.job_state = reader.optional_text();
  run.checkpoint = read_checkpoint(reader, run.row.shard, run.row.header.id);
  return run;
}

Parameters shards_and_ids(const std::vector<RunId>& ids, bool with_acceptance) {
  BinaryArray shards(ElementType::integer);
  BinaryArray run_ids(ElementType::uuid);
  BinaryArray accepted(ElementType::bigint);
  for (const RunId& id : ids) {
    shards.add(to_int(shard_of(id)));
    run_ids.add(id);
    accepted.add(to_micros(time_of(id.bytes)));
  }
  Parameters parameters;
  parameters.array(std::move(shards)).array(std::move(run_ids));
  if (with_acceptance) parameters.array(std::move(accepted));
  return parameters;
}

/// Fills the journals of runs that were found; `runs` are pointers into the answer.
template <typename Loaded>
void add_journals(Transaction& transaction, const std::vector<Loaded*>& runs) {
  if (runs.empty()) return;
  BinaryArray shards(ElementType::integer);
  BinaryArray run_ids(ElementType::uuid);
  BinaryArray first(ElementType::bigint);
  for (const Loaded* run : runs) {
    shards.add(to_int(run->row.shard));
    run_ids.add(run->row.header.id);
    first.add(run->checkpoint ? run->checkpoint->next_event_id : EventId{0});
  }
  Parameters parameters;
  parameters.array(std::move(shards)).array(std::move(run_ids)).array(std::move(first));
  for (const auto& row : transaction.execute("load_journals", std::move(parameters))) {
    RowReader reader(row);
    Loaded& run = *runs.at(static_cast<std::size_t>(reader.bigint() - 1));
    JournalRow journal{.shard = run.row.shard, .run_id = run.row.header.id};
    journal.seq = reader.bigint();
    journal.at = reader.time();
    journal.events = reader.text();
    run.journal.push_back(std::move(journal));
  }
}

template <typename Loaded, typename Read>
std::vector<std::optional<Loaded>> load_by_id(Transaction& transaction, const std::vector<RunId>& ids,
                                              const char* statement, bool with_acceptance, Read read) {
  std::vector<std::optional<Loaded>> runs(ids.size());
  std::vector<Loaded*> found;
  for (const auto& row : transaction.execute(statement, shards_and_ids(ids, with_acceptance))) {
    RowReader reader(row);
    auto& run = runs.at(static_cast<std::size_t>(reader.bigint() - 1));
    run = read(reader);
    found.push_back(&*run);
  }
  add_journals(transaction, found);
  return runs;
}

}  // namespace

std::vector<std::optional<LoadedRun>> load_open_runs(Transaction& transaction, const std::vector<RunId>& ids) {
  return load_by_id<LoadedRun>(transaction, ids, "load_open_runs", false, read_open_run);
}

std::vector<std::optional<LoadedClosedRun>> load_closed_runs(Transaction& transaction, const std::vector<RunId>& ids) {
  return load_by_id<LoadedClosedRun>(transaction, ids, "load_closed_runs", true, read_closed_run);
}

std::vector<LoadedRun> load_moving_runs(Transaction& transaction, ShardId shard) {
  Parameters parameters;
  parameters.integer(to_int(shard));
  std::vector<LoadedRun> runs;
  for (const auto& row : transaction.execute("recover_runs", std::move(parameters))) {
    RowReader reader(row, 1);
    runs.push_back(read_open_run(reader));
  }
  std::vector<LoadedRun*> found;
  for (LoadedRun& run : runs) found.push_back(&run);
  add_journals(transaction, found);
  return runs;
}

}  // namespace orchestrator::store::postgres
