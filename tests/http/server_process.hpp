#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace orchestrator::testing_support {

/// The shipped binary as a process, with an environment of its own and its log in a file. Ends with this object.
class ServerProcess {
 public:
  explicit ServerProcess(std::filesystem::path log) : log_(std::move(log)) {}
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// Runs `arguments` (a verb and its flags) with nothing in the environment but `settings`, NAME=VALUE each. False
  /// when no ready line came within a minute, or the process ended.
  bool start(const std::vector<std::string>& arguments, const std::vector<std::string>& settings);
  /// SIGKILL, as in a crash.
  void kill();
  /// SIGTERM, and the exit code.
  int stop();
  /// Waits for a process that ends by itself: its exit code.
  int wait();

  [[nodiscard]] bool is_running() const { return process_ != 0; }
  [[nodiscard]] unsigned short port() const { return port_; }
  [[nodiscard]] std::string log() const;

 private:
  std::filesystem::path log_;
  pid_t process_ = 0;
  unsigned short port_ = 0;
};

}  // namespace orchestrator::testing_support
