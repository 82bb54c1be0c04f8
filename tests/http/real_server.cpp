#include "tests/http/real_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "orchestrator/base/json.hpp"

namespace orchestrator::testing_support {
namespace {

constexpr std::chrono::seconds kStartTime{60};

/// The port in a ready line, or 0.
unsigned short port_in(const std::string& line) {
  const auto ready = parse_json(line);
  if (!ready || string_member(*ready, "event") != "ready") return 0;
  const std::string url = string_member(*ready, "url");
  const auto colon = url.rfind(':');
  unsigned short port = 0;
  std::from_chars(url.data() + colon + 1, url.data() + url.size(), port);
  return port;
}

/// Reads lines from `output` until the ready line, the end, or the time is over.
unsigned short await_ready(int output) {
  const auto give_up = std::chrono::steady_clock::now() + kStartTime;
  std::string text;
  for (;;) {
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      if (const unsigned short port = port_in(text.substr(0, end)); port != 0) return port;
      text.erase(0, end + 1);
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(give_up - std::chrono::steady_clock::now());
    pollfd waited{.fd = output, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&waited, 1, static_cast<int>(left.count())) <= 0) return 0;
    char piece[4096];
    const auto got = ::read(output, piece, sizeof piece);
    if (got <= 0) return 0;
    text.append(piece, static_cast<std::size_t>(got));
  }
}

int wait_for_end(pid_t process) {
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

RealServer::RealServer() {
  // Below the system's folder for such things: the unprivileged user that PostgreSQL runs as must reach it.
  folder_ = std::filesystem::temp_directory_path() / ("orc-http-" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_ / "workflows");
}

RealServer::~RealServer() {
  // What a killed server left running is adopted and ended by the next one.
  if (process_ == 0) start();
  if (process_ != 0) stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

bool RealServer::start() {
  const std::vector<std::string> settings = {"ORCHESTRATOR_DATA_DIR=" + (folder_ / "data").string(),
                                             "ORCHESTRATOR_WORKFLOWS_DIR=" + (folder_ / "workflows").string(),
                                             "ORCHESTRATOR_LISTEN=127.0.0.1:0",
                                             "ORCHESTRATOR_ADMIN_KEY=" + std::string(kAdminKey),
                                             "ORCHESTRATOR_API_KEYS=till:operator=" + std::string(kOperatorKey),
                                             "ORCHESTRATOR_NODE_ID=http-test",
                                             "PAYFAST_PASSPHRASE=jt7NOE43FZPn",
                                             "PATH=/usr/bin:/bin"};
  std::vector<char*> environment;
  for (const std::string& setting : settings) environment.push_back(const_cast<char*>(setting.c_str()));
  environment.push_back(nullptr);
  const std::string log = (folder_ / "log").string();

  int output[2] = {-1, -1};
  if (::pipe(output) != 0) return false;
  process_ = ::fork();
  if (process_ == 0) {
    // Only calls that are safe between fork and exec.
    ::dup2(output[1], STDOUT_FILENO);
    const int errors = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(errors, STDERR_FILENO);
    ::close(output[0]);
    ::execle(ORC_BINARY, ORC_BINARY, "dev", nullptr, environment.data());
    ::_exit(127);
  }
  ::close(output[1]);
  port_ = await_ready(output[0]);
  ::close(output[0]);
  return port_ != 0;
}

void RealServer::kill() {
  ::kill(process_, SIGKILL);
  wait_for_end(process_);
  process_ = 0;
}

int RealServer::stop() {
  ::kill(process_, SIGTERM);
  const int code = wait_for_end(process_);
  process_ = 0;
  return code;
}

std::string RealServer::log() const {
  std::ifstream file(folder_ / "log");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace orchestrator::testing_support
