#pragma once

#include <map>
#include <memory>
#include <string>

#include "orchestrator_client/task.hpp"

namespace orchestrator_client {

/// What a worker is told. Times are whole seconds where the server takes whole seconds.
struct WorkerOptions {
  std::string url = "http://127.0.0.1:8080";  ///< plain HTTP; put a proxy in front of the server for TLS
  std::string api_key;
  std::string namespace_name;  ///< only for keys that hold several
  std::string queue = "default";
  std::string worker_id;                    ///< empty: host, process id and a random part
  int concurrency = 4;                      ///< tasks performed at once, one thread each; 1 to 500
  int prefetch = 0;                         ///< tasks held beside those, ready to begin
  std::chrono::seconds lease{30};           ///< 1 to 3600; renewed at a third
  std::chrono::seconds wait{20};            ///< how long a claim waits for work; 0 to 60
  std::chrono::milliseconds drain{30'000};  ///< how long `run` lets handlers finish after `stop`
};

/// The options with url, api key and namespace from ORCHESTRATOR_URL, ORCHESTRATOR_API_KEY and
/// ORCHESTRATOR_NAMESPACE, where those are set.
WorkerOptions options_from_environment(WorkerOptions options = {});

/// Thrown by `run` when no claim can ever succeed: a refused key, a queue that cannot be.
class ClaimRefused : public std::runtime_error {
 public:
  ClaimRefused(int status_, const std::string& what) : std::runtime_error(what), status(status_) {}
  int status;
};

/// Claims tasks of one queue and performs them on threads of its own. Every task gets one outcome, sent again,
/// unchanged, until the server has answered it; what a stale token would say is dropped. Runs once.
class Worker {
 public:
  /// std::invalid_argument when an option is out of range.
  explicit Worker(WorkerOptions options);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Before `run`. std::invalid_argument when the name has a handler.
  void handle(const std::string& name, Handler handler);

  /// Works until `stop`: then what has begun is finished, and what has not is released.
  void run();
  /// Asks `run` to end. Returns at once; any thread, not from a signal handler.
  void stop();

  [[nodiscard]] const std::string& worker_id() const;

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace orchestrator_client
