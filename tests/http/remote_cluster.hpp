#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "tests/http/server_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace orchestrator::testing_support {

/// Processes of the shipped binary over one database, seen the way a remote worker sees them.
class RemoteCluster {
 public:
  RemoteCluster();
  ~RemoteCluster();
  RemoteCluster(const RemoteCluster&) = delete;
  RemoteCluster& operator=(const RemoteCluster&) = delete;

  /// Starts a node, again after kill() or stop().
  bool start(const std::string& node);
  ServerProcess& node(const std::string& name) { return *nodes_.at(name); }
  [[nodiscard]] unsigned short node_port(const std::string& name) const { return nodes_.at(name)->port(); }
  /// A node that is started again listens where it did before.
  void keep_ports() { keeps_ports_ = true; }

  ClientResponse post(const std::string& node, const std::string& target, const Json& body) const;
  ClientResponse get(const std::string& node, const std::string& target) const;

  void deploy(const std::string& node, const std::string& name, const std::string& definition) const;
  /// The run's id.
  [[nodiscard]] std::string start_run(const std::string& node, const std::string& workflow,
                                      const Json& input = Json::object()) const;
  [[nodiscard]] Json run(const std::string& node, const std::string& run_id) const;
  /// The run once its state is this one, or as it is after twenty seconds.
  [[nodiscard]] Json run_in(const std::string& node, const std::string& run_id, const std::string& state) const;
  /// Types of the run's history.
  [[nodiscard]] std::vector<std::string> history(const std::string& node, const std::string& run_id) const;

  /// The tasks that a claim got: as worker w-1, one task, a lease of ten seconds, unless `terms` say otherwise.
  [[nodiscard]] Json claim(const std::string& node, Json terms = Json::object()) const;
  /// The one task that a claim got within five seconds, or null.
  [[nodiscard]] Json claim_one(const std::string& node, Json terms = Json::object()) const;
  /// What became of a report: `verb` complete, fail, heartbeat or release.
  [[nodiscard]] ClientResponse report(const std::string& node, const Json& task, const std::string& verb,
                                      const Json& body = Json::object()) const;
  /// Shards that the node owns, as it tells.
  [[nodiscard]] std::size_t shards_of(const std::string& node) const;

  /// Looks every two milliseconds: a busy loop would take the processor from what it waits for.
  template <typename Condition>
  static bool eventually(Condition condition) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return true;
  }

  static constexpr const char* kAdminKey = "remote-workers-test-key";

 private:
  test::TestDatabase database_;
  std::filesystem::path folder_;
  std::map<std::string, std::unique_ptr<ServerProcess>> nodes_;
  bool keeps_ports_ = false;
};

/// One state performed by a remote worker, with these further members.
std::string one_remote_step(const std::string& handler, const std::string& members = "");

}  // namespace orchestrator::testing_support
