#include <gtest/gtest.h>

#include "sample_step.hpp"

namespace orchestrator::samples {
namespace {

/// Three events: two of order o-1, one of order o-2.
class SampleOutbox : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [event, order] : {std::pair{"e-1", "o-1"}, {"e-2", "o-1"}, {"e-3", "o-2"}}) {
      backend_.database().execute(
          "insert into backend.outbox (namespace, event_id, type, aggregate_type, aggregate_id, correlation_id, "
          "payload) "
          "values ('default', '" +
          std::string(event) + "', 'order_created', 'order', '" + order + "', 'k', '{\"a\": 1}')");
    }
  }

  std::vector<std::string> claim(const std::string& key, int batch_size = 10) {
    const Json batch = backend_.output("outbox.claim", {{"batch_size", batch_size}, {"lease_seconds", 30}}, key);
    std::vector<std::string> ids;
    for (const Json& event : batch["events"]) ids.push_back(event["event_id"]);
    return ids;
  }
  Json mark(const std::string& key, const Json& results, int max_tries = 10) {
    return backend_.output("outbox.mark", {{"results", results}, {"max_tries", max_tries}}, key);
  }
  static Json told(const std::string& id, const std::string& outcome) {
    return {{"event_id", id}, {"outcome", outcome}, {"error", "Provider.Refused: no"}};
  }

  SampleBackend backend_;
};

using Ids = std::vector<std::string>;

TEST_F(SampleOutbox, PublishesInOrderAndOnce) {
  const Ids first = claim("p/1");
  const Json marked = mark("p/2", {told("e-1", "published"), told("e-2", "published"), told("e-3", "published")});
  const Json again = mark("p/3", Json::array({told("e-1", "published")}));

  EXPECT_EQ(first, Ids({"e-1", "e-2", "e-3"}));
  EXPECT_EQ(marked["published_count"], 3);
  EXPECT_EQ(again["published_count"], 0);
  EXPECT_EQ(claim("p/4"), Ids());
  EXPECT_TRUE(backend_.refuses("update backend.outbox set published_at = null"));
  EXPECT_TRUE(backend_.refuses("update backend.outbox set payload = '{}'"));
}

TEST_F(SampleOutbox, BatchOfADeadPublisherIsFreeAfterItsLease) {
  EXPECT_EQ(claim("p/1", 1), Ids({"e-1"}));
  // e-2 waits for e-1, which is in another hand.
  EXPECT_EQ(claim("p/2"), Ids({"e-3"}));
  EXPECT_EQ(claim("p/3"), Ids());
  backend_.database().execute("update backend.outbox set claimed_until = now() - interval '1 second'");
  EXPECT_EQ(claim("p/4"), Ids({"e-1", "e-2", "e-3"}));
}

TEST_F(SampleOutbox, FailedEventWaitsAndHoldsUpItsAggregate) {
  claim("p/1");
  const Json marked = mark("p/2", {told("e-1", "failed"), told("e-2", "not_tried"), told("e-3", "published")});

  EXPECT_EQ(marked["failed_count"], 1);
  EXPECT_EQ(claim("p/3"), Ids());
  backend_.database().execute("update backend.outbox set next_try_at = now() where event_id = 'e-1'");
  EXPECT_EQ(claim("p/4"), Ids({"e-1", "e-2"}));
  EXPECT_EQ(backend_.query("select string_agg(attempt_count::text, ' ' order by event_id) from backend.outbox"),
            "1 0 1");
}

TEST_F(SampleOutbox, EventThatNobodyTakesIsSetAsideAndTold) {
  claim("p/1");

  const Json marked = mark("p/2", {told("e-1", "failed"), told("e-2", "not_tried")}, 1);

  EXPECT_EQ(marked["set_aside_count"], 1);
  EXPECT_EQ(claim("p/3"), Ids({"e-2"}));
  EXPECT_EQ(backend_.query("select subject from backend.notifications where kind = 'event_set_aside'"), "e-1");
}

TEST_F(SampleOutbox, CleaningRemovesOldPublishedRowsOnly) {
  claim("p/1");
  mark("p/2", Json::array({told("e-1", "published")}));

  const Json young = backend_.output("outbox.clean", {{"clean_batch_size", 10}, {"keep_seconds", 60}}, "c/1");
  const Json old = backend_.output("outbox.clean", {{"clean_batch_size", 10}, {"keep_seconds", -1}}, "c/2");

  EXPECT_EQ(young["removed_count"], 0);
  EXPECT_EQ(old["removed_count"], 1);
  EXPECT_EQ(backend_.query("select count(*) from backend.outbox"), "2");
}

}  // namespace
}  // namespace orchestrator::samples
