#include "orchestrator/runtime/workers_seen.hpp"

#include <algorithm>

namespace orchestrator::runtime {
namespace {

/// Queues remembered of one worker; workers that claim from more are rare.
constexpr std::size_t kMaxQueues = 100;

}  // namespace

bool WorkersSeen::note(const std::string& namespace_name, const std::string& queue, const std::string& worker_id,
                       const std::string& instance, Duration now) {
  const telemetry::MutexLock lock(mutex_);
  const Name name{namespace_name, worker_id};
  if (!workers_.contains(name)) make_room(now);
  Seen& seen = workers_[name];
  if (!instance.empty() && instance == seen.replaced_instance) return false;
  if (!instance.empty() && instance != seen.instance) {
    seen.replaced_instance = std::exchange(seen.instance, instance);
  }
  seen.last_claim = now;
  std::erase_if(seen.last_claims, [&](const auto& claim) { return now - claim.second > kForgetAfter; });
  if (seen.last_claims.size() < kMaxQueues || seen.last_claims.contains(queue)) seen.last_claims[queue] = now;
  return true;
}

std::vector<WorkerReading> WorkersSeen::of_namespace(const std::string& namespace_name, Duration now) const {
  const telemetry::MutexLock lock(mutex_);
  std::vector<WorkerReading> readings;
  for (auto worker = workers_.lower_bound({namespace_name, ""});
       worker != workers_.end() && worker->first.first == namespace_name; ++worker) {
    for (const auto& [queue, last] : worker->second.last_claims) {
      if (now - last > kForgetAfter) continue;
      readings.push_back({.worker_id = worker->first.second, .queue = queue, .since_last_claim = now - last});
    }
  }
  return readings;
}

void WorkersSeen::make_room(Duration now) {
  if (workers_.size() < kMaxWorkers) return;
  if (std::erase_if(workers_, [&](const auto& worker) { return now - worker.second.last_claim > kForgetAfter; }) > 0)
    return;
  workers_.erase(std::min_element(workers_.begin(), workers_.end(), [](const auto& left, const auto& right) {
    return left.second.last_claim < right.second.last_claim;
  }));
}

}  // namespace orchestrator::runtime
