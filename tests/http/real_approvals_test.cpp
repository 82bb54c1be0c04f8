// Keys and second approvers of the shipped binary on more than one node, and over the death of one.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "tests/http/remote_cluster.hpp"

namespace orchestrator::testing_support {
namespace {

using std::chrono::steady_clock;

constexpr const char* kWait =
    R"({"StartAt":"Wait","States":{"Wait":{"Type":"Task","Resource":"signal:paid","End":true}}})";
constexpr const char* kFail = R"({"StartAt":"Try","States":{"Try":{"Type":"Task","Resource":"handler:fail",
  "Parameters":{"error":"Boom","cause":"asked to"},"End":true}}})";

/// Nodes, and an operator beside the admin.
class RealApprovals : public testing::Test {
 protected:
  void begin(const std::vector<std::string>& nodes) {
    for (const std::string& node : nodes) ASSERT_TRUE(cluster_.start(node)) << cluster_.node(node).log();
    cluster_.deploy("a", "wait", kWait);
    cluster_.deploy("a", "fail", kFail);
    const auto made = cluster_.post("a", "/v1/api-keys", {{"name", "till"}, {"role", "operator"}});
    ASSERT_EQ(made.status, 201) << made.body;
    key_id_ = made.json().at("key_id");
    till_ = made.json().at("key");
  }
  ClientResponse as_till(const std::string& node, const std::string& method, const std::string& target,
                         const Json& body = {}) {
    ClientHeaders headers{{"Authorization", "Bearer " + till_}};
    if (!body.is_null()) headers.emplace_back("Content-Type", "application/json");
    HttpClient client(cluster_.node_port(node));
    return client.request(method, target, body.is_null() ? std::string{} : dump_json(body), headers);
  }
  void set_rules(const Json& rules) {
    HttpClient client(cluster_.node_port("a"));
    const auto set = client.request(
        "PUT", "/v1/policies", dump_json({{"rules", rules}}),
        {{"Authorization", std::string("Bearer ") + RemoteCluster::kAdminKey}, {"Content-Type", "application/json"}});
    ASSERT_EQ(set.status, 200) << set.body;
  }
  ClientResponse approve(const std::string& id) {
    return cluster_.post("a", "/v1/approvals/" + id + "/approve", Json::object());
  }
  /// Of a server that may die meanwhile.
  void try_to_approve(const std::string& id) {
    try {
      approve(id);
    } catch (const std::runtime_error&) {
    }
  }
  std::string state_of(const std::string& approval) {
    return string_member(cluster_.get("a", "/v1/approvals/" + approval).json(), "state");
  }
  std::size_t audited(const std::string& target, const std::string& action) {
    return cluster_.get("a", "/v1/audit?target=" + target + "&action=" + action).json().at("items").size();
  }

  RemoteCluster cluster_;
  std::string key_id_;
  std::string till_;
};

TEST_F(RealApprovals, AKeyRevokedOnOneNodeIsRefusedByAnotherWithinASecond) {
  begin({"a", "b"});
  ASSERT_TRUE(RemoteCluster::eventually([&] { return as_till("b", "GET", "/v1/runs").status == 200; }));

  HttpClient client(cluster_.node_port("a"));
  const auto revoked = client.request("DELETE", "/v1/api-keys/" + key_id_, {},
                                      {{"Authorization", std::string("Bearer ") + RemoteCluster::kAdminKey}});
  const auto answered = steady_clock::now();
  ASSERT_EQ(revoked.status, 204);
  EXPECT_EQ(as_till("a", "GET", "/v1/runs").status, 401);
  auto last_accepted = answered;
  while (as_till("b", "GET", "/v1/runs").status == 200) {
    last_accepted = steady_clock::now();
    ASSERT_LT(last_accepted - answered, std::chrono::seconds{20});
  }

  EXPECT_LT(last_accepted - answered, std::chrono::seconds{1});
}

TEST_F(RealApprovals, ABulkOperationOverTheNumberWaitsAndThenRuns) {
  begin({"a"});
  set_rules({{{"action", "operation.start"}, {"over", 3}}});
  std::vector<std::string> runs;
  for (int i = 0; i < 3; ++i) runs.push_back(cluster_.start_run("a", "wait"));
  const Json cancel = {{"action", "cancel"}, {"filter", {{"workflow", "wait"}}}, {"reason", "moved"}};

  // Three are not over three.
  EXPECT_TRUE(as_till("a", "POST", "/v1/operations", cancel).json().contains("operation_id"));
  for (const std::string& run : runs) cluster_.run_in("a", run, "cancelled");
  runs.clear();
  for (int i = 0; i < 4; ++i) runs.push_back(cluster_.start_run("a", "wait"));
  const auto asked = as_till("a", "POST", "/v1/operations", cancel);
  ASSERT_EQ(asked.status, 202) << asked.body;
  const std::string id = asked.json().at("approval_id");
  for (const std::string& run : runs) EXPECT_EQ(cluster_.run("a", run).at("state"), "waiting");

  const auto approved = approve(id);

  ASSERT_EQ(approved.status, 200) << approved.body;
  EXPECT_EQ(approved.json().at("state"), "done");
  EXPECT_EQ(approved.json().at("answer").at("matched"), 4);
  for (const std::string& run : runs) cluster_.run_in("a", run, "cancelled");
  const std::string operation = approved.json().at("answer").at("operation_id");
  EXPECT_EQ(audited(operation, "operation.start"), 1U);
  EXPECT_EQ(cluster_.get("a", "/v1/operations/" + operation).json().at("actor"), "till");
}

TEST_F(RealApprovals, WhatNobodyApprovesEndsAtItsTime) {
  begin({"a"});
  set_rules({{{"action", "run.kill"}, {"expires_in_seconds", 1}}});
  const std::string run = cluster_.start_run("a", "wait");
  const auto asked = as_till("a", "POST", "/v1/runs/" + run + "/cancel", {{"mode", "kill"}, {"reason", "stuck"}});
  ASSERT_EQ(asked.status, 202) << asked.body;

  // Nobody looks at the request itself.
  EXPECT_TRUE(RemoteCluster::eventually([&] { return audited(run, "approval.expire") == 1; }));
  EXPECT_EQ(state_of(asked.json().at("approval_id")), "expired");
  EXPECT_EQ(cluster_.run("a", run).at("state"), "waiting");
}

TEST_F(RealApprovals, AServerThatDiesAfterApprovalsDoesEachActionOnce) {
  constexpr int kRuns = 24;
  begin({"a"});
  std::vector<std::string> runs;
  for (int i = 0; i < kRuns; ++i) runs.push_back(cluster_.start_run("a", "fail"));
  for (const std::string& run : runs) cluster_.run_in("a", run, "failed");
  set_rules({{{"action", "run.retry"}}});
  std::vector<std::string> approvals;
  for (const std::string& run : runs) {
    approvals.push_back(
        as_till("a", "POST", "/v1/runs/" + run + "/retry", {{"reason", "again"}}).json().at("approval_id"));
  }

  // All at once, so that the kill finds some approved and not carried out, some done, some not approved.
  std::vector<std::thread> approvers;
  for (const std::string& approval : approvals) approvers.emplace_back([&, approval] { try_to_approve(approval); });
  EXPECT_TRUE(RemoteCluster::eventually([&] {
    return !cluster_.get("a", "/v1/approvals?state=approved").json().at("items").empty() ||
           cluster_.get("a", "/v1/approvals?state=waiting").json().at("items").empty();
  }));
  cluster_.node("a").kill();
  for (std::thread& approver : approvers) approver.join();
  ASSERT_TRUE(cluster_.start("a")) << cluster_.node("a").log();
  const auto cut_short = cluster_.get("a", "/v1/approvals?state=approved").json().at("items").size();
  RecordProperty("approvals_cut_short", static_cast<int>(cut_short));
  for (const std::string& approval : approvals) {
    if (state_of(approval) == "waiting") EXPECT_EQ(approve(approval).status, 200);
  }

  // Those that were cut short are gone on with by the node itself, after what a request may take.
  const auto deadline = steady_clock::now() + std::chrono::seconds{90};
  for (const std::string& approval : approvals) {
    while (state_of(approval) != "done" && steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(state_of(approval), "done");
  }
  for (const std::string& run : runs) {
    EXPECT_EQ(audited(run, "approval.approve"), 1U);
    EXPECT_EQ(audited(run, "run.retry"), 1U);
    // It fails again, once.
    cluster_.run_in("a", run, "failed");
    const auto types = cluster_.history("a", run);
    EXPECT_EQ(std::count(types.begin(), types.end(), "RunRetried"), 1);
  }
}

}  // namespace
}  // namespace orchestrator::testing_support
