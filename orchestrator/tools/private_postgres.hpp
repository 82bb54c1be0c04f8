#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "orchestrator/base/result.hpp"
#include "orchestrator/tools/unprivileged_process.hpp"

namespace orchestrator::tools {

/// A PostgreSQL cluster of our own for `dev`, the demo and tests.
struct PrivatePostgresOptions {
  std::filesystem::path data_dir;  ///< the cluster is in `postgres` below it
  int max_connections = 100;
  int shared_buffers_megabytes = 256;
  bool durable = true;                            ///< false gives up fsync: throw-away clusters of tests only
  std::chrono::milliseconds start_limit{60'000};  ///< recovery after a crash counts in
  std::chrono::milliseconds stop_limit{30'000};
};

/// One running cluster in `<data_dir>/postgres`, reachable over a Unix socket that only its user (and root) can open;
/// it listens on no network address. It goes on running when this object or the process ends; stop() ends it.
class PrivatePostgres {
 public:
  /// Makes the cluster when there is none, adopts the one that already runs there, else starts it; returns when it
  /// accepts connections. Writes `<data_dir>/database-url` (0600). Blocking.
  /// Errors: precondition_failed (no PostgreSQL 15 or newer, unreachable folder, failed initdb), deadline_exceeded.
  static Result<PrivatePostgres> start(PrivatePostgresOptions options);

  /// libpq URI of the database `orchestrator`.
  [[nodiscard]] std::string url() const { return url_of("orchestrator"); }
  /// libpq URI of another database of this cluster.
  [[nodiscard]] std::string url_of(const std::string& database) const;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool is_running();
  /// Starts it again when it is gone. Errors as start().
  Status restart_if_dead();
  /// Fast shutdown, and waits for the end. Errors: deadline_exceeded.
  Status stop();

 private:
  PrivatePostgres(PrivatePostgresOptions options, ProcessUser user, std::filesystem::path programs);

  Status make_cluster();
  Status prepare_folders();
  Status launch();
  Status wait_until_ready();
  [[nodiscard]] pid_t find_running() const;
  [[nodiscard]] std::filesystem::path cluster() const { return options_.data_dir / "postgres"; }
  [[nodiscard]] std::filesystem::path log() const { return options_.data_dir / "postgres.log"; }

  PrivatePostgresOptions options_;
  ProcessUser user_;
  std::filesystem::path programs_;  ///< folder of initdb and postgres
  std::filesystem::path socket_dir_;
  pid_t pid_ = 0;
};

}  // namespace orchestrator::tools
