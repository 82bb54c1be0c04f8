#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/model/queue_limits.hpp"

/// What decides when ready tasks of a queue begin on this node.
namespace orchestrator::runtime {

/// A queue belongs to its namespace: the same name elsewhere is another queue.
struct QueueName {
  std::string namespace_name;
  std::string name;
  auto operator<=>(const QueueName&) const = default;
};

/// The same without copies, for look-ups.
struct QueueNameView {
  QueueNameView(std::string_view of_namespace, std::string_view queue) : namespace_name(of_namespace), name(queue) {}
  // Implicit: a name is as good as a look at it.
  QueueNameView(const QueueName& queue) : namespace_name(queue.namespace_name), name(queue.name) {}
  std::string_view namespace_name;
  std::string_view name;
};

struct ByQueueName {
  using is_transparent = void;
  bool operator()(const auto& left, const auto& right) const {
    const int namespaces = std::string_view{left.namespace_name}.compare(right.namespace_name);
    return namespaces != 0 ? namespaces < 0 : std::string_view{left.name} < std::string_view{right.name};
  }
};

/// What operators say about a queue, over all nodes.
struct QueueRules {
  QueueLimits limits;
  bool paused = false;
  Timestamp paused_at{};
  bool operator==(const QueueRules&) const = default;
};

/// How much of a queue's limits is this node's (runtime/queue_shares.hpp).
struct QueueShare {
  std::int64_t max_in_flight = std::numeric_limits<std::int64_t>::max();
  std::int64_t tokens = 0;  ///< beginnings that a queue with a rate is allowed
  Duration tokens_until{};  ///< steady clock
};

/// What a node has of a queue, and has to do for it.
struct QueueDemand {
  std::int64_t ready = 0;
  std::int64_t in_flight = 0;
  bool is_hungry = false;         ///< something would have begun but for the share
  std::int64_t tokens = 0;        ///< that it may use now
  std::int64_t begun_lately = 0;  ///< in the last kRateWindowSeconds
};

/// Why a task that is ready does not begin, when it is not for want of a worker.
enum class Obstacle : std::uint8_t { queue_paused, max_in_flight, rate, concurrency_per_key, rate_per_key };
inline constexpr std::size_t kObstacleCount = 5;

/// The word of `waiting_on.limit` and of the metrics' label.
inline std::string_view to_string(Obstacle obstacle) {
  switch (obstacle) {
    case Obstacle::queue_paused: return "queue_paused";
    case Obstacle::max_in_flight: return "max_in_flight";
    case Obstacle::rate: return "rate";
    case Obstacle::concurrency_per_key: return "concurrency_per_key";
    case Obstacle::rate_per_key: return "rate_per_key";
  }
  return "";
}

}  // namespace orchestrator::runtime
