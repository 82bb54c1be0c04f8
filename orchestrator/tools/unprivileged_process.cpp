#include "orchestrator/tools/unprivileged_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace orchestrator::tools {
namespace {

/// Bytes that a pipe takes without anybody reading; Linux guarantees this much and more.
constexpr std::size_t kMaxInput = 4096;

std::string reason() { return std::strerror(errno); }

/// The child's part between fork and exec: system calls only, because other threads' locks may be held for ever here.
[[noreturn]] void become(const ProcessUser& user, char* const* arguments, char* const* environment, int log,
                         int input) {
  ::setsid();
  ::dup2(input, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  // A listening socket that lives on in the child would keep its port after the parent's death.
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  const bool switched =
      ::geteuid() != 0 || (::setgroups(0, nullptr) == 0 && ::setgid(user.gid) == 0 && ::setuid(user.uid) == 0);
  if (switched && ::chdir("/") == 0) ::execve(arguments[0], arguments, environment);
  ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return number_; }
  void reset() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

}  // namespace

Result<ProcessUser> unprivileged_user() {
  if (::geteuid() != 0) {
    const passwd* self = ::getpwuid(::geteuid());
    return ProcessUser{::geteuid(), ::getegid(), self ? self->pw_name : "the current user"};
  }
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* found = ::getpwnam(name)) return ProcessUser{found->pw_uid, found->pw_gid, name};
  }
  return fail(ErrorCode::precondition_failed,
              "PostgreSQL does not run as root, and there is no user postgres or nobody");
}

Result<pid_t> start_process(const ProcessUser& user, const ProcessRequest& request) {
  if (request.input.size() > kMaxInput) return fail(ErrorCode::internal, "too much input for a child process");
  Descriptor log(::open(request.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (log.get() < 0) return fail(ErrorCode::internal, "cannot write " + request.log.string() + ": " + reason());
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(ErrorCode::internal, "no pipe: " + reason());
  Descriptor input(ends[0]);
  Descriptor feed(ends[1]);
  if (!request.input.empty() &&
      ::write(feed.get(), request.input.data(), request.input.size()) != static_cast<ssize_t>(request.input.size())) {
    return fail(ErrorCode::internal, "cannot feed a child process: " + reason());
  }
  feed.reset();

  std::vector<std::string> arguments{request.program.string()};
  arguments.insert(arguments.end(), request.arguments.begin(), request.arguments.end());
  // Bare, so that PGDATA, PGPORT and the like of the caller point nowhere.
  std::vector<std::string> environment{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"};
  const auto argument_pointers = pointers(arguments);
  const auto environment_pointers = pointers(environment);
  const pid_t child = ::fork();
  if (child < 0) return fail(ErrorCode::internal, "cannot start " + request.program.string() + ": " + reason());
  if (child == 0) become(user, argument_pointers.data(), environment_pointers.data(), log.get(), input.get());
  return child;
}

Status run_process(const ProcessUser& user, const ProcessRequest& request) {
  auto child = start_process(user, request);
  if (!child) return std::move(child).error();
  int status = 0;
  while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(ErrorCode::precondition_failed,
              request.program.filename().string() + " failed as user " + user.name + "; see " + request.log.string());
}

}  // namespace orchestrator::tools
