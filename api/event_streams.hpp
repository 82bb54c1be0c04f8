#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "api/api.hpp"

namespace orchestrator::api {

/// The event streams of one process: how many there are, and how they end with it. Thread-safe; outlives the streams.
class EventStreams {
 public:
  EventStreams(std::int64_t most, std::function<void(const EventStreamReport&)> report)
      : most_(most), report_(std::move(report)) {}

  /// A place for one more; false when there are as many as may be.
  bool enter();
  void leave();
  void left_out(std::uint64_t count) const;

 private:
  const std::int64_t most_;
  const std::function<void(const EventStreamReport&)> report_;
  std::atomic<std::int64_t> open_{0};
};

}  // namespace orchestrator::api
