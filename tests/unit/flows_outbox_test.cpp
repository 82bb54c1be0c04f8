#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

Json batch(int events) { return {{"event_count", events}, {"events", Json(std::vector<int>(events, 0))}}; }
Json marked(int published, int failed) {
  return {{"published_count", published}, {"failed_count", failed}, {"set_aside_count", 0}};
}

SimulatedFlow a_publisher() {
  SimulatedFlow flow("outbox-publish", Json::object());
  flow.always("Deliver", {{"results", Json::array()}})
      .answers("Clean", {{"removed_count", 3}, {"unpublished_count", 1}, {"set_aside_count", 0}});
  return flow;
}

TEST(OutboxPublish, GoesOnUntilTheOutboxIsEmpty) {
  const FlowEnd end = a_publisher()
                          .answers("Claim", batch(2))
                          .answers("Mark", marked(2, 0))
                          .answers("Claim", batch(1))
                          .answers("Mark", marked(1, 0))
                          .answers("Claim", batch(0))
                          .run();

  EXPECT_EQ(end.output, Json({{"published_count", 3},
                              {"failed_count", 0},
                              {"set_aside_count", 0},
                              {"removed_count", 3},
                              {"unpublished_count", 1}}))
      << end.error;
}

TEST(OutboxPublish, StopsWhenTheReceiverTakesNothing) {
  const FlowEnd end = a_publisher().answers("Claim", batch(2)).answers("Mark", marked(0, 1)).run();

  EXPECT_EQ(end.output["failed_count"], 1) << end.error;
  EXPECT_EQ(end.times("Claim"), 1);
}

}  // namespace
}  // namespace orchestrator::flows
