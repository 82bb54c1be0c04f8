#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "orchestrator/base/result.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::app {

/// Fetches small public documents (key sets, certificates) one after the other, on a thread of its own that begins with
/// the first one. Follows no redirects. Thread-safe.
class DocumentFetcher {
 public:
  using Done = std::function<void(Result<std::string>)>;

  /// @param allow_private lets it reach loopback and private addresses
  explicit DocumentFetcher(bool allow_private) : allow_private_(allow_private) {}
  /// Ends what is under way; what waits is answered `cancelled`.
  ~DocumentFetcher();

  /// Answers on the fetching thread, also when nothing could be fetched.
  void fetch(std::string url, Done done);

 private:
  struct Asked {
    std::string url;
    Done done;
  };

  void serve();
  Result<std::string> get(const std::string& url);

  const bool allow_private_;
  std::atomic<bool> stopping_{false};
  telemetry::Mutex mutex_;
  telemetry::Condition changed_;
  std::deque<Asked> asked_ ORC_GUARDED_BY(mutex_);
  std::thread thread_ ORC_GUARDED_BY(mutex_);
};

}  // namespace orchestrator::app
