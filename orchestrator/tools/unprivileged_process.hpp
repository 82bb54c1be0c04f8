#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "orchestrator/base/result.hpp"

namespace orchestrator::tools {

/// Who a child runs as: the caller itself, or an ordinary user when the caller is root.
struct ProcessUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
};

/// The caller when it is not root; else the user postgres if there is one, else nobody. PostgreSQL refuses to run as
/// root. Errors: precondition_failed when root finds neither.
Result<ProcessUser> unprivileged_user();

struct ProcessRequest {
  std::filesystem::path program;
  std::vector<std::string> arguments;  ///< without the program's own name
  std::filesystem::path log;           ///< standard output and error are appended to it
  std::string input;                   ///< standard input, at most 4 KiB; empty: none
};

/// Starts a child in a session of its own, so that Ctrl-C and the end of the caller do not reach it, with a bare
/// environment. Errors: internal.
Result<pid_t> start_process(const ProcessUser& user, const ProcessRequest& request);

/// Starts a child and waits for its end. precondition_failed when it does not end with 0; the message names the log.
Status run_process(const ProcessUser& user, const ProcessRequest& request);

}  // namespace orchestrator::tools
