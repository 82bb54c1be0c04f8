// Dead letters: failed runs that wait for a person, each with the reason and the attempts that its last events tell.
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/model/job_record.hpp"
#include "orchestrator/model/job_spec.hpp"
#include "orchestrator/service/engine_service.hpp"

namespace orchestrator::service {
namespace {

/// Rows of a run's journal that are read for its list item: an attempt has two or three.
constexpr std::int32_t kTrailRows = 3 * static_cast<std::int32_t>(core::kMaxShownAttempts);

std::string_view outcome_of(const std::string& error) {
  if (error == "States.Timeout") return "timed_out";
  return error == "Orchestrator.WorkerLost" ? "lost" : "failed";
}

/// A job's row keeps its last failures instead of a journal.
DeadLetterReading job_reading_of(store::RunView view, const store::DeadLetterTrail& trail) {
  DeadLetterReading reading;
  const auto record = trail.job_state ? decode_job_record(*trail.job_state) : Result<JobRecord>(JobRecord{});
  if (record) {
    for (const FailedAttempt& failure : record->failures) {
      core::DeadLetterAttempt attempt;
      attempt.outcome = outcome_of(failure.error);
      attempt.ended_at = failure.at;
      attempt.worker = failure.worker;
      attempt.error = failure.error;
      attempt.cause = failure.cause;
      reading.attempts.push_back(std::move(attempt));
    }
  }
  // Given up before its last attempt: the failure was one that must not be repeated.
  const bool was_last = view.attempts >= job_spec_of(view.header.job).max_attempts;
  if (!reading.attempts.empty()) reading.attempts.back().retryable = was_last;
  reading.reason = core::reason_of(view.error, view.attempts, reading.attempts);
  reading.view = std::move(view);
  return reading;
}

DeadLetterReading reading_of(store::RunView view, const store::DeadLetterTrail& trail) {
  if (view.header.kind == RunKind::job) return job_reading_of(std::move(view), trail);
  std::vector<HistoryEvent> events;
  for (const auto& row : trail.journal) {
    auto decoded = decode_events(row.events, row.seq, row.at);
    if (!decoded) continue;  // the history of that run says so; the list shows the rest
    events.insert(events.end(), std::make_move_iterator(decoded->begin()), std::make_move_iterator(decoded->end()));
  }
  DeadLetterReading reading;
  reading.attempts = core::failed_attempts(events);
  reading.reason = core::reason_of(view.error, view.attempts, reading.attempts);
  reading.view = std::move(view);
  return reading;
}

}  // namespace

void EngineService::list_dead_letters(store::RunFilter filter, std::optional<core::DeadLetterReason> reason,
                                      Reply<DeadLetterPage> reply) {
  filter.only_dead_letters = true;
  store_.list_runs(std::move(filter), [this, reason, reply = std::move(reply)](Result<store::RunPage> runs) {
    if (!runs) return reply(std::move(runs).error());
    std::vector<RunId> ids;
    for (const auto& view : runs->items) ids.push_back(view.header.id);
    // Shared: the callback must be copyable.
    auto page = std::make_shared<store::RunPage>(std::move(*runs));
    store_.read_dead_letter_trails(std::move(ids), kTrailRows,
                                   [page, reason, reply](const Result<std::vector<store::DeadLetterTrail>>& trails) {
                                     if (!trails) return reply(trails.error());
                                     DeadLetterPage answer;
                                     answer.next_cursor = page->next_cursor;
                                     for (std::size_t i = 0; i < page->items.size(); ++i) {
                                       DeadLetterReading item = reading_of(std::move(page->items[i]), trails->at(i));
                                       if (!reason || item.reason == *reason) answer.items.push_back(std::move(item));
                                     }
                                     reply(std::move(answer));
                                   });
  });
}

void EngineService::discard_dead_letter(store::DiscardRequest request, Reply<RunReading> reply) {
  const RunId run_id = request.run_id;
  if (!is_ours(run_id)) return reply(Error(ErrorCode::not_found, "no such run"));
  const std::string namespace_name = request.namespace_name;
  // Read first: a run of another namespace is not found, and one that closed a moment ago may not be written yet.
  read_run(namespace_name, run_id,
           [this, request = std::move(request), reply = std::move(reply)](const Result<RunReading>& found) {
             if (!found) return reply(found.error());
             const auto again = [this, request, reply](const Result<void>& discarded) {
               if (!discarded) return reply(discarded.error());
               read_from_store(request.namespace_name, request.run_id, false, reply);
             };
             store_.discard_dead_letter(request, again);
           });
}

}  // namespace orchestrator::service
