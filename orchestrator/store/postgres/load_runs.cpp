#include "orchestrator/store/postgres/load_runs.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

std::optional<CheckpointRow> read_checkpoint(RowReader& reader, ShardId shard, RunId run_id) {
  if (reader.next_is_null()) {
    reader.skip();
    reader.skip();
    return std::nullopt;
  }
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

/// A column of `[[seq, at, events], ...]`; null when the run has no later row.
std::vector<JournalRow> read_journal_column(RowReader& reader, const OpenRunRow& run) {
  std::vector<JournalRow> journal;
  const Payload rows = reader.payload();
  if (!rows) return journal;
  journal.reserve(rows->size());
  for (const Json& row : *rows) {
    journal.push_back({.shard = run.shard,
                       .run_id = run.header.id,
                       .seq = row.at(0).get<EventId>(),
                       .at = from_micros(row.at(1).get<std::int64_t>()),
                       .events = row.at(2).get<std::string>()});
  }
  return journal;
}

}  // namespace

std::vector<std::optional<FoundOpenRun>> load_open_runs(Transaction& transaction, const std::vector<RunId>& ids) {
  std::vector<std::optional<FoundOpenRun>> runs(ids.size());
  for (const auto& row : transaction.execute("load_open_runs", shards_and_ids(ids, false))) {
    RowReader reader(row);
    FoundOpenRun& found = runs.at(static_cast<std::size_t>(reader.bigint() - 1)).emplace();
    found.run = read_open_run(reader);
    found.run.journal = read_journal_column(reader, found.run.row);
    found.has_addressed_signals = reader.boolean();
  }
  return runs;
}

std::vector<std::optional<LoadedClosedRun>> load_closed_runs(Transaction& transaction, const std::vector<RunId>& ids) {
  std::vector<std::optional<LoadedClosedRun>> runs(ids.size());
  std::vector<LoadedClosedRun*> found;
  for (const auto& row : transaction.execute("load_closed_runs", shards_and_ids(ids, true))) {
    RowReader reader(row);
    auto& run = runs.at(static_cast<std::size_t>(reader.bigint() - 1));
    run = read_closed_run(reader);
    found.push_back(&*run);
  }
  add_journals(transaction, found);
  return runs;
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
