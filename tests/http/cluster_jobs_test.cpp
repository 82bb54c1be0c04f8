// Jobs on two nodes, performed by the C++ worker: it makes no difference which node is asked.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "orchestrator_client/worker.hpp"
#include "tests/http/remote_cluster.hpp"

namespace orchestrator::testing_support {
namespace {

using orchestrator_client::Seconds;
using orchestrator_client::TaskContext;
using orchestrator_client::TaskFailure;
using orchestrator_client::Worker;
using orchestrator_client::WorkerOptions;

class ClusterJobs : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster.start("a")) << cluster.node("a").log();
    ASSERT_TRUE(cluster.start("b")) << cluster.node("b").log();
    ASSERT_TRUE(RemoteCluster::eventually([this] {
      return cluster.shards_of("a") == 4 && cluster.shards_of("b") == 4;
    })) << "the shards are not spread\n"
        << cluster.node("a").log() << cluster.node("b").log();
  }
  void TearDown() override {
    if (!running.joinable()) return;
    worker->stop();
    running.join();
  }

  /// Performs `name` with claims at node b, on a thread of its own.
  void work(const std::string& name, orchestrator_client::Handler handler, int lease_seconds = 30) {
    WorkerOptions options;
    options.url = "http://127.0.0.1:" + std::to_string(cluster.node_port("b"));
    options.api_key = RemoteCluster::kAdminKey;
    options.concurrency = 4;
    options.lease = std::chrono::seconds{lease_seconds};
    options.wait = std::chrono::seconds{5};
    worker = std::make_unique<Worker>(options);
    worker->handle(name, std::move(handler));
    running = std::thread([this] { worker->run(); });
  }

  std::string enqueue(const std::string& node, Json job) {
    job["handler"] = job.value("handler", "work");
    const auto answer = cluster.post(node, "/v1/jobs", job);
    EXPECT_LE(answer.status, 201) << answer.body;
    return string_member(answer.json(), "run_id");
  }

  RemoteCluster cluster;
  std::unique_ptr<Worker> worker;
  std::thread running;
};

TEST_F(ClusterJobs, AWorkerOfOneNodePerformsTheJobsOfBoth) {
  work("work", [](const Json& input, TaskContext& context) -> Json {
    return {{"twice", 2 * input.at("n").get<int>()}, {"attempt", context.task().attempt}};
  });

  std::vector<std::string> ids;
  for (int n = 0; n < 20; ++n) ids.push_back(enqueue(n % 2 == 0 ? "a" : "b", {{"input", {{"n", n}}}}));

  for (int n = 0; n < 20; ++n) {
    const Json run = cluster.run_in(n % 2 == 0 ? "b" : "a", ids[static_cast<std::size_t>(n)], "succeeded");
    EXPECT_EQ(run.at("output"), Json({{"twice", 2 * n}, {"attempt", 1}}));
  }
}

TEST_F(ClusterJobs, AnOrderKeyHoldsWhicheverNodeTakesTheJob) {
  std::mutex mutex;
  std::vector<int> order;
  work("work", [&](const Json& input, TaskContext& context) -> Json {
    const int number = input.at("n").get<int>();
    {
      const std::lock_guard lock(mutex);
      order.push_back(number);
    }
    // The line waits for the retry of its head.
    if (number % 4 == 0 && context.task().attempt == 1) throw TaskFailure("Busy", "once more", true);
    return nullptr;
  });
  const Json retry = {{"kind", "fixed"}, {"initial_seconds", 0.05}};

  std::string last;
  for (int n = 0; n < 12; ++n) {
    last = enqueue(n % 2 == 0 ? "a" : "b", {{"input", {{"n", n}}}, {"order_key", "line"}, {"retry", retry}});
  }
  static_cast<void>(cluster.run_in("a", last, "succeeded"));

  const std::lock_guard lock(mutex);
  EXPECT_EQ(order, (std::vector<int>{0, 0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 10, 11}));
}

TEST_F(ClusterJobs, AUniqueKeyHoldsOverNodes) {
  const auto job = [](const char* on_conflict) -> Json {
    return {{"handler", "work"}, {"delay_seconds", 3600}, {"unique", {{"key", "u-1"}, {"on_conflict", on_conflict}}}};
  };
  const auto first = cluster.post("a", "/v1/jobs", job("return_existing"));
  const auto second = cluster.post("b", "/v1/jobs", job("return_existing"));
  const auto rejected = cluster.post("b", "/v1/jobs", job("reject"));
  const auto replaced = cluster.post("b", "/v1/jobs", job("replace"));

  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(second.json().at("run_id"), first.json().at("run_id"));
  EXPECT_EQ(second.json().at("existing"), true);
  EXPECT_EQ(rejected.status, 409) << rejected.body;
  EXPECT_EQ(rejected.json().at("type"), "/problems/unique-conflict");
  EXPECT_EQ(rejected.json().at("run_id"), first.json().at("run_id"));
  EXPECT_EQ(replaced.status, 201) << replaced.body;
  static_cast<void>(cluster.run_in("a", string_member(first.json(), "run_id"), "cancelled"));
}

TEST_F(ClusterJobs, ARunningOneIsCancelledThroughEitherNode) {
  std::atomic<int> stopped{0};
  work(
      "work",
      [&](const Json&, TaskContext& context) -> Json {
        if (context.wait_for_cancel(Seconds{30})) ++stopped;
        context.throw_if_cancelled();
        return nullptr;
      },
      1);
  const std::string first = enqueue("a", {{"input", 1}});
  const std::string second = enqueue("a", {{"input", 2}});
  static_cast<void>(cluster.run_in("b", first, "running"));
  static_cast<void>(cluster.run_in("b", second, "running"));

  EXPECT_EQ(cluster.post("a", "/v1/runs/" + first + "/cancel", Json::object()).status, 202);
  EXPECT_EQ(cluster.post("b", "/v1/runs/" + second + "/cancel", Json::object()).status, 202);

  static_cast<void>(cluster.run_in("b", first, "cancelled"));
  static_cast<void>(cluster.run_in("a", second, "cancelled"));
  EXPECT_EQ(stopped, 2);
}

TEST_F(ClusterJobs, ARetryIsCalledUpThroughEitherNode) {
  work("work", [](const Json&, TaskContext& context) -> Json {
    if (context.task().attempt == 1) throw TaskFailure("Busy", "in an hour", true);
    return context.task().attempt;
  });
  const Json later = {{"kind", "fixed"}, {"initial_seconds", 3600}};
  const std::string first = enqueue("a", {{"retry", later}});
  const std::string second = enqueue("a", {{"retry", later}});
  static_cast<void>(cluster.run_in("a", first, "waiting"));
  static_cast<void>(cluster.run_in("a", second, "waiting"));

  const Json now = {{"set", {{"run_at", "2026-01-01T00:00:00Z"}}}, {"reason", "now"}};
  EXPECT_LE(cluster.post("a", "/v1/runs/" + first + "/edit", now).status, 202);
  EXPECT_LE(cluster.post("b", "/v1/runs/" + second + "/edit", now).status, 202);

  EXPECT_EQ(cluster.run_in("b", first, "succeeded").at("output"), 2);
  EXPECT_EQ(cluster.run_in("a", second, "succeeded").at("output"), 2);
}

TEST_F(ClusterJobs, ATokenIsSettledForBothNodes) {
  const std::string run_id = enqueue("a", {{"input", 1}});
  const Json task = cluster.claim_one("b");

  const auto completed = cluster.report("a", task, "complete", {{"output", 1}});
  const auto again = cluster.report("b", task, "complete", {{"output", 1}});
  const auto other = cluster.report("b", task, "complete", {{"output", 2}});
  const auto failed = cluster.report("a", task, "fail", {{"error", "Late"}, {"cause", ""}});

  EXPECT_EQ(completed.status, 200) << completed.body;
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(other.status, 409) << other.body;
  EXPECT_EQ(other.json().at("type"), "/problems/stale-lease");
  EXPECT_EQ(failed.status, 409) << failed.body;
  EXPECT_EQ(cluster.run("a", run_id).at("output"), 1);
}

TEST_F(ClusterJobs, ABatchIsSpreadAndReadFromEitherNode) {
  work("work", [](const Json& input, TaskContext&) -> Json { return input; });
  Json jobs = Json::array();
  for (int n = 0; n < 200; ++n) jobs.push_back({{"handler", n % 2 == 0 ? "work" : "echo"}, {"input", n}});

  const auto answer = cluster.post("a", "/v1/jobs/batch", {{"jobs", jobs}});
  ASSERT_EQ(answer.status, 201) << answer.body;

  const Json items = answer.json().at("items");
  ASSERT_EQ(items.size(), 200U);
  for (int n = 0; n < 200; ++n) {
    const std::string run_id = string_member(items.at(static_cast<std::size_t>(n)), "run_id");
    EXPECT_EQ(cluster.run_in("b", run_id, "succeeded").at("output"), n);
  }
}

}  // namespace
}  // namespace orchestrator::testing_support
