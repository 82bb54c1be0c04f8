#include "orchestrator/app/upkeep.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "orchestrator/store/postgres/stuck_runs.hpp"
#include "orchestrator/telemetry/log.hpp"
#include "orchestrator/telemetry/metrics.hpp"

namespace orchestrator::app {
namespace {

constexpr std::chrono::hours kInterval{1};
/// After a start: what fell due while nobody was there is fired first.
constexpr std::chrono::minutes kBeforeFirstProof{6};
/// Whatever is just changing has changed by then.
constexpr std::chrono::seconds kBeforeSecondLook{10};

constexpr const char* kRemoved[] = {"partitions", "signals", "deliveries", "answers", "leftovers"};

}  // namespace

Upkeep::Upkeep(std::string url, store::postgres::RetentionLimits limits, telemetry::Metrics& metrics,
               telemetry::Logger& logger)
    : limits_(limits), metrics_(metrics), logger_(logger), thread_([this, url = std::move(url)] { run(url); }) {}

Upkeep::~Upkeep() {
  {
    const telemetry::MutexLock lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void Upkeep::run(const std::string& url) {
  metrics_.gauge(telemetry::kRunsStuckAtRest).set(0);
  for (const char* what : kRemoved) metrics_.counter(telemetry::kRetentionRemovedTotal, {what}).add(0);
  store::postgres::RetentionSweeper sweeper(url);
  for (bool first = true; goes_on(); first = false) {
    const bool did_it = sweep(sweeper);
    if (first && !pause(kBeforeFirstProof)) return;
    if (did_it) look_for_stuck_runs(url);
    if (!pause(kInterval)) return;
  }
}

bool Upkeep::sweep(store::postgres::RetentionSweeper& sweeper) {
  const auto report = sweeper.sweep(limits_, [this] { return goes_on(); });
  if (!report) {
    logger_.warn("retention_failed", {{"reason", report.error().message}});
    return false;
  }
  if (!report->swept) return false;
  const std::int64_t removed[] = {report->partitions_dropped, report->signals_deleted, report->deliveries_deleted,
                                  report->answers_deleted, report->leftovers_deleted};
  for (std::size_t i = 0; i < std::size(kRemoved); ++i) {
    metrics_.counter(telemetry::kRetentionRemovedTotal, {kRemoved[i]}).add(static_cast<double>(removed[i]));
  }
  logger_.info("retention_swept", {{"partitions_dropped", report->partitions_dropped},
                                   {"partitions_kept", report->partitions_kept},
                                   {"runs_moved", report->runs_moved},
                                   {"signals", report->signals_deleted},
                                   {"deliveries", report->deliveries_deleted},
                                   {"answers", report->answers_deleted},
                                   {"leftovers", report->leftovers_deleted}});
  return true;
}

void Upkeep::look_for_stuck_runs(const std::string& url) {
  store::postgres::StuckRunReader reader(url);
  const auto going = [this] { return goes_on(); };
  auto stuck = reader.read(going);
  if (stuck && stuck->count > 0) {
    if (!pause(kBeforeSecondLook)) return;
    const auto again = reader.read(going);
    if (!again) return;
    std::erase_if(stuck->examples, [&](const auto& run) {
      return std::none_of(again->examples.begin(), again->examples.end(),
                          [&](const auto& other) { return other.run_id == run.run_id; });
    });
    stuck->count = std::min(stuck->count, again->count);
    if (stuck->examples.empty()) stuck->count = 0;
  }
  if (!stuck) {
    logger_.warn("stuck_runs_not_read", {{"reason", stuck.error().message}});
    return;
  }
  metrics_.gauge(telemetry::kRunsStuckAtRest).set(static_cast<double>(stuck->count));
  for (const auto& run : stuck->examples) {
    logger_.error("run_stuck", {{"run_id", run.run_id.str()},
                                {"namespace", run.namespace_name},
                                {"workflow", run.workflow},
                                {"reason", run.why}});
  }
}

bool Upkeep::pause(std::chrono::seconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  const telemetry::MutexLock lock(mutex_);
  while (!ending_ && ended_.wait_until(mutex_, deadline)) {
  }
  return !ending_;
}

bool Upkeep::goes_on() {
  const telemetry::MutexLock lock(mutex_);
  return !ending_;
}

}  // namespace orchestrator::app
