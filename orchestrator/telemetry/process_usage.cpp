#include "orchestrator/telemetry/process_usage.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace orchestrator::telemetry {
namespace {

double to_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// Clock ticks after boot at which this process started: member 22 of /proc/self/stat.
double start_ticks() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  // The second member is the command in parentheses and may contain spaces.
  const auto command_end = text.rfind(')');
  if (command_end == std::string::npos) return 0;
  std::istringstream rest(text.substr(command_end + 1));
  std::string skipped;
  for (int member = 3; member < 22; ++member) rest >> skipped;
  double ticks = 0;
  rest >> ticks;
  return ticks;
}

double boot_unix_seconds() {
  std::ifstream file("/proc/stat");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return 0;
}

}  // namespace

ProcessUsage read_own_usage() {
  ProcessUsage usage;
  usage.process_id = getpid();

  rusage resources{};
  if (getrusage(RUSAGE_SELF, &resources) == 0) {
    usage.cpu_seconds = to_seconds(resources.ru_utime) + to_seconds(resources.ru_stime);
  }

  std::ifstream pages("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  if (pages >> total >> resident) usage.resident_bytes = resident * sysconf(_SC_PAGESIZE);

  // Neither changes while the process lives.
  static const double started = boot_unix_seconds() + start_ticks() / static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.start_unix_seconds = started;
  return usage;
}

}  // namespace orchestrator::telemetry
