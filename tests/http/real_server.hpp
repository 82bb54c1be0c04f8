#pragma once

#include <filesystem>
#include <string>

#include "tests/http/server_process.hpp"

namespace orchestrator::testing_support {

/// The shipped binary as `orchestrator dev`, with a private PostgreSQL in a folder of its own. Both end with this
/// object.
class RealServer {
 public:
  static constexpr const char* kAdminKey = "real-server-test-key";
  static constexpr const char* kOperatorKey = "real-server-operator-key";

  RealServer();
  ~RealServer();
  RealServer(const RealServer&) = delete;
  RealServer& operator=(const RealServer&) = delete;

  /// Starts it, again after kill(). False when no ready line came within a minute; log() says why.
  bool start();
  /// SIGKILL of the server; PostgreSQL stays up, as after a crash.
  void kill() { process_.kill(); }
  /// SIGTERM, and the exit code.
  int stop() { return process_.stop(); }

  [[nodiscard]] unsigned short port() const { return process_.port(); }
  /// Of its private PostgreSQL.
  [[nodiscard]] std::string database_url() const;
  [[nodiscard]] std::string log() const { return process_.log(); }

 private:
  std::filesystem::path folder_;
  ServerProcess process_;
};

}  // namespace orchestrator::testing_support
