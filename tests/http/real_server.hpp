#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

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
  void kill();
  /// SIGTERM, and the exit code.
  int stop();

  [[nodiscard]] unsigned short port() const { return port_; }
  [[nodiscard]] std::string log() const;

 private:
  std::filesystem::path folder_;
  pid_t process_ = 0;
  unsigned short port_ = 0;
};

}  // namespace orchestrator::testing_support
