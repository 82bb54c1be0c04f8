#include "tests/http/server_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>

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

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ServerProcess::~ServerProcess() {
  if (process_ != 0) kill();
}

bool ServerProcess::start(const std::vector<std::string>& arguments, const std::vector<std::string>& settings) {
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), ORC_BINARY);
  const std::vector<char*> argv = pointers_to(words);
  const std::vector<char*> environment = pointers_to(settings);
  int output[2] = {-1, -1};
  if (::pipe(output) != 0) return false;
  process_ = ::fork();
  if (process_ == 0) {
    // Only calls that are safe between fork and exec.
    ::dup2(output[1], STDOUT_FILENO);
    const int errors = ::open(log_.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(errors, STDERR_FILENO);
    ::close(output[0]);
    ::execve(ORC_BINARY, argv.data(), environment.data());
    ::_exit(127);
  }
  ::close(output[1]);
  port_ = await_ready(output[0]);
  ::close(output[0]);
  return port_ != 0;
}

void ServerProcess::kill() {
  ::kill(process_, SIGKILL);
  wait();
}

int ServerProcess::stop() {
  ::kill(process_, SIGTERM);
  return wait();
}

int ServerProcess::wait() {
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string ServerProcess::log() const {
  std::ifstream file(log_);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace orchestrator::testing_support
