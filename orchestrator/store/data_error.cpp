#include "orchestrator/store/data_error.hpp"

#include <algorithm>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace orchestrator::store {
namespace {

std::vector<Subject> subjects_of(const Batch& batch) {
  std::set<Subject> subjects;
  for (const auto& row : batch.journal) subjects.insert(row.run_id);
  for (const auto& row : batch.opened) subjects.insert(row.header.id);
  for (const auto& row : batch.updated) subjects.insert(row.run_id);
  for (const auto& row : batch.closed) subjects.insert(row.header.id);
  for (const auto& row : batch.checkpoints) subjects.insert(row.run_id);
  for (const auto& row : batch.waits_added) subjects.insert(row.run_id);
  for (const auto& row : batch.task_leases) subjects.insert(row.run_id);
  for (const auto& row : batch.signals) subjects.insert(row.signal_id);
  return {subjects.begin(), subjects.end()};
}

Batch part_of(const Batch& batch, std::span<const Subject> subjects) {
  const auto is_wanted = [&](const Subject& subject) {
    return std::binary_search(subjects.begin(), subjects.end(), subject);
  };
  const auto keep = [](auto& rows, const auto& wanted) {
    std::erase_if(rows, [&](const auto& row) { return !wanted(row); });
  };
  const auto by_run = [&](const auto& row) { return is_wanted(row.run_id); };
  const auto by_header = [&](const auto& row) { return is_wanted(row.header.id); };
  Batch part = batch;
  keep(part.journal, by_run);
  keep(part.opened, by_header);
  keep(part.updated, by_run);
  keep(part.closed, by_header);
  keep(part.revived, [&](const RunId& run) { return is_wanted(run); });
  keep(part.checkpoints, by_run);
  keep(part.signals, [&](const auto& row) { return is_wanted(row.signal_id); });
  keep(part.waits_added, by_run);
  keep(part.waits_removed, by_run);
  keep(part.task_leases, by_run);
  part.outgoing.clear();
  part.inbox_done.clear();
  part.idempotency.clear();
  part.schedules_removed.clear();
  part.schedules.clear();
  part.schedules_moved.clear();
  part.schedule_slots.clear();
  part.audit.clear();
  return part;
}

DataError data_error_of(const Error& error) {
  DataError found;
  found.message = error.message;
  for (const auto& [name, value] : error.members) {
    if (name == "sqlstate") found.sqlstate = value;
  }
  return found;
}

}  // namespace

Result<DataError> find_data_error(const Batch& batch, const std::function<Status(const Batch& part)>& attempt) {
  const std::vector<Subject> subjects = subjects_of(batch);
  std::span<const Subject> suspects{subjects};
  DataError found;
  // Each round knows that the suspects fail together and looks for the half that fails alone.
  Status outcome = attempt(part_of(batch, suspects));
  if (outcome) return found;
  if (outcome.error().code != ErrorCode::invalid_argument) return outcome.error();
  found = data_error_of(outcome.error());
  while (suspects.size() > 1) {
    const auto left = suspects.first(suspects.size() / 2);
    const auto right = suspects.subspan(left.size());
    bool is_narrowed = false;
    for (const auto half : {left, right}) {
      outcome = attempt(part_of(batch, half));
      if (outcome) continue;
      if (outcome.error().code != ErrorCode::invalid_argument) return outcome.error();
      found = data_error_of(outcome.error());
      suspects = half;
      is_narrowed = true;
      break;
    }
    if (!is_narrowed) return found;  // each half is fine: two subjects contradict each other
  }
  if (!suspects.empty()) found.subject = suspects.front();
  return found;
}

}  // namespace orchestrator::store
