#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::api {

/// Requests that wait for something to happen (`?wait=`), so that a server that ends can answer them at once. Any
/// thread.
class LongPolls {
 public:
  /// Registers what answers the caller early; it is called at most once, by `answer_all`. Nothing when the server is
  /// ending already: do not wait.
  std::optional<std::uint64_t> add(std::function<void()> answer_now);
  /// False when answer_all came first: the request has been answered, leave it alone.
  bool remove(std::uint64_t ticket);
  /// Answers everybody, and refuses to add from now on.
  void answer_all();

 private:
  telemetry::Mutex mutex_;
  std::map<std::uint64_t, std::function<void()>> waiting_ ORC_GUARDED_BY(mutex_);
  std::uint64_t next_ticket_ ORC_GUARDED_BY(mutex_) = 1;
  bool closed_ ORC_GUARDED_BY(mutex_) = false;
};

}  // namespace orchestrator::api
