// Jobs against the shipped binary and its real engine and database.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "tests/http/real_server.hpp"
#include "tests/support/http_client.hpp"

namespace orchestrator::testing_support {
namespace {

class RealJobs : public testing::Test {
 protected:
  // One server for all tests, which therefore name their own keys.
  static void SetUpTestSuite() {
    server_ = std::make_unique<RealServer>();
    ASSERT_TRUE(server_->start()) << server_->log();
  }
  static void TearDownTestSuite() { server_.reset(); }

  static ClientResponse call(const std::string& method, const std::string& target, const std::string& body = {},
                             ClientHeaders headers = {}) {
    headers.emplace_back("Authorization", std::string("Bearer ") + RealServer::kAdminKey);
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    HttpClient client(server_->port());
    return client.request(method, target, body, headers);
  }
  static ClientResponse get(const std::string& target) { return call("GET", target); }
  static ClientResponse post(const std::string& target, const Json& body, ClientHeaders headers = {}) {
    return call("POST", target, dump_json(body), std::move(headers));
  }
  static std::string enqueue(const Json& body) {
    const auto answer = post("/v1/jobs", body);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return string_member(answer.json(), "run_id");
  }
  static std::string slug(const ClientResponse& response) { return string_member(response.json(), "type"); }

  /// The run once its member has that value, or as it is after ten seconds.
  static Json once_it_has(const std::string& run_id, const char* member, const Json& value) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    Json run;
    do {
      run = get("/v1/runs/" + run_id).json();
      if (run.at(member) == value) break;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    } while (std::chrono::steady_clock::now() < give_up);
    EXPECT_EQ(run.at(member), value) << dump_json(run);
    return run;
  }
  static Json run_in(const std::string& run_id, const char* state) { return once_it_has(run_id, "state", state); }
  static Json history_of(const std::string& run_id) {
    return get("/v1/runs/" + run_id + "/history").json().at("items");
  }
  static std::string in_far_future() { return "2100-01-01T00:00:00Z"; }

  static std::unique_ptr<RealServer> server_;
};

std::unique_ptr<RealServer> RealJobs::server_;

TEST_F(RealJobs, OneIsPerformedClosedAndReadable) {
  const auto answer = post("/v1/jobs", {{"handler", "echo"}, {"input", {{"n", 7}}}, {"priority", 5}});
  ASSERT_EQ(answer.status, 201) << answer.body;
  const std::string run_id = string_member(answer.json(), "run_id");
  EXPECT_EQ(answer.header("location"), "/v1/runs/" + run_id);

  const Json run = run_in(run_id, "succeeded");

  EXPECT_EQ(run.at("kind"), "job");
  EXPECT_EQ(run.at("handler"), "echo");
  EXPECT_EQ(run.at("workflow"), "echo");
  EXPECT_EQ(run.at("version"), 0);
  EXPECT_EQ(run.at("queue"), "default");
  EXPECT_EQ(run.at("input"), Json({{"n", 7}}));
  EXPECT_EQ(run.at("output"), Json({{"n", 7}}));
  EXPECT_EQ(run.at("priority"), 5);
  EXPECT_EQ(run.at("attempts"), 1);
  EXPECT_EQ(run.at("max_attempts"), 5);
  const Json history = history_of(run_id);
  ASSERT_EQ(history.size(), 2U) << dump_json(history);
  EXPECT_EQ(history[0].at("type"), "ExecutionStarted");
  EXPECT_EQ(history[1].at("type"), "ExecutionSucceeded");
  EXPECT_EQ(history[1].at("output"), Json({{"n", 7}}));
}

TEST_F(RealJobs, ABatchAnswersItemByItem) {
  Json jobs = Json::array();
  for (int i = 0; i < 500; ++i) jobs.push_back({{"handler", "noop"}, {"queue", "batch"}, {"input", {{"i", i}}}});
  jobs[3] = {{"handler", "noop"}, {"delay_seconds", -1}};
  jobs[4] = {{"handler", "no such name!"}, {"surprise", true}};

  const auto answer = post("/v1/jobs/batch", {{"jobs", jobs}});

  ASSERT_EQ(answer.status, 201) << answer.body;
  const Json items = answer.json().at("items");
  ASSERT_EQ(items.size(), 500U);
  EXPECT_EQ(items[3].at("error").at("status"), 422);
  EXPECT_EQ(items[3].at("error").at("errors").at(0).at("pointer"), "/jobs/3/delay_seconds");
  EXPECT_EQ(items[4].at("error").at("errors").size(), 2U);
  std::set<std::string> ids;
  for (const Json& item : items) ids.insert(string_member(item, "run_id"));
  EXPECT_EQ(ids.size(), 499U);  // the two refused ones share the empty text
  run_in(string_member(items[499], "run_id"), "succeeded");
  EXPECT_EQ(get("/v1/runs?queue=batch&handler=noop&limit=500").json().at("items").size(), 498U);
  EXPECT_TRUE(get("/v1/runs?queue=batch&handler=echo").json().at("items").empty());
  EXPECT_EQ(post("/v1/jobs/batch", {{"jobs", Json::array()}}).status, 422);
}

TEST_F(RealJobs, BadInputIsRefusedWithPointers) {
  const auto pointer_of = [](const Json& extra) {
    Json body = {{"handler", "noop"}};
    body.update(extra);
    const auto answer = post("/v1/jobs", body);
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_EQ(slug(answer), "/problems/invalid-body");
    return answer.json().at("errors").at(0).at("pointer").get<std::string>();
  };

  EXPECT_EQ(pointer_of({{"delay_seconds", -0.5}}), "/delay_seconds");
  EXPECT_EQ(pointer_of({{"delay_seconds", 1}, {"run_at", in_far_future()}}), "/delay_seconds");
  EXPECT_EQ(pointer_of({{"priority", 101}}), "/priority");
  EXPECT_EQ(pointer_of({{"max_attempts", 0}}), "/max_attempts");
  EXPECT_EQ(pointer_of({{"retry", {{"kind", "sometimes"}}}}), "/retry/kind");
  EXPECT_EQ(pointer_of({{"retry", {{"kind", "list"}}}}), "/retry/delays_seconds");
  EXPECT_EQ(pointer_of({{"retry", {{"kind", "list"}, {"delays_seconds", {1, -1}}}}}), "/retry/delays_seconds/1");
  EXPECT_EQ(pointer_of({{"retry", {{"kind", "fixed"}, {"factor", 2}}}}), "/retry/factor");
  EXPECT_EQ(pointer_of({{"retry", {{"initial_seconds", 10}, {"max_seconds", 5}}}}), "/retry/max_seconds");
  EXPECT_EQ(pointer_of({{"retry", {{"speed", 1}}}}), "/retry/speed");
  EXPECT_EQ(pointer_of({{"unique", Json::object()}}), "/unique/key");
  EXPECT_EQ(pointer_of({{"unique", {{"key", "a"}, {"within_seconds", 0}}}}), "/unique/within_seconds");
  EXPECT_EQ(pointer_of({{"order_key", "a"}, {"concurrency_key", "b"}}), "/concurrency_key");
  EXPECT_EQ(pointer_of({{"unique", {{"key", "a"}}}, {"rate_key", "b"}}), "/rate_key");
  EXPECT_EQ(pointer_of({{"queue", "a queue"}}), "/queue");
  EXPECT_EQ(pointer_of({{"when", "now"}}), "/when");
  EXPECT_EQ(post("/v1/jobs", Json::object()).json().at("errors").at(0).at("pointer"), "/handler");
}

TEST_F(RealJobs, OversizedInputIsRefused) {
  const std::string large(1024 * 1024 + 1, 'x');

  EXPECT_EQ(post("/v1/jobs", {{"handler", "noop"}, {"input", large}}).status, 413);
  const auto batch =
      post("/v1/jobs/batch", {{"jobs", {{{"handler", "noop"}, {"input", large}}, {{"handler", "noop"}}}}});

  ASSERT_EQ(batch.status, 201) << batch.body.substr(0, 300);
  EXPECT_EQ(batch.json().at("items").at(0).at("error").at("type"), "/problems/payload-too-large");
  EXPECT_TRUE(batch.json().at("items").at(1).contains("run_id"));
}

TEST_F(RealJobs, RetriesFollowTheListAndTheHistoryTellsEachFailure) {
  const std::string run_id = enqueue({{"handler", "fail"},
                                      {"input", {{"error", "Boom"}, {"cause", "asked to"}, {"times", 2}}},
                                      {"retry", {{"kind", "list"}, {"delays_seconds", {0.05, 0.01}}}}});

  const Json run = run_in(run_id, "succeeded");

  EXPECT_EQ(run.at("attempts"), 3);
  EXPECT_EQ(run.at("output"), Json({{"attempt", 3}}));
  const Json history = history_of(run_id);
  ASSERT_EQ(history.size(), 4U) << dump_json(history);
  for (int i : {1, 2}) {
    const Json& failure = history.at(static_cast<std::size_t>(i));
    EXPECT_EQ(failure.at("type"), "TaskFailed");
    EXPECT_EQ(failure.at("attempt"), i);
    EXPECT_EQ(failure.at("error"), "Boom");
    EXPECT_EQ(failure.at("cause"), "asked to");
    EXPECT_TRUE(failure.contains("retry_at"));
    EXPECT_TRUE(failure.contains("worker"));
  }
  EXPECT_EQ(history.back().at("type"), "ExecutionSucceeded");
}

TEST_F(RealJobs, AnExhaustedOneIsADeadLetterAndComesBackOnRequest) {
  const std::string run_id = enqueue({{"handler", "fail"},
                                      {"input", {{"error", "Boom"}}},
                                      {"max_attempts", 3},
                                      {"retry", {{"kind", "fixed"}, {"initial_seconds", 0.01}}}});
  const Json failed = run_in(run_id, "failed");
  EXPECT_EQ(failed.at("attempts"), 3);
  EXPECT_EQ(failed.at("dead_letter"), "open");
  EXPECT_EQ(failed.at("error").at("error"), "Boom");
  EXPECT_EQ(history_of(run_id).size(), 5U);

  const auto retried =
      post("/v1/runs/" + run_id + "/retry", {{"reason", "mended"}, {"input", {{"error", "Boom"}, {"times", 1}}}});

  ASSERT_EQ(retried.status, 202) << retried.body;
  const Json run = run_in(run_id, "succeeded");
  EXPECT_EQ(run.at("dead_letter"), nullptr);
}

TEST_F(RealJobs, ADelayedOneWaitsVisiblyAndIsCancelled) {
  const std::string delayed = enqueue({{"handler", "noop"}, {"delay_seconds", 0.2}});
  const std::string far = enqueue({{"handler", "noop"}, {"run_at", in_far_future()}});

  const Json waiting = get("/v1/runs/" + far).json();
  EXPECT_EQ(waiting.at("state"), "waiting");
  EXPECT_EQ(waiting.at("waiting_on").at(0).at("kind"), "timer");
  EXPECT_EQ(post("/v1/runs/" + far + "/cancel", {{"reason", "not needed"}}).status, 202);

  run_in(far, "cancelled");
  EXPECT_EQ(history_of(far).back().at("type"), "ExecutionAborted");
  const Json run = run_in(delayed, "succeeded");
  EXPECT_GE(run.at("started_at").get<std::string>(), run.at("run_at").get<std::string>());
}

TEST_F(RealJobs, AUniqueKeyReturnsReplacesOrRejects) {
  const auto unique = [](const char* key, const char* on_conflict) {
    return Json{
        {"handler", "noop"}, {"run_at", in_far_future()}, {"unique", {{"key", key}, {"on_conflict", on_conflict}}}};
  };
  const std::string first = enqueue(unique("u-1", "return_existing"));

  const auto again = post("/v1/jobs", unique("u-1", "return_existing"));
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.json().at("run_id"), first);
  EXPECT_EQ(again.json().at("existing"), true);
  EXPECT_EQ(again.json().at("state"), "waiting");
  const auto rejected = post("/v1/jobs", unique("u-1", "reject"));
  EXPECT_EQ(rejected.status, 409);
  EXPECT_EQ(slug(rejected), "/problems/unique-conflict");
  EXPECT_EQ(rejected.json().at("run_id"), first);
  const auto replaced = post("/v1/jobs", unique("u-1", "replace"));
  EXPECT_EQ(replaced.status, 201) << replaced.body;
  run_in(first, "cancelled");
  EXPECT_NE(replaced.json().at("run_id"), first);

  // Another handler, another key space; batches say it item by item.
  const auto batch = post("/v1/jobs/batch", {{"jobs", {unique("u-1", "return_existing"), unique("u-1", "reject")}}});
  EXPECT_EQ(batch.json().at("items").at(0).at("existing"), true);
  EXPECT_EQ(batch.json().at("items").at(1).at("error").at("type"), "/problems/unique-conflict");
}

TEST_F(RealJobs, AReplacedOneThatAWorkerHasStays) {
  const Json body = {
      {"handler", "sleep"}, {"input", {{"seconds", 3600}}}, {"unique", {{"key", "busy"}, {"on_conflict", "replace"}}}};
  const std::string first = enqueue(body);
  run_in(first, "running");

  const auto refused = post("/v1/jobs", body);

  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_EQ(refused.json().at("run_id"), first);
  EXPECT_EQ(post("/v1/runs/" + first + "/cancel", {{"mode", "kill"}, {"reason", "end of test"}}).status, 202);
  run_in(first, "cancelled");
}

TEST_F(RealJobs, AUniqueWindowRemembersClosedOnes) {
  const Json body = {{"handler", "noop"}, {"unique", {{"key", "w-1"}, {"within_seconds", 3600}}}};
  const std::string first = enqueue(body);
  run_in(first, "succeeded");

  const auto within = post("/v1/jobs", body);
  EXPECT_EQ(within.status, 200) << within.body;
  EXPECT_EQ(within.json().at("run_id"), first);
  EXPECT_EQ(within.json().at("state"), "succeeded");

  Json without = body;
  without["unique"].erase("within_seconds");
  EXPECT_EQ(post("/v1/jobs", without).status, 201);
}

TEST_F(RealJobs, AnIdempotencyKeyGivesTheFirstAnswerAgain) {
  const Json body = {{"handler", "echo"}, {"input", 1}};
  const ClientHeaders key = {{"Idempotency-Key", "job-once"}};

  const auto first = post("/v1/jobs", body, key);
  const auto second = post("/v1/jobs", body, key);
  const auto other = post("/v1/jobs", {{"handler", "echo"}, {"input", 2}}, key);

  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(second.header("idempotent-replayed"), "true");
  EXPECT_EQ(slug(other), "/problems/idempotency-mismatch");
}

TEST_F(RealJobs, OneOrderKeyIsPerformedInOrderAndItsHeadBlocks) {
  const Json head = {{"handler", "fail"},
                     {"input", {{"error", "Busy"}, {"times", 1}}},
                     {"order_key", "line"},
                     {"retry", {{"kind", "fixed"}, {"initial_seconds", 0.3}}}};
  const Json next = {{"handler", "echo"}, {"order_key", "line"}};

  const auto answer = post("/v1/jobs/batch", {{"jobs", {head, next, next, next}}});

  const Json items = answer.json().at("items");
  const Json second = get("/v1/runs/" + string_member(items.at(1), "run_id")).json();
  EXPECT_EQ(second.at("state"), "ready");
  EXPECT_EQ(second.at("waiting_on").at(0).at("kind"), "limit");
  EXPECT_EQ(second.at("waiting_on").at(0).at("order_key"), "line");
  EXPECT_TRUE(second.at("started_at").is_null());
  std::string before;
  for (const Json& item : items) {
    const Json run = run_in(string_member(item, "run_id"), "succeeded");
    EXPECT_GE(run.at("started_at").get<std::string>(), before);
    before = run.at("closed_at").get<std::string>();
  }
}

TEST_F(RealJobs, SurviveAKilledServer) {
  const std::string delayed = enqueue({{"handler", "echo"}, {"input", 1}, {"delay_seconds", 1}});
  const std::string failing = enqueue({{"handler", "fail"},
                                       {"input", {{"error", "Boom"}, {"times", 1}}},
                                       {"retry", {{"kind", "fixed"}, {"initial_seconds", 1}}}});
  const std::string blocked = enqueue({{"handler", "sleep"}, {"input", {{"seconds", 3600}}}, {"order_key", "k"}});
  const std::string behind = enqueue({{"handler", "echo"}, {"input", 2}, {"order_key", "k"}});
  const std::string without_handler = enqueue({{"handler", "nobody"}, {"queue", "remote"}});
  once_it_has(failing, "attempts", 1);
  run_in(blocked, "running");

  server_->kill();
  ASSERT_TRUE(server_->start()) << server_->log();

  run_in(delayed, "succeeded");
  EXPECT_EQ(run_in(failing, "succeeded").at("attempts"), 2);
  EXPECT_EQ(history_of(failing).size(), 3U);
  EXPECT_EQ(get("/v1/runs/" + behind).json().at("waiting_on").at(0).at("kind"), "limit");
  EXPECT_EQ(post("/v1/runs/" + blocked + "/cancel", {{"mode", "kill"}, {"reason", "end of test"}}).status, 202);
  run_in(behind, "succeeded");
  const Json waiting = get("/v1/runs/" + without_handler).json();
  EXPECT_EQ(waiting.at("state"), "ready");
  EXPECT_EQ(waiting.at("waiting_on").at(0).at("kind"), "worker");
  EXPECT_EQ(waiting.at("waiting_on").at(0).at("handler"), "nobody");
  EXPECT_EQ(waiting.at("waiting_on").at(0).at("queue"), "remote");
}

TEST_F(RealJobs, AGracefulCancelLetsTheWorkerFinishAndAKillDoesNot) {
  const std::string slow = enqueue({{"handler", "sleep"}, {"input", {{"seconds", 1}}}});
  const std::string killed = enqueue({{"handler", "sleep"}, {"input", {{"seconds", 3600}}}});
  run_in(slow, "running");
  run_in(killed, "running");

  EXPECT_EQ(post("/v1/runs/" + slow + "/cancel", Json::object()).status, 202);
  EXPECT_EQ(post("/v1/runs/" + killed + "/cancel", {{"mode", "kill"}, {"reason", "too long"}}).status, 202);

  EXPECT_EQ(run_in(killed, "cancelled").at("state"), "cancelled");
  run_in(slow, "cancelled");
  EXPECT_EQ(post("/v1/runs/" + slow + "/cancel", Json::object()).status, 409);
}

}  // namespace
}  // namespace orchestrator::testing_support
