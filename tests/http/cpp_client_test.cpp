// The C++ client library against the shipped binary.
#include <gtest/gtest.h>

#include <atomic>

#include "orchestrator_client/worker.hpp"
#include "tests/http/remote_cluster.hpp"

namespace orchestrator::testing_support {
namespace {

using orchestrator_client::Seconds;
using orchestrator_client::Snooze;
using orchestrator_client::TaskContext;
using orchestrator_client::TaskFailure;
using orchestrator_client::Worker;
using orchestrator_client::WorkerOptions;

class CppClient : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(cluster.start("a")) << cluster.node("a").log(); }
  void TearDown() override { stop(); }

  WorkerOptions options() const {
    WorkerOptions options;
    options.url = "http://127.0.0.1:" + std::to_string(cluster.node_port("a"));
    options.api_key = RemoteCluster::kAdminKey;
    options.worker_id = "cpp-1";
    options.wait = std::chrono::seconds{5};
    return options;
  }
  /// Performs `name` with this, on a thread of its own, until stop().
  void work(const std::string& name, orchestrator_client::Handler handler, WorkerOptions options) {
    worker = std::make_unique<Worker>(std::move(options));
    worker->handle(name, std::move(handler));
    running = std::thread([this] { worker->run(); });
  }
  void work(const std::string& name, orchestrator_client::Handler handler) {
    work(name, std::move(handler), options());
  }
  void stop() {
    if (!running.joinable()) return;
    worker->stop();
    running.join();
  }

  RemoteCluster cluster;
  std::unique_ptr<Worker> worker;
  std::thread running;
};

TEST_F(CppClient, PerformsWhatItClaims) {
  cluster.deploy("a", "one", one_remote_step("double"));
  work("double", [](const Json& input, TaskContext& context) -> Json {
    return {{"twice", 2 * input.at("n").get<int>()}, {"key", context.task().idempotency_key}};
  });

  std::vector<std::string> run_ids;
  for (int n = 0; n < 20; ++n) run_ids.push_back(cluster.start_run("a", "one", {{"n", n}}));

  for (int n = 0; n < 20; ++n) {
    const Json output = cluster.run_in("a", run_ids[static_cast<std::size_t>(n)], "succeeded").at("output");
    EXPECT_EQ(output.at("twice"), 2 * n);
  }
}

TEST_F(CppClient, RenewsTheLeaseOfLongWork) {
  cluster.deploy("a", "one", one_remote_step("long"));
  WorkerOptions short_lease = options();
  short_lease.lease = std::chrono::seconds{1};
  work(
      "long",
      [](const Json&, TaskContext& context) -> Json {
        context.wait_for_cancel(Seconds{2.5});
        return context.is_cancelled() ? "stopped" : "done";
      },
      short_lease);
  const std::string run_id = cluster.start_run("a", "one");

  EXPECT_EQ(cluster.run_in("a", run_id, "succeeded").at("output"), "done");

  const auto types = cluster.history("a", run_id);
  EXPECT_EQ(std::count(types.begin(), types.end(), "TaskLost"), 0);
}

TEST_F(CppClient, ExceptionsAreOutcomes) {
  const std::string retry = R"("Retry":[{"ErrorEquals":["Busy"],"IntervalSeconds":1,"MaxAttempts":3}],)";
  cluster.deploy("a", "one", one_remote_step("moody", retry));
  work("moody", [](const Json& input, TaskContext& context) -> Json {
    static std::atomic<bool> snoozed{false};
    if (!snoozed.exchange(true)) throw Snooze(Seconds{0.1});
    if (context.task().attempt == 1) throw TaskFailure("Busy", "come back", true, Seconds{0.5});
    if (input.value("fatal", false)) throw TaskFailure("Broken", "for good", false);
    return context.task().attempt;
  });

  const std::string fine = cluster.start_run("a", "one");
  EXPECT_EQ(cluster.run_in("a", fine, "succeeded").at("output"), 2);
  const std::string fatal = cluster.start_run("a", "one", {{"fatal", true}});

  EXPECT_EQ(cluster.run_in("a", fatal, "failed").at("error").at("error"), "Broken");
}

TEST_F(CppClient, ACancelledRunStopsItsWork) {
  cluster.deploy("a", "one", one_remote_step("endless"));
  std::atomic<bool> was_stopped{false};
  WorkerOptions short_lease = options();
  short_lease.lease = std::chrono::seconds{1};
  work(
      "endless",
      [&](const Json&, TaskContext& context) -> Json {
        was_stopped = context.wait_for_cancel(Seconds{30});
        context.throw_if_cancelled();
        return nullptr;
      },
      short_lease);
  const std::string run_id = cluster.start_run("a", "one");
  static_cast<void>(cluster.run_in("a", run_id, "running"));

  ASSERT_EQ(cluster.post("a", "/v1/runs/" + run_id + "/cancel", Json::object()).status, 202);

  static_cast<void>(cluster.run_in("a", run_id, "cancelled"));
  EXPECT_TRUE(was_stopped);
}

TEST_F(CppClient, AStoppedWorkerFinishesWhatItHasBegun) {
  cluster.deploy("a", "one", one_remote_step("steady"));
  std::atomic<bool> is_begun{false};
  work("steady", [&](const Json&, TaskContext& context) -> Json {
    is_begun = true;
    context.wait_for_cancel(Seconds{1});
    return "finished";
  });
  const std::string run_id = cluster.start_run("a", "one");
  ASSERT_TRUE(RemoteCluster::eventually([&] { return is_begun.load(); }));

  stop();

  EXPECT_EQ(cluster.run("a", run_id).at("output"), "finished");
}

TEST_F(CppClient, SurvivesTheServersRestart) {
  cluster.deploy("a", "one", one_remote_step("tough"));
  // A restarted server has another port: the worker would not find it.
  cluster.keep_ports();
  work("tough", [](const Json&, TaskContext&) -> Json { return 1; });
  static_cast<void>(cluster.run_in("a", cluster.start_run("a", "one"), "succeeded"));

  cluster.node("a").kill();
  ASSERT_TRUE(cluster.start("a"));

  static_cast<void>(cluster.run_in("a", cluster.start_run("a", "one"), "succeeded"));
}

TEST_F(CppClient, ARefusedKeyEndsTheWorker) {
  WorkerOptions wrong = options();
  wrong.api_key = "nobody's";
  Worker refused(wrong);
  refused.handle("any", [](const Json&, TaskContext&) -> Json { return nullptr; });

  EXPECT_THROW(refused.run(), orchestrator_client::ClaimRefused);
}

}  // namespace
}  // namespace orchestrator::testing_support
