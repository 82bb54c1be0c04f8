// Processes of the shipped binary with one role each, over one database.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "tests/http/server_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace orchestrator::testing_support {
namespace {

constexpr const char* kAdminKey = "real-roles-test-key";
constexpr const char* kEcho =
    R"({"StartAt":"Say","States":{"Say":{"Type":"Task","Resource":"handler:echo","End":true}}})";
constexpr const char* kWait = R"({"StartAt":"Wait","States":{"Wait":{"Type":"Task","Resource":"signal:paid",
  "Parameters":{"key.$":"$.order"},"Next":"Say"},"Say":{"Type":"Task","Resource":"handler:echo","End":true}}})";

class RealRoles : public testing::Test {
 protected:
  RealRoles()
      : folder_(std::filesystem::temp_directory_path() /
                ("orc-roles-" + std::to_string(::getpid()) + "-" +
                 testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
  }
  ~RealRoles() override {
    nodes_.clear();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// Starts a node, again after kill(). Without role worker it is ready once somebody owns the shards.
  ServerProcess& start(const std::string& node, const std::string& roles) {
    auto& process = nodes_[node];
    if (process == nullptr) process = std::make_unique<ServerProcess>(folder_ / (node + ".log"));
    EXPECT_TRUE(process->start({"serve", "--roles", roles}, settings(node))) << process->log();
    return *process;
  }

  ServerProcess& node(const std::string& name) { return *nodes_.at(name); }

  ClientResponse call(const std::string& node, const std::string& method, const std::string& target,
                      const std::string& body = {}) {
    ClientHeaders headers{{"Authorization", std::string("Bearer ") + kAdminKey}};
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    HttpClient client(nodes_.at(node)->port());
    return client.request(method, target, body, headers);
  }

  /// Shards of each node, as this one tells.
  std::map<std::string, std::size_t> shards_by_node(const std::string& asked) {
    std::map<std::string, std::size_t> shards;
    const auto answer = call(asked, "GET", "/v1/nodes");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const Json nodes = answer.json();
    for (const Json& item : nodes.at("items")) {
      shards[string_member(item, "node_id")] = item.at("shards").size();
    }
    return shards;
  }

  /// Whether it comes true within twenty seconds.
  template <typename Condition>
  static bool eventually(Condition condition) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return true;
  }

  std::vector<std::string> settings(const std::string& node) const {
    return {"ORCHESTRATOR_DATABASE_URL=" + database_.url(), "ORCHESTRATOR_LISTEN=127.0.0.1:0",
            "ORCHESTRATOR_ADMIN_KEY=" + std::string(kAdminKey), "ORCHESTRATOR_NODE_ID=" + node,
            "ORCHESTRATOR_DATA_DIR=" + (folder_ / node).string()};
  }

  static constexpr std::size_t kShards = test::kTestShards;

  test::TestDatabase database_;
  std::filesystem::path folder_;
  std::map<std::string, std::unique_ptr<ServerProcess>> nodes_;
};

TEST_F(RealRoles, AnApiNodeForwardsAndAWorkerNodePerforms) {
  start("hands", "worker");
  start("front", "api");

  ASSERT_EQ(call("front", "POST", "/v1/workflows/echo/versions", kEcho).status, 201);
  for (const char* key : {R"("a")", R"("b")", R"("c")", "null"}) {
    const auto run =
        call("front", "POST", "/v1/runs?wait=9", std::string(R"({"workflow":"echo","input":7,"key":)") + key + "}");
    ASSERT_EQ(run.status, 200) << run.body;
    EXPECT_EQ(run.json().at("state"), "succeeded");
    EXPECT_EQ(run.json().at("output"), 7);
    const auto history = call("front", "GET", "/v1/runs/" + string_member(run.json(), "run_id") + "/history");
    EXPECT_EQ(history.json().at("items").back().at("type"), "ExecutionSucceeded");
  }

  const std::map<std::string, std::size_t> shards{{"front", 0}, {"hands", kShards}};
  EXPECT_EQ(shards_by_node("front"), shards);
  EXPECT_NE(call("front", "GET", "/metrics").body.find("orchestrator_shards_owned 0"), std::string::npos);
}

TEST_F(RealRoles, AWorkerNodeServesNoCallers) {
  start("hands", "worker");

  for (const char* path : {"/livez", "/readyz", "/metrics"}) EXPECT_EQ(call("hands", "GET", path).status, 200) << path;
  for (const char* path : {"/v1/runs", "/v1/nodes", "/hooks/default/shop", "/openapi.json", "/"}) {
    const auto answer = call("hands", "POST", path, "{}");
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(answer.json().at("type"), "/problems/no-such-route") << path;
    EXPECT_NE(string_member(answer.json(), "detail").find("no role api"), std::string::npos) << answer.body;
  }
}

TEST_F(RealRoles, NothingIsLostWhenAnApiNodeDies) {
  start("hands", "worker");
  start("front", "api");
  ASSERT_EQ(call("front", "POST", "/v1/workflows/wait/versions", kWait).status, 201);
  const auto started = call("front", "POST", "/v1/runs", R"({"workflow":"wait","key":"o-1","input":{"order":"o-1"}})");
  ASSERT_EQ(started.status, 201) << started.body;
  const std::string path = "/v1/runs/" + string_member(started.json(), "run_id");

  node("front").kill();
  start("front", "api");

  ASSERT_TRUE(eventually([&] { return call("front", "GET", path).json().at("state") == "waiting"; }));
  ASSERT_EQ(call("front", "POST", "/v1/signals/paid", R"({"key":"o-1","payload":{"amount":5}})").status, 202);
  EXPECT_TRUE(eventually([&] { return call("front", "GET", path).json().at("state") == "succeeded"; }));
  EXPECT_EQ(shards_by_node("front").at("hands"), kShards);
}

TEST_F(RealRoles, AWorkerThatComesBackAsApiLeavesItsShardsToTheOthers) {
  start("first", "api,worker");
  ASSERT_EQ(call("first", "POST", "/v1/workflows/wait/versions", kWait).status, 201);
  const auto started = call("first", "POST", "/v1/runs", R"({"workflow":"wait","key":"o-1","input":{"order":"o-1"}})");
  ASSERT_EQ(started.status, 201) << started.body;
  start("second", "worker");

  node("first").kill();
  start("first", "api");

  const std::map<std::string, std::size_t> shards{{"first", 0}, {"second", kShards}};
  EXPECT_TRUE(eventually([&] { return shards_by_node("first") == shards; }));
  ASSERT_EQ(call("first", "POST", "/v1/signals/paid", R"({"key":"o-1"})").status, 202);
  const std::string path = "/v1/runs/" + string_member(started.json(), "run_id");
  EXPECT_TRUE(eventually([&] { return call("first", "GET", path).json().at("state") == "succeeded"; }));
}

TEST_F(RealRoles, ASchedulerNodeTakesNothingAndServesTheProbes) {
  start("hands", "worker");
  start("clock", "scheduler");
  start("front", "api");

  const std::map<std::string, std::size_t> shards{{"clock", 0}, {"front", 0}, {"hands", kShards}};
  EXPECT_TRUE(eventually([&] { return shards_by_node("front") == shards; }));
  EXPECT_EQ(call("clock", "GET", "/readyz").status, 200);
  EXPECT_EQ(call("clock", "GET", "/v1/runs").status, 404);
  EXPECT_EQ(node("clock").stop(), 0);
  EXPECT_EQ(node("front").stop(), 0);
}

TEST_F(RealRoles, NoRoleOrAnUnknownOneIsRefusedAtTheStart) {
  const std::map<std::string, std::string> refusals{{"", "must name at least one of api, worker and scheduler"},
                                                    {"api,", "has an empty role"},
                                                    {"api,boss", "has the unknown role \"boss\""}};

  for (const auto& [roles, sentence] : refusals) {
    ServerProcess process(folder_ / ("refused" + std::to_string(roles.size()) + ".log"));
    EXPECT_FALSE(process.start({"serve", "--roles", roles}, settings("nobody"))) << roles;
    EXPECT_EQ(process.wait(), 1) << roles;
    EXPECT_NE(process.log().find("--roles " + sentence), std::string::npos) << process.log();
  }
}

}  // namespace
}  // namespace orchestrator::testing_support
