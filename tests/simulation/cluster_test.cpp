// Two or three nodes, one thread, one virtual clock: crashes, take-overs and store faults at chosen moments.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {
namespace {

constexpr const char* kOrder = R"({
  "StartAt": "Reserve",
  "States": {
    "Reserve": {"Type": "Task", "Resource": "handler:counted", "ResultPath": null, "Next": "Pause"},
    "Pause": {"Type": "Wait", "Seconds": 5, "Next": "Paid"},
    "Paid": {"Type": "Task", "Resource": "signal:paid", "Parameters": {"key.$": "$.key"}, "ResultPath": "$.paid", "Next": "Ship"},
    "Ship": {"Type": "Task", "Resource": "workflow:shipment", "ResultPath": "$.shipment", "Next": "Book"},
    "Book": {"Type": "Task", "Resource": "handler:written", "ResultPath": null, "Next": "Thank"},
    "Thank": {"Type": "Task", "Resource": "handler:counted", "ResultPath": null, "End": true}
  }
})";

constexpr const char* kShipment = R"({
  "StartAt": "Pack",
  "States": {
    "Pack": {"Type": "Task", "Resource": "handler:counted", "ResultPath": null, "Next": "Travel"},
    "Travel": {"Type": "Wait", "Seconds": 3, "Next": "Arrive"},
    "Arrive": {"Type": "Task", "Resource": "handler:counted", "ResultPath": null, "End": true}
  }
})";

class Cluster : public ::testing::Test {
 protected:
  void begin(std::uint64_t seed) {
    cluster = std::make_unique<SimulatedCluster>(seed);
    random = std::make_unique<SeededRandom>(seed + 1);
    cluster->start_node("a");
    cluster->start_node("b");
    // Two heartbeats: each has its share, and knows the other's.
    cluster->world.advance(std::chrono::seconds{5});
    cluster->deploy("order", kOrder);
    cluster->deploy("shipment", kShipment);
  }

  void start_orders(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string key = "k" + std::to_string(i);
      auto id = cluster->start_run("order", key, R"({"key": ")" + key + R"("})");
      ASSERT_TRUE(id.has_value()) << "nobody accepted the start of " << key;
      orders.insert(*id);
    }
  }

  /// Each order is paid once, in words that are said twice.
  void pay(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string key = "k" + std::to_string(i);
      EXPECT_NE(cluster->send_signal("paid", key, "payment-" + key), "") << "nobody accepted the payment of " << key;
      EXPECT_EQ(cluster->send_signal("paid", key, "payment-" + key), "duplicate");
    }
  }

  bool all_done() {
    for (const auto& id : orders) {
      const auto run = cluster->find_run(id);
      if (!run || !is_closed(run->state)) return false;
    }
    return true;
  }

  void expect_good_end() {
    const bool done = cluster->world.advance_until([&] { return all_done(); }, std::chrono::minutes{30});
    EXPECT_TRUE(done) << "an order did not end";  // I-6, I-11
    // A child's end may be written just after its parent's question; let the last messages arrive.
    cluster->world.advance(std::chrono::seconds{30});
    std::map<std::string, int> per_key;
    for (const auto& run : cluster->list_runs()) {
      EXPECT_EQ(run.state, RunState::succeeded)
          << run.header.workflow << " " << run.header.id.str() << " waits on " << run.waiting_on;
      // I-3 and I-12: no gap, and replaying tells what the row tells.
      EXPECT_EQ(cluster->check_journal(run.header.id), "") << run.header.id.str();
      if (run.header.workflow == "order") ++per_key[*run.header.key];
    }
    EXPECT_EQ(per_key.size(), orders.size());
    // I-5: one run per key. I-1: each acknowledged start is among them.
    for (const auto& [key, count] : per_key) EXPECT_EQ(count, 1) << "two runs for the key " << key;
    std::set<std::string> ids;
    // I-8: consumed once, none lost.
    for (const auto& signal : cluster->list_signals()) {
      EXPECT_EQ(signal.fate, store::SignalFate::consumed) << *signal.key << " is " << store::to_string(signal.fate)
                                                          << " " << signal.reason << " for step " << signal.step;
      EXPECT_TRUE(ids.insert(signal.id).second) << "the signal " << signal.id << " was kept twice";
    }
    for (const auto& line : cluster->errors) ADD_FAILURE() << line;
  }

  std::unique_ptr<SimulatedCluster> cluster;
  std::unique_ptr<SeededRandom> random;
  std::set<RunId> orders;
};

TEST_F(Cluster, RunsOnTwoNodesReachTheirEnd) {
  begin(1);

  start_orders(20);
  pay(20);

  expect_good_end();
  for (const auto& [key, times] : cluster->performed) EXPECT_EQ(times, 1) << key;
}

TEST_F(Cluster, RunsOfACrashedNodeGoOnElsewhere) {
  begin(2);
  start_orders(20);

  cluster->crash("a");
  pay(20);

  expect_good_end();
}

TEST_F(Cluster, ANodeThatComesBackTakesItsShardsAtOnce) {
  begin(3);
  cluster->crash("b");
  cluster->world.advance(std::chrono::seconds{30});
  start_orders(20);

  cluster->crash("a");
  const Duration before = cluster->world.now();
  cluster->start_node("a");
  pay(20);
  const Duration answered = cluster->world.now() - before;

  EXPECT_LT(answered, std::chrono::seconds{8}) << "it must not wait for its own lease of ten seconds";
  expect_good_end();
}

TEST_F(Cluster, ADrainedNodeHandsItsShardsOver) {
  begin(4);
  start_orders(20);

  cluster->drain("b");
  pay(20);

  expect_good_end();
  for (const auto& [key, times] : cluster->performed)
    EXPECT_EQ(times, 1) << "a graceful hand-over repeats nothing: " << key;
}

TEST_F(Cluster, AnUnknownCommitIsSettledNotGuessed) {
  begin(5);
  int commits = 0;
  cluster->faults = [&](std::string_view operation) {
    if (operation != "commit") return store::memory::Fault::none;
    ++commits;
    if (commits % 7 == 0) return store::memory::Fault::unknown_done;
    if (commits % 5 == 0) return store::memory::Fault::unknown_undone;
    return store::memory::Fault::none;
  };

  start_orders(10);
  pay(10);

  EXPECT_GT(commits, 20);
  expect_good_end();
}

TEST_F(Cluster, AnOutcomeOutlivesTheBatchThatFailed) {
  begin(6);
  int commits = 0;
  cluster->faults = [&](std::string_view operation) {
    return operation == "commit" && ++commits % 4 == 0 ? store::memory::Fault::unavailable : store::memory::Fault::none;
  };

  start_orders(10);
  pay(10);

  expect_good_end();
  for (const auto& [key, times] : cluster->performed)
    EXPECT_EQ(times, 1) << "no crash, so nothing may be performed twice: " << key;
}

TEST_F(Cluster, RefusesMoreRequestsThanMayWaitForAShard) {
  begin(7);
  cluster->crash("b");
  cluster->world.advance(std::chrono::seconds{30});  // "a" owns every shard now
  cluster->faults = [](std::string_view operation) {
    const bool writes = operation == "commit" || operation == "take_over" || operation == "recover";
    return writes ? store::memory::Fault::unavailable : store::memory::Fault::none;
  };

  const int refused = cluster->flood_starts("a", "order", static_cast<int>(runtime::kMaxWaitingRequests) + 500);

  EXPECT_EQ(refused, 500) << "those that found no room are told at once, the others wait";
}

TEST_F(Cluster, ANewNodeGetsItsShareAndNothingIsRepeated) {
  begin(8);
  start_orders(20);
  ASSERT_EQ(cluster->shards_by_node(), (std::map<std::string, int>{{"a", 4}, {"b", 4}}));

  cluster->start_node("c");
  pay(20);

  EXPECT_TRUE(
      cluster->world.advance_until([&] { return cluster->shards_by_node()["c"] == 2; }, std::chrono::seconds{10}));
  EXPECT_EQ(cluster->shards_by_node()["a"], 3);
  expect_good_end();
  for (const auto& [key, times] : cluster->performed) EXPECT_EQ(times, 1) << "balancing repeats nothing: " << key;
}

TEST_F(Cluster, AnyNodeTakesRequestsForEveryShard) {
  begin(9);

  for (int i = 0; i < 20; ++i) {
    const auto id = cluster->start_through(i % 2 == 0 ? "a" : "b", "order", "k" + std::to_string(i),
                                           std::chrono::milliseconds{100});
    ASSERT_TRUE(id.has_value()) << id.error().message;
    orders.insert(*id);
  }
  pay(20);

  expect_good_end();
}

TEST_F(Cluster, AStartForADeadOwnerWaitsForTheNextOne) {
  begin(10);
  cluster->crash("b");

  for (int i = 0; i < 8; ++i) {
    const auto id = cluster->start_through("a", "order", "k" + std::to_string(i), std::chrono::seconds{15});
    ASSERT_TRUE(id.has_value()) << id.error().message;
    orders.insert(*id);
  }
  pay(8);

  expect_good_end();
}

TEST_F(Cluster, MoreSuspectsThanMayBeInHandAllGoOn) {
  begin(15);
  cluster->deploy("chain", R"({
    "StartAt": "One",
    "States": {
      "One": {"Type": "Task", "Resource": "handler:instant", "Next": "Two"},
      "Two": {"Type": "Task", "Resource": "handler:instant", "End": true}
    }
  })");
  cluster->drain("b");
  const auto runs = cluster->start_together("a", "chain", 200);
  ASSERT_EQ(runs.size(), 200U);

  cluster->crash("a");  // between the start of the runs and their first step
  cluster->start_node("a");
  cluster->world.advance(std::chrono::seconds{30});

  int open = 0;
  for (const RunId& id : runs) {
    const auto run = cluster->find_run(id);
    ASSERT_TRUE(run.has_value());
    if (!is_closed(run->state)) ++open;
  }
  EXPECT_EQ(open, 0) << "runs whose suspected step was never performed";
}

TEST_F(Cluster, AnIdempotencyKeyOutlivesTheNodeThatWasAtWorkUnderIt) {
  begin(14);
  std::map<std::string, RunId> reserved;
  for (int i = 0; i < 16; ++i) {
    const std::string key = "request-" + std::to_string(i);
    const auto gate = cluster->open_gate("b", key);
    ASSERT_TRUE(gate.has_value()) << gate.error().message;
    reserved[key] = gate->reserved_id;
  }
  const auto meanwhile = cluster->open_gate("a", "request-0");
  ASSERT_FALSE(meanwhile.has_value());
  EXPECT_EQ(meanwhile.error().slug, "idempotency-in-flight");

  cluster->crash("b");  // before it answered anybody
  cluster->world.advance(std::chrono::seconds{30});

  for (const auto& [key, id] : reserved) {
    const auto again = cluster->open_gate("a", key);
    ASSERT_TRUE(again.has_value()) << key << ": " << again.error().message;
    EXPECT_EQ(again->reserved_id, id) << "the same id finishes what may have begun";
  }
}

TEST_F(Cluster, ALostCallBetweenNodesIsRepeatedWithoutDoubling) {
  begin(12);
  int calls = 0;
  cluster->peer_loss = [&](std::string_view operation) { return operation != "wake" && ++calls % 2 == 0; };

  start_orders(20);
  pay(20);

  EXPECT_GT(calls, 10);
  cluster->peer_loss = nullptr;
  expect_good_end();
}

TEST_F(Cluster, AStoppedNodeThatWakesUpWritesNothing) {
  begin(13);
  start_orders(20);
  cluster->world.advance(std::chrono::milliseconds{3});  // steps are in hand, batches in flight

  cluster->freeze("a");
  cluster->world.advance(std::chrono::seconds{30});  // "b" takes everything over and goes on
  cluster->thaw("a");
  pay(20);

  expect_good_end();
}

}  // namespace
}  // namespace orchestrator::testing
