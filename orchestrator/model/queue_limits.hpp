#pragma once

#include <cstdint>
#include <optional>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"

namespace orchestrator {

/// At most `count` beginnings at once, and `count` more in every `per_seconds` (model/token_bucket.hpp).
struct RateLimit {
  std::int64_t count = 1;
  std::int64_t per_seconds = 1;
  bool operator==(const RateLimit&) const = default;
};

/// Bounds of what a caller may ask for. Source: docs/operations/limits.md.
inline constexpr std::int64_t kMaxQueueInFlight = 1'000'000;
inline constexpr std::int64_t kMaxRateCount = 1'000'000;
inline constexpr std::int64_t kMaxRateSeconds = 86'400;
inline constexpr std::int64_t kMaxQueueWeight = 1'000;
/// What a job with a concurrency key gets in a queue that does not say.
inline constexpr std::int64_t kDefaultConcurrencyPerKey = 1;

/// What a queue of one namespace may have in hand and begin, over all nodes. Nothing: no limit, but for
/// kDefaultConcurrencyPerKey.
struct QueueLimits {
  std::optional<std::int64_t> max_in_flight;
  std::optional<std::int64_t> concurrency_per_key;
  std::optional<RateLimit> rate_per_key;
  std::optional<RateLimit> rate;
  std::optional<std::int64_t> weight;  ///< of its beginnings against those of others; nothing: 1
  bool operator==(const QueueLimits&) const = default;
};

/// The object of PUT /v1/queues/{name}/limits; limits that are not set are left out.
Json to_json(const QueueLimits& limits);
/// Of what to_json wrote. Errors: invalid_argument.
Result<QueueLimits> queue_limits_from(const Json& object);

}  // namespace orchestrator
