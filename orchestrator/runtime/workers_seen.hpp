#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::runtime {

/// A remote worker that has claimed from a queue through this node.
struct WorkerReading {
  std::string worker_id;
  std::string queue;
  Duration since_last_claim{};
  std::int64_t in_hand = 0;  ///< tasks that it claimed from this node and holds
};

/// Who claims from which queue, in memory only: for people who look, and to tell two processes with one id apart.
/// Thread-safe.
class WorkersSeen {
 public:
  /// Workers remembered on one node; the one that has been silent longest goes first.
  static constexpr std::size_t kMaxWorkers = 10'000;
  /// A worker that has not claimed for this long is forgotten: ten times the longest wait of a claim.
  static constexpr Duration kForgetAfter = std::chrono::minutes{10};

  /// Notes a claim. False when another process took the worker's id over: the younger process counts, since a worker
  /// that is started again must not wait for its own shadow.
  /// @param instance names the process; empty: not told, and nothing is refused
  bool note(const std::string& namespace_name, const std::string& queue, const std::string& worker_id,
            const std::string& instance, Duration now);

  /// Workers of a namespace by queue and id; `in_hand` is left to the caller.
  [[nodiscard]] std::vector<WorkerReading> of_namespace(const std::string& namespace_name, Duration now) const;

 private:
  using Name = std::pair<std::string, std::string>;  ///< namespace, worker id
  struct Seen {
    std::string instance;
    std::string replaced_instance;                ///< the one before: it is refused from now on
    std::map<std::string, Duration> last_claims;  ///< by queue; steady clock
    Duration last_claim{};
  };

  void make_room(Duration now) ORC_REQUIRES(mutex_);

  mutable telemetry::Mutex mutex_;
  std::map<Name, Seen> workers_ ORC_GUARDED_BY(mutex_);
};

}  // namespace orchestrator::runtime
