// Jobs: what differs from workflow runs. Their definition is made, not deployed; they have no journal, so their row
// tells what went wrong; and those with an order key stand in line.
#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/core/job.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

std::pair<std::string, std::string> line_of(const RunHeader& header) {
  return {header.namespace_name, header.job->order_key};
}

}  // namespace

void ShardGroup::find_definition(const RunHeader& header, Definitions::Found found) {
  if (header.kind == RunKind::job) {
    found(FoundDefinition{0, job_definitions_.find(header.workflow, header.queue, header.job)});
  } else {
    parts_.definitions.find(header.namespace_name, header.workflow, header.version, std::move(found));
  }
}

void ShardGroup::find_definition(const StartRequest& request, Definitions::Found found) {
  if (request.job) {
    found(FoundDefinition{0, job_definitions_.find(request.workflow, request.job->queue, request.job->spec)});
  } else {
    parts_.definitions.find(request.namespace_name, request.workflow, request.version, std::move(found));
  }
}

bool ShardGroup::start_job_at_once(StartRequest& request, const std::vector<MessageRef>& done,
                                   Reply<StartAnswer>& reply) {
  if (!request.job || request.key || request.maybe_repeated || !done.empty()) return false;
  const Shard* shard = find_shard(shard_of(request.id));
  if (shard == nullptr || shard->phase != Shard::Phase::active || !shard->refused.empty() ||
      shard->runs.contains(request.id)) {
    return false;
  }
  const FoundDefinition found{0, job_definitions_.find(request.workflow, request.job->queue, request.job->spec)};
  start_now(std::move(request), found, {}, std::move(reply));
  return true;
}

// ---- the row instead of a journal ----------------------------------------------------------------------------------

Result<std::unique_ptr<RunEntry>> ShardGroup::rebuilt_job(RunHeader header, store::RunProgress progress,
                                                          language::DefinitionPtr definition) {
  std::unique_ptr<RunEntry> entry;
  clock_.not_before(progress.started_at.value_or(header.created_at));
  if (progress.job_state) {
    auto record = decode_job_record(*progress.job_state);
    if (!record) return record.error();
    auto run = core::Run::restore(std::move(header), std::move(definition), json_of(record->run));
    if (!run) return run.error();
    entry = std::make_unique<RunEntry>(std::move(*run));
    entry->job_notes = std::make_unique<JobNotes>();
    entry->job_notes->failures = std::move(record->failures);
    if (!entry->job_notes->failures.empty()) clock_.not_before(entry->job_notes->failures.back().at);
  } else {
    entry = std::make_unique<RunEntry>(core::Run(std::move(header), std::move(definition)));
    core::begin_again(parts_.planner, entry->run, progress.started_at);
  }
  entry->row = std::move(progress);
  return entry;
}

void ShardGroup::note_job(RunEntry& entry, const std::vector<HistoryEvent>& events) {
  if (entry.job_notes == nullptr) {
    if (!core::is_remarkable(events)) return;
    entry.job_notes = std::make_unique<JobNotes>();
  }
  core::note_failures(entry.run, events, entry.job_notes->worker, entry.job_notes->failures);
}

std::optional<std::string> ShardGroup::job_state_of(const RunEntry& entry) {
  if (entry.job_notes == nullptr) return std::nullopt;
  JobRecord record{.failures = entry.job_notes->failures, .run = nullptr};
  // Nobody retries what succeeded.
  if (entry.run.state() != RunState::succeeded) record.run = make_payload(entry.run.checkpoint());
  if (record.failures.empty() && !record.run) return std::nullopt;
  return encode_job_record(record);
}

/// `waiting_on` as its row has it.
std::string ShardGroup::waiting_on_text(const RunEntry& entry) {
  if (!entry.is_job() || entry.run.state() != RunState::ready) return dump_json(entry.run.waiting_on());
  const Shard* shard = find_shard(shard_of(entry.run.header().id));
  if (shard != nullptr && is_behind(*shard, entry)) {
    Json items = entry.run.waiting_on();
    for (Json& item : items) {
      item["kind"] = "limit";
      item["order_key"] = entry.run.header().job->order_key;
    }
    return dump_json(items);
  }
  if (entry.job_notes != nullptr) return dump_json(entry.run.waiting_on());
  return std::string(store::kWaitsForWorker);
}

bool ShardGroup::is_in_hand(RunEntry& entry) {
  mark_in_hand(entry);
  return entry.run.state() == RunState::running;
}

// ---- order keys ----------------------------------------------------------------------------------------------------

/// The last place in the line of the spec's order key. All open jobs of a line are in their owner's memory, and the
/// clock of a new owner does not go back, so a place is never given twice.
JobSpecPtr ShardGroup::with_order_number(const Shard& shard, const std::string& namespace_name,
                                         const JobSpecPtr& spec) {
  if (!spec || spec->order_key.empty()) return spec;
  auto placed = std::make_shared<JobSpec>(*spec);
  placed->order_number = to_micros(clock_.now());
  if (const auto line = shard.order_lines.find({namespace_name, spec->order_key}); line != shard.order_lines.end())
    placed->order_number = std::max(placed->order_number, line->second.rbegin()->first + 1);
  return placed;
}

bool ShardGroup::is_behind(const Shard& shard, const RunEntry& entry) {
  if (!entry.is_ordered()) return false;
  const auto line = shard.order_lines.find(line_of(entry.run.header()));
  return line != shard.order_lines.end() && line->second.begin()->second != entry.run.header().id;
}

void ShardGroup::enter_line(Shard& shard, const RunEntry& entry) {
  if (!entry.is_ordered()) return;
  const RunHeader& header = entry.run.header();
  shard.order_lines[line_of(header)].emplace(header.job->order_number, header.id);
}

void ShardGroup::leave_line(Shard& shard, const RunEntry& entry) {
  if (!entry.is_ordered()) return;
  const RunHeader& header = entry.run.header();
  const auto line = shard.order_lines.find(line_of(header));
  if (line == shard.order_lines.end()) return;
  auto& places = line->second;
  const auto place = places.find(header.job->order_number);
  if (place == places.end() || place->second != header.id) return;
  const bool was_head = place == places.begin();
  places.erase(place);
  if (places.empty()) {
    shard.order_lines.erase(line);
  } else if (was_head) {
    // Posted: whoever leaves may be in the middle of a walk over the runs.
    parts_.executor.post(
        [this, next = places.begin()->second, generation = shard.generation] { hand_out_head(next, generation); });
  }
}

/// Its hand-out was left out while it stood in line. When something of it is not committed yet, its commit hands it
/// out.
void ShardGroup::hand_out_head(RunId run_id, std::uint64_t generation) {
  Shard* shard = find_shard(shard_of(run_id));
  if (shard == nullptr || shard->generation != generation || shard->phase != Shard::Phase::active) return;
  const auto found = shard->runs.find(run_id);
  if (found == shard->runs.end()) return;
  RunEntry& entry = *found->second;
  if (entry.uncommitted > 0 || entry.committing || is_closed(entry.run.state())) return;
  if (!is_behind(*shard, entry)) resume(entry, false);
}

}  // namespace orchestrator::runtime
