#include "orchestrator/core/history_items.hpp"

#include <gtest/gtest.h>

#include "core_driver.hpp"

namespace orchestrator::core {
namespace {

constexpr std::string_view kTwo = R"({"StartAt": "A", "States": {
  "A": {"Type": "Task", "Resource": "handler:noop", "Retry": [{"ErrorEquals": ["Boom"], "IntervalSeconds": 4}], "ResultPath": null,
        "Assign": {"r.$": "$"}, "Next": "B"},
  "B": {"Type": "Pass", "End": true}}})";

const Json& item_of(const std::vector<Json>& items, const std::string& type) {
  static const Json kNone;
  for (const Json& item : items) {
    if (item["type"] == type) return item;
  }
  ADD_FAILURE() << "no item of type " << type;
  return kNone;
}

TEST(HistoryItems, FillInWhatTheJournalLeavesOut) {
  Driver run(kTwo, {{"order", 7}});
  run.start();
  run.fail("A", "Boom", "why");
  run.fire_next_timer();
  run.complete("A", "result");

  const auto items = run.items();

  EXPECT_EQ(items.size(), run.events.size());
  EXPECT_EQ(items[0]["input"], Json({{"order", 7}}));
  EXPECT_EQ(items[1]["seq"], 2);
  EXPECT_EQ(items[1]["previous_seq"], 1);
  EXPECT_EQ(items[1]["state_name"], "A");
  const Json scheduled = item_of(items, "TaskScheduled");
  EXPECT_EQ(scheduled["input"], Json({{"order", 7}}));
  EXPECT_EQ(scheduled["idempotency_key"], "default/orders/01890000-0000-7000-8000-000000000001/A/1");
  EXPECT_EQ(scheduled["resource"], "handler:noop");
  EXPECT_EQ(scheduled["attempt"], 1);
  const Json failed = item_of(items, "TaskFailed");
  EXPECT_EQ(failed["error"], "Boom");
  EXPECT_EQ(failed["cause"], "why");
  EXPECT_EQ(failed["retry_at"], "2026-01-01T00:00:04.000Z");
  EXPECT_EQ(failed["attempt"], 1);
  const Json exited = item_of(items, "TaskStateExited");
  EXPECT_EQ(exited["output"], Json({{"order", 7}}));
  EXPECT_EQ(exited["assigned_variables"], Json({{"r", "result"}}));
  EXPECT_EQ(item_of(items, "TaskSucceeded")["attempt"], 2);
  EXPECT_EQ(items.back()["output"], Json({{"order", 7}}));
}

TEST(HistoryItems, KeepsInputOutOfTheJournalWhenTheStateReturnsIt) {
  Driver run(kTwo, {{"order", std::string(1000, 'x')}});
  run.start();

  const Decision decision = run.complete("A", 1);

  EXPECT_LT(encode_events(decision.events).size(), 400U);
  EXPECT_EQ(run.output()["order"], std::string(1000, 'x'));
}

TEST(HistoryItems, TellIterationsApart) {
  Driver run(R"({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "P",
    "States": {"P": {"Type": "Pass", "End": true}}}}}})",
             Json::array({"a", "b"}));
  run.start();

  const auto items = run.items();

  const Json started = item_of(items, "MapIterationStarted");
  EXPECT_EQ(started["index"], 0);
  EXPECT_EQ(started["input"], "a");
  EXPECT_EQ(item_of(items, "MapStateStarted")["length"], 2);
  EXPECT_EQ(item_of(items, "MapStateExited")["output"], Json({"a", "b"}));
}

TEST(HistoryItems, RefuseHistoryOutOfOrder) {
  Driver run(kTwo);
  run.start();
  HistoryItems history(run.planner, run.run.header(), run.definition);

  EXPECT_FALSE(history.add({run.events.back()}));
}

}  // namespace
}  // namespace orchestrator::core
