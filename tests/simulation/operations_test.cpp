// Bulk operations that nodes leave in the middle.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "orchestrator/base/json.hpp"
#include "orchestrator/service/operations.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {
namespace {

using std::chrono::seconds;
using store::OperationState;
using store::memory::Fault;

constexpr const char* kFails =
    R"({"StartAt":"Try","States":{"Try":{"Type":"Task","Resource":"handler:refuses","End":true}}})";
constexpr int kRuns = 60;

class Operations : public ::testing::Test {
 protected:
  void begin(std::uint64_t seed) {
    cluster = std::make_unique<SimulatedCluster>(seed);
    cluster->works_on_operations = true;
    HandlerEntry refuses;
    refuses.name = "refuses";
    refuses.plain = [](const Json&, TaskContext&) { return Outcome::failed("No", "asked to"); };
    ASSERT_TRUE(cluster->handlers.add(std::move(refuses)));
    cluster->start_node("a");
    cluster->start_node("b");
    cluster->world.advance(seconds{5});
    cluster->deploy("fails", kFails);
  }

  std::vector<RunId> failed_runs() {
    auto runs = cluster->start_together("a", "fails", kRuns);
    cluster->world.advance(seconds{3});
    return runs;
  }

  /// Through node a, until it is accepted.
  store::OperationId start(store::OperationAction action, std::int32_t rate) {
    service::StartOperation request;
    request.namespace_name = "default";
    request.action = action;
    request.filter.workflow = "fails";
    request.reason = "all of them";
    request.actor = "simulation";
    request.rate_per_second = rate;
    std::optional<store::OperationId> id;
    cluster->call("a", [&](service::Service& service) {
      service.operations().start(request, [&](const Result<service::StartedOperation>& started) {
        ASSERT_TRUE(started) << started.error().message;
        EXPECT_EQ(started->matched, kRuns);
        id = started->operation_id;
      });
    });
    cluster->world.advance_until([&] { return id.has_value(); }, seconds{5});
    EXPECT_TRUE(id);
    return id.value_or(store::OperationId{});
  }

  [[nodiscard]] const store::OperationView& view(store::OperationId id) const {
    return cluster->tables().operations.at(id).view;
  }

  [[nodiscard]] int retries_of(RunId id) const {
    int retries = 0;
    const auto journal = cluster->tables().journal.find(id);
    if (journal == cluster->tables().journal.end()) return 0;
    for (const auto& [seq, row] : journal->second)
      retries += row.events.find("\"RunRetried\"") != std::string::npos ? 1 : 0;
    return retries;
  }

  std::unique_ptr<SimulatedCluster> cluster;
};

TEST_F(Operations, GoOnElsewhereWhenTheirNodeDiesAndRetryEachRunOnce) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    begin(seed);
    const auto runs = failed_runs();
    const auto id = start(store::OperationAction::retry, 40);
    SeededRandom random(seed);

    // Both nodes die, one after the other, at any moment of the work.
    for (const char* node : {"a", "b"}) {
      cluster->world.advance(std::chrono::milliseconds{random.next() % 1'500});
      cluster->crash(node);
      cluster->world.advance(std::chrono::milliseconds{random.next() % 3'000});
      cluster->start_node(node);
    }
    cluster->world.advance_until([&] { return view(id).state == OperationState::done; }, seconds{120});

    ASSERT_EQ(view(id).state, OperationState::done);
    EXPECT_EQ(view(id).done + view(id).failed, kRuns);
    EXPECT_EQ(view(id).done, kRuns) << view(id).failures;
    cluster->world.advance(seconds{20});
    for (const RunId& run : runs) EXPECT_EQ(retries_of(run), 1) << run.str();
    for (const auto& line : cluster->errors) ADD_FAILURE() << line;
    if (HasFailure()) return;
  }
}

TEST_F(Operations, KeepTheirPaceAndStopWhenTheyAreTold) {
  begin(7);
  failed_runs();
  const auto id = start(store::OperationAction::retry, 4);

  cluster->world.advance(seconds{5});
  const std::int32_t early = view(id).done;
  bool stopped = false;
  cluster->call("b", [&](service::Service& service) {
    service.operations().stop("default", id, Caller{"ben", Role::operator_},
                              [&](const Result<store::OperationView>& view) { stopped = view.has_value(); });
  });
  cluster->world.advance(seconds{10});

  EXPECT_GE(early, 10);
  EXPECT_LE(early, 24);
  EXPECT_TRUE(stopped);
  EXPECT_EQ(view(id).state, OperationState::stopped);
  EXPECT_LE(view(id).done, early + 4);
}

TEST_F(Operations, OutliveAStoreThatIsAwayNowAndThen) {
  begin(9);
  const auto runs = failed_runs();
  SeededRandom random(9);
  cluster->faults = [&](std::string_view operation) {
    const bool is_ours = operation.find("_operation") != std::string_view::npos && operation != "create_operation";
    if (!is_ours || random.next() % 3 != 0) return Fault::none;
    return random.next() % 2 == 0 ? Fault::unknown_done : Fault::unavailable;
  };

  const auto id = start(store::OperationAction::retry, 100);
  cluster->world.advance_until([&] { return view(id).state == OperationState::done; }, seconds{200});

  EXPECT_EQ(view(id).state, OperationState::done);
  EXPECT_EQ(view(id).done, kRuns) << view(id).failures;
  for (const RunId& run : runs) EXPECT_EQ(retries_of(run), 1);
}

}  // namespace
}  // namespace orchestrator::testing
