// Cancellations that reach a run as a message: from its parent, or from a caller who could not reach its owner.
#include <gtest/gtest.h>

#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {
namespace {

using std::chrono::seconds;

constexpr const char* kParent =
    R"({"StartAt":"Child","States":{"Child":{"Type":"Task","Resource":"workflow:child","End":true}}})";
constexpr const char* kChild =
    R"({"StartAt":"Work","States":{"Work":{"Type":"Task","Resource":"handler:long","End":true}}})";
constexpr const char* kSleeper = R"({"StartAt":"Sleep","States":{"Sleep":{"Type":"Wait","Seconds":600,"End":true}}})";

service::CancelRun a_cancel(RunId run_id) {
  service::CancelRun cancel{.namespace_name = "default", .run_id = run_id};
  cancel.reason = "not wanted";
  cancel.actor = "ann";
  return cancel;
}

bool tells(const SimulatedCluster& cluster, RunId run_id, const std::string& text) {
  const auto& journal = cluster.tables().journal;
  const auto rows = journal.find(run_id);
  return rows != journal.end() && std::any_of(rows->second.begin(), rows->second.end(), [&](const auto& row) {
           return row.second.events.find(text) != std::string::npos;
         });
}

/// Of all chains, about this run.
int audit_rows_of(const SimulatedCluster& cluster, RunId run_id) {
  int rows = 0;
  for (const auto& [chain, entries] : cluster.tables().audit) {
    rows += static_cast<int>(std::count_if(entries.begin(), entries.end(), [&](const store::AuditRow& row) {
      return row.entry.target == run_id.str() && row.entry.action == "run.cancel" && row.entry.caller.actor == "ann";
    }));
  }
  return rows;
}

TEST(Cancellation, OfAParentLetsTheHandlerOfItsChildFinish) {
  SimulatedCluster cluster(41);
  int begun = 0;
  std::optional<RunId> child;
  HandlerEntry works_long;
  works_long.name = "long";
  works_long.plain = [&](const Json&, TaskContext& context) {
    ++begun;
    child = context.run_id;
    cluster.world.post_at(cluster.world.now() + seconds{1}, [&] {
      const RunId parent = *cluster.find_run(*child)->header.parent_run_id;
      cluster.call("a", [parent](service::Service& service) {
        service.cancel_run(a_cancel(parent), [](const Result<service::CancelReceipt>&) {});
      });
    });
    cluster.work_for(seconds{4});
    return Outcome::completed(make_payload({{"sent", true}}));
  };
  ASSERT_TRUE(cluster.handlers.add(std::move(works_long)));
  cluster.start_node("a");
  cluster.world.advance(seconds{5});
  cluster.deploy("child", kChild);
  cluster.deploy("parent", kParent);

  const auto parent = cluster.start_run("parent", "p", "{}");
  cluster.world.advance(seconds{20});

  ASSERT_TRUE(parent && child);
  EXPECT_EQ(begun, 1);
  EXPECT_EQ(cluster.find_run(*parent)->state, RunState::cancelled);
  EXPECT_EQ(cluster.find_run(*child)->state, RunState::cancelled);
  EXPECT_TRUE(tells(cluster, *child, "\"TaskSucceeded\"")) << "what the handler did is not recorded";
}

TEST(Cancellation, WhoseOwnerIsAwayNamesWhoAskedAndIsAudited) {
  SimulatedCluster cluster(42);
  for (const char* node : {"a", "b"}) cluster.start_node(node);
  cluster.world.advance(seconds{5});
  cluster.deploy("sleeper", kSleeper);
  std::vector<RunId> runs;
  for (int i = 0; i < 20; ++i) {
    if (const auto run = cluster.start_run("sleeper", "k" + std::to_string(i), "{}")) runs.push_back(*run);
  }
  const auto of_b = std::find_if(runs.begin(), runs.end(), [&](RunId id) {
    return cluster.tables().owners[static_cast<std::size_t>(to_int(shard_of(id)))].node == NodeId{"b"};
  });
  ASSERT_NE(of_b, runs.end());
  cluster.crash("b");

  bool is_answered = false;
  cluster.call("a", [&](service::Service& service) {
    service.cancel_run(a_cancel(*of_b),
                       [&](const Result<service::CancelReceipt>& receipt) { is_answered = receipt.has_value(); });
  });
  cluster.world.advance(seconds{40});

  EXPECT_TRUE(is_answered);
  EXPECT_EQ(cluster.find_run(*of_b)->state, RunState::cancelled);
  EXPECT_TRUE(tells(cluster, *of_b, R"("actor":"ann")")) << "its history names somebody else";
  EXPECT_EQ(audit_rows_of(cluster, *of_b), 1);  // I-28
}

}  // namespace
}  // namespace orchestrator::testing
