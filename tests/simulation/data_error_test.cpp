// Data that the database refuses: one run is set aside, everybody else goes on.
#include <gtest/gtest.h>

#include "orchestrator/base/json.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {
namespace {

constexpr const char* kStep = R"({
  "StartAt": "Pause",
  "States": {
    "Pause": {"Type": "Wait", "Seconds": 5, "Next": "Work"},
    "Work": {"Type": "Task", "Resource": "handler:counted", "ResultPath": null, "End": true}
  }
})";

constexpr const char* kWaiter = R"({
  "StartAt": "Wait",
  "States": {
    "Wait": {"Type": "Task", "Resource": "signal:paid", "Parameters": {"key.$": "$.key"}, "End": true}
  }
})";

constexpr const char* kParent = R"({
  "StartAt": "Child",
  "States": {
    "Child": {"Type": "Task", "Resource": "workflow:cursed",
              "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Sorry"}], "End": true},
    "Sorry": {"Type": "Pass", "End": true}
  }
})";

Status refused() {
  return fail(Error(ErrorCode::invalid_argument, "value out of range (SQLSTATE 22003)").with("sqlstate", "22003"));
}

class DataError : public ::testing::Test {
 protected:
  DataError() : cluster(11) {
    cluster.start_node("a");
    cluster.world.advance(std::chrono::seconds{3});
    for (const auto& [name, text] :
         {std::pair{"step", kStep}, {"waiter", kWaiter}, {"parent", kParent}, {"cursed", kStep}})
      cluster.deploy(name, text);
  }

  RunId start(const std::string& workflow, const std::string& key) {
    auto id = cluster.start_run(workflow, key, R"({"key": ")" + key + R"("})");
    EXPECT_TRUE(id.has_value()) << key;
    return id.value_or(RunId{});
  }

  RunState state_of(RunId id) {
    const auto run = cluster.find_run(id);
    return run ? run->state : RunState::ready;
  }

  bool close(const std::vector<RunId>& ids) {
    return cluster.world.advance_until(
        [&] { return std::all_of(ids.begin(), ids.end(), [&](RunId id) { return is_closed(state_of(id)); }); },
        std::chrono::minutes{5});
  }

  bool was_logged(std::string_view word) {
    return std::any_of(cluster.errors.begin(), cluster.errors.end(),
                       [&](const auto& line) { return line.find(word) != std::string::npos; });
  }

  SimulatedCluster cluster;
};

TEST_F(DataError, SetsTheOneRunAsideAndTheOthersGoOn) {
  const RunId bad = start("step", "bad");
  std::vector<RunId> all{bad};
  for (int i = 0; i < 10; ++i) all.push_back(start("step", "good" + std::to_string(i)));
  cluster.constraint = [bad](const store::Batch& batch) {
    const bool breaks = std::any_of(batch.closed.begin(), batch.closed.end(), [&](const auto& row) {
      return row.header.id == bad && row.state == RunState::succeeded;
    });
    return breaks ? refused() : Status{};
  };

  ASSERT_TRUE(close(all));

  const auto run = cluster.find_run(bad);
  EXPECT_EQ(run->state, RunState::failed);
  EXPECT_EQ(run->error, "Orchestrator.DataError");
  EXPECT_NE(run->cause->find("SQLSTATE 22003"), std::string::npos) << *run->cause;
  EXPECT_EQ(cluster.check_journal(bad), "");
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(state_of(all[i]), RunState::succeeded);
  EXPECT_TRUE(was_logged("data_refused"));
}

TEST_F(DataError, TellsTheCallerOfAStart) {
  cluster.constraint = [](const store::Batch& batch) {
    const bool breaks = std::any_of(batch.opened.begin(), batch.opened.end(),
                                    [](const auto& row) { return row.header.workflow == "cursed"; });
    return breaks ? refused() : Status{};
  };

  const auto answer = cluster.try_start("cursed", "k", R"({"key": "k"})");

  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().slug, "unstorable-data");
  EXPECT_TRUE(close({start("step", "after")}));
}

TEST_F(DataError, OfAChildIsTheParentsToCatch) {
  cluster.constraint = [](const store::Batch& batch) {
    const bool breaks = std::any_of(batch.opened.begin(), batch.opened.end(),
                                    [](const auto& row) { return row.header.workflow == "cursed"; });
    return breaks ? refused() : Status{};
  };

  const RunId parent = start("parent", "p");

  ASSERT_TRUE(close({parent}));
  EXPECT_EQ(state_of(parent), RunState::succeeded);
}

TEST_F(DataError, OfASignalRefusesTheSignalAndSparesTheRun) {
  const RunId waiting = start("waiter", "w");
  cluster.constraint = [](const store::Batch& batch) {
    const auto is_bad = [](const std::string& text) { return text.find("unstorable-payload") != std::string::npos; };
    const bool in_journal =
        std::any_of(batch.journal.begin(), batch.journal.end(), [&](const auto& row) { return is_bad(row.events); });
    const bool in_signals = std::any_of(batch.signals.begin(), batch.signals.end(),
                                        [&](const auto& row) { return is_bad(dump_json(json_of(row.payload))); });
    return in_journal || in_signals ? refused() : Status{};
  };

  EXPECT_EQ(cluster.send_signal("paid", "w", "unstorable-payload"), "");
  EXPECT_EQ(state_of(waiting), RunState::waiting);
  EXPECT_NE(cluster.send_signal("paid", "w", "fine"), "");

  ASSERT_TRUE(close({waiting}));
  EXPECT_EQ(state_of(waiting), RunState::succeeded);
}

TEST_F(DataError, ThatRefusesEvenTheFailureLeavesTheRunAloneAndTheShardAlive) {
  const RunId bad = start("step", "bad");
  const RunId good = start("step", "good");
  int refusals = 0;
  cluster.constraint = [&refusals, bad](const store::Batch& batch) {
    const bool breaks =
        std::any_of(batch.journal.begin(), batch.journal.end(), [&](const auto& row) { return row.run_id == bad; });
    refusals += breaks ? 1 : 0;
    return breaks ? refused() : Status{};
  };

  ASSERT_TRUE(close({good}));
  cluster.world.advance(std::chrono::minutes{2});

  EXPECT_EQ(state_of(bad), RunState::waiting) << "as it was before its data was refused";
  EXPECT_TRUE(was_logged("run_unwritable"));
  EXPECT_LT(refusals, 30) << "it is not tried for ever";
  EXPECT_TRUE(close({start("step", "later")}));
}

}  // namespace
}  // namespace orchestrator::testing
