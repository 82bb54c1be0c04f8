#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "orchestrator/base/result.hpp"
#include "orchestrator/config/config.hpp"

namespace orchestrator::service {
class Service;
}
namespace orchestrator::telemetry {
class Logger;
}

namespace orchestrator::app {

/// Every component of one server process, built in order and joined in the reverse. One per process.
class Server {
 public:
  /// Connects to the database, builds everything, begins to take shards and to accept connections.
  /// Errors: precondition_failed (the database is not migrated: the message says what to run), unavailable (no
  /// database, port taken), invalid_argument, already_exists (two handlers of one name).
  static Result<std::unique_ptr<Server>> start(config::Config config);

  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Under which this server is reached.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::string node_id() const;
  [[nodiscard]] service::Service& service();
  [[nodiscard]] telemetry::Logger& logger();

  /// Waits until work is taken on, at most this long. True when it is.
  bool wait_until_ready(std::chrono::milliseconds time);

  /// Stops accepting, answers long polls with what they have, finishes what is in hand within the configured drain
  /// time, hands the shards over, and joins every thread. Blocking; once.
  void drain_and_stop();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace orchestrator::app
