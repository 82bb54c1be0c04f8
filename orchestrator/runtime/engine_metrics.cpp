#include "orchestrator/runtime/engine_metrics.hpp"

namespace orchestrator::runtime {
namespace {

constexpr std::array<std::string_view, 5> kOutcomes{"completed", "failed", "unknown", "snoozed", "cancelled"};
constexpr std::array<std::string_view, 8> kFates{"delivered", "buffered", "consumed", "expired",
                                                 "unmatched", "rejected", "started",  "duplicate"};
constexpr std::array<std::string_view, 11> kTables{"journal",   "open_runs",      "closed_runs", "checkpoints",
                                                   "signals",   "signal_waits",   "inbox",       "idempotency",
                                                   "schedules", "schedule_slots", "audit"};

}  // namespace

EngineMetrics::EngineMetrics(telemetry::Metrics& metrics) {
  for (std::size_t kind = 0; kind < started_.size(); ++kind) {
    const auto kind_word = to_string(static_cast<RunKind>(kind));
    started_[kind] = metrics.counter(telemetry::kRunsStartedTotal, {kind_word});
    for (std::size_t state = 0; state < closed_[kind].size(); ++state) {
      if (!is_closed(static_cast<RunState>(state))) continue;
      closed_[kind][state] =
          metrics.counter(telemetry::kRunsClosedTotal, {kind_word, to_string(static_cast<RunState>(state))});
    }
  }
  for (std::size_t i = 0; i < kOutcomes.size(); ++i)
    steps_[i] = metrics.counter(telemetry::kStepsTotal, {kOutcomes[i]});
  for (std::size_t i = 0; i < kFates.size(); ++i) signals_[i] = metrics.counter(telemetry::kSignalsTotal, {kFates[i]});
  for (std::size_t i = 0; i < kTables.size(); ++i) rows_[i] = metrics.counter(telemetry::kStoreRowsTotal, {kTables[i]});
  for (std::size_t i = 0; i < schedule_slots_.size(); ++i) {
    schedule_slots_[i] =
        metrics.counter(telemetry::kScheduleSlotsTotal, {store::to_string(static_cast<store::SlotOutcome>(i))});
  }
  schedule_lateness_seconds = metrics.histogram(telemetry::kScheduleLatenessSeconds);
  steps_lost = metrics.counter(telemetry::kStepsTotal, {"lost"});
  tasks_claimed = metrics.counter(telemetry::kTasksClaimedTotal);
  leases_lost = metrics.counter(telemetry::kTaskLeasesLostTotal);
  claims_served = metrics.counter(telemetry::kTaskClaimsTotal, {"tasks"});
  claims_empty = metrics.counter(telemetry::kTaskClaimsTotal, {"empty"});
  steps_timed_out = metrics.counter(telemetry::kStepsTotal, {"timed_out"});
  commits = metrics.counter(telemetry::kStoreCommitsTotal, {"committed"});
  commits_failed = metrics.counter(telemetry::kStoreCommitsTotal, {"failed"});
  commits_in_doubt = metrics.counter(telemetry::kStoreCommitsTotal, {"in_doubt"});
  batches_refused = metrics.counter(telemetry::kStoreCommitsTotal, {"refused"});
  commit_seconds = metrics.histogram(telemetry::kStoreCommitSeconds);
  timer_lag_seconds = metrics.histogram(telemetry::kTimerLagSeconds);
  poisoned = metrics.counter(telemetry::kPoisonedTotal, {"data_error"});
  poisoned_lost = metrics.counter(telemetry::kPoisonedTotal, {"worker_lost"});
  take_overs = metrics.counter(telemetry::kTakeOversTotal);
  ownership_lost = metrics.counter(telemetry::kOwnershipLostTotal);
  inbox_rows = metrics.counter(telemetry::kInboxRowsTotal);
  shard_reloads = metrics.counter(telemetry::kShardReloadsTotal, {"failed_batch"});
}

void EngineMetrics::count_rows(const store::Batch& batch) const {
  const std::array<std::size_t, kTables.size()> counts{batch.journal.size(),
                                                       batch.opened.size() + batch.updated.size(),
                                                       batch.closed.size(),
                                                       batch.checkpoints.size(),
                                                       batch.signals.size(),
                                                       batch.waits_added.size(),
                                                       batch.outgoing.size(),
                                                       batch.idempotency.size(),
                                                       batch.schedules.size() + batch.schedules_moved.size(),
                                                       batch.schedule_slots.size(),
                                                       batch.audit.size()};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) rows_[i].add(static_cast<double>(counts[i]));
  }
}

const telemetry::Counter& EngineMetrics::signal(std::string_view fate) const {
  for (std::size_t i = 0; i < kFates.size(); ++i) {
    if (kFates[i] == fate) return signals_[i];
  }
  return signals_[1];
}

}  // namespace orchestrator::runtime
