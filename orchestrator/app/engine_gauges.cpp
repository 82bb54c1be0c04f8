#include "orchestrator/app/engine_gauges.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "orchestrator/model/run_state.hpp"
#include "orchestrator/runtime/node.hpp"
#include "orchestrator/store/postgres/database_figures.hpp"
#include "orchestrator/store/postgres/health.hpp"
#include "orchestrator/telemetry/log.hpp"
#include "orchestrator/telemetry/metrics.hpp"

namespace orchestrator::app {
namespace {

/// Between two looks at the database. Vacuum trouble grows over minutes.
constexpr std::chrono::seconds kInterval{15};

/// Of the queues that have one name.
struct QueueSum {
  std::int64_t depth = 0;
  std::int64_t in_flight = 0;
  Duration oldest{};
  int paused = 0;
  std::array<std::int64_t, runtime::kObstacleCount> waiting{};
};

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// Queues of one name in several namespaces are one series: who looks here runs the installation. A queue that is
/// forgotten goes back to zero instead of staying at its last figures.
void show_queues(const runtime::Node& node, telemetry::Metrics& metrics, std::set<std::string>& shown) {
  std::map<std::string, QueueSum> sums;
  for (const std::string& name : shown) sums[name];
  for (const runtime::QueueReading& queue : node.workers().queues()) {
    QueueSum& sum = sums[queue.queue.name];
    sum.depth += queue.depth;
    sum.in_flight += queue.in_flight;
    sum.oldest = std::max(sum.oldest, queue.oldest_ready_age);
    sum.paused += queue.rules.paused ? 1 : 0;
    for (std::size_t i = 0; i < runtime::kObstacleCount; ++i) sum.waiting[i] += queue.waiting[i];
  }
  for (const auto& [name, sum] : sums) {
    if (shown.size() < static_cast<std::size_t>(telemetry::kMaxSeriesPerMetric)) shown.insert(name);
    metrics.gauge(telemetry::kQueueDepth, {name}).set(static_cast<double>(sum.depth));
    metrics.gauge(telemetry::kQueueInFlight, {name}).set(static_cast<double>(sum.in_flight));
    metrics.gauge(telemetry::kQueueOldestReadyAgeSeconds, {name}).set(seconds_of(sum.oldest));
    metrics.gauge(telemetry::kQueuePaused, {name}).set(sum.paused);
    for (std::size_t i = 0; i < runtime::kObstacleCount; ++i) {
      const auto limit = to_string(static_cast<runtime::Obstacle>(i));
      metrics.gauge(telemetry::kQueueLimitWaits, {name, limit}).set(static_cast<double>(sum.waiting[i]));
    }
  }
  const runtime::RemoteReading remote = node.workers().remote();
  metrics.gauge(telemetry::kTasksInRemoteHands).set(static_cast<double>(remote.claimed));
  metrics.gauge(telemetry::kClaimsWaiting).set(static_cast<double>(remote.waiting));
}

void show_node(const runtime::Node& node, telemetry::Metrics& metrics) {
  const runtime::NodeGauges gauges = node.gauges();
  metrics.gauge(telemetry::kShardsOwned).set(static_cast<double>(gauges.shards_owned));
  metrics.gauge(telemetry::kHeartbeatAgeSeconds).set(seconds_of(gauges.heartbeat_age));
  metrics.gauge(telemetry::kRunsStuck).set(static_cast<double>(gauges.runs_stuck));
  metrics.gauge(telemetry::kJobsParked).set(static_cast<double>(gauges.jobs_parked));
  metrics.gauge(telemetry::kHandlerSlotsBusy).set(node.workers().in_flight());
  for (std::size_t index = 0; index < gauges.runs_by_state.size(); ++index) {
    const auto state = static_cast<RunState>(index);
    if (is_closed(state)) continue;
    metrics.gauge(telemetry::kOpenRuns, {to_string(state)}).set(static_cast<double>(gauges.runs_by_state[index]));
  }
}

/// A handler that somebody performs by now goes back to zero instead of staying at its last count.
void show_missing_handlers(const runtime::Node& node, telemetry::Metrics& metrics, std::set<std::string>& shown) {
  const runtime::NodeGauges gauges = node.gauges();
  for (const auto& [handler, steps] : gauges.steps_without_handler) shown.insert(handler);
  for (const std::string& handler : shown) {
    const auto found = gauges.steps_without_handler.find(handler);
    const std::int64_t steps = found == gauges.steps_without_handler.end() ? 0 : found->second;
    metrics.gauge(telemetry::kStepsWithoutHandler, {handler}).set(static_cast<double>(steps));
  }
}

/// How long ago the database was last read. Shared with the metrics, which may be rendered after the reader has ended.
class LastLook {
 public:
  void now() { at_ = std::chrono::steady_clock::now().time_since_epoch().count(); }
  [[nodiscard]] double age_seconds() const {
    const std::chrono::steady_clock::duration since{at_};
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch() - since).count();
  }

 private:
  std::atomic<std::chrono::steady_clock::rep> at_{std::chrono::steady_clock::now().time_since_epoch().count()};
};

void show_figures(const store::postgres::DatabaseFigures& figures, telemetry::Metrics& metrics) {
  const auto show = [&](const telemetry::MetricDeclaration& gauge, std::int64_t value) {
    metrics.gauge(gauge).set(static_cast<double>(value));
  };
  show(telemetry::kStoreDatabaseBytes, figures.bytes);
  show(telemetry::kStoreSessions, figures.sessions);
  show(telemetry::kStoreSessionsLimit, figures.sessions_limit);
  show(telemetry::kStoreTransactionIdAge, figures.transaction_id_age);
  show(telemetry::kInboxWaiting, figures.messages_waiting);
  metrics.gauge(telemetry::kInboxOldestAgeSeconds).set(seconds_of(figures.oldest_message_age));
  metrics.gauge(telemetry::kScheduleOverdueSeconds).set(seconds_of(figures.schedule_overdue));
  for (const auto& table : figures.tables) {
    metrics.gauge(telemetry::kStoreRows, {table.name}).set(static_cast<double>(table.live));
    metrics.gauge(telemetry::kStoreDeadRows, {table.name}).set(static_cast<double>(table.dead));
  }
}

}  // namespace

void show_node_gauges(const runtime::Node& node, telemetry::Metrics& metrics) {
  // Scrapes may come on several I/O threads at once.
  struct Shown {
    std::mutex mutex;
    std::set<std::string> handlers;  // Guarded by mutex.
    std::set<std::string> queues;    // Guarded by mutex.
  };
  metrics.before_render([&node, &metrics, shown = std::make_shared<Shown>()] {
    show_node(node, metrics);
    const std::lock_guard lock(shown->mutex);
    show_queues(node, metrics, shown->queues);
    show_missing_handlers(node, metrics, shown->handlers);
  });
}

DatabaseGauges::DatabaseGauges(std::string url, telemetry::Metrics& metrics, telemetry::Logger& logger)
    : metrics_(metrics), logger_(logger), thread_([this, url = std::move(url)] { run(url); }) {}

DatabaseGauges::~DatabaseGauges() {
  {
    const telemetry::MutexLock lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void DatabaseGauges::run(const std::string& url) {
  const telemetry::Gauge snapshot_age = metrics_.gauge(telemetry::kStoreOldestSnapshotAgeSeconds);
  const telemetry::Gauge unmatched = metrics_.gauge(telemetry::kSignalsUnmatched);
  const telemetry::Gauge oldest_unmatched = metrics_.gauge(telemetry::kSignalsUnmatchedOldestAgeSeconds);
  const telemetry::Gauge dead_letters = metrics_.gauge(telemetry::kDeadLetters);
  const telemetry::Gauge approvals = metrics_.gauge(telemetry::kApprovalsWaiting);
  const telemetry::Gauge operations = metrics_.gauge(telemetry::kOperationOpen);
  const telemetry::Gauge oldest_operation = metrics_.gauge(telemetry::kOperationOldestAgeSeconds);
  const telemetry::Gauge audit_rows = metrics_.gauge(telemetry::kAuditRows);
  const telemetry::Gauge oldest_dead_letter = metrics_.gauge(telemetry::kDeadLettersOldestAgeSeconds);
  const telemetry::Gauge clock_ahead = metrics_.gauge(telemetry::kStoreClockAheadSeconds);
  const auto last_look = std::make_shared<LastLook>();
  metrics_.before_render(
      [last_look, age = metrics_.gauge(telemetry::kStoreLookAgeSeconds)] { age.set(last_look->age_seconds()); });
  store::postgres::HealthReader reader(url);
  bool failing = false;
  do {
    const auto health = reader.read();
    const auto figures = health ? reader.read_figures() : health.error();
    if (figures) {
      failing = false;
      last_look->now();
      show_figures(*figures, metrics_);
      clock_ahead.set(seconds_of(health->clock_ahead));
      const auto& oldest = health->oldest_snapshot;
      snapshot_age.set(oldest ? std::chrono::duration<double>(oldest->age).count() : 0);
      unmatched.set(static_cast<double>(health->unmatched_signals));
      approvals.set(static_cast<double>(health->approvals_waiting));
      operations.set(static_cast<double>(health->open_operations));
      oldest_operation.set(seconds_of(health->oldest_operation_age));
      audit_rows.set(static_cast<double>(health->audit_rows));
      oldest_unmatched.set(seconds_of(health->oldest_unmatched_signal_age));
      dead_letters.set(static_cast<double>(health->dead_letters));
      oldest_dead_letter.set(std::chrono::duration<double>(health->oldest_dead_letter_age).count());
    } else if (!std::exchange(failing, true)) {
      logger_.warn("database_gauges_not_read", {{"reason", figures.error().message}});
    }
  } while (pause());
}

bool DatabaseGauges::pause() {
  const auto deadline = std::chrono::steady_clock::now() + kInterval;
  const telemetry::MutexLock lock(mutex_);
  while (!ending_ && ended_.wait_until(mutex_, deadline)) {
  }
  return !ending_;
}

}  // namespace orchestrator::app
