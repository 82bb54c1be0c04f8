// kill -9 of the only node, and how soon the next one finishes a step of the runs that it left behind.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/bench_scenarios.hpp"
#include "orchestrator/tools/unprivileged_process.hpp"

namespace orchestrator::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kBusy = "bench-never-at-rest";
constexpr int kOpenRuns = 20'000;
constexpr int kBatch = 1'000;
constexpr int kRounds = 3;
constexpr std::chrono::seconds kStartTime{60};
constexpr std::chrono::milliseconds kPoll{2};
constexpr std::chrono::milliseconds kWork{50};

/// Steps of 50 ms for ever: whenever the node dies, each of the runs has one that is ready or in hand.
Json never_at_rest() {
  const Json work = {{"Type", "Task"},
                     {"Resource", "handler:sleep"},
                     {"Parameters", {{"seconds", std::chrono::duration<double>(kWork).count()}}},
                     {"Next", "Again"}};
  const Json again = {{"Type", "Choice"},
                      {"Choices", Json::array({{{"Variable", "$.never"}, {"IsPresent", true}, {"Next", "Done"}}})},
                      {"Default", "Work"}};
  return Json{{"Comment", "Works for ever, for measurements."},
              {"StartAt", "Work"},
              {"States", {{"Work", work}, {"Again", again}, {"Done", {{"Type", "Succeed"}}}}}};
}

/// A port that nobody listened on a moment ago; 0 when there is none.
std::uint16_t free_port() {
  const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = handle >= 0 && bind(handle, generic, size) == 0 && getsockname(handle, generic, &size) == 0;
  if (handle >= 0) close(handle);
  return bound ? ntohs(address.sin_port) : std::uint16_t{0};
}

/// `orchestrator dev` in a folder of its own. PostgreSQL outlives a killed server, and the next one adopts it.
class OwnServer {
 public:
  static Result<std::unique_ptr<OwnServer>> make(const std::string& program) {
    std::string folder = (std::filesystem::temp_directory_path() / "orchestrator-bench-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) return fail(ErrorCode::internal, "no folder could be made below /tmp");
    // PostgreSQL runs as another user when we are root, and must get through.
    std::filesystem::permissions(folder, std::filesystem::perms{0755});
    return std::make_unique<OwnServer>(program, folder);
  }

  OwnServer(std::string program, std::string folder) : program_(std::move(program)), folder_(std::move(folder)) {
    access_.port = std::to_string(free_port());
    access_.api_key = "bench-" + std::to_string(getpid()) + "-of-one-process";
  }

  ~OwnServer() {
    if (pid_ > 0) {
      ::kill(pid_, SIGTERM);
      waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  OwnServer(const OwnServer&) = delete;
  OwnServer& operator=(const OwnServer&) = delete;

  Status start() {
    ProcessRequest request;
    request.program = "/usr/bin/env";
    request.arguments = {"ORCHESTRATOR_DATA_DIR=" + folder_ + "/data",
                         "ORCHESTRATOR_LISTEN=127.0.0.1:" + access_.port,
                         "ORCHESTRATOR_ADMIN_KEY=" + access_.api_key,
                         "ORCHESTRATOR_WORKFLOWS_DIR=" + folder_,
                         program_,
                         "dev"};
    request.log = folder_ + "/log";
    const ProcessUser self{getuid(), getgid(), ""};
    const auto pid = start_process(self, request);
    if (!pid) return pid.error();
    pid_ = *pid;
    return {};
  }

  void kill() {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  Status wait_until_ready() const {
    return wait_until([this] {
      ClientRequest request;
      request.target = "/readyz";
      const auto response = send_once(access_, std::move(request));
      return response && response->status == 200;
    });
  }

  /// Until this process has finished a step; it counts from 0.
  Status wait_for_a_step() const {
    return wait_until([this] {
      const auto reading = read_server(access_);
      return reading && reading->steps > 0;
    });
  }

  [[nodiscard]] const ServerAccess& access() const { return access_; }

 private:
  template <typename Condition>
  Status wait_until(Condition holds) const {
    for (const auto give_up = Clock::now() + kStartTime; Clock::now() < give_up;) {
      if (holds()) return {};
      std::this_thread::sleep_for(kPoll);
    }
    return fail(ErrorCode::deadline_exceeded, "the server did not get there in time; its log was in " + folder_);
  }

  const std::string program_;
  const std::string folder_;
  ServerAccess access_;
  pid_t pid_ = 0;
};

Status start_runs(const ServerAccess& server, int count) {
  for (int first = 0; first < count; first += kBatch) {
    Json runs = Json::array();
    for (int index = first; index < std::min(count, first + kBatch); ++index) runs.push_back({{"workflow", kBusy}});
    ClientRequest request;
    request.method = "POST";
    request.target = "/v1/runs/batch";
    request.body = dump_json(Json{{"runs", std::move(runs)}});
    const auto response = send_once(server, std::move(request));
    if (!response) return response.error();
    if (response->status != 201 || response->body.find("\"error\":") != std::string::npos)
      return fail(ErrorCode::unavailable, "the runs were refused: " + response->body.substr(0, 300));
  }
  return {};
}

}  // namespace

Result<BenchFigures> bench_crash_recovery(const BenchOptions& options) {
  const int open_runs = options.runs_in_flight.value_or(kOpenRuns);
  auto server = OwnServer::make(options.program);
  if (!server) return server.error();
  if (Status started = (*server)->start(); !started) return started.error();
  if (Status ready = (*server)->wait_until_ready(); !ready) return ready.error();
  const ServerAccess& access = (*server)->access();
  if (Status deployed = deploy_for_bench(access, kBusy, never_at_rest()); !deployed) return deployed.error();
  if (Status started = start_runs(access, open_runs); !started) return started.error();
  if (Status busy = (*server)->wait_for_a_step(); !busy) return busy.error();

  BenchFigures figures;
  figures.scenario = "crash-recovery";
  figures.measures = "an operation is a kill -9 of the only node with " + std::to_string(open_runs) +
                     " open runs; latencies are from the start of the next process to its first finished step; server "
                     "and PostgreSQL are this scenario's own";
  Latencies latencies;
  const auto begun = Clock::now();
  for (int round = 0; round < kRounds; ++round) {
    (*server)->kill();
    const auto restarted = Clock::now();
    if (Status started = (*server)->start(); !started) return started.error();
    if (Status resumed = (*server)->wait_for_a_step(); !resumed) return resumed.error();
    latencies.add(Clock::now() - restarted);
  }
  figures.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  figures.operations = static_cast<std::int64_t>(latencies.count());
  latencies.write_to(figures);
  return figures;
}

}  // namespace orchestrator::tools
