// simulate --store: shipped definitions through the real engine, killed after every row of history.
#include "orchestrator/app/engine_simulation.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "handlers/sample_groups.hpp"
#include "orchestrator/app/scratch_database.hpp"
#include "orchestrator/app/watched_store.hpp"
#include "orchestrator/store/memory/memory_store.hpp"
#include "orchestrator/store/postgres/postgres_store.hpp"

namespace orchestrator::app {
namespace {

Json definition(const std::string& name) {
  std::ifstream file(std::string(ORC_WORKFLOWS_DIR) + "/" + name + ".asl.json");
  return *parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
}

/// Over the in-memory store; `constraint` is what its database has against a batch.
EngineSimulation in_memory(Json definition, Json input, Json mocks,
                           std::function<Status(const store::Batch&)> constraint = {}) {
  EngineSimulation simulation;
  simulation.what.definition = std::move(definition);
  simulation.what.input = std::move(input);
  simulation.what.mocks = std::move(mocks);
  const auto database = std::make_shared<store::memory::MemoryDatabase>(4);
  simulation.open_store = [database, constraint](std::function<Timestamp()> now) {
    store::memory::MemoryOptions options;
    options.lanes = 1;
    options.post = [](const std::function<void()>& work) { work(); };
    options.now = std::move(now);
    options.constraint = constraint;
    std::unique_ptr<store::Store> store = std::make_unique<store::memory::MemoryStore>(database, std::move(options));
    return Result<std::unique_ptr<store::Store>>(std::move(store));
  };
  return simulation;
}

std::string text_of(const std::optional<EngineDifference>& difference) {
  if (!difference) return "";
  return difference->state + ": expected " + difference->expected + ", found " + difference->found;
}

/// Without kills and with them; answers what was expected of both.
Json expect_the_same(EngineSimulation simulation, EngineSimulation killed) {
  killed.crash_at_every_event = true;
  std::int32_t lines = 0;
  killed.tell = [&lines](const std::string&) { ++lines; };

  const auto whole = simulate_in_engine(simulation);
  const auto pieces = simulate_in_engine(killed);

  EXPECT_TRUE(whole) << whole.error().message;
  EXPECT_TRUE(pieces) << pieces.error().message;
  if (!whole || !pieces) return Json::object();
  EXPECT_EQ(text_of(whole->difference), "");
  EXPECT_EQ(whole->crashes, 0);
  EXPECT_EQ(text_of(pieces->difference), "");
  EXPECT_GT(pieces->crashes, 3);
  EXPECT_EQ(lines, pieces->crashes);
  return pieces->expected;
}

const char* const kCheckoutInput = R"({"buyer_store":"s-1","cart_id":"c-1","attempt":1,"buyer":"b-1","currency":"ZAR",
  "lines":[{"line_id":"l-1"}]})";
const char* const kCheckoutMocks = R"({"tasks":{"PlaceCheckout":[{"return":{"status":"placed","group_id":"s-1:c-1:1",
  "orders":[{"order_id":"o-1","vendor":"v-1","balance_due_minor":100},
            {"order_id":"o-2","vendor":"v-2","balance_due_minor":200}],"failures":[]}}],
  "StartVendorOrder":[{"return":{"run_id":"r-1"}},{"return":{"run_id":"r-2"}}]}})";

/// Reminded after three days, escalated after seven, confirmed after twenty.
const char* const kPayoutMocks = R"({"tasks":{
  "OpenPayout":[{"return":{"amount_minor":9000,"paid_minor":8100,"vendor":"v-1","state":"listed","reason":"","round":1,
    "key":"o-1"}}],
  "Remind":[{"return":{"added":true}}],"Escalate":[{"return":{"added":true}}],
  "Pay":[{"return":{"state":"paid","reason":"","paid_minor":8100}}]},
  "signals":[{"at":1728000,"name":"payout.confirm",
    "payload":{"outcome":"confirm","confirmed_by":"ann","reason":"checked"}}]})";

const char* const kRefundInput = R"({"refund_id":"refund:pay-1:1","subject_type":"topup","subject":"pay-1",
  "amount_minor":15000,"reason":"paid twice"})";
const char* const kRefundMocks = R"({"tasks":{
  "OpenRefund":[{"return":{"status":"due","reason":"","amount_minor":15000,"recipient":"u-1"}}],
  "RemindBank":[{"return":{"added":true}},{"return":{"added":true}}],
  "Settle":[{"return":{"state":"paid","amount_minor":15000}}]},
  "signals":[{"at":3456000,"name":"refund.bank",
    "payload":{"outcome":"paid","decided_by":"ann","reason":"transferred","bank_reference":"eft-1"}}]})";

/// The mocks with what the flow's own settings handler answers.
Json with_settings(const std::string& flow, const Json& input, Json mocks) {
  const HandlerEntry handler = samples::config_handlers().front();
  TaskContext context;
  const Outcome settings = handler.plain({{"flow", flow}, {"input", input}}, context);
  mocks["tasks"]["Configure"] = Json::array({Json{{"return", json_of(settings.output)}}});
  return mocks;
}

/// Everything that a take-over treats in a way of its own: retries, far timers, signals, branches, a handler that never
/// answers, children, and inquiries.
const char* const kEverything = R"({"StartAt":"A","States":{
  "A":{"Type":"Task","Resource":"handler:a","ResultPath":"$.a","Next":"W",
    "Retry":[{"ErrorEquals":["Boom"],"IntervalSeconds":3,"MaxAttempts":2}]},
  "W":{"Type":"Wait","Seconds":864000,"Next":"S"},
  "S":{"Type":"Task","Resource":"signal:paid","TimeoutSeconds":86400,"ResultPath":"$.s","Next":"P"},
  "P":{"Type":"Parallel","ResultPath":"$.p","Next":"K","Branches":[
    {"StartAt":"B1","States":{"B1":{"Type":"Task","Resource":"handler:b","Next":"B2"},
      "B2":{"Type":"Task","Resource":"handler:b","End":true}}},
    {"StartAt":"C","States":{"C":{"Type":"Task","Resource":"handler:c","TimeoutSeconds":30,
      "Retry":[{"ErrorEquals":["States.Timeout"]}],"End":true}}}]},
  "K":{"Type":"Task","Resource":"workflow:kid","ResultPath":"$.k","Next":"L"},
  "L":{"Type":"Task","Resource":"workflow:kid","Catch":[{"ErrorEquals":["Kid.Broken"],"ResultPath":null,"Next":"I"}],
    "End":true},
  "I":{"Type":"Task","Resource":"handler:pay","TimeoutSeconds":10,"Inquire":{"Resource":"handler:ask"},
    "Retry":[{"ErrorEquals":["States.ALL"]}],"ResultPath":"$.i","End":true}}})";
const char* const kEverythingMocks = R"({"tasks":{
  "A":[{"error":"Boom"},{"return":1}],"B1":[{"return":2}],"B2":[{"return":3}],"C":[{"hang":true},{"return":"c"}],
  "K":[{"return":{"kid":1}}],"L":[{"error":"Kid.Broken","cause":"as asked"}],
  "I":[{"timed_out":true},{"return":"paid"}],
  "I/Inquire":[{"return":{"outcome":"unknown"}},{"return":{"outcome":"not_found"}}]},
  "signals":[{"at":900000,"name":"paid","payload":{"x":1}}]})";

TEST(EngineSimulation, ACheckoutSurvivesACrashAfterEachOfItsRows) {
  const Json input = *parse_json(kCheckoutInput);
  const Json mocks = with_settings("checkout", input, *parse_json(kCheckoutMocks));
  const auto simulation = [&] { return in_memory(definition("checkout"), input, mocks); };

  const Json report = expect_the_same(simulation(), simulation());

  EXPECT_EQ(string_member(report, "status"), "SUCCEEDED");
  EXPECT_EQ(report.value("output", Json::object()).value("run_ids", Json::array()).size(), 2U) << dump_json(report);
}

TEST(EngineSimulation, APayoutOfThreeWeeksDoes) {
  const Json input = {{"order_id", "o-1"}};
  const Json mocks = with_settings("payout", input, *parse_json(kPayoutMocks));
  const auto simulation = [&] { return in_memory(definition("payout"), input, mocks); };

  const Json report = expect_the_same(simulation(), simulation());

  EXPECT_EQ(string_member(report.value("output", Json::object()), "status"), "paid") << dump_json(report);
}

TEST(EngineSimulation, ARefundThatABankForgetsForFortyDaysDoes) {
  const Json input = *parse_json(kRefundInput);
  const Json mocks = with_settings("bank-refund", input, *parse_json(kRefundMocks));
  const auto simulation = [&] { return in_memory(definition("bank-refund"), input, mocks); };

  const Json report = expect_the_same(simulation(), simulation());

  EXPECT_EQ(string_member(report.value("output", Json::object()), "status"), "paid") << dump_json(report);
}

TEST(EngineSimulation, ARunThatWaitsForWhatNeverComesIsGivenUpByBoth) {
  const char* definition = R"({"StartAt":"S","States":{"S":{"Type":"Task","Resource":"signal:paid","End":true}}})";
  auto simulation = in_memory(*parse_json(definition), Json::object(), Json::object());
  simulation.crash_at_every_event = true;

  const auto report = simulate_in_engine(simulation);

  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(text_of(report->difference), "");
  EXPECT_EQ(string_member(report->expected, "status"), "ABORTED");
}

TEST(EngineSimulation, EverythingAtOnceDoes) {
  const auto simulation = [] {
    return in_memory(*parse_json(kEverything), Json::object(), *parse_json(kEverythingMocks));
  };

  const Json report = expect_the_same(simulation(), simulation());

  EXPECT_EQ(string_member(report.value("output", Json::object()), "i"), "paid") << dump_json(report);
}

TEST(EngineSimulation, ASignalAtTheVeryEndOfAWaitIsInTimeForBoth) {
  const char* definition = R"({"StartAt":"S","States":{"S":{"Type":"Task","Resource":"signal:paid","TimeoutSeconds":60,
    "End":true}}})";
  const char* mocks = R"({"signals":[{"at":60,"name":"paid","payload":1}]})";
  const auto simulation = [&] { return in_memory(*parse_json(definition), Json::object(), *parse_json(mocks)); };

  const auto report = simulate_in_engine(simulation());

  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(text_of(report->difference), "");
  EXPECT_EQ(string_member(report->expected, "status"), "SUCCEEDED");
}

TEST(EngineSimulation, AnEngineThatGoesWrongIsNoticed) {
  // The database takes no row that says that the order was paid.
  const auto refuses = [](const store::Batch& batch) -> Status {
    for (const store::JournalRow& row : batch.journal) {
      if (row.events.find("TaskSucceeded") == std::string::npos || row.seq < 10) continue;
      return Error(ErrorCode::invalid_argument, "a check was violated").with("sqlstate", "23514");
    }
    return {};
  };

  const auto report =
      simulate_in_engine(in_memory(*parse_json(kEverything), Json::object(), *parse_json(kEverythingMocks), refuses));

  ASSERT_TRUE(report) << report.error().message;
  ASSERT_TRUE(report->difference);
  EXPECT_EQ(report->difference->state, "P") << text_of(report->difference);
  EXPECT_NE(report->difference->found.find("ExecutionFailed"), std::string::npos) << text_of(report->difference);
}

TEST(EngineSimulation, WhatTheEngineDoesNotOfferIsAnError) {
  const auto report = simulate_in_engine(
      in_memory(*parse_json(R"({"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:x","End":true}}})"),
                Json::object(), *parse_json(R"({"tasks":{"A":[{"return":1}]}})")));

  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().slug, "invalid-definition");
}

TEST(EngineSimulation, PostgresComesToTheSameEnd) {
  const auto database = ScratchDatabase::make(4);
  ASSERT_TRUE(database) << database.error().message;
  auto simulation = in_memory(*parse_json(kEverything), Json::object(), *parse_json(kEverythingMocks));
  simulation.crash_at_every_event = true;
  simulation.seed = 7;
  simulation.open_store = [url = (*database)->url()](const std::function<Timestamp()>&) {
    return store::postgres::open_postgres({.url = url, .lanes = 1, .page_connections = 1, .step_connections = 1});
  };

  const auto report = simulate_in_engine(simulation);

  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(text_of(report->difference), "");
  EXPECT_GT(report->crashes, 20);

  // Simulations may follow one another on it, until somebody puts work of his own there.
  ASSERT_TRUE(ScratchDatabase::use((*database)->url(), 4));
  simulation.seed = 8;
  const auto again = simulate_in_engine(simulation);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(text_of(again->difference), "");
  const auto store = simulation.open_store({});
  ASSERT_TRUE(store) << store.error().message;
  const store::DeployRequest foreign{.namespace_name = "default", .name = "orders", .source = "{}", .checksum = "c"};
  ASSERT_TRUE(await_answer<store::DeployAnswer>(
      [&](store::Done<store::DeployAnswer> told) { (*store)->deploy(foreign, std::move(told)); }));
  const auto refused = ScratchDatabase::use((*database)->url(), 4);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("the workflow orders"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace orchestrator::app
