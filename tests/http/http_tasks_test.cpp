// Remote workers: what their calls must look like, and what becomes of answers that nobody takes.
#include <future>

#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

using runtime::ClaimedTask;
using runtime::TaskReport;

class HttpTasks : public ApiServer {
 protected:
  static ClaimedTask a_task() {
    ClaimedTask task;
    task.token = "token-1";
    task.run_id = RunId{make_uuid7(Timestamp{}, ShardId{1}, 7)};
    task.handler = "charge";
    task.input = make_payload({{"amount", 5}});
    return task;
  }
  /// The pointers of the faults that a body has.
  std::vector<std::string> faults(const std::string& target, const std::string& body) {
    const auto response = call("POST", target, body);
    expect_problem(response, 422, "invalid-body");
    std::vector<std::string> pointers;
    const Json problem = response.json();
    for (const Json& fault : problem.at("errors")) pointers.push_back(string_member(fault, "pointer"));
    return pointers;
  }
  using Pointers = std::vector<std::string>;
  static constexpr const char* kClaim = "/v1/queues/mail/claim";
};

TEST_F(HttpTasks, AClaimIsHandedOnWithItsTerms) {
  service_.workers.will_hand_out({a_task()});

  const auto response = call("POST", kClaim,
                             R"({"worker_id":"w 1","instance":"p-1","handlers":["charge","mail.send"],"max_tasks":500,
                                 "wait_seconds":60,"lease_seconds":3600})");

  ASSERT_EQ(response.status, 200) << response.body;
  const Json task = response.json().at("tasks").at(0);
  EXPECT_EQ(task.at("task_token"), "token-1");
  EXPECT_EQ(task.at("input"), Json({{"amount", 5}}));
  EXPECT_TRUE(task.at("deadline").is_null());
  EXPECT_TRUE(task.at("traceparent").is_null());
  const auto claim = service_.workers.claims().at(0);
  EXPECT_EQ(claim.filter.namespace_name, "default");
  EXPECT_EQ(claim.filter.queue, "mail");
  EXPECT_EQ(claim.filter.handlers, (std::vector<std::string>{"charge", "mail.send"}));
  EXPECT_EQ(claim.terms.worker_id, "w 1");
  EXPECT_EQ(claim.terms.instance, "p-1");
  EXPECT_EQ(claim.max_tasks, 500U);
  EXPECT_EQ(claim.wait, std::chrono::seconds{60});
  EXPECT_EQ(claim.terms.lease, std::chrono::hours{1});
}

TEST_F(HttpTasks, AClaimHasDefaults) {
  EXPECT_EQ(call("POST", kClaim, R"({"worker_id":"w"})").json().at("tasks"), Json::array());

  const auto claim = service_.workers.claims().at(0);
  EXPECT_TRUE(claim.filter.handlers.empty());
  EXPECT_EQ(claim.max_tasks, 1U);
  EXPECT_EQ(claim.wait, Duration{0});
  EXPECT_EQ(claim.terms.lease, std::chrono::seconds{30});
}

TEST_F(HttpTasks, EveryMemberOfAClaimIsChecked) {
  EXPECT_EQ(faults(kClaim, "{}"), Pointers{"/worker_id"});
  EXPECT_EQ(faults(kClaim, R"({"worker_id":""})"), Pointers{"/worker_id"});
  EXPECT_EQ(faults(kClaim, R"({"worker_id":"w","max_tasks":0})"), Pointers{"/max_tasks"});
  EXPECT_EQ(faults(kClaim, R"({"worker_id":"w","max_tasks":501})"), Pointers{"/max_tasks"});
  EXPECT_EQ(faults(kClaim, R"({"worker_id":"w","wait_seconds":61})"), Pointers{"/wait_seconds"});
  EXPECT_EQ(faults(kClaim, R"({"worker_id":"w","wait_seconds":-1})"), Pointers{"/wait_seconds"});
  EXPECT_EQ(faults(kClaim, R"({"worker_id":"w","lease_seconds":0})"), Pointers{"/lease_seconds"});
  EXPECT_EQ(faults(kClaim, R"({"worker_id":"w","lease_seconds":3601})"), Pointers{"/lease_seconds"});
  EXPECT_EQ(faults(kClaim, R"({"worker_id":"w","handlers":[]})"), Pointers{"/handlers"});
  EXPECT_EQ(faults(kClaim, R"({"worker_id":"w","handlers":["a b"]})"), Pointers{"/handlers"});
  EXPECT_EQ(faults(kClaim, R"({"worker_id":"w","handlers":[1]})"), Pointers{"/handlers"});
  EXPECT_EQ(faults(kClaim, R"({"worker_id":"w","colour":"red"})"), Pointers{"/colour"});
  EXPECT_EQ(call("POST", "/v1/queues/a%20b/claim", R"({"worker_id":"w"})").status, 404);
  EXPECT_TRUE(service_.workers.claims().empty());
}

TEST_F(HttpTasks, ReportsAreHandedOn) {
  ASSERT_EQ(call("POST", "/v1/tasks/t1/complete", R"({"output":[1]})").status, 200);
  ASSERT_EQ(call("POST", "/v1/tasks/t1/complete").status, 200);
  ASSERT_EQ(
      call("POST", "/v1/tasks/t1/fail", R"({"error":"E","cause":"c","retryable":false,"retry_after_seconds":1.5})")
          .status,
      200);
  const auto beat = call("POST", "/v1/tasks/t1/heartbeat", R"({"details":{"page":1}})");
  ASSERT_EQ(call("POST", "/v1/tasks/t1/release", R"({"delay_seconds":0.25})").status, 200);

  ASSERT_EQ(beat.status, 200);
  EXPECT_TRUE(beat.json().contains("cancel_requested"));
  EXPECT_TRUE(beat.json().contains("lease_expires_at"));
  const auto reports = service_.workers.reports();
  ASSERT_EQ(reports.size(), 5U);
  EXPECT_EQ(reports[0].token, "t1");
  EXPECT_EQ(reports[0].namespace_name, "default");
  EXPECT_EQ(json_of(reports[0].outcome.output), Json::array({1}));
  EXPECT_TRUE(json_of(reports[1].outcome.output).is_null());
  EXPECT_EQ(reports[2].outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(reports[2].outcome.error, "E");
  EXPECT_FALSE(reports[2].outcome.retryable);
  EXPECT_EQ(reports[2].outcome.delay, std::chrono::milliseconds{1'500});
  EXPECT_EQ(reports[3].kind, TaskReport::Kind::heartbeat);
  EXPECT_EQ(json_of(reports[3].details), Json({{"page", 1}}));
  EXPECT_EQ(reports[4].outcome.kind, Outcome::Kind::snoozed);
  EXPECT_EQ(reports[4].outcome.delay, std::chrono::milliseconds{250});
}

TEST_F(HttpTasks, EveryMemberOfAReportIsChecked) {
  EXPECT_EQ(faults("/v1/tasks/t/complete", R"({"result":1})"), Pointers{"/result"});
  EXPECT_EQ(faults("/v1/tasks/t/fail", "{}"), Pointers{"/error"});
  EXPECT_EQ(faults("/v1/tasks/t/fail", R"({"error":"E","retryable":"no"})"), Pointers{"/retryable"});
  EXPECT_EQ(faults("/v1/tasks/t/fail", R"({"error":"E","retry_after_seconds":-1})"), Pointers{"/retry_after_seconds"});
  EXPECT_EQ(faults("/v1/tasks/t/heartbeat", R"({"detail":1})"), Pointers{"/detail"});
  EXPECT_EQ(faults("/v1/tasks/t/heartbeat", R"({"details":")" + std::string(70'000, 'x') + R"("})"),
            Pointers{"/details"});
  EXPECT_EQ(faults("/v1/tasks/t/release", R"({"delay_seconds":-0.5})"), Pointers{"/delay_seconds"});
  EXPECT_EQ(faults("/v1/tasks/t/release", R"({"delay_seconds":"soon"})"), Pointers{"/delay_seconds"});
  EXPECT_EQ(call("POST", "/v1/tasks/t/release", "[1]").status, 422);
  EXPECT_EQ(call("POST", "/v1/tasks/t/release", "{").status, 400);
  EXPECT_EQ(call("GET", "/v1/tasks/t/complete").status, 405);
  EXPECT_TRUE(service_.workers.reports().empty());
}

TEST_F(HttpTasks, AStaleLeaseIsAConflict) {
  service_.workers.will_answer(runtime::stale_lease());

  expect_problem(call("POST", "/v1/tasks/t/complete"), 409, "stale-lease");
  expect_problem(call("POST", "/v1/tasks/t/heartbeat"), 409, "stale-lease");
}

TEST_F(HttpTasks, AWaitingClaimIsAnsweredWhenTheServerEnds) {
  auto waiting =
      std::async(std::launch::async, [&] { return call("POST", kClaim, R"({"worker_id":"w","wait_seconds":60})"); });
  while (service_.workers.claims().empty()) std::this_thread::yield();

  api_->drain();

  const auto response = waiting.get();
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.json().at("tasks"), Json::array());
}

TEST_F(HttpTasks, AServerThatEndsLetsNoClaimWait) {
  api_->drain();

  const auto response = call("POST", kClaim, R"({"worker_id":"w","wait_seconds":60})");

  EXPECT_EQ(response.status, 200) << response.body;
}

TEST_F(HttpTasks, TasksOfAClaimThatHungUpAreGivenBack) {
  {
    HttpClient hasty(server_->port());
    hasty.send(
        format_request("POST", kClaim, R"({"worker_id":"w","wait_seconds":60})",
                       {{"Authorization", std::string("Bearer ") + kAdminKey}, {"Content-Type", "application/json"}}));
    while (service_.workers.claims().empty()) std::this_thread::yield();
  }

  service_.workers.give_to_waiting({a_task()});

  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (service_.workers.given_back() == 0 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_EQ(service_.workers.given_back(), 1U);
}

}  // namespace
}  // namespace orchestrator::api
