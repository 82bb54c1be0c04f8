#pragma once

#include <cstdint>
#include <string>

#include "handlers/providers/exchange.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::samples {

/// The OAuth token of one PhonePe account, fetched once and renewed four minutes before it expires. Thread-safe; one
/// caller fetches while the others wait for its answer.
class PhonePeTokens {
 public:
  explicit PhonePeTokens(SampleSettings settings) : settings_(std::move(settings)) {}

  struct Answer {
    std::optional<Outcome> failure;
    std::string token;
  };
  Answer get(const TaskContext& context);
  /// The provider refused `token`: the next get fetches a new one.
  void drop(const std::string& token);

 private:
  const SampleSettings settings_;  // Fixed after construction.
  telemetry::Mutex mutex_;
  std::string token_ ORC_GUARDED_BY(mutex_);
  std::int64_t expires_at_seconds_ ORC_GUARDED_BY(mutex_) = 0;  // Unix time.
};

}  // namespace orchestrator::samples
