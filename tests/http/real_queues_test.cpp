// Queues of the shipped binary: pauses, limits and figures, on one node and on two.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "tests/http/server_process.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace orchestrator::testing_support {
namespace {

constexpr const char* kAdminKey = "real-queues-test-key";
constexpr const char* kEcho =
    R"({"StartAt":"Say","States":{"Say":{"Type":"Task","Resource":"handler:echo?queue=mail","End":true}}})";
constexpr const char* kSleep = R"({"StartAt":"Sleep","States":{"Sleep":{"Type":"Task",
  "Resource":"handler:sleep?queue=mail","End":true}}})";

class RealQueues : public testing::Test {
 protected:
  RealQueues()
      : folder_(std::filesystem::temp_directory_path() /
                ("orc-queues-" + std::to_string(::getpid()) + "-" +
                 testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
  }
  ~RealQueues() override {
    nodes_.clear();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void start(const std::string& node) {
    auto& process = nodes_[node];
    if (process == nullptr) process = std::make_unique<ServerProcess>(folder_ / (node + ".log"));
    EXPECT_TRUE(process->start({"serve"}, settings(node))) << process->log();
  }
  void kill(const std::string& node) { nodes_.at(node)->kill(); }

  ClientResponse call(const std::string& node, const std::string& method, const std::string& target,
                      const std::string& body = {}) {
    ClientHeaders headers{{"Authorization", std::string("Bearer ") + kAdminKey}};
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    HttpClient client(nodes_.at(node)->port());
    return client.request(method, target, body, headers);
  }
  void deploy(const std::string& node, const std::string& name, const char* definition) {
    ASSERT_EQ(call(node, "POST", "/v1/workflows/" + name + "/versions", definition).status, 201);
  }
  std::string run(const std::string& node, const std::string& workflow, const Json& input) {
    const Json body = {{"workflow", workflow}, {"input", input}};
    const auto started = call(node, "POST", "/v1/runs", dump_json(body));
    EXPECT_EQ(started.status, 201) << started.body;
    return string_member(started.json(), "run_id");
  }
  Json read(const std::string& node, const std::string& run_id) {
    return call(node, "GET", "/v1/runs/" + run_id).json();
  }
  Json first_wait(const std::string& node, const std::string& run_id) {
    const Json waits = read(node, run_id).at("waiting_on");
    return waits.empty() ? Json::object() : waits.at(0);
  }
  Json queue(const std::string& node, const std::string& name) {
    const Json list = call(node, "GET", "/v1/queues").json();
    EXPECT_TRUE(list.at("missing_nodes").empty());
    for (const Json& item : list.at("items")) {
      if (item.at("name") == name) return item;
    }
    return nullptr;
  }
  bool has_succeeded(const std::string& node, const std::string& run_id) {
    return read(node, run_id).at("state") == "succeeded";
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

  test::TestDatabase database_;
  std::filesystem::path folder_;
  std::map<std::string, std::unique_ptr<ServerProcess>> nodes_;
};

TEST_F(RealQueues, APauseHoldsWhatHasNotBegunAndSurvivesTheProcess) {
  start("a");
  deploy("a", "echo", kEcho);
  ASSERT_EQ(call("a", "POST", "/v1/queues/mail/pause", R"({"reason":"maintenance"})").status, 200);
  const std::string waiting = run("a", "echo", 1);

  ASSERT_TRUE(eventually([&] { return first_wait("a", waiting).value("kind", "") == "queue_paused"; }))
      << dump_json(read("a", waiting));
  EXPECT_EQ(read("a", waiting).at("state"), "ready");
  EXPECT_EQ(first_wait("a", waiting).at("queue"), "mail");
  EXPECT_EQ(first_wait("a", waiting).at("handler"), "echo");
  const Json item = queue("a", "mail");
  EXPECT_EQ(item.at("paused"), true);
  EXPECT_EQ(item.at("depth"), 1);
  EXPECT_NE(call("a", "GET", "/metrics").body.find("orchestrator_queue_paused{queue=\"mail\"} 1"), std::string::npos);

  kill("a");
  start("a");
  ASSERT_TRUE(eventually([&] { return first_wait("a", waiting).value("kind", "") == "queue_paused"; }))
      << dump_json(read("a", waiting));
  EXPECT_EQ(read("a", waiting).at("state"), "ready") << "what was suspect at the crash has not begun";
  EXPECT_EQ(queue("a", "mail").at("depth"), 1) << "and is counted as what it is";

  ASSERT_EQ(call("a", "POST", "/v1/queues/mail/resume").status, 200);
  EXPECT_TRUE(eventually([&] { return has_succeeded("a", waiting); }));
}

TEST_F(RealQueues, ALimitIsSaidByWhoeverWaitsForIt) {
  start("a");
  deploy("a", "sleep", kSleep);
  const Json limits = {{"max_in_flight", 1}};
  ASSERT_EQ(call("a", "PUT", "/v1/queues/mail/limits", dump_json(limits)).status, 200);
  const std::string first = run("a", "sleep", {{"seconds", 3'600}});
  ASSERT_TRUE(eventually([&] { return read("a", first).at("state") == "running"; }));

  const std::string second = run("a", "sleep", {{"seconds", 0}});

  ASSERT_TRUE(eventually([&] { return first_wait("a", second).value("kind", "") == "limit"; }))
      << dump_json(read("a", second));
  EXPECT_EQ(first_wait("a", second).at("limit"), "max_in_flight");
  EXPECT_EQ(first_wait("a", second).at("queue"), "mail");
  EXPECT_EQ(queue("a", "mail").at("in_flight"), 1);
  EXPECT_EQ(queue("a", "mail").at("limits"), limits);
  ASSERT_EQ(call("a", "POST", "/v1/runs/" + second + "/cancel").status, 202);
  EXPECT_TRUE(eventually([&] { return queue("a", "mail").at("depth") == 0; })) << "what is cancelled does not wait";

  const std::string third = run("a", "sleep", {{"seconds", 0}});
  ASSERT_EQ(call("a", "PUT", "/v1/queues/mail/limits", "{}").status, 200);
  EXPECT_TRUE(eventually([&] { return has_succeeded("a", third); }));
  call("a", "POST", "/v1/runs/" + first + "/cancel", R"({"mode":"kill","reason":"the test is over"})");
}

TEST_F(RealQueues, TwoNodesKeepOneLimitTogether) {
  start("a");
  start("b");
  deploy("a", "sleep", kSleep);
  ASSERT_EQ(call("b", "PUT", "/v1/queues/mail/limits", R"({"max_in_flight":1})").status, 200);
  ASSERT_TRUE(eventually([&] {
    const Json nodes = call("a", "GET", "/v1/nodes").json().at("items");
    return nodes.size() == 2 && !nodes.at(0).at("shards").empty() && !nodes.at(1).at("shards").empty();
  }));

  std::vector<std::string> runs;
  for (int i = 0; i < 6; ++i) runs.push_back(run("a", "sleep", {{"seconds", 0.3}}));

  ASSERT_TRUE(eventually(
      [&] { return std::all_of(runs.begin(), runs.end(), [&](const auto& id) { return has_succeeded("b", id); }); }));
  std::map<Timestamp, Timestamp> times;
  for (const auto& id : runs) {
    const Json items = call("a", "GET", "/v1/runs/" + id + "/history").json().at("items");
    const auto begun =
        std::find_if(items.begin(), items.end(), [](const Json& item) { return item.at("type") == "TaskStarted"; });
    ASSERT_NE(begun, items.end());
    times[*parse_rfc3339(string_member(*begun, "at"))] = *parse_rfc3339(string_member(items.back(), "at"));
  }
  ASSERT_EQ(times.size(), runs.size());
  for (auto next = std::next(times.begin()); next != times.end(); ++next) {
    // A run closes a moment after its handler returned.
    EXPECT_GT(next->first, std::prev(next)->second - std::chrono::milliseconds(150)) << "two at once";
  }
}

}  // namespace
}  // namespace orchestrator::testing_support
