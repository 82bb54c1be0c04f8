// The audit, API keys and second approvers of the shipped binary, with its real engine, database and command line.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "tests/http/real_server.hpp"
#include "tests/support/http_client.hpp"

namespace orchestrator::testing_support {
namespace {

constexpr const char* kWait =
    R"({"StartAt":"Wait","States":{"Wait":{"Type":"Task","Resource":"signal:paid","End":true}}})";
constexpr const char* kAsk =
    R"({"StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"decision:release","End":true}}})";
constexpr const char* kFail = R"({"StartAt":"Try","States":{"Try":{"Type":"Task","Resource":"handler:fail",
  "Parameters":{"error":"Boom","cause":"asked to"},"End":true}}})";

class RealAccess : public testing::Test {
 protected:
  // One server for all tests, which therefore name their own workflows, queues and keys.
  static void SetUpTestSuite() {
    server_ = std::make_unique<RealServer>();
    ASSERT_TRUE(server_->start()) << server_->log();
    for (const auto& [name, text] :
         std::map<std::string, std::string>{{"wait", kWait}, {"ask", kAsk}, {"fail", kFail}}) {
      ASSERT_EQ(call("POST", "/v1/workflows/" + name + "/versions", *parse_json(text)).status, 201);
    }
  }
  static void TearDownTestSuite() { server_.reset(); }

  static ClientResponse call(const std::string& method, const std::string& target, const Json& body = {},
                             const std::string& key = RealServer::kAdminKey) {
    ClientHeaders headers{{"Authorization", "Bearer " + key}};
    if (!body.is_null()) headers.emplace_back("Content-Type", "application/json");
    HttpClient client(server_->port());
    return client.request(method, target, body.is_null() ? std::string{} : dump_json(body), headers);
  }
  static std::string start(const std::string& workflow) {
    const auto started = call("POST", "/v1/runs", {{"workflow", workflow}});
    EXPECT_EQ(started.status, 201) << started.body;
    return string_member(started.json(), "run_id");
  }
  static std::string path_of(const std::string& run_id, const std::string& action) {
    return "/v1/runs/" + run_id + "/" + action;
  }
  /// The actions on a target, in their order.
  static std::vector<Json> audit_of(const std::string& target) {
    const Json items = call("GET", "/v1/audit?target=" + target).json().at("items");
    return {items.rbegin(), items.rend()};
  }
  static std::vector<std::string> actions_on(const std::string& target) {
    std::vector<std::string> actions;
    for (const Json& row : audit_of(target)) actions.push_back(row.at("action"));
    return actions;
  }

  /// Waits for what another thread or node does.
  template <typename Condition>
  static bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    return true;
  }

  struct Ran {
    int code = 0;
    std::string output;
  };
  static Ran command_line(const std::string& words, const std::string& settings = {}) {
    const std::string command = "ORCHESTRATOR_URL=http://127.0.0.1:" + std::to_string(server_->port()) +
                                " ORCHESTRATOR_API_KEY=" + RealServer::kAdminKey + " " + settings + " " + ORC_BINARY +
                                " " + words + " 2>&1";
    Ran ran;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    char piece[4096];
    for (std::size_t got = 0; (got = std::fread(piece, 1, sizeof piece, pipe)) > 0;) ran.output.append(piece, got);
    ran.code = WEXITSTATUS(::pclose(pipe));
    return ran;
  }
  static std::string database() { return "ORCHESTRATOR_DATABASE_URL='" + server_->database_url() + "'"; }

  static std::unique_ptr<RealServer> server_;
};

std::unique_ptr<RealServer> RealAccess::server_;

TEST_F(RealAccess, WhatOperatorsDoToARunIsWrittenDownWithIt) {
  const std::string run = start("wait");
  const auto failed = call("POST", "/v1/runs?wait=10", {{"workflow", "fail"}}).json();
  const std::string failed_id = string_member(failed, "run_id");
  ASSERT_EQ(failed.at("state"), "failed");

  ASSERT_EQ(call("POST", path_of(run, "edit"), {{"set", {{"priority", 5}}}, {"reason", "urgent"}}).status, 202);
  ASSERT_EQ(call("POST", path_of(run, "cancel"), {{"reason", "typo"}}, RealServer::kOperatorKey).status, 202);
  ASSERT_EQ(call("POST", path_of(run, "retry"), {{"reason", "after all"}}).status, 202);
  ASSERT_EQ(call("POST", path_of(run, "cancel"), {{"mode", "kill"}, {"reason", "now"}}).status, 202);
  ASSERT_EQ(call("POST", "/v1/dead-letters/" + failed_id + "/discard", {{"reason", "known"}}).status, 200);

  EXPECT_EQ(actions_on(run), (std::vector<std::string>{"run.edit", "run.cancel", "run.retry", "run.kill"}));
  EXPECT_EQ(actions_on(failed_id), std::vector<std::string>{"run.discard"});
  const auto rows = audit_of(run);
  EXPECT_EQ(rows[1].at("actor"), "till");
  EXPECT_EQ(rows[1].at("role"), "operator");
  EXPECT_EQ(rows[1].at("reason"), "typo");
  EXPECT_EQ(rows[0].at("actor"), "admin-key");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_NE(rows[i].at("before_hash"), rows[i].at("after_hash"));
    if (i > 0) EXPECT_EQ(rows[i].at("seq"), rows[i - 1].at("seq").get<int>() + 1);
  }
}

TEST_F(RealAccess, PauseResumeAndSkipAreWrittenDown) {
  const std::string run = start("wait");

  ASSERT_EQ(call("POST", path_of(run, "pause"), {{"reason", "look"}}, RealServer::kOperatorKey).status, 202);
  ASSERT_EQ(call("POST", path_of(run, "resume"), Json::object(), RealServer::kOperatorKey).status, 202);
  ASSERT_EQ(call("POST", path_of(run, "skip"), {{"reason", "paid in cash"}}, RealServer::kOperatorKey).status, 202);

  EXPECT_EQ(actions_on(run), (std::vector<std::string>{"run.pause", "run.resume", "run.skip"}));
  EXPECT_EQ(audit_of(run).back().at("reason"), "paid in cash");
  EXPECT_EQ(audit_of(run).back().at("actor"), "till");
}

TEST_F(RealAccess, WhatABulkOperationDoesIsWrittenDown) {
  ASSERT_EQ(call("POST", "/v1/workflows/bulk/versions", *parse_json(kFail)).status, 201);
  const auto failed = call("POST", "/v1/runs?wait=10", {{"workflow", "bulk"}}).json();
  ASSERT_EQ(failed.at("state"), "failed");
  const Json discard = {{"action", "discard"}, {"filter", {{"workflow", "bulk"}}}, {"reason", "known"}};
  const Json cancel = {{"action", "cancel"}, {"filter", {{"workflow", "ask"}}}, {"reason", "late"}};
  for (int i = 0; i < 40; ++i) start("ask");

  const auto started = call("POST", "/v1/operations", discard, RealServer::kOperatorKey);
  ASSERT_EQ(started.status, 202) << started.body;
  const std::string id = started.json().at("operation_id");
  EXPECT_TRUE(until([&] { return call("GET", "/v1/operations/" + id).json().at("state") == "done"; }));
  Json slow = cancel;
  slow["rate_per_second"] = 1;
  const std::string second = call("POST", "/v1/operations", slow).json().at("operation_id");
  ASSERT_EQ(call("POST", "/v1/operations/" + second + "/stop", {}, RealServer::kOperatorKey).status, 200);

  EXPECT_EQ(actions_on(id), std::vector<std::string>{"operation.start"});
  EXPECT_EQ(audit_of(id).front().at("actor"), "till");
  EXPECT_TRUE(audit_of(id).front().at("before_hash").is_null());
  EXPECT_EQ(actions_on(string_member(failed, "run_id")), std::vector<std::string>{"run.discard"});
  EXPECT_EQ(actions_on(second), (std::vector<std::string>{"operation.start", "operation.stop"}));
}

TEST_F(RealAccess, ReplaysAndRetargetsOfSignalsAreWrittenDown) {
  const auto sent = call("POST", "/v1/signals/nobody-waits", {{"key", "k-1"}, {"payload", {{"n", 1}}}});
  ASSERT_EQ(sent.status, 202) << sent.body;
  const std::string first = sent.json().at("signal_id");

  const auto replayed = call("POST", "/v1/signals/" + first + "/replay", {{"reason", "lost"}});
  ASSERT_EQ(replayed.status, 202) << replayed.body;
  const std::string second = replayed.json().at("signal_id");
  // While it is on its way to its receiver's shard it can be sent nowhere else.
  EXPECT_TRUE(until([&] {
    return call("POST", "/v1/signals/" + second + "/retarget", {{"key", "k-2"}, {"reason", "wrong key"}},
                RealServer::kOperatorKey)
               .status == 202;
  }));

  EXPECT_EQ(actions_on(first), std::vector<std::string>{"signal.replay"});
  EXPECT_EQ(actions_on(second), std::vector<std::string>{"signal.retarget"});
  EXPECT_EQ(audit_of(second).front().at("actor"), "till");
  EXPECT_EQ(audit_of(second).front().at("reason"), "wrong key");
}

TEST_F(RealAccess, WhatIsRefusedIsNotWrittenDown) {
  const std::string run = start("wait");

  EXPECT_EQ(call("POST", path_of(run, "retry"), Json::object()).status, 409);
  EXPECT_EQ(call("POST", path_of(run, "cancel"), {{"mode", "kill"}}).status, 422);

  EXPECT_TRUE(audit_of(run).empty());
}

TEST_F(RealAccess, WhatIsDoneToQueuesSchedulesDefinitionsAndDecisionsIsToo) {
  ASSERT_EQ(call("POST", "/v1/queues/mail/pause", {{"reason", "down"}}).status, 200);
  ASSERT_EQ(call("POST", "/v1/queues/mail/resume").status, 200);
  ASSERT_EQ(call("PUT", "/v1/queues/mail/limits", {{"max_in_flight", 3}}).status, 200);
  EXPECT_EQ(actions_on("mail"), (std::vector<std::string>{"queue.pause", "queue.resume", "queue.limits"}));

  const Json schedule = {{"name", "nightly"}, {"cron", "0 3 * * *"}, {"workflow", "wait"}};
  ASSERT_EQ(call("POST", "/v1/schedules", schedule).status, 201);
  ASSERT_EQ(call("POST", "/v1/schedules/nightly/pause").status, 200);
  ASSERT_EQ(call("POST", "/v1/schedules/nightly/resume").status, 200);
  ASSERT_EQ(call("POST", "/v1/schedules/nightly/trigger").status, 201);
  ASSERT_EQ(call("DELETE", "/v1/schedules/nightly").status, 204);
  EXPECT_EQ(actions_on("nightly"), (std::vector<std::string>{"schedule.create", "schedule.pause", "schedule.resume",
                                                             "schedule.trigger", "schedule.remove"}));
  EXPECT_TRUE(audit_of("nightly").front().at("before_hash").is_null());
  EXPECT_TRUE(audit_of("nightly").back().at("after_hash").is_null());

  EXPECT_EQ(actions_on("ask"), std::vector<std::string>{"workflow.deploy"});
  const std::string run = start("ask");
  ASSERT_EQ(
      call("POST", "/v1/runs/" + run + "/signals/release?wait=5", {{"ok", true}}, RealServer::kOperatorKey).status,
      200);
  const auto rows = audit_of(run);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].at("action"), "decision.answer");
  EXPECT_EQ(rows[0].at("actor"), "till");
}

TEST_F(RealAccess, TheCommandLineListsExportsAndVerifies) {
  const std::string run = start("wait");
  ASSERT_EQ(call("POST", path_of(run, "cancel"), {{"reason", "typo"}}).status, 202);
  const auto file = std::filesystem::temp_directory_path() / ("orc-audit-" + std::to_string(::getpid()) + ".jsonl");

  const auto listed = command_line("audit list --target " + run + " -o json");
  ASSERT_EQ(listed.code, 0) << listed.output;
  EXPECT_EQ(parse_json(listed.output)->at("items").size(), 1U);
  const auto verified = command_line("audit verify", database());
  EXPECT_EQ(verified.code, 0) << verified.output;
  EXPECT_NE(verified.output.find("intact"), std::string::npos);
  ASSERT_EQ(command_line("audit export --all-namespaces > " + file.string()).code, 0);
  const auto exported = command_line("audit verify -o json --file " + file.string());
  EXPECT_EQ(exported.code, 0) << exported.output;
  EXPECT_TRUE(parse_json(exported.output)->at("broken").empty());

  std::ifstream in(file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  text.replace(text.find("\"typo\""), 6, "\"oypt\"");
  std::ofstream(file) << text;
  const auto broken = command_line("audit verify --file " + file.string());

  EXPECT_EQ(broken.code, 1);
  EXPECT_NE(broken.output.find("do not give its hash"), std::string::npos) << broken.output;
  std::filesystem::remove(file);
}

TEST_F(RealAccess, AKeyIsMadeUsedAndRevokedAtOnce) {
  const auto made = command_line("api-key create till-2 --role operator -o json");
  ASSERT_EQ(made.code, 0) << made.output;
  const Json row = *parse_json(made.output);
  const std::string key = row.at("key");
  EXPECT_GE(key.size(), 36U);

  const std::string run = start("wait");
  EXPECT_EQ(call("POST", path_of(run, "cancel"), {{"reason", "typo"}}, key).status, 202);
  EXPECT_EQ(audit_of(run).at(0).at("actor"), "till-2");
  EXPECT_EQ(call("GET", "/v1/audit", {}, key).status, 403);
  EXPECT_NE(command_line("api-key list").output.find("till-2"), std::string::npos);
  ASSERT_EQ(command_line("api-key revoke " + row.at("key_id").get<std::string>()).code, 0);

  EXPECT_EQ(call("GET", "/v1/runs", {}, key).status, 401);
  EXPECT_EQ(actions_on(row.at("key_id")), (std::vector<std::string>{"api_key.create", "api_key.revoke"}));
}

TEST_F(RealAccess, NobodyIsAskedAboutWhatTheEngineWouldRefuse) {
  const Json rules = {{{"action", "run.skip"}}, {{"action", "run.retry"}}, {{"action", "run.pause"}}};
  ASSERT_EQ(call("PUT", "/v1/policies", {{"rules", rules}}).status, 200);
  const std::string waiting = start("wait");
  const auto failed = call("POST", "/v1/runs?wait=10", {{"workflow", "fail"}}).json();
  const std::string failed_id = string_member(failed, "run_id");
  const Json elsewhere = {{"reason", "x"}, {"state_name", "Elsewhere"}};

  EXPECT_EQ(call("POST", path_of(waiting, "skip"), elsewhere).status, 409);
  EXPECT_EQ(call("POST", path_of(waiting, "retry"), {{"reason", "x"}}).status, 409);
  EXPECT_EQ(call("POST", path_of(failed_id, "retry"), {{"from_state", "Elsewhere"}}).status, 422);
  EXPECT_EQ(call("POST", path_of(failed_id, "pause"), Json::object()).status, 409);
  EXPECT_TRUE(audit_of(waiting).empty());
  EXPECT_TRUE(audit_of(failed_id).empty());

  // What could be done is asked about, and the question itself changed nothing.
  const auto skip = call("POST", path_of(waiting, "skip"), {{"reason", "x"}});
  const auto retry = call("POST", path_of(failed_id, "retry"), {{"reason", "x"}});
  EXPECT_EQ(call("GET", "/v1/runs/" + waiting).json().at("state"), "waiting");
  EXPECT_EQ(call("GET", "/v1/runs/" + failed_id).json().at("state"), "failed");
  EXPECT_EQ(actions_on(waiting), std::vector<std::string>{"approval.request"});
  for (const auto& asked : {skip, retry}) {
    const std::string path = "/v1/approvals/" + string_member(asked.json(), "approval_id") + "/reject";
    EXPECT_EQ(call("POST", path, Json::object(), RealServer::kOperatorKey).status, 200) << asked.body;
  }
  ASSERT_EQ(call("PUT", "/v1/policies", {{"rules", Json::array()}}).status, 200);
}

TEST_F(RealAccess, AKillNeedsASecondPersonWhereARuleSaysSo) {
  const auto rules = std::filesystem::temp_directory_path() / ("orc-rules-" + std::to_string(::getpid()) + ".json");
  std::ofstream(rules) << R"({"rules":[{"action":"run.kill","workflows":["wait"]}]})";
  const auto set = command_line("policy set " + rules.string());
  std::filesystem::remove(rules);
  ASSERT_EQ(set.code, 0) << set.output;
  const std::string run = start("wait");
  const auto asked =
      call("POST", path_of(run, "cancel"), {{"mode", "kill"}, {"reason", "stuck"}}, RealServer::kOperatorKey);
  ASSERT_EQ(asked.status, 202) << asked.body;
  const std::string id = asked.json().at("approval_id");
  EXPECT_EQ(call("GET", "/v1/runs/" + run).json().at("state"), "waiting");

  const auto listed = command_line("approval list --state waiting -o json");
  EXPECT_EQ(parse_json(listed.output)->at("items").size(), 1U) << listed.output;
  EXPECT_EQ(call("POST", "/v1/approvals/" + id + "/approve", Json::object(), RealServer::kOperatorKey).status, 403);
  const auto approved = command_line("approval approve " + id + " --reason seen");

  EXPECT_EQ(approved.code, 0) << approved.output;
  EXPECT_EQ(call("GET", "/v1/runs/" + run).json().at("state"), "cancelled");
  EXPECT_EQ(actions_on(run), (std::vector<std::string>{"approval.request", "approval.approve", "run.kill"}));
  ASSERT_EQ(call("PUT", "/v1/policies", {{"rules", Json::array()}}).status, 200);
  EXPECT_EQ(command_line("audit verify", database()).code, 0);
}

}  // namespace
}  // namespace orchestrator::testing_support
