#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "handlers/providers/exchange.hpp"

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
  std::mutex mutex_;
  std::string token_;                    // Guarded by mutex_.
  std::int64_t expires_at_seconds_ = 0;  // Guarded by mutex_. Unix time.
};

}  // namespace orchestrator::samples
