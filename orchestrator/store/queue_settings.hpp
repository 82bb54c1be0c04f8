#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/model/audit_entry.hpp"
#include "orchestrator/model/queue_limits.hpp"

namespace orchestrator::store {

/// What operators have said about a queue. A queue nobody said anything about has no row.
struct QueueSettingsRow {
  std::string namespace_name;
  std::string name;
  QueueLimits limits;
  bool paused = false;
  std::string reason;                  ///< of the pause; may be empty
  std::optional<Timestamp> paused_at;  ///< of the first pause since the last resume
  Timestamp changed_at{};
  std::int64_t revision = 0;  ///< grows with each change of any queue, in the order in which they were committed
};

/// One change; members that are not set stay as they are.
struct QueueSettingsChange {
  std::string namespace_name;
  std::string name;
  std::optional<QueueLimits> limits;
  std::optional<bool> paused;
  std::string reason;  ///< with `paused`
  std::optional<AuditEntry> audit;
};

/// Queues with settings that one installation has room for; each node keeps them in memory.
inline constexpr std::int64_t kMaxQueueSettings = 10'000;

inline Unexpected no_room_for_queue_settings() {
  return fail(ErrorCode::resource_exhausted, "too many queues have settings; give those of others back first");
}

}  // namespace orchestrator::store
